"""Free ports."""

import contextlib
import socket
import subprocess
import sys

import pytest

from secapi_dev import ports as ports_module
from secapi_dev.ports import CANDIDATES, Ports


def test_a_reserved_port_can_be_listened_on() -> None:
    with contextlib.closing(Ports()) as ports, socket.create_server(("127.0.0.1", ports.reserve())) as server:
        assert server.getsockname()[1] in CANDIDATES


def test_a_port_is_given_once_even_to_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports_module, "CANDIDATES", range(29_000, 29_020))
    with contextlib.closing(Ports()) as ours:
        taken = {ours.reserve() for _ in range(14)}
        theirs = subprocess.check_output([sys.executable, "-c", OTHER], text=True, timeout=30)
    assert len(taken) == 14
    assert taken.isdisjoint(map(int, theirs.split()))


OTHER = """
from secapi_dev import ports
ports.CANDIDATES = range(29_000, 29_020)
mine = ports.Ports()
print(*(mine.reserve() for _ in range(4)))
"""


def test_a_port_on_which_somebody_listens_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.closing(Ports()) as ports:
        busy = server.getsockname()[1]
        monkeypatch.setattr(ports_module, "CANDIDATES", [busy, busy + 1, busy + 2])
        assert ports.reserve() != busy
