"""Readiness checks of servers that answer over HTTP."""

import asyncio
import ssl
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from secapi_dev.processes.program import ReadyCheck

TIMEOUT_SECONDS = 5.0


def http_ok(url: str, tls: ssl.SSLContext | None = None) -> ReadyCheck:
    """Make a check that says yes when ``url`` answers 200, directly and not through a proxy.

    It is asked many times while the machine is busy starting what it asks, so it uses the leanest client there is.
    """
    parts = urlsplit(url)

    def ask() -> bool:
        address = (parts.hostname or "", parts.port)
        connection = (
            HTTPSConnection(*address, timeout=TIMEOUT_SECONDS, context=tls)
            if parts.scheme == "https"
            else HTTPConnection(*address, timeout=TIMEOUT_SECONDS)
        )
        try:
            connection.request("GET", parts.path)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    async def ready() -> bool:
        return await asyncio.to_thread(ask)

    return ready
