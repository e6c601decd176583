"""Summaries of scans in Redis: written there by the transition that changes them, and by whoever had to ask the ledger.

The ledger is the truth. What is kept has the version that the ledger counts with, and an older one never replaces a
newer one, in whatever order they arrive. A deleted scan's last summary says that it is deleted. A write that does not
get through is not tried again: what is kept of a scan that goes on ends after ``OPEN_SECONDS`` by itself, and of one
that has ended nothing can change but that it is deleted (docs/decisions/0019).
"""

import asyncio
import hashlib
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, cast
from uuid import UUID

import orjson
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from secapi_core.metrics import SUMMARY_WRITES
from secapi_core.shared_memory import RedisAway, SharedMemory

OPEN_SECONDS = 3.0
"""How long the summary of a scan that goes on is kept: as late as the end of a scan can be told if a write is lost."""

ENDED_SECONDS = 60.0
"""The same after the end: as late as a deletion can be."""

UNKNOWN_SECONDS = 2.0
"""How long it is kept that somebody may see no such scan."""

JITTER = 0.1
"""Part of its time by which an entry's end varies, so that not all end together."""

# KEYS[1] is the scan; ARGV are version, summary and milliseconds. A hash of ``version`` and ``summary``, or of marks of
# those who may see no such scan, which end with the first summary.
_PUT = """
local kept = tonumber(redis.call('HGET', KEYS[1], 'version'))
if kept and kept > tonumber(ARGV[1]) then return 0 end
if not kept then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'summary', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""

# The same for a change of which only the version is known: what is older goes, and cannot come back.
_OUTDATE = """
local kept = tonumber(redis.call('HGET', KEYS[1], 'version'))
if kept and kept >= tonumber(ARGV[1]) then return 0 end
if not kept then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'version', ARGV[1])
redis.call('HDEL', KEYS[1], 'summary')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""

# ARGV are the mark and milliseconds. Not if the scan has become known meanwhile.
_UNKNOWN = """
if redis.call('HEXISTS', KEYS[1], 'version') == 1 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], '')
redis.call('PEXPIRE', KEYS[1], ARGV[2], 'NX')
return 1
"""


class Written(StrEnum):
    """What became of a summary."""

    KEPT = "kept"
    OLDER = "older"
    """There was a newer one."""

    NO_ROOM = "no-room"
    """Redis is full; what it had of the scan is gone."""

    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Kept:
    """What Redis says of a scan: its ``summary``, or that whoever asked may see none (``unknown``), or nothing."""

    summary: dict[str, Any] | None = None
    unknown: bool = False


Fields = list[bytes | None]


class _Wanted(NamedTuple):
    """Somebody who waits for fields of a scan."""

    key: str
    mark: str
    found: "asyncio.Future[Fields]"


class ScanSummaries:
    """Shared by all processes of all components."""

    def __init__(self, memory: SharedMemory) -> None:
        """Keep them in ``memory``."""
        self._memory = memory
        self._wanted: list[_Wanted] = []
        self._asking: asyncio.Task[None] | None = None

    async def put(self, summaries: Sequence[str]) -> None:
        """Keep rows as the ledger left them; of a scan that is there more than once the newest stays. Never raises."""
        rows = [(orjson.loads(summary), summary) for summary in summaries]

        async def write(redis: Redis) -> list[int] | None:
            async with redis.pipeline(transaction=False) as pipe:
                for row, summary in rows:
                    seconds = OPEN_SECONDS if row["completed_at"] is None else ENDED_SECONDS
                    pipe.eval(_PUT, 1, _key(row["id"]), str(row["version"]), summary, str(_milliseconds(seconds)))
                try:
                    return cast("list[int]", await pipe.execute())
                except OutOfMemoryError:
                    # There is always room for less.
                    await redis.unlink(*(_key(row["id"]) for row, _ in rows))
                    return None

        try:
            written = await self._memory.ask(write)
        except RedisAway:
            SUMMARY_WRITES.labels(Written.AWAY).inc(len(rows))
            return
        for done in written if written is not None else [None] * len(rows):
            outcome = Written.NO_ROOM if done is None else Written.KEPT if done else Written.OLDER
            SUMMARY_WRITES.labels(outcome).inc()

    async def outdate(self, scans: dict[UUID, int]) -> None:
        """Whoever tells others of scans at these versions has nobody read older ones afterwards. Never raises."""

        async def write(redis: Redis) -> None:
            async with redis.pipeline(transaction=False) as pipe:
                for scan_id, version in scans.items():
                    pipe.eval(_OUTDATE, 1, _key(scan_id), str(version), str(_milliseconds(OPEN_SECONDS)))
                try:
                    await pipe.execute()
                except OutOfMemoryError:
                    await redis.unlink(*map(_key, scans))

        try:
            await self._memory.ask(write)
        except RedisAway:
            return

    async def put_unknown(self, scan_id: UUID, namespaces: Collection[str] | None) -> None:
        """Keep for a moment that the ledger has no such scan in ``namespaces`` (``None``: in any). Never raises."""
        mark, milliseconds = _mark(namespaces), str(_milliseconds(UNKNOWN_SECONDS))
        try:
            await self._memory.ask(lambda redis: redis.eval(_UNKNOWN, 1, _key(scan_id), mark, milliseconds))
        except RedisAway:
            return

    async def get(self, scan_id: UUID, namespaces: Collection[str] | None) -> Kept:
        """What is kept for somebody who may see ``namespaces``; whose the summary is, is theirs to look at.

        Raises RedisAway. What is wanted while Redis is being asked is asked for together, next.
        """
        if self._memory.resting:
            raise RedisAway
        wanted = _Wanted(_key(scan_id), _mark(namespaces), asyncio.get_running_loop().create_future())
        self._wanted.append(wanted)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        summary, mark = await wanted.found
        return Kept(None if summary is None else orjson.loads(summary), unknown=mark is not None)

    async def _ask(self) -> None:
        while self._wanted:
            asked, self._wanted = self._wanted, []
            found: Sequence[Fields | Exception]
            try:
                found = await self._memory.ask(partial(_read, asked=asked))
            except Exception as error:  # Whatever it is, it is for those who wait, and the next are asked for.
                found = [error] * len(asked)
            for wanted, fields in zip(asked, found, strict=True):
                if wanted.found.done():
                    continue  # Whoever wanted it has gone.
                if isinstance(fields, Exception):
                    wanted.found.set_exception(fields)
                else:
                    wanted.found.set_result(fields)
        self._asking = None


async def _read(redis: Redis, *, asked: Sequence[_Wanted]) -> list[Fields]:
    async with redis.pipeline(transaction=False) as pipe:
        for wanted in asked:
            pipe.hmget(wanted.key, ["summary", wanted.mark])
        return cast("list[Fields]", await pipe.execute())


def _key(scan_id: UUID | str) -> str:
    return f"scan:{scan_id}"


def _mark(namespaces: Collection[str] | None) -> str:
    """The field of all who may see the same."""
    if namespaces is None:
        return "unknown:*"
    return f"unknown:{hashlib.sha256(','.join(sorted(namespaces)).encode()).hexdigest()}"


def _milliseconds(seconds: float) -> int:
    return int(seconds * random.uniform(1 - JITTER, 1 + JITTER) * 1000)  # noqa: S311 -- no secret
