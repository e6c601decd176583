"""``secapi-migrate`` as a process: it waits, migrates once however many run, and says what is wrong."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from secapi_dev.ports import Ports
from secapi_dev.processes.program import running
from secapi_dev.processes.state import temporary_state
from secapi_dev.servers.postgres import PostgresServer
from secapi_migrations import revisions

HEAD = revisions.newest()


@dataclass(frozen=True)
class Run:
    """How a run ended and what it wrote: log lines, and whatever else."""

    code: int
    log: list[dict[str, Any]]
    said: str

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.log]


async def start(url: str, *arguments: str, wait: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "secapi_migrations.main", *arguments),
        env=os.environ | {"SECAPI_DATABASE_URL": url, "SECAPI_MIGRATE_WAIT": str(wait)},
        stderr=asyncio.subprocess.PIPE,
    )


async def result(process: asyncio.subprocess.Process) -> Run:
    _, stderr = await process.communicate()
    lines = stderr.decode().splitlines()
    log = [json.loads(line) for line in lines if line.startswith("{")]
    return Run(process.returncode or 0, log, "\n".join(line for line in lines if not line.startswith("{")))


async def migrate(url: str, *arguments: str, wait: int = 0) -> Run:
    return await result(await start(url, *arguments, wait=wait))


async def execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def test_an_empty_database_gets_the_newest_schema_and_the_log_says_so(empty_database_url: str) -> None:
    run = await migrate(empty_database_url)

    assert (run.code, run.events) == (0, ["schema migrated"])
    assert (run.log[0]["from"], run.log[0]["to"]) == (None, HEAD)
    await execute(empty_database_url, "SELECT 1 FROM scan_jobs")


async def test_a_second_run_changes_nothing(database_url: str) -> None:
    run = await migrate(database_url)

    assert (run.code, run.events) == (0, ["schema is the newest"])


async def test_of_several_that_start_together_one_migrates_and_all_succeed(empty_database_url: str) -> None:
    runs = await asyncio.gather(*(migrate(empty_database_url) for _ in range(3)))

    assert [run.code for run in runs] == [0, 0, 0]
    assert sorted(event for run in runs for event in run.events) == [
        "schema is the newest",
        "schema is the newest",
        "schema migrated",
    ]


async def test_a_database_that_starts_late_is_waited_for(ports: Ports) -> None:
    async with temporary_state() as state:
        server = await PostgresServer.prepared(state, ports.reserve())
        async with running(server.component(durable=False), state):
            url = await server.ensure_database("late")
        process = await start(url, wait=60)
        assert process.stderr is not None
        first = json.loads(await process.stderr.readline())
        async with running(server.component(durable=False), state):
            run = await result(process)

    assert first["event"] == "waiting for the database"
    assert f"127.0.0.1:{server.port}/late does not answer" in first["error"]
    assert (run.code, run.events[-1]) == (0, "schema migrated")


async def test_a_database_that_cannot_be_reached_is_told_in_one_sentence() -> None:
    run = await migrate("postgresql://secapi:hunter2@127.0.0.1:1/secapi")

    assert run.code == 1
    assert run.said.startswith(
        "secapi-migrate: the database in SECAPI_DATABASE_URL cannot be used: 127.0.0.1:1/secapi does not answer: "
    )
    assert "hunter2" not in run.said


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"password": "wrong"}, 'password authentication failed for user "secapi"'),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        (
            {"query": {"sslmode": "sometimes"}},
            "`sslmode` parameter must be one of: disable, allow, prefer, require, verify-ca, verify-full",
        ),
    ],
)
async def test_a_definite_no_is_told_at_once_in_one_sentence(
    database_url: str, change: dict[str, str], reason: str
) -> None:
    url = make_url(database_url).set(**change).render_as_string(hide_password=False)  # type: ignore[arg-type]  # by name
    run = await asyncio.wait_for(migrate(url, wait=600), 30)

    assert run.code == 1
    assert run.log == []
    assert run.said.startswith("secapi-migrate: the database in SECAPI_DATABASE_URL cannot be used: ")
    assert run.said.endswith(f" refuses: {reason}")


async def test_a_role_that_may_not_make_tables_is_told_in_one_sentence(
    postgres_server: PostgresServer, empty_database_url: str
) -> None:
    as_admin = make_url(postgres_server.admin_url).set(database=make_url(empty_database_url).database)
    await execute(
        as_admin.render_as_string(hide_password=False), "REVOKE CREATE ON SCHEMA public FROM pg_database_owner"
    )
    run = await migrate(empty_database_url)

    assert run.code == 1
    assert run.said.endswith(" refuses: permission denied for schema public")


async def test_what_is_no_address_is_told_in_one_sentence() -> None:
    run = await migrate("db.example")

    assert run.code == 1
    assert run.said.endswith("it is not of the form postgresql://user:password@host:port/database")


async def test_check_succeeds_only_on_the_newest_schema(empty_database_url: str) -> None:
    before = await migrate(empty_database_url, "--check")
    await migrate(empty_database_url)
    after = await migrate(empty_database_url, "--check")
    await execute(empty_database_url, "UPDATE alembic_version SET version_num = '0001'")
    behind = await migrate(empty_database_url, "--check")

    assert (before.code, before.said) == (1, f"secapi-migrate: the schema is at nothing, not at {HEAD}")
    assert (after.code, after.events) == (0, ["schema is the newest"])
    assert (behind.code, behind.said) == (1, f"secapi-migrate: the schema is at 0001, not at {HEAD}")


async def test_a_later_versions_schema_is_left_as_it_is(database_url: str) -> None:
    await execute(database_url, "UPDATE alembic_version SET version_num = 'later'")
    run = await migrate(database_url)

    assert (run.code, run.events) == (0, ["the schema is of a later version and stays as it is"])
    assert run.log[0]["revision"] == "later"
