"""What a probe says about a database without the tables it should have."""

from collections.abc import AsyncIterator

import pytest

from ledger_factories import execute, make_database
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.schema import schema_problem


@pytest.fixture
async def empty_database(empty_database_url: str) -> AsyncIterator[Database]:
    """Connections to a database without a table."""
    made = make_database(empty_database_url)
    yield made
    await made.close()


async def problem(database: Database) -> str:
    async with database.transaction() as session:
        return await schema_problem(session)


async def test_a_migrated_database_has_no_problem(database: Database) -> None:
    assert await problem(database) == ""


async def test_an_empty_database_lacks_every_table(empty_database: Database) -> None:
    told = await problem(empty_database)

    assert told.startswith("the database has no table api_keys, artifacts, attempts, ")
    assert told.endswith(", sightings, users, webhooks: run secapi-migrate")


async def test_a_missing_table_is_named(database: Database) -> None:
    await execute(database, "DROP TABLE artifacts")

    assert await problem(database) == "the database has no table artifacts: run secapi-migrate"
