"""What idle processes hold: resident (RSS), with shared pages divided among their users (PSS), and their own (USS).

Each part has carried out one scan before, so its connections are open and what it imports late is there.
"""

import asyncio

import psutil

from secapi_dev.bench.laboratory import Figures, Laboratory
from secapi_dev.bench.noop_scans import finished, submit
from secapi_dev.bench.processes import WorkerTree

SETTLE_SECONDS = 5.0
"""Until the writes and collections that follow a scan are over."""

MEGABYTE = 1_000_000


async def measure(lab: Laboratory) -> Figures:
    """Megabytes by process; ``worker_pss_mb`` is a whole worker: parent, one child and its supervisor."""
    async with lab.clients() as [api], lab.ledger() as ledger:
        await finished(ledger, [await submit(api)])
    await asyncio.sleep(SETTLE_SECONDS)
    pids = lab.pids
    worker = WorkerTree(pids.workers[0])
    parts = {"api": [psutil.Process(pids.single["api"])], "operator": [psutil.Process(pids.single["operator"])]}
    figures: Figures = {}
    for part, processes in (parts | worker.parts()).items():
        for process in processes:
            figures |= {f"{part}_{unit}": size for unit, size in sizes(process).items()}
    shares = [figures[name] for part in worker.parts() if (name := f"{part}_pss_mb") in figures]
    return figures | ({"worker_pss_mb": round(sum(shares), 1)} if shares else {})


def sizes(process: psutil.Process) -> dict[str, float]:
    """A process's memory; RSS alone where the kernel shows no more, as it does of a worker to all but root."""
    try:
        memory = process.memory_full_info()
    except psutil.AccessDenied:
        return {"rss_mb": _megabytes(process.memory_info().rss)}
    return {"rss_mb": _megabytes(memory.rss), "pss_mb": _megabytes(memory.pss), "uss_mb": _megabytes(memory.uss)}


def _megabytes(size: int) -> float:
    return round(size / MEGABYTE, 1)
