"""Readiness checks of servers that answer over HTTP."""

import ssl

import httpx

from secapi_dev.processes.program import ReadyCheck

TIMEOUT_SECONDS = 5.0


def http_ok(url: str, tls: ssl.SSLContext | bool = False) -> ReadyCheck:
    """Make a check that says yes when ``url`` answers 200; environment variables for proxies do not apply."""

    async def ready() -> bool:
        try:
            async with httpx.AsyncClient(verify=tls, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
                return (await client.get(url)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    return ready
