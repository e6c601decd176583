"""A ledger of its own for every test."""

from collections.abc import AsyncIterator

import pytest

from ledger_factories import make_database
from secapi_core.ledger.database import Database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connections to an empty ledger."""
    made = make_database(database_url)
    yield made
    await made.close()
