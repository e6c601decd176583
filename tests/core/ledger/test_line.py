"""Waiting for a connection: in order, and not for ever (promise P5)."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ledger_factories import fetch, make_database
from secapi_core.ledger.database import Database
from secapi_core.settings import Settings


async def test_nobody_waits_longer_than_those_before_take(database_url: str) -> None:
    database = make_database(database_url, connections=4)
    clients, served = 60, 0
    overtaken: list[int] = []

    async def ask_again_and_again() -> None:
        nonlocal served
        for _ in range(20):
            before = served
            async with database.transaction() as session:
                await session.connection()
                overtaken.append(served - before)
                served += 1
                await session.execute(text("SELECT 1"))

    await asyncio.gather(*(ask_again_and_again() for _ in range(clients)))

    assert max(overtaken) <= clients
    await database.close()


async def test_who_waits_too_long_is_told(database_url: str) -> None:
    settings = Settings(database_url=database_url, database_pool_size=1, database_pool_timeout=0.1)
    database = Database(settings, application="tests")

    async with database.transaction():
        with pytest.raises(PoolTimeout, match=r"no connection was free within 0.1 s"):
            await fetch(database, "SELECT 1")

    assert await fetch(database, "SELECT 1") == [(1,)]
    await database.close()


async def test_who_gives_up_waiting_takes_nobodys_turn(database_url: str) -> None:
    database = make_database(database_url, connections=1)
    async with database.transaction():
        waiting = [asyncio.create_task(fetch(database, "SELECT 1")) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        waiting[1].cancel()

    assert await waiting[2] == [(1,)]
    assert await fetch(database, "SELECT 1") == [(1,)]
    await database.close()
