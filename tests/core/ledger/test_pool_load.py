"""``pool_load``: what autoscalers read, one number per pool."""

import pytest

from ledger_factories import claimed, execute, fetch, finish, planned_scan
from secapi_core.ledger.database import Database


async def pool_load(database: Database) -> dict[str, int]:
    return {row.pool: row.jobs for row in await fetch(database, "SELECT pool, jobs FROM pool_load")}


async def wait(database: Database, seconds: int) -> None:
    """Let every queued job be due in so many seconds."""
    await execute(
        database,
        "UPDATE scan_jobs SET not_before = clock_timestamp() + make_interval(secs => :seconds) WHERE state = 'queued'",
        seconds=seconds,
    )


async def test_running_and_queued_jobs_are_work_of_their_pool(database: Database) -> None:
    job_ids = await planned_scan(database, 3)
    await claimed(database, job_ids[0])
    await planned_scan(database, 2, pool="network")

    assert await pool_load(database) == {"code": 3, "network": 2}


@pytest.mark.parametrize(("seconds", "load"), [(-60, {"code": 1}), (10, {"code": 1}), (60, {})])
async def test_a_queued_job_is_work_once_it_is_nearly_due(
    database: Database, seconds: int, load: dict[str, int]
) -> None:
    await planned_scan(database)
    await wait(database, seconds)

    assert await pool_load(database) == load


async def test_a_pool_whose_jobs_have_ended_has_no_row(database: Database) -> None:
    (job_id,) = await planned_scan(database)
    await finish(database, await claimed(database, job_id))

    assert await pool_load(database) == {}
