"""What must hold after every fault, whatever it was: the ledger is settled and says exactly what the scanner said."""

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

import asyncpg

from running_stack import eventually


class Platform(Protocol):
    """A running SecAPI: on this machine, or a release on a cluster."""

    async def settled(self, scans: list[UUID], *, within: float) -> dict[UUID, str]:
        """Wait until every scan is terminal; their states."""

    def database(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """A connection to the ledger."""

    async def scanning(self) -> Collection[object]:
        """Test scanners that run."""


async def assert_settled(stack: Platform, scans: dict[UUID, int], *, within: float = 60) -> None:
    """Every scan succeeded with exactly the expected number of findings, and nothing is left over.

    ``scans`` maps a scan's id to the findings its scanner reports in all. Checks promises P1 and P2: one terminal
    state, results of one attempt only, no open jobs, no outbox rows, no scanner still running.
    """
    states = await stack.settled(list(scans), within=within)
    assert set(states.values()) == {"succeeded"}, states
    async with stack.database() as db:
        seen = await db.fetch(
            "SELECT scan_id, count(*) AS n, count(DISTINCT finding_id) AS distinct FROM sightings "
            "WHERE scan_id = ANY($1) GROUP BY scan_id",
            list(scans),
        )
        assert {row["scan_id"]: row["n"] for row in seen} == {scan: n for scan, n in scans.items() if n}
        counted = await db.fetch(
            "SELECT id, findings_critical + findings_high + findings_medium + findings_low + findings_info AS n "
            "FROM scans WHERE id = ANY($1)",
            list(scans),
        )
        assert {row["id"]: row["n"] for row in counted} == scans
    await assert_nothing_left(stack, list(scans))


async def assert_nothing_left(stack: Platform, scans: list[UUID]) -> None:
    """No open job, no running attempt, one winning attempt per succeeded job, no outbox row, no scanner process."""
    async with stack.database() as db:
        assert await db.fetchval("SELECT count(*) FROM scans WHERE id = ANY($1) AND jobs_open <> 0", scans) == 0, (
            "a terminal scan has open jobs"
        )
        winners = await db.fetch(
            "SELECT j.id, j.state, count(*) FILTER (WHERE a.state = 'succeeded') AS won, "
            "count(*) FILTER (WHERE a.state = 'running') AS running "
            "FROM scan_jobs j LEFT JOIN attempts a ON a.job_id = j.id WHERE j.scan_id = ANY($1) GROUP BY j.id, j.state",
            scans,
        )
        for row in winners:
            assert row["running"] == 0, f"job {row['id']} has an attempt that never ended"
            assert row["won"] == (1 if row["state"] == "succeeded" else 0), f"job {row['id']}: {dict(row)}"

        async def outbox_empty() -> bool:
            return bool(
                await db.fetchval(
                    "SELECT count(*) = 0 FROM outbox o JOIN scan_jobs j ON j.id = o.job_id WHERE j.scan_id = ANY($1)",
                    scans,
                )
            )

        await eventually(outbox_empty, within=15, what="outbox drained")

    async def no_scanners() -> bool:
        return not await stack.scanning()

    await eventually(no_scanners, within=15, what="no scanner process left")
