"""Watching: Kopf turns the apiserver's watch streams into events, in a thread and event loop of its own.

Kopf is used for what it does well (streams that reconnect, notice silence and list anew after 410) and kept away from
the rest: handlers are ``on.event`` only, so it writes nothing; what they hear is trimmed and handed to the main loop.
The thread is for containment: an ending Kopf cancels every task of its loop and takes over signals, and it does end,
for instance when a list's continue token expires or credentials stay refused. It is then started anew.
"""

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable
from typing import Any

import kopf
import structlog
import uvloop

from secapi_core.crds.base import GROUP, VERSION, Resource
from secapi_core.errors import describe
from secapi_operator import metrics
from secapi_operator.backoff import Backoff
from secapi_operator.objects import StoredObject
from secapi_operator.watch_settings import NoMemories, kopf_settings, quiet_kopf

log = structlog.get_logger(__name__)

Deliver = Callable[[StoredObject, bool], None]
"""Called in the main loop with every object that was seen, and whether it was its end."""

_STOP_TIMEOUT = 3.0
_GOOD_RUN = 60.0
"""A watch that lasted this long failed for a new reason: the pauses begin anew."""


class Watch:
    """Events of some kinds in all namespaces, delivered to the loop that made this object."""

    def __init__(self, kinds: dict[type[Resource], type[StoredObject]], deliver: Deliver) -> None:
        """``kinds`` says how objects of each kind are trimmed."""
        self._kinds = kinds
        self._deliver = deliver
        self._main_loop = asyncio.get_running_loop()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._run_over: asyncio.Event | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def restart(self) -> None:
        """List and watch from the beginning; also starts the first time."""
        if self._thread is None:
            quiet_kopf()
            # The context carries what every log line of this process says.
            context = contextvars.copy_context()
            self._thread = threading.Thread(target=context.run, args=(self._run,), name="watch", daemon=True)
            self._thread.start()
        else:
            self._end_run()

    async def responds(self, within: float) -> bool:
        """Whether the thread is alive and its loop answers in so many seconds; true before the first start."""
        if self._thread is None:
            return True
        if self._loop is None or not self._thread.is_alive():
            return self._thread.is_alive()
        probe = asyncio.run_coroutine_threadsafe(asyncio.sleep(0, True), self._loop)
        try:
            async with asyncio.timeout(within):
                return await asyncio.wrap_future(probe)
        except TimeoutError:
            return False

    async def stop(self) -> None:
        """End the thread; one that does not end in time is left behind, as a daemon it does not hold the process."""
        self._stopped.set()
        self._end_run()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _STOP_TIMEOUT)

    def _end_run(self) -> None:
        if self._loop is not None and self._run_over is not None:
            self._loop.call_soon_threadsafe(self._run_over.set)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            self._loop = runner.get_loop()
            runner.run(self._keep_watching())

    async def _keep_watching(self) -> None:
        backoff = Backoff(first=0.2, ceiling=15.0)
        while not self._stopped.is_set():
            self._run_over = asyncio.Event()
            started_at = asyncio.get_running_loop().time()
            try:
                await self._watch_once(self._run_over)
            # Kopf raises whatever ended it, of many types; the reaction is the same for all.
            except Exception as error:
                log.warning("watch ended", error=describe(error))
            if self._stopped.is_set():
                return
            metrics.WATCH_RESTARTS.inc()
            if asyncio.get_running_loop().time() - started_at > _GOOD_RUN:
                backoff.reset()
            await backoff.failed()

    async def _watch_once(self, over: asyncio.Event) -> None:
        await kopf.operator(
            registry=self._registry(),
            settings=kopf_settings(),
            memories=NoMemories(),
            clusterwide=True,
            stop_flag=over,
        )

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        # A registry of one's own has no login handler, and Kopf would wait for one without a word.
        kopf.on.login(registry=registry)(
            kopf.login_with_kubeconfig if os.environ.get("KUBECONFIG") else kopf.login_with_service_account
        )
        for kind, stored in self._kinds.items():
            self._register(registry, kind, stored)
        return registry

    def _register(self, registry: kopf.OperatorRegistry, kind: type[Resource], stored: type[StoredObject]) -> None:
        @kopf.on.event(GROUP, VERSION, kind.PLURAL, registry=registry)
        async def noticed(event: kopf.RawEvent, **_: Any) -> None:
            item = stored.parse(event["object"])
            self._main_loop.call_soon_threadsafe(self._deliver, item, event["type"] == "DELETED")
