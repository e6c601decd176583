"""A thousand clients that follow one scan: how long until all have been told that it ended, and what each one costs.

The scan waits in a pool without a worker and is cancelled. Once over REST, by the process that has the streams, which
then looks at once; and once in the ledger alone, as workers change it, which the process finds at its next look.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import UUID

import psutil

from secapi_core.failures import Failure, FailureReason
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.settings import Settings
from secapi_dev.bench.another_api import AnotherApi, another_api
from secapi_dev.bench.laboratory import Figures, Laboratory
from secapi_dev.bench.ledger import Ledger
from secapi_dev.bench.load import percentile_ms
from secapi_dev.bench.noop_scans import IDLE_BODY, submit

CLIENTS = 1_000
DEADLINE = 120.0
SETTLE_SECONDS = 2.0

UNWANTED = Failure(FailureReason.CANCELLED, "the benchmark has seen enough")


async def measure(lab: Laboratory) -> Figures:
    """Milliseconds from a change until half of the clients, and until all, have been told of it; KB for each client."""
    clients = lab.scaled(CLIENTS, least=10)
    async with (
        another_api(lab, "api-streams", event_streams=clients, event_streams_per_caller=clients) as api,
        lab.ledger() as ledger,
    ):

        async def over_rest(scan: UUID) -> None:
            async with api.clients() as [connection]:
                await connection.post(f"/v1/scans/{scan}/cancel", b"")

        async def in_the_ledger(scan: UUID) -> None:
            database = Database(Settings(database_url=lab.stack.database_url), application="secapi-bench")
            async with database.transaction() as session:
                await cancel_scan(session, scan, UNWANTED)
            await database.close()

        hinted, each = await _told(api, ledger, clients, over_rest)
        found, _ = await _told(api, ledger, clients, in_the_ledger)
    return {
        "clients": clients,
        "kb_per_client": round(each / 1000, 1),
        "hinted_p50_ms": percentile_ms(hinted, 50),
        "hinted_last_ms": round(max(hinted) * 1000, 2),
        "found_p50_ms": percentile_ms(found, 50),
        "found_last_ms": round(max(found) * 1000, 2),
    }


async def _told(
    api: AnotherApi, ledger: Ledger, clients: int, change: Callable[[UUID], Awaitable[None]]
) -> tuple[list[float], float]:
    """Seconds until each client was told, and bytes that the process grew by for each."""
    async with api.clients() as [connection]:
        scan = (await submit(connection, IDLE_BODY)).id
    async with asyncio.timeout(DEADLINE):
        while await ledger.fetchval("SELECT state FROM scans WHERE id = $1", scan) != "queued":
            await asyncio.sleep(0.1)
        before = _resident(api.pid)
        async with _following(api, scan, clients) as streams:
            await asyncio.sleep(SETTLE_SECONDS)
            each = (_resident(api.pid) - before) / clients
            waiting = asyncio.gather(*map(_until_ended, streams))
            began = time.perf_counter()
            await change(scan)
            return [moment - began for moment in await waiting], each


@asynccontextmanager
async def _following(api: AnotherApi, scan: UUID, clients: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Streams of events, each of which has told how the scan stands."""
    host, port = urlsplit(api.url).hostname, urlsplit(api.url).port
    request = (
        f"GET /v1/scans/{scan}/events HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {api.api_key}\r\n\r\n"
    )
    streams = [await asyncio.open_connection(host, port) for _ in range(clients)]
    try:
        for _, writer in streams:
            writer.write(request.encode())
        for reader, _ in streams:
            await reader.readuntil(b"event: scan\n")
        yield [reader for reader, _ in streams]
    finally:
        for _, writer in streams:
            writer.close()


async def _until_ended(stream: asyncio.StreamReader) -> float:
    """When it was told."""
    await stream.readuntil(b"event: end\n")
    return time.perf_counter()


def _resident(pid: int) -> int:
    size: int = psutil.Process(pid).memory_info().rss
    return size
