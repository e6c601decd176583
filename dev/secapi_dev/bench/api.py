"""The REST API by itself: reading a scan beside the least that could answer it, and accepting scans.

All servers get the same requests from the same client, round after round in turn, so that whatever else slows the
machine slows all; each figure of the reads is the median of the rounds. One API has Redis, which keeps what it has
read; another has none, and asks the ledger each time as the plain server does.
"""

import itertools
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from statistics import median

from secapi_api.settings import ApiSettings
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.scans import get_scan
from secapi_core.settings import Settings
from secapi_dev.bench import plain_asgi
from secapi_dev.bench.laboratory import Figures, Laboratory
from secapi_dev.bench.load import Connection, connected, drive
from secapi_dev.bench.noop_scans import Scan, finished, submit
from secapi_dev.bench.statements import statement_of
from secapi_dev.ports import Ports
from secapi_dev.processes.probes import http_ok
from secapi_dev.processes.program import Component, base_environment, running

READERS = 8
READS = 1_500
ROUNDS = 7
POSTS = {1: 100, 16: 400}
"""Scans that are sent by so many clients."""


async def measure(lab: Laboratory) -> Figures:
    """Requests a second and their ratio for reads; requests a second and latencies for submissions."""
    figures: Figures = {}
    scans: list[Scan] = []
    for clients, count in POSTS.items():
        accepted, submitted = await _submissions(lab, clients, count)
        figures |= {f"post_{clients}_clients_{name}": value for name, value in accepted.items()}
        scans += submitted
    return figures | await _reads(lab, scans)


async def _submissions(lab: Laboratory, clients: int, count: int) -> tuple[Figures, list[Scan]]:
    """Send scans, which the rest of the stack carries out meanwhile, and wait for their end."""
    scans: list[Scan] = []

    async def send(api: Connection) -> None:
        scans.append(await submit(api))

    async with lab.clients(clients) as connections, lab.ledger() as ledger:
        load = await drive(connections, send, count=count)
        await finished(ledger, scans)
    return {
        "per_second": round(load.per_second, 1),
        "p50_ms": load.milliseconds(50),
        "p95_ms": load.milliseconds(95),
    }, scans


async def _reads(lab: Laboratory, scans: Sequence[Scan]) -> Figures:
    paths = itertools.cycle([f"/v1/scans/{scan.id}" for scan in scans])

    async def read(server: Connection) -> None:
        await server.get(next(paths))

    rates: dict[str, list[float]] = {"plain_get": [], "get": [], "get_without_redis": []}
    key = lab.stack.api_key
    async with _plain_server(lab, scans[0]) as plain_url, _without_redis(lab) as cut_off_url:
        for _ in range(ROUNDS):
            # New connections each time: servers close those that are idle while the others have their turn.
            for name, clients in {
                "plain_get": connected(plain_url, count=READERS),
                "get": lab.clients(READERS),
                "get_without_redis": connected(cut_off_url, count=READERS, api_key=key),
            }.items():
                async with clients as connections:
                    rates[name].append((await drive(connections, read, count=READS)).per_second)
    plain, *others = ((name, median(measured)) for name, measured in rates.items())
    return {f"{name}_per_second": round(rate) for name, rate in (plain, *others)} | {
        f"{name}_to_plain": round(rate / plain[1], 2) for name, rate in others
    }


@asynccontextmanager
async def _without_redis(lab: Laboratory) -> AsyncIterator[str]:
    """Address of another API like the stack's, which has nothing but the ledger to read from."""
    with closing(Ports()) as ports:
        address = f"http://127.0.0.1:{(port := ports.reserve())}"
        described = lab.components.api
        nowhere = f"redis://127.0.0.1:{ports.reserve()}/0"
        component = replace(
            described,
            name="api-without-redis",
            env={**described.env, "SECAPI_REDIS_URL": nowhere, "SECAPI_API_PORT": str(port)},
            ready=http_ok(f"{address}/readyz"),
        )
        async with running(component, lab.state):
            yield address


@asynccontextmanager
async def _plain_server(lab: Laboratory, scan: Scan) -> AsyncIterator[str]:
    """Address of a plain server of scans, with as many connections to the ledger as the API may have."""
    database = Database(Settings(database_url=lab.stack.database_url), application="secapi-bench")
    try:
        statement, parameters = await statement_of(database, lambda session: get_scan(session, scan.id))
    finally:
        await database.close()
    if list(parameters) != [scan.id, None]:
        raise AssertionError(f"the plain server would have to send {parameters}")
    with closing(Ports()) as ports:
        port = ports.reserve()
        address = f"http://{plain_asgi.HOST}:{port}"
        environment = {
            "PLAIN_DATABASE_URL": lab.stack.database_url,
            "PLAIN_STATEMENT": statement,
            "PLAIN_PORT": str(port),
            "PLAIN_POOL_SIZE": str(ApiSettings.model_fields["database_pool_size"].default),
        }
        component = Component(
            name="plain-asgi",
            argv=[sys.executable, "-m", plain_asgi.__name__],
            env=base_environment() | environment,
            ready=http_ok(f"{address}/v1/scans/{scan.id}"),
        )
        async with running(component, lab.state):
            yield address
