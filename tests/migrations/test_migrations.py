"""Migrations: they make exactly the tables that the code describes, and every step can be undone."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from secapi_core.ledger.tables import Base
from secapi_dev.servers.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
CONFIG = Config(toml_file=ROOT / "pyproject.toml")
SCRIPTS = ScriptDirectory.from_config(CONFIG)
REVISIONS = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]


@pytest.fixture
async def empty_url(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Address of a database that nobody has migrated, which migrations in this process go to."""
    url = await postgres_server.ensure_database("migrations")
    monkeypatch.setenv("SECAPI_DATABASE_URL", url)
    yield url
    await postgres_server.drop_database("migrations")


@pytest.fixture
async def engine(empty_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_async_engine(empty_url.replace("postgresql://", "postgresql+asyncpg://"))
    yield made
    await made.dispose()


async def upgrade(revision: str = "head") -> None:
    await asyncio.to_thread(command.upgrade, CONFIG, revision)


async def downgrade(revision: str) -> None:
    await asyncio.to_thread(command.downgrade, CONFIG, revision)


async def alembic(url: str, *arguments: str) -> str:
    """The command in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "alembic", *arguments),
        cwd=ROOT,
        env=os.environ | {"SECAPI_DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
    )
    stdout, _ = await process.communicate()
    assert process.returncode == 0
    return stdout.decode()


async def left_over(engine: AsyncEngine) -> list[str]:
    """Tables and types that are neither Postgres's nor Alembic's own."""
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S', 'v') "
            "AND relname <> 'alembic_version' "
            "UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'"
        )
        return [row[0] for row in rows]


async def test_migrated_tables_are_what_the_code_describes(engine: AsyncEngine) -> None:
    def differences(connection: Connection) -> object:
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)

    await upgrade()

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_checks_and_cascades_are_what_the_code_describes(engine: AsyncEngine) -> None:
    """What Alembic does not compare: two databases, one migrated and one made from the code, hold the same."""
    definitions = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version' "
        "UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes "
        "WHERE schemaname = 'public' AND tablename <> 'alembic_version' "
        "UNION ALL SELECT relname, 'options', reloptions::text FROM pg_class WHERE reloptions IS NOT NULL "
        "AND relnamespace = 'public'::regnamespace ORDER BY 1, 2, 3"
    )

    await upgrade()
    async with engine.connect() as connection:
        migrated = (await connection.exec_driver_sql(definitions)).all()
    await downgrade("base")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with engine.connect() as connection:
        described = (await connection.exec_driver_sql(definitions)).all()

    assert migrated == described


async def test_every_step_can_be_undone(engine: AsyncEngine) -> None:
    for revision in REVISIONS:
        await upgrade(revision)
        await downgrade("-1")
        await upgrade(revision)
    await downgrade("base")

    assert await left_over(engine) == []


async def test_migrators_that_start_together_wait_for_each_other(empty_url: str, engine: AsyncEngine) -> None:
    await asyncio.gather(*(alembic(empty_url, "upgrade", "head") for _ in range(3)))

    assert len(await left_over(engine)) > 5
    async with engine.connect() as connection:
        versions = await connection.exec_driver_sql("SELECT version_num FROM alembic_version")
        assert versions.all() == [(REVISIONS[-1],)]


async def test_a_step_that_fails_leaves_nothing(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE artifacts (mine integer)")

    with pytest.raises(ProgrammingError, match="already exists"):
        await upgrade()

    assert await left_over(engine) == ["artifacts"]


async def test_migrations_can_be_printed_for_an_administrator(empty_url: str) -> None:
    sql = await alembic(empty_url, "upgrade", "head", "--sql")

    assert "CREATE TABLE scan_jobs" in sql
    assert "COMMIT" in sql


def test_history_is_one_line() -> None:
    assert len(SCRIPTS.get_heads()) == len(SCRIPTS.get_bases()) == 1
