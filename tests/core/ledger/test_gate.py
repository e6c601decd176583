"""The gate: whether a scan's findings should fail a pipeline."""

from typing import Any

import pytest

from ledger_factories import BROKEN, REPORT, claimed, fetch, finish, make_findings, make_scan, planned_scan, running_job
from secapi_core.findings import Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.fail import fail_job


async def gate_after(database: Database, severity: Severity, **gate: Any) -> bool | None:
    scan = make_scan(gate=gate) if gate else make_scan()
    await finish(database, await running_job(database, scan=scan), make_findings(range(2), severity=severity))
    ((passed,),) = await fetch(database, "SELECT gate_passed FROM scans WHERE id = :id", id=scan.id)
    return passed  # type: ignore[no-any-return]  # a nullable boolean


@pytest.mark.parametrize(
    ("severity", "passed"),
    [("critical", False), ("high", False), ("medium", True), ("low", True), ("info", True)],
)
async def test_findings_of_the_severity_or_worse_close_the_gate(
    database: Database, severity: str, passed: bool
) -> None:
    assert await gate_after(database, Severity(severity), failOn="high") is passed


async def test_known_findings_close_the_gate(database: Database) -> None:
    assert await gate_after(database, Severity.HIGH, failOn="high") is False
    assert await gate_after(database, Severity.HIGH, failOn="high") is False


async def test_known_findings_do_not_close_a_gate_for_new_ones(database: Database) -> None:
    assert await gate_after(database, Severity.HIGH, failOn="high", onlyNew=True) is False
    assert await gate_after(database, Severity.HIGH, failOn="high", onlyNew=True) is True


async def test_a_scan_without_gate_has_no_verdict(database: Database) -> None:
    assert await gate_after(database, Severity.CRITICAL) is None


async def gate_of_half_a_scan(database: Database, severity: Severity) -> bool | None:
    jobs = await planned_scan(database, 2, scan=make_scan(gate={"failOn": "high"}))
    first, second = [await claimed(database, job_id) for job_id in jobs]
    await finish(database, first, make_findings(range(2), severity=severity))
    async with database.transaction() as session:
        await fail_job(session, second.id, second.attempt, BROKEN, REPORT)
    ((passed,),) = await fetch(database, "SELECT gate_passed FROM scans")
    return passed  # type: ignore[no-any-return]  # a nullable boolean


async def test_a_failed_scan_cannot_pass_its_gate(database: Database) -> None:
    assert await gate_of_half_a_scan(database, Severity.LOW) is None


async def test_a_failed_scan_can_close_its_gate(database: Database) -> None:
    assert await gate_of_half_a_scan(database, Severity.HIGH) is False
