"""The REST API by itself: reading a scan and sending one again beside the least that could answer; accepting scans.

All servers get the same requests from the same client, round after round in turn, so that whatever else slows the
machine slows all; each rate is the median of the rounds. One API has Redis, which keeps what it has read; another has
none, and asks the ledger each time as the plain server does.
"""

import itertools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from statistics import median
from typing import TypeAlias
from uuid import uuid4

from secapi_api.settings import ApiSettings
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.scans import get_scan
from secapi_core.settings import Settings
from secapi_dev.bench import plain_asgi
from secapi_dev.bench.another_api import AnotherApi, another_api
from secapi_dev.bench.laboratory import Figures, Laboratory
from secapi_dev.bench.load import Connection, Load, connected, drive, percentile_ms
from secapi_dev.bench.noop_scans import BODY, Scan, finished, submit
from secapi_dev.bench.statements import statement_of
from secapi_dev.ports import Ports
from secapi_dev.processes.probes import http_ok
from secapi_dev.processes.program import Component, base_environment, running

CLIENTS = 8
READS = 1_500
REPEATED, REPEATS = 40, 200
ROUNDS = 7
POSTS = {1: 100, 16: 400}
"""Scans that are sent by so many clients."""

Clients: TypeAlias = Callable[[int], AbstractAsyncContextManager[list[Connection]]]
"""Opens so many connections to a server."""


async def measure(lab: Laboratory) -> Figures:
    """Requests a second and latencies; of reads and of repeated submissions also the ratio to the plain server."""
    figures: Figures = {}
    scans: list[Scan] = []
    for clients, count in POSTS.items():
        accepted, submitted = await _submissions(lab, clients, count)
        figures |= {f"post_{clients}_clients_{name}": value for name, value in accepted.items()}
        scans += submitted
    async with _plain_server(lab, scans[0]) as plain_url:
        figures |= await _reads(lab, plain_url, scans)
        return figures | await _repeats(lab, plain_url)


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


async def _reads(lab: Laboratory, plain_url: str, scans: Sequence[Scan]) -> Figures:
    paths = itertools.cycle([f"/v1/scans/{scan.id}" for scan in scans])

    async def read(server: Connection) -> None:
        await server.get(next(paths))

    async with _without_redis(lab) as cut_off:
        servers = {"plain_get": _plain(plain_url), "get": lab.clients, "get_without_redis": cut_off.clients}
        return _compared(await _in_turn(servers, read, READS))


async def _repeats(lab: Laboratory, plain_url: str) -> Figures:
    """Submissions that are sent again: authenticated, validated, planned and looked up, but accepted once."""
    keys = [f"Idempotency-Key: bench-{uuid4()}\r\n" for _ in range(REPEATED)]
    async with lab.clients() as [api], lab.ledger() as ledger:
        await finished(ledger, [await submit(api, headers=key) for key in keys])
    again = itertools.cycle(keys)

    async def repeat(server: Connection) -> None:
        await server.post("/v1/scans", BODY, headers=next(again))

    servers = {"plain_repeated_post": _plain(plain_url), "repeated_post": lab.clients}
    loads = await _in_turn(servers, repeat, REPEATS)
    latencies = [latency for load in loads["repeated_post"] for latency in load.latencies]
    return _compared(loads) | {"repeated_post_p95_ms": percentile_ms(latencies, 95)}


async def _in_turn(
    servers: Mapping[str, Clients], request: Callable[[Connection], Awaitable[None]], count: int
) -> dict[str, list[Load]]:
    """Loads of ``count`` requests on each server, round after round."""
    loads: dict[str, list[Load]] = {name: [] for name in servers}
    for _ in range(ROUNDS):
        # New connections each time: servers close those that are idle while the others have their turn.
        for name, clients in servers.items():
            async with clients(CLIENTS) as connections:
                loads[name].append(await drive(connections, request, count=count))
    return loads


def _compared(loads: Mapping[str, Sequence[Load]]) -> Figures:
    """The rate of each server, and those of the others beside that of the first."""
    rates = {name: median(load.per_second for load in measured) for name, measured in loads.items()}
    plain, *others = rates
    return {f"{name}_per_second": round(rate) for name, rate in rates.items()} | {
        f"{name}_to_plain": round(rates[name] / rates[plain], 2) for name in others
    }


def _plain(url: str) -> Clients:
    return lambda count: connected(url, count=count)


@asynccontextmanager
async def _without_redis(lab: Laboratory) -> AsyncIterator[AnotherApi]:
    """Another API like the stack's, which has nothing but the ledger to read from."""
    with closing(Ports()) as ports:
        nowhere = f"redis://127.0.0.1:{ports.reserve()}/0"
        async with another_api(lab, "api-without-redis", redis_url=nowhere) as api:
            yield api


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
