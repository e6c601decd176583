"""Reads of scans for many reconciles at once: those that ask while a query is under way share the next one."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.exc import ProgrammingError

from secapi_core.errors import describe
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.scans import ScanSummary, get_states
from secapi_operator.backoff import Backoff
from secapi_operator.outages import LEDGER_DOWN

log = structlog.get_logger(__name__)

_BATCH = 200


class ScanLoader:
    """What the ledger says about scans; while it says nothing, callers wait (promise P5)."""

    def __init__(self, database: Database) -> None:
        """Serve once :meth:`run` runs."""
        self._database = database
        self._wanted: asyncio.Queue[tuple[UUID, asyncio.Future[ScanSummary | None]]] = asyncio.Queue()

    async def load(self, scan_id: UUID) -> ScanSummary | None:
        """The scan as it was at some time after the call, or ``None`` if the ledger does not know it."""
        answer: asyncio.Future[ScanSummary | None] = asyncio.get_running_loop().create_future()
        self._wanted.put_nowait((scan_id, answer))
        return await answer

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            batch = [await self._wanted.get()]
            while len(batch) < _BATCH and not self._wanted.empty():
                batch.append(self._wanted.get_nowait())
            await self._answer(batch)

    async def _answer(self, batch: Sequence[tuple[UUID, asyncio.Future[ScanSummary | None]]]) -> None:
        try:
            found = await self._read([scan_id for scan_id, _ in batch])
        # A defect is for those who asked: each is logged and tried again, and the loader serves the others.
        except Exception as error:
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for scan_id, answer in batch:
            if not answer.done():
                answer.set_result(found.get(scan_id))

    async def _read(self, ids: Sequence[UUID]) -> dict[UUID, ScanSummary]:
        backoff = Backoff(first=0.1, ceiling=5.0)
        while True:
            try:
                async with self._database.transaction() as session:
                    return await get_states(session, ids)
            except ProgrammingError:
                raise  # it did answer: the schema is not the one this version reads
            except LEDGER_DOWN as error:
                log.warning("ledger does not answer", failures=backoff.failures + 1, error=describe(error))
                await backoff.failed()
