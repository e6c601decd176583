"""A proxy in front of the real apiserver that sometimes answers itself, or keeps an answer back.

It speaks plain HTTP on loopback, so a kubeconfig only needs another server address. What is not told to fail is
forwarded unchanged, watch streams included.
"""

import json
import re
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from secapi_dev.controlplane.servers import ControlPlane
from waiting import until

HOP_BY_HOP = {"connection", "transfer-encoding", "content-encoding", "content-length", "host", "keep-alive"}


class Cut(Enum):
    """Faults that are not answers."""

    BEFORE = auto()
    """Close the connection without forwarding the request."""

    AFTER = auto()
    """Forward the request and close the connection instead of answering: done, but the client cannot know."""


@dataclass
class Fault:
    """What happens to the next ``times`` requests whose "METHOD path?query" matches ``pattern``."""

    pattern: str
    what: int | Cut
    times: int = 1
    retry_after: int | None = None
    hit: int = 0


@dataclass
class FaultProxy:
    """Add to ``faults`` to make things fail; ``requests`` has every request line seen, in order."""

    upstream: str
    context: ssl.SSLContext
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    hidden_events: set[str] = field(default_factory=set)
    """Types of watch events that are not delivered, e.g. ``DELETED``."""

    expire_watches: int = 0
    """So many watch requests to come are answered as if their resourceVersion were too old."""

    _watches: list[web.Request] = field(default_factory=list)

    def fail(self, pattern: str, what: int | Cut, *, times: int = 1, retry_after: int | None = None) -> Fault:
        """Let matching requests fail; the answer counts the hits."""
        fault = Fault(pattern, what, times, retry_after)
        self.faults.append(fault)
        return fault

    async def until_watched(self) -> None:
        """Wait until there is a watch of ScanRequests to fail."""
        await until(lambda: any("/scanrequests" in request.path for request in self._watches), within=30)

    def cut_watches(self) -> None:
        """Close all watch streams, as a load balancer does."""
        for request in self._watches:
            if request.transport is not None:
                request.transport.abort()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Forward, unless a fault says otherwise."""
        line = f"{request.method} {request.path_qs}"
        self.requests.append(line)
        fault = self._next_fault(line)
        if fault is not None and isinstance(fault.what, int):
            return _status(fault.what, fault.retry_after)
        if fault is not None and fault.what is Cut.BEFORE:
            return _cut(request)
        if "watch=true" in request.path_qs and self.expire_watches > 0:
            self.expire_watches -= 1
            gone = {"kind": "Status", "apiVersion": "v1", "code": 410, "reason": "Expired", "message": "too old"}
            return web.Response(text=json.dumps({"type": "ERROR", "object": gone}) + "\n")
        return await self._forward(request, cut=fault is not None)

    def _next_fault(self, line: str) -> Fault | None:
        for fault in self.faults:
            if fault.hit < fault.times and re.search(fault.pattern, line):
                fault.hit += 1
                return fault
        return None

    async def _forward(self, request: web.Request, *, cut: bool) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        headers["Accept-Encoding"] = "identity"
        session: aiohttp.ClientSession = request.app[SESSION]
        body = await request.read() or None
        async with session.request(
            request.method, self.upstream + request.path_qs, headers=headers, data=body, ssl=self.context
        ) as answer:
            if cut:
                await answer.read()
                return _cut(request)
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            try:
                await response.prepare(request)
                if "watch=true" in request.path_qs:
                    await self._stream(request, answer, response)
                else:
                    await response.write(await answer.read())
                await response.write_eof()
            except (ConnectionError, aiohttp.ClientError):
                pass  # the client has gone, or the stream was cut on purpose
            return response

    async def _stream(self, request: web.Request, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        self._watches.append(request)
        try:
            while line := await answer.content.readline():
                if json.loads(line)["type"] not in self.hidden_events:
                    await response.write(line)
        finally:
            self._watches.remove(request)


SESSION = web.AppKey("session", aiohttp.ClientSession)


@asynccontextmanager
async def fault_proxy(upstream: str, context: ssl.SSLContext) -> AsyncIterator[FaultProxy]:
    """Serve on a free loopback port while the block runs."""
    proxy = FaultProxy(upstream, context)
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    async with aiohttp.ClientSession(timeout=timeout, read_bufsize=2**22) as session:
        app[SESSION] = session
        # A handler ends with its client: one that forwards a watch would wait for the next event for ever.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            proxy.url = f"http://{host}:{port}"
            yield proxy
        finally:
            proxy.cut_watches()
            await runner.cleanup()


@asynccontextmanager
async def apiserver_proxy(plane: ControlPlane) -> AsyncIterator[FaultProxy]:
    """A proxy in front of a real control plane."""
    context = ssl.create_default_context(cafile=str(plane.directory / "pki" / "ca.crt"))
    async with fault_proxy(plane.url, context) as proxy:
        yield proxy


def kubeconfig_through(proxy: FaultProxy, kubeconfig: Path, path: Path) -> Path:
    """Write a kubeconfig of the same identity that goes through the proxy."""
    config: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
    for cluster in config["clusters"]:
        cluster["cluster"] = {"server": proxy.url}
    path.write_text(json.dumps(config))
    return path


def count(requests: Iterable[str], pattern: str) -> int:
    """How many request lines match."""
    return sum(bool(re.search(pattern, line)) for line in requests)


def _status(code: int, retry_after: int | None) -> web.Response:
    body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": "Fault"}
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    return web.json_response(body, status=code, headers=headers)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
