"""What people and programs do all day, all at once: 200 clients for two minutes, each with its next request at once.

Most read; one request in fifty submits a scan, which operator and worker carry out meanwhile on the same cores.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

import orjson

from secapi_dev.bench.laboratory import Figures, Laboratory
from secapi_dev.bench.load import Connection, connected, drive_for
from secapi_dev.bench.noop_scans import BODY, Scan, finished, submit
from secapi_dev.servers.api_keys import create_admin_key

CLIENTS = 200
SECONDS = 120
KEYS = 20
"""Callers, who share the clients: one alone would be limited."""

FIRST_SCANS = 20

REQUESTS = {
    "/v1/scans/{scan}": 40,
    "/v1/scans/{scan}/jobs": 10,
    "/v1/scans/{scan}/findings": 20,
    "/v1/scans?limit=50": 10,
    "/v1/scans?namespace=default&phase=Succeeded": 5,
    "/v1/artifacts": 3,
    "/v1/scanners": 5,
    "/v1/stats?namespace=default&days=7": 5,
    "POST": 2,
}
"""How many of a hundred."""


async def measure(lab: Laboratory) -> Figures:
    """Latencies, and how many requests were not answered as they should be."""
    clients, seconds = lab.scaled(CLIENTS, least=4), lab.scaled(SECONDS, least=2)
    statuses: Counter[int] = Counter()
    async with lab.clients() as [api], lab.ledger() as ledger:
        scans = [await submit(api) for _ in range(FIRST_SCANS)]
        await finished(ledger, scans)

        async def send(api: Connection) -> None:
            (kind,) = random.choices(list(REQUESTS), list(REQUESTS.values()))  # noqa: S311 - to spread
            if kind != "POST":
                scan = random.choice(scans)  # noqa: S311 - the same
                statuses[(await api.ask("GET", kind.format(scan=scan.id))).status] += 1
                return
            answer = await api.ask("POST", "/v1/scans", BODY)
            statuses[answer.status] += 1
            if answer.status == 202:
                submitted = orjson.loads(answer.body)
                scans.append(Scan(UUID(submitted["id"]), submitted["name"]))

        async with _callers(lab, clients) as connections:
            load = await drive_for(connections, send, seconds=seconds)
        await finished(ledger, scans)
    return {
        "clients": clients,
        "seconds": seconds,
        "requests": len(load.latencies),
        "per_second": round(load.per_second, 1),
        **{f"p{percent}_ms": load.milliseconds(percent) for percent in (50, 95, 99)},
        "status_5xx": sum(count for status, count in statuses.items() if status >= 500),
        "status_4xx": sum(count for status, count in statuses.items() if 400 <= status < 500),
    }


@asynccontextmanager
async def _callers(lab: Laboratory, clients: int) -> AsyncIterator[list[Connection]]:
    """So many connections of several callers to the stack's own API."""
    pepper = lab.components.api.env["SECAPI_API_KEY_PEPPER"]
    async with AsyncExitStack() as stack:
        connections: list[Connection] = []
        for shares in range(min(KEYS, clients), 0, -1):
            share = (clients - len(connections)) // shares
            api_key = await create_admin_key(lab.stack.database_url, pepper)
            connections += await stack.enter_async_context(connected(lab.stack.api_url, count=share, api_key=api_key))
        yield connections
