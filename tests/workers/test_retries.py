"""Which errors of a real Postgres are waited out, and which are not."""

import math
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from secapi_core.ledger.database import Database
from secapi_core.settings import Settings
from secapi_workers.runner.retries import Unavailable, persistently


class Statements:
    """Executes a statement each time it is called, the last one for good; ``calls`` counts."""

    def __init__(self, database: Database, *statements: str) -> None:
        self.database = database
        self.statements = statements
        self.calls = 0

    async def __call__(self) -> object:
        statement = self.statements[min(self.calls, len(self.statements) - 1)]
        self.calls += 1
        async with self.database.transaction() as session:
            return await session.scalar(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'deadlock_detected'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'serialization_failure'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'too_many_connections'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'disk_full'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'admin_shutdown'; END $$",
    ],
)
async def test_what_passes_is_tried_again(database: Database, statement: str) -> None:
    action = Statements(database, statement, "SELECT 42")
    assert await persistently(action, seconds_left=lambda: math.inf) == 42
    assert action.calls == 2


@pytest.mark.parametrize(
    "statement",
    ["SELECT 1/0", "SELECT nothing", "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'unique_violation'; END $$"],
)
async def test_what_does_not_pass_is_raised_at_once(database: Database, statement: str) -> None:
    action = Statements(database, statement)
    with pytest.raises(DBAPIError):
        await persistently(action, seconds_left=lambda: math.inf)
    assert action.calls == 1


async def test_a_try_that_hangs_is_given_up_and_made_again(database: Database) -> None:
    action = Statements(database, "SELECT pg_sleep(60)", "SELECT 42")
    assert await persistently(action, seconds_left=lambda: math.inf, try_seconds=0.3) == 42


async def test_when_time_is_up_the_database_counts_as_unavailable() -> None:
    settings = Settings.model_validate({"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    action, failures = Statements(Database(settings, application="test"), "SELECT 1"), []
    end = time.monotonic() + 0.5
    with pytest.raises(Unavailable):
        await persistently(
            action, seconds_left=lambda: end - time.monotonic(), failed=lambda: failures.append(action.calls)
        )
    assert time.monotonic() - end < 2
    assert failures == list(range(1, action.calls + 1))
