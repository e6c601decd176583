"""The gauge of database connections says what the pool is doing at any moment."""

from prometheus_client import REGISTRY
from sqlalchemy import text

from ledger_factories import make_database
from secapi_core.ledger.database import Database
from secapi_core.ledger.pool_gauge import watch_pool


def shown() -> dict[str, float | None]:
    states = ("in_use", "idle", "unopened")
    return {state: REGISTRY.get_sample_value("secapi_database_pool_connections", {"state": state}) for state in states}


async def test_the_gauge_follows_connections_out_of_the_pool_and_back(database: Database) -> None:
    watch_pool(database.engine)
    assert shown() == {"in_use": 0, "idle": 0, "unopened": 20}

    async with database.transaction() as first, database.transaction() as second:
        await first.execute(text("SELECT 1"))
        await second.execute(text("SELECT 1"))
        assert shown() == {"in_use": 2, "idle": 0, "unopened": 18}

    assert shown() == {"in_use": 0, "idle": 2, "unopened": 18}


async def test_the_pools_of_a_process_are_counted_together(database: Database, database_url: str) -> None:
    other = make_database(database_url, connections=3)
    watch_pool(database.engine, other.engine)
    async with database.transaction() as first, other.transaction() as second:
        await first.execute(text("SELECT 1"))
        await second.execute(text("SELECT 1"))
        assert shown() == {"in_use": 2, "idle": 0, "unopened": 21}

    assert shown() == {"in_use": 0, "idle": 2, "unopened": 21}
    await other.close()


async def test_a_connection_that_the_server_closed_is_replaced_and_not_counted_twice(database: Database) -> None:
    watch_pool(database.engine)
    async with database.transaction() as other, database.transaction() as session:
        await other.execute(text("SELECT 1"))
        pid = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        await session.commit()
        await other.execute(text("SELECT pg_terminate_backend(:pid, 1000)"), {"pid": pid})

    async with database.transaction() as session, database.transaction() as other:
        await session.execute(text("SELECT 1"))
        await other.execute(text("SELECT 1"))
        assert shown() == {"in_use": 2, "idle": 0, "unopened": 18}
