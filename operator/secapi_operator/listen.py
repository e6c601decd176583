"""Wake-ups from the ledger: a ``LISTEN`` connection of its own that reconnects for as long as it is needed.

Notifications that are sent while nobody listens are lost, so ``connected`` is called after every (re)connection,
first of all, for whoever must look at everything once.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg
import structlog

from secapi_core.errors import describe
from secapi_operator.backoff import Backoff
from secapi_operator.outages import LEDGER_DOWN
from secapi_operator.periodic import event_or_timeout

log = structlog.get_logger(__name__)

SCANS = "secapi_scans"
"""Payload ``namespace/name``: a scan has left ``queued`` or has become terminal."""

OUTBOX = "secapi_outbox"
"""No payload: there are new messages to publish."""

_CHECK_INTERVAL = 10.0


async def listen(dsn: str, heard: Mapping[str, Callable[[str], None]], connected: Callable[[], None]) -> None:
    """Call ``heard[channel](payload)`` for every notification, until cancelled."""
    backoff = Backoff(first=0.2, ceiling=5.0)
    while True:
        try:
            async with asyncio.timeout(_CHECK_INTERVAL):
                connection = await asyncpg.connect(dsn, server_settings={"application_name": "secapi-operator-listen"})
            try:
                await _subscribe(connection, heard)
                log.info("listening", channels=list(heard))
                backoff.reset()
                connected()
                await _until_lost(connection)
            finally:
                connection.terminate()
        except LEDGER_DOWN as error:
            log.warning("not listening", failures=backoff.failures + 1, error=describe(error))
        await backoff.failed()


async def _subscribe(connection: "asyncpg.Connection[Any]", heard: Mapping[str, Callable[[str], None]]) -> None:
    def notified(_connection: object, _pid: int, channel: str, payload: object) -> None:
        heard[channel](str(payload))

    for channel in heard:
        await connection.add_listener(channel, notified)


async def _until_lost(connection: "asyncpg.Connection[Any]") -> None:
    """Return when the server closes the connection; raise when it does not answer any more."""
    closed = asyncio.Event()
    connection.add_termination_listener(lambda _connection: closed.set())
    while not closed.is_set():
        if not await event_or_timeout(closed, _CHECK_INTERVAL):
            await connection.execute("SELECT 1", timeout=_CHECK_INTERVAL)
    log.warning("listening connection closed")
