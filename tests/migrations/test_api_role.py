"""``secapi_api``, the role of the API: made by migrations where they may, and asked for where they may not."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError

from secapi_dev import paths
from secapi_dev.servers.postgres import PostgresServer

CONFIG = Config(toml_file=paths.CHECKOUT / "pyproject.toml")


async def administer(server: PostgresServer, *statements: str) -> None:
    connection = await asyncpg.connect(server.admin_url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def without_role(
    postgres_server: PostgresServer, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[PostgresServer]:
    """A server without the role, until the test has ended; migrations go to an empty database of it."""
    monkeypatch.setenv("SECAPI_DATABASE_URL", empty_database_url)
    await administer(postgres_server, "ALTER ROLE secapi_api RENAME TO put_away")
    yield postgres_server
    await administer(postgres_server, "ALTER ROLE secapi NOCREATEROLE")
    if await holders(postgres_server):
        await asyncio.to_thread(command.downgrade, CONFIG, "base")
        await administer(postgres_server, "DROP ROLE secapi_api")
    await administer(postgres_server, "ALTER ROLE put_away RENAME TO secapi_api")


async def holders(server: PostgresServer) -> list[str]:
    """Who may take on the role, if it is there."""
    connection = await asyncpg.connect(server.admin_url)
    try:
        rows = await connection.fetch(
            "SELECT member::regrole::text FROM pg_auth_members "
            "WHERE roleid = (SELECT oid FROM pg_roles WHERE rolname = 'secapi_api' AND NOT rolcanlogin)"
        )
        return [row[0] for row in rows]
    finally:
        await connection.close()


async def test_an_owner_who_may_not_make_roles_is_told_what_to_run(without_role: PostgresServer) -> None:
    with pytest.raises(DBAPIError) as refused:
        await asyncio.to_thread(command.upgrade, CONFIG, "head")
    assert "there is no role secapi_api, and secapi may not make it" in str(refused.value)
    assert "CREATE ROLE secapi_api; GRANT secapi_api TO secapi" in str(refused.value)


async def test_an_owner_who_may_make_roles_makes_it_and_may_take_it_on(without_role: PostgresServer) -> None:
    await administer(without_role, "ALTER ROLE secapi CREATEROLE")
    await asyncio.to_thread(command.upgrade, CONFIG, "head")
    assert "secapi" in await holders(without_role)
