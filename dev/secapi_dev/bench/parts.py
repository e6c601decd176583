"""The parts of the benchmark by name, and running some of them."""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from enum import StrEnum

from secapi_dev.bench import (
    api,
    endurance,
    ingest,
    machine,
    memory,
    mixed,
    overhead,
    reads,
    restart,
    stampede,
    streams,
    throughput,
)
from secapi_dev.bench.databases import empty_database
from secapi_dev.bench.laboratory import Figures, Laboratory, laboratory
from secapi_dev.bench.machine import Facts
from secapi_dev.progress import Progress


class Part(StrEnum):
    """What can be measured by itself, in the order in which it is."""

    MEMORY = "memory"
    OVERHEAD = "overhead"
    THROUGHPUT = "throughput"
    API = "api"
    INGEST = "ingest"
    READS = "reads"
    STREAMS = "streams"
    STAMPEDE = "stampede"
    MIXED = "mixed"
    ENDURANCE = "endurance"
    OPERATOR = "operator"


async def _ingest(lab: Laboratory) -> Figures:
    async with empty_database(lab, "bench-ingest") as url:
        return await ingest.measure(url)


IN_STACK: dict[Part, Callable[[Laboratory], Awaitable[Figures]]] = {
    Part.MEMORY: memory.measure,
    Part.OVERHEAD: overhead.measure,
    Part.THROUGHPUT: throughput.measure,
    Part.API: api.measure,
    Part.INGEST: _ingest,
    Part.READS: reads.measure,
    Part.STREAMS: streams.measure,
    Part.STAMPEDE: stampede.measure,
    Part.MIXED: mixed.measure,
    Part.ENDURANCE: endurance.measure,
}
"""Those that are measured one after the other in one stack; the operator has servers of its own."""


async def run(
    wanted: Collection[Part],
    figures: MutableMapping[Part, Figures],
    facts: Facts,
    progress: Progress,
    *,
    scale: float = 1.0,
) -> None:
    """Measure the parts and put their figures into ``figures``, and the servers' versions into ``facts``.

    What one part measured is there although a later one fails.
    """
    if in_stack := [part for part in IN_STACK if part in wanted]:
        async with laboratory(progress, scale) as lab:
            facts |= await machine.versions(lab.stack, progress)
            for part in in_stack:
                async with progress.during(f"measuring {part}"):
                    figures[part] = await IN_STACK[part](lab)
    if Part.OPERATOR in wanted:
        async with restart.servers(progress) as servers:
            facts |= await machine.versions(servers.backends, progress)
            async with progress.during(f"measuring {Part.OPERATOR}"):
                figures[Part.OPERATOR] = await restart.measure(servers)
