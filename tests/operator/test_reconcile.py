"""One operator process, real servers: a ScanRequest's way through planning, status, cancellation and deletion."""

import asyncio
from collections import Counter
from datetime import datetime

import pytest

from lab import Lab
from operator_process import OperatorProcess
from secapi_core.crds.scanrequest import SUBMITTED_BY
from secapi_core.failures import FailureReason
from secapi_core.findings import Severity
from waiting import until


@pytest.fixture
def lab(shared_lab: Lab, operator: OperatorProcess) -> Lab:
    """One operator for all tests here; each has a scan of its own name."""
    return shared_lab


async def test_a_scan_is_planned_and_its_outcome_shown(lab: Lab) -> None:
    scan = await lab.create("one", gate={"failOn": "high"})
    await lab.run(scan, Severity.HIGH, Severity.LOW)
    status = await lab.until_phase("one", "Succeeded")
    assert status["scanId"] == str(scan)
    assert status["jobs"] == {"total": 1, "succeeded": 1, "failed": 0}
    assert status["findings"] == {"critical": 0, "high": 1, "medium": 0, "low": 1, "info": 0, "new": 2}
    assert status["observedGeneration"] == 1
    assert datetime.fromisoformat(status["startTime"]) <= datetime.fromisoformat(status["completionTime"])
    verdicts = {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}
    assert verdicts == {
        "Accepted": ("True", "Planned"),
        "Succeeded": ("True", "Completed"),
        "GatePassed": ("False", "FindingsFound"),
    }


async def test_a_quick_scan_costs_two_writes_its_creation_included(lab: Lab) -> None:
    await lab.run(await lab.create("quick"))
    await lab.until_phase("quick", "Succeeded")
    await asyncio.sleep(1.5)
    assert (await lab.writes())["quick"] == Counter({"create": 1, "update status": 1})


async def test_a_slow_scan_shows_that_it_runs_and_is_written_twice(lab: Lab) -> None:
    scan = await lab.create("slow")
    jobs = await lab.claim(scan)
    status = await lab.until_phase("slow", "Running")
    assert (await lab.condition("slow", "Succeeded"))["status"] == "Unknown"
    assert "completionTime" not in status
    assert "findings" not in status
    accepted = await lab.condition("slow", "Accepted")
    await lab.finish(jobs)
    await lab.until_phase("slow", "Succeeded")
    assert await lab.condition("slow", "Accepted") == accepted
    assert (await lab.writes())["slow"] == Counter({"create": 1, "update status": 2})


async def test_a_scan_that_waits_for_a_worker_shows_so_and_is_written_twice(lab: Lab) -> None:
    scan = await lab.create("queued")
    await lab.until_planned(scan)
    assert (await lab.status("queued"))["phase"] == "Pending"
    await lab.until_phase("queued", "Queued")
    jobs = await lab.claim(scan)
    await asyncio.sleep(0.5)
    await lab.finish(jobs)
    await lab.until_phase("queued", "Succeeded")
    assert (await lab.writes())["queued"] == Counter({"create": 1, "update status": 2})


async def test_a_failed_job_fails_the_scan_with_its_reason(lab: Lab) -> None:
    scan = await lab.create("broken")
    await lab.fail(await lab.claim(scan), FailureReason.TOOL_MISSING, "by-hand is not installed")
    status = await lab.until_phase("broken", "Failed")
    succeeded = await lab.condition("broken", "Succeeded")
    assert (succeeded["status"], succeeded["reason"]) == ("False", "ToolMissing")
    assert "by-hand is not installed" in succeeded["message"]
    assert status["jobs"]["failed"] == 1


@pytest.mark.parametrize(
    ("spec", "reason", "sentence"),
    [
        ({"scanners": [{"name": "nope"}]}, "UnknownScanner", "spec.scanners[0].name: there is no Scanner named 'nope'"),
        (
            {"scanners": [{"name": "by-hand", "parameters": {"width": 1}}]},
            "InvalidParameter",
            "spec.scanners[0].parameters.width: ",
        ),
        ({"targets": [{"host": {"address": "shop.example"}}]}, "NoMatchingTarget", "spec.scanners[0]: "),
        ({"targets": [{"url": "http://169.254.169.254/"}]}, "TargetForbidden", "spec.targets[0]: "),
    ],
)
async def test_what_cannot_be_planned_is_refused_with_the_field(
    lab: Lab, spec: dict[str, object], reason: str, sentence: str
) -> None:
    name = reason.lower()
    scan = await lab.create(name, **spec)
    await lab.until_phase(name, "Failed")
    accepted, succeeded = await lab.condition(name, "Accepted"), await lab.condition(name, "Succeeded")
    assert (accepted["status"], accepted["reason"]) == ("False", reason)
    assert accepted["message"].startswith(sentence), accepted["message"]
    assert (succeeded["status"], succeeded["reason"]) == ("False", reason)
    assert await lab.state(scan) == "failed"
    assert (await lab.writes())[name] == Counter({"create": 1, "update status": 1})


async def test_a_refused_scan_stays_refused_though_its_scanner_appears(lab: Lab) -> None:
    scan = await lab.create("early", scanners=[{"name": "late-comer"}])
    await lab.until_phase("early", "Failed")
    manifest = """
    apiVersion: secapi.dev/v1alpha1
    kind: Scanner
    metadata: {name: late-comer}
    spec: {title: Late, targetTypes: [url], pool: network, command: late, output: {format: sarif, source: stdout}}
    """
    await lab.kubectl("apply", "-f", "-", stdin=manifest)
    later = await lab.create("later", scanners=[{"name": "late-comer"}])
    await lab.until_planned(later)
    assert await lab.state(scan) == "failed"


async def test_cancelling_a_queued_scan_ends_it(lab: Lab) -> None:
    scan = await lab.create("unwanted")
    await lab.until_planned(scan)
    await lab.change("unwanted", cancel=True)
    await lab.until_phase("unwanted", "Cancelled")
    succeeded = await lab.condition("unwanted", "Succeeded")
    assert (succeeded["status"], succeeded["reason"]) == ("False", "Cancelled")
    assert (await lab.writes())["unwanted"] == Counter({"create": 1, "patch": 1, "update status": 1})


async def test_cancelling_a_running_scan_asks_its_worker_to_stop(lab: Lab) -> None:
    scan = await lab.create("running")
    await lab.claim(scan)
    await lab.change("running", cancel=True)

    async def asked() -> bool:
        return all(job["cancel_requested"] for job in await lab.jobs(scan))

    await until(asked)
    assert await lab.state(scan) == "running"


async def test_a_scan_cancelled_from_the_start_ends_without_jobs(lab: Lab) -> None:
    scan = await lab.create("never", cancel=True)
    await lab.until_phase("never", "Cancelled")
    assert await lab.jobs(scan) == []
    assert await lab.state(scan) == "cancelled"


async def test_deleting_a_scan_request_cancels_its_jobs(lab: Lab) -> None:
    scan = await lab.create("deleted")
    await lab.until_planned(scan)
    await lab.delete("deleted")
    await lab.until_state(scan, "cancelled")
    assert await lab.rows("SELECT reason FROM scans WHERE id = :id", id=scan) == [{"reason": "RequestDeleted"}]


async def test_a_name_used_again_is_another_scan(lab: Lab) -> None:
    first = await lab.create("again")
    await lab.until_planned(first)
    await lab.delete("again")
    second = await lab.create("again")
    await lab.until_state(first, "cancelled")
    await lab.run(second)
    status = await lab.until_phase("again", "Succeeded")
    assert status["scanId"] == str(second)


async def test_a_finished_scan_request_is_deleted_after_its_time_to_live(lab: Lab) -> None:
    scan = await lab.create("short-lived", ttlSecondsAfterFinished=1)
    await lab.run(scan)

    async def gone() -> bool:
        return not await lab.exists("short-lived")

    await until(gone)
    assert await lab.state(scan) == "succeeded"
    writes = (await lab.writes())["short-lived"]
    assert writes == Counter({"create": 1, "update status": writes["update status"], "delete": 1})
    assert writes["update status"] in (1, 2)


async def test_a_scan_that_the_api_registered_is_planned_as_its_own(lab: Lab) -> None:
    scan = await lab.create("through-rest")
    await lab.execute(
        "INSERT INTO scans (id, namespace, name, spec, priority, submitted_by, state) "
        "VALUES (:id, :namespace, 'through-rest', '{}', 'normal', 'ann', 'pending') ON CONFLICT DO NOTHING",
        id=scan,
        namespace=lab.namespace,
    )
    await lab.run(scan)
    await lab.until_phase("through-rest", "Succeeded")


async def test_an_annotation_says_on_whose_behalf_a_scan_was_made(lab: Lab) -> None:
    scan = await lab.create("on-behalf", {SUBMITTED_BY: "key:" + "1" * 1000})
    await lab.until_planned(scan)
    (row,) = await lab.rows("SELECT submitted_by FROM scans WHERE id = :id", id=scan)
    assert row["submitted_by"] == "key:" + "1" * 249


async def test_a_scan_whose_notifications_are_lost_is_found_by_the_sweep(lab: Lab) -> None:
    scan = await lab.create("unheard")
    await lab.until_planned(scan)
    await lab.execute(
        "UPDATE scans SET state = 'succeeded', jobs_open = 0, completed_at = now() WHERE id = :id", id=scan
    )
    await lab.until_phase("unheard", "Succeeded")


async def test_an_expired_lease_gives_the_job_back(lab: Lab) -> None:
    scan = await lab.create("abandoned")
    await lab.claim(scan, lease_seconds=1.0)

    async def queued_again() -> bool:
        return [job["state"] for job in await lab.jobs(scan)] == ["queued"]

    await until(queued_again)
    await until(lambda: lab.operators[0].metric("secapi_attempts_lost_total"))
    await lab.run(scan)
    await lab.until_phase("abandoned", "Succeeded")
