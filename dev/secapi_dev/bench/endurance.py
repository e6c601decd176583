"""What a process holds after 20,000 requests, and after 100,000: it must not be more.

The process is one of its own, on a ledger of its own. One request in ten is refused, as that has its own ways through
the code; all the others read.
"""

import random

import psutil

from secapi_dev.bench.another_api import another_api
from secapi_dev.bench.databases import empty_database
from secapi_dev.bench.history import STEP, History, fill, scan_id
from secapi_dev.bench.laboratory import Figures, Laboratory
from secapi_dev.bench.load import Connection, drive
from secapi_dev.bench.memory import sizes

REQUESTS = 100_000
FIRST_SHARE = 0.2
CLIENTS = 16
UNLIMITED = 10_000_000
"""Requests a minute."""

HISTORY = History(STEP, STEP)

PATHS = {
    "/v1/scans/{scan}": 40,
    "/v1/scans/{scan}/findings": 20,
    "/v1/scans?limit=50": 20,
    "/v1/scanners": 5,
    "/v1/stats?days={days}": 5,
    "/v1/scans/00000000-0000-0000-0000-000000000000": 5,
    "/v1/scans?cursor=none": 5,
}
"""How many of a hundred."""


async def measure(lab: Laboratory) -> Figures:
    """Megabytes at both times, and the difference."""
    count = lab.scaled(REQUESTS, least=100)
    first = round(count * FIRST_SHARE)
    async with empty_database(lab, "bench-endurance") as url:
        await fill(url, HISTORY)
        async with another_api(lab, "api-endurance", url, reads_per_minute=UNLIMITED) as api:
            process = psutil.Process(api.pid)
            async with api.clients(CLIENTS) as connections:
                await drive(connections, _ask, count=first)
                early = sizes(process)
                load = await drive(connections, _ask, count=count - first)
                late = sizes(process)
    return {
        "requests": count,
        "per_second": round(load.per_second, 1),
        "first_rss_mb": early["rss_mb"],
        "last_rss_mb": late["rss_mb"],
        "growth_mb": round(late["rss_mb"] - early["rss_mb"], 1),
    }


async def _ask(api: Connection) -> None:
    (path,) = random.choices(list(PATHS), list(PATHS.values()))  # noqa: S311 - to spread, as below
    scan, days = scan_id(random.randrange(HISTORY.scans)), random.randrange(1, 90)  # noqa: S311
    await api.ask("GET", path.format(scan=scan, days=days))
