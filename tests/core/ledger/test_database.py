"""Connections: bounded in time, on the server's clock, and replaced when the server closed them (promise P5)."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from ledger_factories import execute, fetch, make_database
from secapi_core.ledger.database import Database
from secapi_core.settings import Settings
from tcp_proxy import Mode, TcpProxy
from waiting import until

INSERT = text("INSERT INTO scanner_specs (digest, name, spec) VALUES ('d', 'n', '{}')")


async def test_an_error_rolls_the_transaction_back(database: Database) -> None:
    async def insert_and_fail() -> None:
        async with database.transaction() as session:
            await session.execute(INSERT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await insert_and_fail()

    assert await fetch(database, "SELECT * FROM scanner_specs") == []


async def test_times_are_in_one_zone(database: Database) -> None:
    ((now, zone),) = await fetch(database, "SELECT now(), current_setting('timezone')")

    assert zone == "UTC"
    assert now.utcoffset().total_seconds() == 0


async def test_connections_that_the_server_closed_are_replaced(database: Database, database_url: str) -> None:
    async def hold() -> None:
        async with database.transaction() as session:
            await session.connection()

    await asyncio.gather(*(hold() for _ in range(5)))
    other = make_database(database_url, connections=1)
    await fetch(
        other,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    await _until_alone(other)
    await other.close()

    for _ in range(6):
        assert await fetch(database, "SELECT 1") == [(1,)]


async def _until_alone(database: Database) -> None:
    async with asyncio.timeout(10):
        while (await fetch(database, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"))[0][
            0
        ] > 1:
            await asyncio.sleep(0.01)


async def test_a_server_that_is_back_in_a_moment_was_never_away(database_url: str) -> None:
    async with _behind_a_proxy(database_url) as (database, proxy):
        proxy.set(Mode.REFUSE)
        asked = asyncio.create_task(fetch(database, "SELECT 1"))
        await until(lambda: proxy.accepted >= 2, within=5)
        proxy.set(Mode.FORWARD)

        assert await asked == [(1,)]


async def test_a_server_that_stays_away_is_tried_three_times_in_half_a_second(database_url: str) -> None:
    async with _behind_a_proxy(database_url) as (database, proxy):
        proxy.set(Mode.REFUSE)
        began = time.monotonic()
        with pytest.raises((OSError, asyncpg.PostgresConnectionError)):
            await fetch(database, "SELECT 1")

        assert proxy.accepted == 3
        assert time.monotonic() - began < 0.5


async def test_a_server_that_hangs_is_left_after_the_time_a_caller_waits(database_url: str) -> None:
    async with _behind_a_proxy(database_url, database_pool_timeout=0.5) as (database, proxy):
        proxy.set(Mode.FREEZE)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await fetch(database, "SELECT 1")

        assert time.monotonic() - began < 2


async def test_connecting_may_be_cancelled_at_any_step_without_a_word(
    database: Database, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    for steps in range(80):
        cancelled = make_database(database_url, connections=1)
        asking = asyncio.create_task(fetch(cancelled, "SELECT 1"))
        for _ in range(steps):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await cancelled.close()

    await _until_alone(database)
    gc.collect()
    assert caplog.messages == []


@asynccontextmanager
async def _behind_a_proxy(database_url: str, **settings: Any) -> AsyncIterator[tuple[Database, TcpProxy]]:
    address = make_url(database_url)
    async with TcpProxy.before(address.host or "", address.port or 0) as proxy:
        there = address.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        database = Database(Settings(database_url=there, **settings), application="tests")
        try:
            yield database, proxy
        finally:
            await database.close()


async def test_a_statement_may_not_run_forever(database_url: str) -> None:
    impatient = Database(Settings(database_url=database_url, statement_timeout=0.1), application="tests")

    with pytest.raises(DBAPIError, match="statement timeout"):
        await execute(impatient, "SELECT pg_sleep(5)")

    await impatient.close()


async def test_a_frozen_transaction_gives_up_its_locks(database: Database, database_url: str) -> None:
    frozen = Database(Settings(database_url=database_url, idle_in_transaction_timeout=0.2), application="tests")
    await execute(database, INSERT.text)

    async def freeze_with_a_lock() -> None:
        async with frozen.transaction() as session:
            await session.execute(text("UPDATE scanner_specs SET name = 'frozen'"))
            async with asyncio.timeout(10):
                await execute(database, "UPDATE scanner_specs SET name = 'free'")

    with pytest.raises(DBAPIError):
        await freeze_with_a_lock()

    assert await fetch(database, "SELECT name FROM scanner_specs") == [("free",)]
    await frozen.close()


@pytest.mark.parametrize("options", ["?sslmode=disable", "?sslmode=prefer&application_name=another"])
async def test_an_address_may_have_the_options_of_libpq(database_url: str, options: str) -> None:
    other = make_database(database_url + options, connections=1)

    assert await fetch(other, "SELECT current_setting('application_name')") == [("tests",)]

    await other.close()


async def test_an_address_that_asks_for_encryption_gets_no_other_connection(database_url: str) -> None:
    other = make_database(f"{database_url}?sslmode=require", connections=1)

    with pytest.raises(ConnectionError, match="rejected SSL upgrade"):
        await fetch(other, "SELECT 1")

    await other.close()
