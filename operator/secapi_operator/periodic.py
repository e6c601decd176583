"""Background duties: something done again and again until its task is cancelled, whatever goes wrong in one round."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from secapi_core.errors import describe
from secapi_operator import metrics
from secapi_operator.backoff import Backoff
from secapi_operator.outages import is_defect

log = structlog.get_logger(__name__)


async def every(interval: float, duty: Callable[[], Awaitable[object]], *, name: str) -> None:
    """Run ``duty``, wait ``interval`` give or take a tenth, and so on; a failed round is tried again with backoff."""
    # A duty that never succeeds must show as well, and one that another leader has now must not.
    metrics.LAST_SUCCESS.labels(name).set_to_current_time()
    metrics.LOOP_INTERVAL.labels(name).set(interval)
    try:
        await _run_forever(interval, duty, name)
    finally:
        metrics.LAST_SUCCESS.remove(name)
        metrics.LOOP_INTERVAL.remove(name)


async def _run_forever(interval: float, duty: Callable[[], Awaitable[object]], name: str) -> None:
    backoff = Backoff(first=0.5, ceiling=5.0)
    while True:
        try:
            await duty()
        # A duty talks to Postgres, Redis and Kubernetes; whichever is down, the loop must outlive it (promise P5).
        except Exception as error:
            metrics.LOOP_ERRORS.labels(name).inc()
            defect = is_defect(error)
            (log.error if defect else log.warning)(
                "duty failed", loop=name, failures=backoff.failures + 1, error=describe(error), exc_info=defect
            )
            await backoff.failed()
        else:
            backoff.reset()
            metrics.LAST_SUCCESS.labels(name).set_to_current_time()
            await asyncio.sleep(interval * random.uniform(0.9, 1.1))  # noqa: S311 -- jitter, not a secret


async def event_or_timeout(event: asyncio.Event, seconds: float) -> bool:
    """Wait for ``event``, but no longer than this; whether it is set.

    Not by ``asyncio.wait_for``: until Python 3.12 that loses a cancellation that comes together with the event, and a
    task that was told to stop goes on.
    """
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
