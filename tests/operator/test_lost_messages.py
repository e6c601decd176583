"""P4, the operator's part: the broker is away or forgets; no message is lost for good, none is sent in floods."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from lab import Lab
from operator_process import OperatorProcess
from secapi_core.ledger.transitions.deliveries import claim_delivery, ping
from secapi_core.ledger.transitions.webhooks import create_webhook, remove_webhook
from secapi_core.messages import DELIVERIES
from tcp_proxy import Mode
from waiting import until


@pytest.fixture
async def lab(shared_lab: Lab, operator: OperatorProcess) -> Lab:
    """One operator for all tests here, and nothing queued."""
    await shared_lab.execute("DELETE FROM outbox")
    await shared_lab.execute("UPDATE scan_jobs SET state = 'cancelled' WHERE state = 'queued'")
    async with shared_lab.broker() as broker:
        await broker.delete("scan.network.normal")
    return shared_lab


async def queued_jobs(lab: Lab, *names: str) -> set[str]:
    """Create scans and wait until the broker has a message for each of their jobs."""
    scans = [await lab.create(name) for name in names]
    jobs = {str(job["id"]) for scan in scans for job in await lab.until_planned(scan)}
    await until(lambda: lab.queue(), within=10)
    await until(has_exactly(lab, jobs))
    return jobs


def has_exactly(lab: Lab, jobs: set[str]) -> Callable[[], Awaitable[bool]]:
    async def probe() -> bool:
        return sorted(await lab.queue()) == sorted(jobs)

    return probe


async def dispatched(lab: Lab, scan: UUID) -> bool:
    return all(job["dispatched_at"] is not None for job in await lab.jobs(scan))


async def test_a_planned_job_is_announced_once(lab: Lab) -> None:
    jobs = await queued_jobs(lab, "announced")
    await asyncio.sleep(2.5)
    assert set(await lab.queue()) == jobs
    assert len(await lab.queue()) == 1, "a waiting message must not be sent again"


async def test_a_flushed_broker_gets_every_message_again_and_no_more(lab: Lab) -> None:
    jobs = await queued_jobs(lab, *(f"flushed-{number}" for number in range(10)))
    async with lab.broker() as broker:
        await broker.flushall()
    await until(has_exactly(lab, jobs), within=5)
    await asyncio.sleep(2.5)
    assert sorted(await lab.queue()) == sorted(jobs)


async def test_a_message_that_a_dying_worker_took_is_sent_again(lab: Lab) -> None:
    jobs = await queued_jobs(lab, "taken-1", "taken-2")
    async with lab.broker() as broker:
        await broker.rpop("scan.network.normal")
    await until(has_exactly(lab, jobs), within=10)


async def test_scans_are_planned_while_the_broker_is_down_and_announced_when_it_is_back(lab: Lab) -> None:
    lab.redis_gate.set(Mode.REFUSE)
    try:
        scan = await lab.create("patient")
        jobs = {str(job["id"]) for job in await lab.until_planned(scan)}
        await until(lambda: lab.operators[0].metric("secapi_publish_errors_total"))
        await until(lambda: lab.operators[0].metric("secapi_outbox_oldest_seconds"))
        assert await lab.queue() == []
        assert len(await lab.rows("SELECT id FROM outbox")) == 1
    finally:
        lab.redis_gate.set(Mode.FORWARD)
    await until(has_exactly(lab, jobs), within=10)
    await until(lambda: dispatched(lab, scan))
    assert await lab.rows("SELECT id FROM outbox") == []


async def test_a_frozen_broker_holds_up_messages_only(lab: Lab) -> None:
    lab.redis_gate.set(Mode.FREEZE)
    try:
        scan = await lab.create("frozen")
        jobs = {str(job["id"]) for job in await lab.until_planned(scan)}
        await lab.change("frozen", cancel=True)
        await lab.until_phase("frozen", "Cancelled")
        later = await lab.create("after-the-thaw")
        jobs |= {str(job["id"]) for job in await lab.until_planned(later)}
    finally:
        lab.redis_gate.set(Mode.FORWARD)
    await until(lambda: dispatched(lab, later), within=20)
    assert set(await lab.queue()) <= jobs


async def test_a_job_that_is_not_due_is_announced_when_it_is(lab: Lab) -> None:
    scan = await lab.create("later")
    (job,) = await lab.until_planned(scan)
    await until(has_exactly(lab, {str(job["id"])}))
    async with lab.broker() as broker:
        await broker.delete("scan.network.normal")
    await lab.execute(
        "UPDATE scan_jobs SET not_before = now() + interval '1.5 seconds', dispatched_at = NULL WHERE id = :id",
        id=job["id"],
    )
    await lab.execute(
        "INSERT INTO outbox (job_id, queue, not_before) VALUES (:id, 'scan.network.normal', now() + interval '1.5 s')",
        id=job["id"],
    )
    await asyncio.sleep(0.5)
    assert await lab.queue() == []
    await until(has_exactly(lab, {str(job["id"])}), within=5)


async def test_an_event_for_a_webhook_is_announced_and_again_when_its_worker_falls_silent(lab: Lab) -> None:
    async with lab.database.transaction() as session:
        webhook_id = await create_webhook(
            session, namespace="team-a", url="https://hooks.example/", events=[], description="", created_by="me"
        )
        delivery_id = await ping(session, webhook_id)

    async def announced() -> bool:
        return await lab.queue(DELIVERIES) == [str(delivery_id)]

    await until(announced, within=5)
    async with lab.broker() as broker, lab.database.transaction() as session:
        await broker.delete(DELIVERIES)
        assert await claim_delivery(session, delivery_id, lease_seconds=0.5)
    await until(announced, within=10)
    async with lab.database.transaction() as session:
        await remove_webhook(session, webhook_id)
