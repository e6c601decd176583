"""``secapi_scaler``, the role of autoscalers: it reads one view and nothing else."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import make_url

from secapi_dev import paths
from secapi_dev.servers.postgres import PostgresServer

CONFIG = Config(toml_file=paths.CHECKOUT / "pyproject.toml")
ROLE = "secapi_scaler"
PASSWORD = "of-the-scaler"  # noqa: S105 - of a server that lives as long as the test


@pytest.fixture
async def empty_url(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Address of a database that nobody has migrated; afterwards the role is gone, too."""
    url = await postgres_server.ensure_database("scaled")
    monkeypatch.setenv("SECAPI_DATABASE_URL", url)
    yield url
    await postgres_server.drop_database("scaled")
    await execute(postgres_server.admin_url, f"DROP ROLE IF EXISTS {ROLE}")


async def execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def read_as_scaler(url: str, relation: str) -> None:
    as_scaler = make_url(url).set(username=ROLE, password=PASSWORD).render_as_string(hide_password=False)
    await execute(as_scaler, f"SELECT * FROM {relation}")  # noqa: S608 - relations of this module


async def test_a_role_that_is_there_before_the_migration_reads_the_view_and_no_table(
    postgres_server: PostgresServer, empty_url: str
) -> None:
    await execute(postgres_server.admin_url, f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
    await asyncio.to_thread(command.upgrade, CONFIG, "head")

    await read_as_scaler(empty_url, "pool_load")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await read_as_scaler(empty_url, "scan_jobs")


async def test_a_role_that_is_made_later_reads_the_view_once_it_is_granted(
    postgres_server: PostgresServer, empty_url: str
) -> None:
    await asyncio.to_thread(command.upgrade, CONFIG, "head")
    await execute(postgres_server.admin_url, f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await read_as_scaler(empty_url, "pool_load")

    await execute(empty_url, f"GRANT SELECT ON pool_load TO {ROLE}")
    await read_as_scaler(empty_url, "pool_load")
