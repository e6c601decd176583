"""One stream: what differs between what its client has seen and how the scan stands, until nothing will any more."""

import random
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from fastapi.sse import format_sse_event

from secapi_api.metrics import EVENT_STREAMS_ENDED, EVENTS_SENT
from secapi_api.scan_events.feed import FollowedScan, Follower, ScanFeed
from secapi_api.scan_events.position import Position
from secapi_api.scan_events.rights import StandingRights
from secapi_api.scan_events.schemas import ScanEnd
from secapi_api.scans.schemas import phase

HEARTBEAT = format_sse_event(comment="nothing new")


@dataclass(slots=True)
class ScanStream:
    """What is sent to one client, in seconds ``heartbeat`` apart at most and not for longer than ``duration``."""

    feed: ScanFeed
    scan_id: UUID
    seen: Position
    rights: StandingRights
    heartbeat: float
    duration: float
    _ends_at: float = field(init=False)

    def __post_init__(self) -> None:
        """Streams that began together do not end together."""
        self._ends_at = time.monotonic() + self.duration * random.uniform(0.9, 1.1)  # noqa: S311 -- no secret

    async def events(self) -> AsyncGenerator[bytes]:
        """As they are sent; the stream is over when they are."""
        with self.feed.follow(self.scan_id) as follower:
            # Nor do clients whose streams were ended together come back together.
            yield format_sse_event(retry=random.randint(1_000, 3_000))  # noqa: S311 -- no secret
            heard_at = time.monotonic()
            while not (why := await self._over()):
                for event in self._news(follower):
                    yield event
                    heard_at = time.monotonic()
                    if await self._over():
                        break
                if self._is_told(follower):
                    yield self._end(follower.scan)
                    why = "end"
                    break
                if time.monotonic() >= heard_at + self.heartbeat:
                    yield HEARTBEAT
                    heard_at = time.monotonic()
                due = min(heard_at + self.heartbeat, self._ends_at, self.rights.ask_at)
                await follower.wait(due - time.monotonic())
            EVENT_STREAMS_ENDED.labels(why).inc()

    async def _over(self) -> str | None:
        """Why the stream must end although the scan goes on."""
        if self.feed.ended:
            return "shutdown"
        if time.monotonic() >= self._ends_at:
            return "duration"
        return None if await self.rights.hold() else "rights"

    def _news(self, follower: Follower) -> Iterator[bytes]:
        """Jobs first, so that what a scan counts has been told when it is told. More may change meanwhile."""
        if not follower.fresh:
            return
        scan = follower.scan
        version, summary = scan.mark.version, scan.summary
        self.seen.grow(len(scan.steps))
        for ordinal, step in enumerate(bytes(scan.steps)):
            if self.seen.steps[ordinal] != step:
                self.seen.steps[ordinal] = scan.steps[ordinal]
                yield self._event("job", scan.jobs[ordinal])
        if self.seen.version != version:
            self.seen.version = version
            yield self._event("scan", summary)

    def _is_told(self, follower: Follower) -> bool:
        """Whether the scan has ended and the client has seen all of it."""
        scan = follower.scan
        told = self.seen.version == scan.mark.version and self.seen.steps == scan.steps
        return follower.fresh and scan.state.terminal and told

    def _end(self, scan: FollowedScan) -> bytes:
        return self._event("end", ScanEnd(id=scan.id, phase=phase(scan.state)).model_dump_json(by_alias=True))

    def _event(self, name: str, data: str) -> bytes:
        EVENTS_SENT.labels(name).inc()
        return format_sse_event(event=name, data_str=data, id=self.seen.event_id(self.scan_id))
