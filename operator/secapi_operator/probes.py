"""``/healthz``, ``/readyz`` and ``/metrics``, for kubelet and Prometheus; leader and followers answer alike."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[str]]
"""One sentence about what is wrong, empty if nothing is."""

_CHECK_TIMEOUT = 3.0


@asynccontextmanager
async def probes(host: str, port: int, *, healthy: Check, ready: Check) -> AsyncIterator[int]:
    """Serve while the block runs; yields the port, which matters when 0 was asked for."""
    app = web.Application()
    app.router.add_get("/healthz", _answering(healthy))
    app.router.add_get("/readyz", _answering(ready))
    app.router.add_get("/metrics", _metrics)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        _, bound_port, *_ = runner.addresses[0]
        log.info("serving probes", host=host, port=bound_port)
        yield bound_port
    finally:
        await runner.cleanup()


def _answering(check: Check) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT):
                problem = await check()
        except TimeoutError:
            problem = f"no answer within {_CHECK_TIMEOUT:g} s"
        if problem:
            return web.json_response({"ok": False, "problem": problem}, status=503)
        return web.json_response({"ok": True})

    return answer


async def _metrics(_request: web.Request) -> web.Response:
    # The library's content type has parameters, which aiohttp takes only as a header.
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
