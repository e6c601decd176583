"""Workers' last steps in a process of their own, for tests in which many commit at the same time."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from ledger_factories import claimed, finish, make_database, make_findings
from secapi_core.ledger.types import IngestCounts


def finish_in_own_process(url: str, reports: Sequence[tuple[UUID, Sequence[int]]]) -> list[IngestCounts]:
    """Claim each job and finish it with its findings, all at once."""

    async def run() -> list[IngestCounts]:
        database = make_database(url)
        try:
            jobs = [await claimed(database, job_id) for job_id, _ in reports]
            return await asyncio.gather(
                *(
                    finish(database, job, make_findings(numbers))
                    for job, (_, numbers) in zip(jobs, reports, strict=True)
                )
            )
        finally:
            await database.close()

    return asyncio.run(run())
