"""Kopf without what is not used: no bookkeeping about objects, no writes, no giving up, no INFO line per event.

The bookkeeping copies every object several times and keeps notes about it; without it, listing 20,000 objects takes
about half as long.
"""

import itertools
import logging
from collections.abc import Iterator
from typing import Any

import kopf
from kopf._cogs.structs.bodies import BodyEssence
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

from secapi_operator.backoff import pause_after


class NoMemories(ResourceMemories):
    """Kopf's notes about every object, not kept: they serve handlers that are not used, and leak missed deletions."""

    async def recall(self, *args: Any, **kwargs: Any) -> ResourceMemory:
        """Notes for this event alone."""
        return await super().recall(*args, **{**kwargs, "ephemeral": True})


class _NoEssence(kopf.AnnotationsDiffBaseStorage):
    """Does not copy every object to find out what changed in it."""

    def fetch(self, **_: Any) -> None:
        return None

    def build(self, **_: Any) -> BodyEssence:
        return BodyEssence()


class _NoProgress(kopf.AnnotationsProgressStorage):
    """Does not copy that copy to clean it from progress that is never stored."""

    def clear(self, *, essence: BodyEssence) -> BodyEssence:
        return essence


class _Backoffs:
    """Pauses between tries of a request, without end: a watch has nothing better to do than to try again."""

    def __iter__(self) -> Iterator[float]:
        for failures in itertools.count(1):
            yield pause_after(failures, first=0.2, ceiling=10.0)


def kopf_settings() -> kopf.OperatorSettings:
    """Watch everything, write nothing, never give up, leave signals and termination alone."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = None
    settings.persistence.diffbase_storage = _NoEssence()
    settings.persistence.progress_storage = _NoProgress()
    settings.watching.chunk_size = 500
    settings.watching.connect_timeout = 10
    # A worker is a task per object; nothing of ours takes time in it, so it need not wait for another event.
    settings.queueing.idle_timeout = 0.05
    settings.queueing.exit_timeout = 1.0
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = _Backoffs()
    return settings


def quiet_kopf() -> None:
    """Leave Kopf's warnings and errors; every handled event is an INFO line, and its thread cannot have signals."""
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
