"""A thousand clients that want an answer which nobody has kept, all at once, of two processes: it is to be made once.

What is counted is what Postgres did: how often it looked into a table that nothing but the query for that answer reads.
"""

from collections.abc import Awaitable, Callable

from secapi_dev.bench import ledger
from secapi_dev.bench.another_api import another_api
from secapi_dev.bench.databases import empty_database
from secapi_dev.bench.history import STEP, History, fill
from secapi_dev.bench.laboratory import Figures, Laboratory
from secapi_dev.bench.load import Connection, drive, percentile_ms

CLIENTS = 1_000
DAYS = range(61, 66)
"""Each is another answer, and none that anybody else asks for."""

# A process that ends has reported all that it did.
_READS = "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = 'dead_letters'"


async def measure(lab: Laboratory) -> Figures:
    """Queries for each time that all clients asked, and how long a client waited."""
    share = lab.scaled(CLIENTS // 2, least=5)
    latencies: list[float] = []
    async with empty_database(lab, "bench-stampede") as url:
        await fill(url, History(10 * STEP, 10 * STEP))
        before = await reads_of(url)
        async with another_api(lab, "api-stampede-0", url) as one, another_api(lab, "api-stampede-1", url) as other:
            for days in DAYS:
                async with one.clients(share) as of_one, other.clients(share) as of_other:
                    latencies += (await drive([*of_one, *of_other], _asking_for(days), count=2 * share)).latencies
        queries = await reads_of(url) - before
    return {
        "clients": 2 * share,
        "queries": round(queries / len(DAYS), 2),
        "p50_ms": percentile_ms(latencies, 50),
        "p95_ms": percentile_ms(latencies, 95),
    }


def _asking_for(days: int) -> Callable[[Connection], Awaitable[None]]:
    async def ask(api: Connection) -> None:
        await api.get(f"/v1/stats?days={days}")

    return ask


async def reads_of(url: str) -> int:
    """How often queries for statistics have been made of this ledger."""
    async with ledger.connected(url) as connection:
        reads: int = await connection.fetchval(_READS)
        return reads
