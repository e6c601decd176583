"""Asking for the addresses of a name."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any

import pytest

from secapi_core.webhooks.resolver import Resolver


@pytest.fixture
async def resolver() -> AsyncIterator[Resolver]:
    resolver = Resolver(threads=2)
    yield resolver
    resolver.close()


async def test_a_name_has_addresses(resolver: Resolver) -> None:
    assert ip_address("127.0.0.1") in await resolver("localhost")


async def test_a_name_that_nobody_has_has_none(resolver: Resolver) -> None:
    with pytest.raises(OSError, match=r"\[Errno -"):
        await resolver("nowhere.invalid")


async def test_names_whose_servers_are_silent_are_in_nobody_elses_way(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering = threading.Event()

    def silent(*_arguments: Any, **_options: Any) -> Any:
        answering.wait()
        return []

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", silent)
        waiting = [asyncio.create_task(resolver("silent.example")) for _ in range(100)]
        await asyncio.sleep(0)
    try:
        async with asyncio.timeout(5):
            assert await asyncio.get_running_loop().getaddrinfo("localhost", 80)
    finally:
        answering.set()
    assert await asyncio.gather(*waiting) == [[]] * 100
