"""The one source of all event streams of a process: scans that somebody follows, as the ledger last had them.

The ledger is asked about all of them in one statement, from time to time and when a hint says that one has changed
(docs/decisions/0016). What changed is read once and made JSON once, however many follow it.
"""

import asyncio
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from secapi_api.errors import LedgerUnavailable
from secapi_api.hints import SCANS_CHANGED, Hints
from secapi_api.ledger import SYSTEM, Ledger
from secapi_api.metrics import EVENT_LOOKS
from secapi_api.scans.schemas import ScanJob, ScanSummary
from secapi_api.tasks import cancelled
from secapi_core.ledger.queries.changes import JobChange, Mark, ScanChange, changed_jobs, changed_scans
from secapi_core.ledger.states import ScanState
from secapi_core.scan_summaries import ScanSummaries

PAUSE_SECONDS = 0.1
"""Shortest time between two looks at the ledger, whatever the hints."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class FollowedScan:
    """A scan as the ledger last had it; ``jobs`` and ``steps`` are by ordinal, ``summary`` and ``jobs`` are JSON."""

    id: UUID
    mark: Mark = field(default_factory=Mark)
    state: ScanState = ScanState.PENDING
    summary: str = ""
    steps: bytearray = field(default_factory=bytearray)
    jobs: list[str] = field(default_factory=list)
    followers: "set[Follower]" = field(default_factory=set)

    def take(self, change: ScanChange) -> None:
        """Be where the ledger is."""
        self.mark, self.state = change.mark, change.scan.state
        self.summary = ScanSummary.brief(change.scan).model_dump_json(by_alias=True)

    def take_job(self, change: JobChange) -> None:
        """Changes come in the order of the plan, so a job that is new is the next one."""
        ordinal, shown = change.job.ordinal, ScanJob.of(change.job).model_dump_json(by_alias=True)
        if ordinal == len(self.jobs):
            self.jobs.append(shown)
            self.steps.append(change.step)
        else:
            self.jobs[ordinal], self.steps[ordinal] = shown, change.step


@dataclass(slots=True, eq=False)
class Follower:
    """One stream's place at a scan. ``fresh``: the scan was read after the stream began."""

    scan: FollowedScan
    fresh: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, seconds: float) -> None:
        """Return at the next news, or after so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.woken.wait()
        self.woken.clear()


class ScanFeed:
    """Scans that are followed through this process."""

    def __init__(self, ledger: Ledger, hints: Hints, summaries: ScanSummaries, *, poll: float) -> None:
        """``poll``: seconds after which the ledger is asked without a hint. Follow nothing yet."""
        self._ledger = ledger
        self._hints = hints
        self._summaries = summaries
        self._poll = poll
        self._scans: dict[UUID, FollowedScan] = {}
        self._asked: set[UUID] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.ended = False

    def start(self) -> None:
        """Begin to look; whoever listens for hints calls ``look``."""
        self._tasks = [asyncio.create_task(self._run())]

    @contextmanager
    def follow(self, scan_id: UUID) -> Iterator[Follower]:
        """Have the scan looked at now, and whenever it changes until the block ends."""
        scan = self._scans.setdefault(scan_id, FollowedScan(scan_id))
        follower = Follower(scan)
        scan.followers.add(follower)
        self.look(scan_id)
        try:
            yield follower
        finally:
            scan.followers.discard(follower)
            if not scan.followers:
                del self._scans[scan_id]

    def look(self, scan_id: UUID) -> None:
        """Ask the ledger about the scan soon, if anybody here follows it."""
        if scan_id in self._scans:
            self._asked.add(scan_id)
            self._wake.set()

    async def changed(self, scan_id: UUID) -> None:
        """Whoever has committed a change of a scan says so, for this process and the others."""
        self.look(scan_id)
        await self._hints.publish(SCANS_CHANGED, scan_id)

    def end(self) -> None:
        """Let every stream end now: the process is about to stop."""
        self.ended = True
        for scan in self._scans.values():
            for follower in scan.followers:
                follower.woken.set()

    async def close(self) -> None:
        """Stop looking."""
        self.end()
        await cancelled(self._tasks)

    async def _run(self) -> None:
        due = time.monotonic()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - time.monotonic()) if self._scans else None):
                    await self._wake.wait()
            self._wake.clear()
            wanted, self._asked = self._asked & self._scans.keys(), set()
            trigger = "hint"
            if time.monotonic() >= due:
                wanted, trigger = set(self._scans), "poll"
                due = time.monotonic() + self._poll
            if wanted:
                await self._try(wanted, trigger)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _try(self, wanted: Collection[UUID], trigger: str) -> None:
        try:
            await self._look(wanted)
            EVENT_LOOKS.labels(trigger).inc()
        except LedgerUnavailable as error:
            # What was asked for now is asked for again with the others.
            log.warning("scans that are followed could not be read", error=error.detail, pause=self._poll)
        except Exception:  # Whatever it is, the streams of other scans go on.
            log.exception("scans that are followed could not be read")

    async def _look(self, wanted: Collection[UUID]) -> None:
        """Two statements, or one if nothing has changed."""
        scans = {scan_id: self._scans[scan_id] for scan_id in wanted}
        followers = [follower for scan in scans.values() for follower in scan.followers]
        async with self._ledger.reading(SYSTEM) as session:
            changes = await changed_scans(session, {scan.id: scan.mark for scan in scans.values()})
            # After the scans: a scan that has ended is seen with jobs that have.
            known = {change.scan.id: bytes(scans[change.scan.id].steps) for change in changes}
            jobs = await changed_jobs(session, known) if known else []
        if changes:
            # Whoever is told of a change and then reads the scan must find it there.
            await self._summaries.outdate({change.scan.id: change.mark.version for change in changes})
        for job in jobs:
            scans[job.scan_id].take_job(job)
        for change in changes:
            scans[change.scan.id].take(change)
        moved = {change.scan.id for change in changes}
        for follower in followers:
            if follower.scan.id in moved or not follower.fresh:
                follower.fresh = True
                follower.woken.set()
