"""P2 and P4: the broker forgets, dies, and delivers twice; submissions go on and nothing is lost or doubled."""

import os
import signal
from uuid import UUID

from oracle import assert_settled
from running_stack import RunningStack, eventually
from secapi_core.messages import RUN_JOB


async def test_queued_scans_resume_after_flushall(stack: RunningStack) -> None:
    scans = {await stack.submit(findings=2, seconds=0.5): 2 for _ in range(12)}
    async with stack.redis() as broker:
        await broker.flushall()
    scans |= {await stack.submit(findings=2): 2 for _ in range(3)}
    await assert_settled(stack, scans, within=90)


async def test_submissions_are_accepted_and_run_though_redis_is_killed(stack: RunningStack) -> None:
    running = await stack.submit(findings=5, seconds=3)
    await _job_state(stack, running, "running")
    os.kill(stack.pid("redis"), signal.SIGKILL)
    scans = {await stack.submit(findings=1): 1 for _ in range(5)}
    await assert_settled(stack, {running: 5, **scans}, within=90)


async def test_a_message_delivered_ten_times_runs_the_job_once(stack: RunningStack) -> None:
    scan = await stack.submit(findings=3, seconds=1)
    job = await _job_state(stack, scan, "running")
    for _ in range(10):
        _deliver(stack, job)
    await assert_settled(stack, {scan: 3})
    for _ in range(10):
        _deliver(stack, job)
    later = await stack.submit(findings=1)
    await assert_settled(stack, {later: 1})
    async with stack.database() as db:
        assert await db.fetchval("SELECT count(*) FROM attempts WHERE job_id = $1", job) == 1


async def _job_state(stack: RunningStack, scan: UUID, state: str) -> UUID:
    async def job() -> UUID | None:
        async with stack.database() as db:
            found: UUID | None = await db.fetchval(
                "SELECT id FROM scan_jobs WHERE scan_id = $1 AND state = $2", scan, state
            )
            return found

    found: UUID = await eventually(job, within=30, what=f"the job is {state}")
    return found


def _deliver(stack: RunningStack, job: UUID) -> None:
    """Send the job's message again by an ordinary Celery producer, as a redelivery would."""
    from celery import Celery

    with Celery(broker=stack.facts["redisUrl"], set_as_current=False) as producer:
        producer.send_task(RUN_JOB, args=[str(job)], queue="scan.code.normal", ignore_result=True)
