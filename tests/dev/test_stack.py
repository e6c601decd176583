"""A whole stack from outside: what it tells, what it restarts, and that nothing of it stays behind.

Stand-ins take the place of SecAPI's components; all else is what ``secapi-dev up`` runs.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import asyncpg
import httpx
import psutil
import pytest

import stand_in_stack
from secapi_dev.controlplane.servers import ControlPlane
from secapi_dev.servers.valkey import ValkeyServer

START_SECONDS = 60
END_SECONDS = 20


@dataclass(frozen=True)
class Stack:
    """A stack in a process of its own, and where it keeps its files."""

    process: subprocess.Popen[bytes]
    directory: Path

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.directory / "stack.json").read_text())
        return facts

    def processes(self) -> list[psutil.Process]:
        """The stack's process and all its descendants."""
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def listening(self) -> set[tuple[str, int]]:
        """Addresses and ports on which the stack's processes accept TCP connections."""
        connections = [each for process in self.processes() for each in process.net_connections("tcp")]
        return {(each.laddr.ip, each.laddr.port) for each in connections if each.status == psutil.CONN_LISTEN}


@contextlib.contextmanager
def started(
    temporary: Path, state: Path | None = None, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Stack]:
    """Start a stack, in ``state`` or else in a directory of its own below ``temporary``; wait until it is ready."""
    with (temporary / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, stand_in_stack.__file__, *([state] if state else [])],
            env=os.environ | {"TMPDIR": str(temporary), **environment},
            stderr=output,
        )

    def ready() -> Path | None:
        assert process.poll() is None, (temporary / "output").read_text()
        return next((state or temporary).glob("stack.json" if state else "secapi-dev-*/stack.json"), None)

    try:
        yield Stack(process, eventually(ready, START_SECONDS).parent)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with started(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


T = TypeVar("T")


def eventually(probe: Callable[[], T | None], seconds: float) -> T:
    """The probe's first truthy answer."""
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < deadline, probe
        time.sleep(0.05)  # polling with a deadline: what is awaited happens in other processes
    return found


def lives(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended may wait for this process to take note, if this is the nearest subreaper."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(processes: list[psutil.Process]) -> bool:
    return eventually(lambda: not [process for process in processes if lives(process)], END_SECONDS)


def answer(url: str, query: str) -> object:
    """One value from a database, asked in a thread, as this one's event loop belongs to pytest."""

    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    with ThreadPoolExecutor() as pool:
        return pool.submit(asyncio.run, ask()).result()


def test_the_file_tells_all_that_a_program_needs(stack: Stack) -> None:
    facts = stack.facts
    assert set(facts) == {"apiUrl", "apiKey", "kubeconfig", "databaseUrl", "redisUrl", "metrics", "pids"}
    assert set(facts["metrics"]) == {"api", "operator", "worker"}
    assert set(facts["pids"]) == {"api", "operator", "worker", "postgres", "redis", "etcd", "apiserver"}
    assert len(facts["metrics"]["worker"]) == len(facts["pids"]["worker"]) == 2
    for url in (facts["metrics"]["api"], facts["metrics"]["operator"], *facts["metrics"]["worker"]):
        assert httpx.get(url).status_code == httpx.codes.OK


def test_process_ids_are_those_of_the_programs_themselves(stack: Stack) -> None:
    pids = stack.facts["pids"]
    names = {name: psutil.Process(pid).name() for name, pid in pids.items() if name != "worker"}
    assert names["postgres"] == "postgres"
    assert names["redis"].startswith("valkey-server")
    assert names["etcd"] == "etcd"
    assert names["apiserver"] == "kube-apiserver"
    assert "stand_in.py" in " ".join(psutil.Process(pids["api"]).cmdline())


def test_the_file_is_for_its_owner_only(stack: Stack) -> None:
    assert (stack.directory / "stack.json").stat().st_mode & 0o077 == 0


def test_everything_listens_on_loopback_only(stack: Stack) -> None:
    listening = stack.listening()
    assert len(listening) == 4 + 5  # four stand-ins; PostgreSQL, Valkey, kube-apiserver, etcd for clients and for peers
    assert {address for address, _ in listening} == {"127.0.0.1"}


def test_no_password_is_on_a_command_line(stack: Stack) -> None:
    secrets = [httpx.URL(stack.facts[name]).password for name in ("databaseUrl", "redisUrl")]
    command_lines = "\n".join(" ".join(process.cmdline()) for process in stack.processes())
    assert not [secret for secret in secrets if secret in command_lines]


@pytest.mark.parametrize("name", ["api", "postgres", "redis", "etcd", "apiserver"])
def test_a_killed_program_is_back_under_the_same_address_and_the_file_has_its_new_process_id(
    name: str, stack: Stack
) -> None:
    before = stack.facts
    os.kill(before["pids"][name], signal.SIGKILL)

    def replaced() -> dict[str, Any] | None:
        facts = stack.facts
        return facts if facts["pids"][name] != before["pids"][name] else None

    after = eventually(replaced, 30)
    assert psutil.Process(after["pids"][name]).is_running()
    assert {**after, "pids": {**after["pids"], name: None}} == {**before, "pids": {**before["pids"], name: None}}
    assert httpx.get(after["metrics"]["api"]).status_code == httpx.codes.OK
    assert answer(after["databaseUrl"], "SELECT 1") == 1


def test_a_second_stack_runs_beside_it_and_ends_without_a_trace(stack: Stack, tmp_path: Path) -> None:
    with started(tmp_path) as second:
        ports = second.listening()
        assert ports.isdisjoint(stack.listening())
        processes = second.processes()
        second.process.send_signal(signal.SIGTERM)
        assert second.process.wait(END_SECONDS + START_SECONDS) == 0
    assert gone(processes)
    assert [path.name for path in tmp_path.iterdir()] == ["output"]
    assert httpx.get(stack.facts["metrics"]["api"]).status_code == httpx.codes.OK


def test_given_servers_replace_the_embedded_ones(
    database_url: str, valkey_server: ValkeyServer, control_plane: ControlPlane, tmp_path: Path
) -> None:
    given = {
        "SECAPI_DATABASE_URL": database_url,
        "SECAPI_REDIS_URL": valkey_server.url,
        "KUBECONFIG": str(control_plane.admin_kubeconfig),
    }
    with started(tmp_path, environment=given) as stack:
        facts = stack.facts
        assert [facts[name] for name in ("databaseUrl", "redisUrl", "kubeconfig")] == list(given.values())
        assert [facts["pids"][name] for name in ("postgres", "redis", "etcd", "apiserver")] == [None] * 4
        assert len(stack.listening()) == 4


def test_a_killed_stack_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    with started(tmp_path) as stack:
        processes = stack.processes()
        ports = stack.listening()
        stack.process.kill()
        stack.process.wait()
        assert gone(processes)

        def only_output() -> bool:
            return [path.name for path in tmp_path.iterdir()] == ["output"]

        assert eventually(only_output, END_SECONDS)
        taken = {each.laddr for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN}
        assert taken.isdisjoint(ports)


def test_an_interrupt_keeps_the_data_of_a_given_directory_for_the_next_start(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with started(tmp_path, state) as first:
        answer(first.facts["databaseUrl"], "CREATE TABLE kept ()")
        processes = first.processes()
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(END_SECONDS + START_SECONDS) == 0
        assert gone(processes)
        assert not (state / "stack.json").exists()
    with started(tmp_path, state) as second:
        assert answer(second.facts["databaseUrl"], "SELECT to_regclass('kept')") is not None


def test_a_signal_during_the_start_ends_it_without_a_trace(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, stand_in_stack.__file__], env=os.environ | {"TMPDIR": str(tmp_path)}, stderr=subprocess.PIPE
    )

    def starting() -> bool:
        return any(tmp_path.glob("secapi-dev-*/logs/apiserver.log"))

    assert eventually(starting, START_SECONDS)
    processes = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    process.send_signal(signal.SIGTERM)
    _, complaints = process.communicate(timeout=END_SECONDS)
    assert process.returncode == 0
    assert b"Traceback" not in complaints
    assert gone(processes)
    assert list(tmp_path.iterdir()) == []
