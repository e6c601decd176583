"""Knowing that another session waits for a lock, without guessing how long that takes."""

import asyncio

from ledger_factories import fetch
from secapi_core.ledger.database import Database


async def until_somebody_waits(database: Database, sessions: int = 1) -> None:
    """Return once ``sessions`` sessions of this database wait for a lock; fail after ten seconds."""
    async with asyncio.timeout(10):
        while True:
            ((waiting,),) = await fetch(
                database,
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            if waiting >= sessions:
                return
            await asyncio.sleep(0.01)
