"""A claimed job's lease: kept alive by heartbeats, given up when it may have run out.

The database's clock decides when a lease ends. This side only knows when it asked: a heartbeat that was answered holds
the job at least until ``lease_seconds`` after it was *sent*. Until then results may be committed; afterwards the job
may be somebody else's, so the scanner is killed, though the fence in the ledger would refuse the results anyway.
"""

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.heartbeat import extend_lease
from secapi_core.ledger.types import ClaimedJob, Heartbeat
from secapi_core.settings import LeaseSettings
from secapi_workers import metrics
from secapi_workers.runner.retries import Unavailable, persistently


class Phase(StrEnum):
    """What a job is at, as its progress shows."""

    PREPARING = "preparing"
    SCANNING = "scanning"
    PARSING = "parsing"
    COMMITTING = "committing"


class Ended(StrEnum):
    """Why a job must not go on."""

    LOST = "lost"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Lease:
    """What this worker knows about its claim on ``job``; times are this process's monotonic clock.

    ``claimed`` is when it asked for the job, ``expires`` until when the job is its own for certain.
    """

    job: ClaimedJob
    settings: LeaseSettings
    claimed: float
    expires: float
    phase: Phase = Phase.PREPARING
    phase_started: float = field(default_factory=time.monotonic)

    def enter(self, phase: Phase) -> None:
        """The job has got to ``phase``."""
        self.phase, self.phase_started = phase, time.monotonic()

    @property
    def seconds_left(self) -> float:
        """How long the job is this worker's for certain."""
        return self.expires - time.monotonic()

    @property
    def committing(self) -> bool:
        """Whether the results are on their way, with the ledger deciding whether they count."""
        return self.phase in (Phase.PARSING, Phase.COMMITTING)

    async def keep(self, database: Database) -> Ended:
        """Send heartbeats until the job must end for a reason that is not its own."""
        while True:
            await asyncio.sleep(self.settings.heartbeat_seconds)
            try:
                beat = await self._beat(database)
            except Unavailable:
                return Ended.LOST
            if beat is None and self.committing:
                # From here the success of the commit looks just like a loss; the fence in the ledger tells them apart.
                await asyncio.Event().wait()
            if beat is None:
                return Ended.LOST
            if beat.cancel_requested:
                return Ended.CANCELLED

    async def _beat(self, database: Database) -> Heartbeat | None:
        """One heartbeat, tried until it gets through; raises Unavailable when the lease must be given up."""

        async def beat() -> Heartbeat | None:
            sent = time.monotonic()
            async with database.transaction() as session:
                answer = await extend_lease(
                    session,
                    self.job.id,
                    self.job.attempt,
                    lease_seconds=self.settings.lease_seconds,
                    progress=self._progress(),
                )
            if answer is not None:
                self.expires = sent + self.settings.lease_seconds
            return answer

        return await persistently(
            beat,
            seconds_left=lambda: self.seconds_left,
            try_seconds=max(self.settings.lease_seconds / 4, 0.5),
            failed=metrics.HEARTBEAT_FAILURES.inc,
        )

    def _progress(self) -> dict[str, Any]:
        return {"phase": self.phase, "seconds": round(time.monotonic() - self.phase_started, 1)}
