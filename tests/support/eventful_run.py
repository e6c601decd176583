"""A run in which everything happens that SecAPI counts: scans that end in every way, and every part failing once.

What only shows when something goes wrong (a label appears with its first count) is provoked, each fault by the smallest
means, one after the other, and undone.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx

from exposition import parsed
from running_stack import NAMESPACE, RunningStack, eventually, noop_spec
from secapi_core.messages import Priority


@asynccontextmanager
async def eventful_run(stack: RunningStack) -> AsyncIterator[None]:
    """Have it all happen. While the block runs all of it is counted, and jobs of every priority are open."""
    await stack.settled([await stack.submit(findings=8)], within=60)
    # The next leader counts findings when it begins, instead of within a minute.
    os.kill(stack.pid("operator"), signal.SIGTERM)
    await _counted(stack, "secapi_findings", within=60)
    await _ends_of_every_kind(stack)
    await _told_webhook(stack)
    await _lost_worker(stack)
    await _lost_messages(stack)
    await _frozen_apiserver(stack)
    await _broken_ledger(stack)
    await _busy_api(stack)
    await _counted(stack, "secapi_dead_letters")
    open_scans = [await stack.submit(seconds=60, priority=priority.value) for priority in Priority]
    try:
        await _counted(stack, "secapi_queue_oldest_seconds", series=len(Priority))
        yield
    finally:
        async with stack.api() as api:
            for scan in open_scans:
                await api.post(f"/v1/scans/{scan}/cancel")
        await stack.settled(open_scans, within=60)


async def _ends_of_every_kind(stack: RunningStack) -> None:
    """Scans that succeed, fail, run out of attempts or of time, are cancelled or refused."""
    unending = {"seconds": 60, "ignoreTermination": True, "children": 2}
    scans = [
        await stack.submit(targets=3),
        await _submit(stack, {"exitCode": 1}),
        await _submit(stack, {"exitCode": 42}, maxAttempts=1),
        await _submit(stack, unending, timeoutSeconds=1),
    ]
    cancelled = await stack.submit(seconds=30)
    await _running(stack, cancelled)
    async with stack.api() as api:
        assert (await api.post(f"/v1/scans/{cancelled}/cancel")).status_code == 202
        assert (await api.get("/v1/scans", params={"namespace": NAMESPACE})).status_code == 200
    await stack.apply(_manifest("refused", scanners=[{"name": "no-such-scanner"}]))
    await stack.settled([*scans, cancelled], within=90)


async def _told_webhook(stack: RunningStack) -> None:
    """A webhook that nobody answers for."""
    async with stack.api() as api:
        body = {"namespace": NAMESPACE, "url": "http://127.0.0.1:9/", "events": ["scan.failed"]}
        webhook = (await api.post("/v1/webhooks", json=body)).json()["id"]
        await api.post(f"/v1/webhooks/{webhook}/ping")

        async def told() -> bool:
            deliveries = await api.get(f"/v1/webhooks/{webhook}/deliveries", params={"state": "failed"})
            return bool(deliveries.json()["items"])

        await eventually(told, within=30, what="the ping has ended")
        await api.delete(f"/v1/webhooks/{webhook}")


async def _lost_worker(stack: RunningStack) -> None:
    """A job that is taken from its worker, and one whose worker fell silent for what the ledger knows."""
    scan = await stack.submit(seconds=3)
    await _running(stack, scan)
    async with stack.database() as db:
        await db.execute("UPDATE scan_jobs SET attempt = attempt + 1 WHERE scan_id = $1", scan)
    await stack.settled([scan], within=60)


async def _lost_messages(stack: RunningStack) -> None:
    """Redis forgets everything while jobs wait for a free worker."""
    scans = [await stack.submit(seconds=3) for _ in range(6)]
    await _running(stack, scans[0])
    async with stack.redis() as broker:
        await broker.flushall()
    await stack.settled(scans, within=90)


async def _frozen_apiserver(stack: RunningStack) -> None:
    """The apiserver does not answer for longer than the API waits for an answer."""
    os.kill(stack.pid("apiserver"), signal.SIGSTOP)
    submitting = asyncio.create_task(stack.submit())
    try:
        await _counted(stack, "secapi_kubernetes_request_retries_total")
    finally:
        os.kill(stack.pid("apiserver"), signal.SIGCONT)
    await stack.settled([await submitting], within=60)


async def _broken_ledger(stack: RunningStack) -> None:
    """Tables are missing: what a bad migration would do to whoever reads them."""
    async with _renamed(stack, "scans", "outbox"):
        async with stack.api() as api:
            assert (await api.get("/v1/scans", params={"namespace": NAMESPACE})).status_code == 500
        await stack.apply(_manifest("unreadable", scanners=[{"name": "noop"}]))
        for name in ("secapi_reconcile_errors_total", "secapi_publish_errors_total", "secapi_loop_errors_total"):
            await _counted(stack, name)


async def _busy_api(stack: RunningStack) -> None:
    """Somebody follows a scan, asks for statistics, tries passwords without end, and Redis does not answer."""
    scan = await stack.submit()
    async with stack.api() as api:
        assert (await api.get(f"/v1/scans/{scan}/events")).text.rstrip().rpartition("event: ")[2].startswith("end")
        assert (await api.get("/v1/stats")).status_code == 200
        guess = {"email": "somebody@example.com", "password": "a guess"}
        for _ in range(11):
            guessed = await api.post("/v1/sessions", json=guess)
        assert guessed.status_code == 429
        os.kill(stack.pid("redis"), signal.SIGSTOP)
        try:
            assert (await api.get("/v1/stats", params={"days": 7})).status_code == 200
        finally:
            os.kill(stack.pid("redis"), signal.SIGCONT)


@asynccontextmanager
async def _renamed(stack: RunningStack, *tables: str) -> AsyncIterator[None]:
    async with stack.database() as db:
        for table in tables:
            await db.execute(f"ALTER TABLE {table} RENAME TO {table}_elsewhere")
        try:
            yield
        finally:
            for table in tables:
                await db.execute(f"ALTER TABLE {table}_elsewhere RENAME TO {table}")


async def _submit(stack: RunningStack, parameters: dict[str, Any], **spec: Any) -> UUID:
    return await stack.submit(scanners=[{"name": "noop", "parameters": parameters}], **spec)


def _manifest(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "secapi.dev/v1alpha1",
        "kind": "ScanRequest",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": noop_spec(findings=1, seconds=0.0, targets=1, **spec),
    }


async def _running(stack: RunningStack, scan: UUID) -> None:
    async def running() -> bool:
        async with stack.database() as db:
            query = "SELECT EXISTS (SELECT FROM scan_jobs WHERE scan_id = $1 AND state = 'running')"
            return bool(await db.fetchval(query, scan))

    await eventually(running, within=30, what="a job of the scan is running")


async def _counted(stack: RunningStack, name: str, *, series: int = 1, within: float = 30.0) -> None:
    """Wait until API or operator export so many series of this name."""

    async def there() -> bool:
        addresses = stack.facts["metrics"]
        async with httpx.AsyncClient(timeout=5) as client:
            try:
                answers = [await client.get(addresses[component]) for component in ("api", "operator")]
            except httpx.TransportError:
                return False
        return len(parsed(answer.text for answer in answers).get(name, ())) >= series

    await eventually(there, within=within, what=f"{name} is exported", every=0.2)
