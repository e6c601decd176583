"""Leader election by a Lease, after client-go's algorithm: only the holder works, the others keep their store warm.

The Kubernetes package has an election too, which cannot serve here: its requests have no deadline of their own, so a
leader whose renewal hangs goes on working past its lease; a network error ends it; it writes local time as if it were
UTC, never releases the Lease, and does not wait for the work to stop. What this one decides with is the local
monotonic clock and when it last saw the Lease change, never the timestamps inside, so clock skew is harmless.

Two leaders for a moment are harmless as well (promise P9): the ledger fences jobs, resourceVersions fence status.
"""

import asyncio
import os
import random
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog

from secapi_operator import metrics
from secapi_operator.kube import Conflict, Kube, KubeError, NotFound
from secapi_operator.periodic import event_or_timeout
from secapi_operator.settings import OperatorSettings

log = structlog.get_logger(__name__)

_API_VERSION = "coordination.k8s.io/v1"


def make_identity(settings: OperatorSettings) -> str:
    """A name no other process has: a pod that restarts in place must not take its predecessor's Lease for its own."""
    return f"{settings.pod_name or socket.gethostname()}_{os.getpid()}_{os.urandom(4).hex()}"


class Leader:
    """One candidate for the Lease."""

    def __init__(self, kube: Kube, settings: OperatorSettings, *, identity: str) -> None:
        """Take part only once :meth:`run` is called."""
        self._kube = kube
        self._namespace = settings.pod_namespace
        self._name = settings.tuning.lease_name
        self._duration = settings.tuning.lease_duration
        self._renew_deadline = settings.tuning.renew_deadline
        self._retry_period = settings.tuning.retry_period
        self._identity = identity
        self._lease: dict[str, Any] | None = None
        self._seen_version = ""
        self._seen_at = 0.0
        metrics.LEADER.set(0)

    async def run(self, work: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
        """Run ``work`` whenever this process leads, until ``stop`` is set; then release the Lease.

        ``work`` is cancelled, and waited for, the moment the Lease cannot be kept. It must return by itself soon after
        ``stop`` is set; the Lease is renewed until it has. What it raises is raised here, after the release.
        """
        while not stop.is_set():
            if await self._acquire_or_renew():
                await self._lead(work, stop)
            else:
                await event_or_timeout(stop, self._retry_period * random.uniform(1.0, 1.2))  # noqa: S311 -- jitter, not a secret

    async def _lead(self, work: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
        log.info("leading", identity=self._identity)
        metrics.LEADER.set(1)
        task = asyncio.ensure_future(work())
        try:
            await self._renew_while_running(task)
        finally:
            task.cancel()
            await asyncio.wait([task])
            metrics.LEADER.set(0)
            log.info("no longer leading", identity=self._identity, stopping=stop.is_set())
            await self._release()
        if not task.cancelled():
            task.result()

    async def _renew_while_running(self, task: "asyncio.Future[None]") -> None:
        """Return once ``task`` is done, or the Lease is another's or was not renewed in time."""
        renewed_at = time.monotonic()
        while True:
            await asyncio.wait([task], timeout=self._retry_period)
            if task.done():
                return
            asked_at = time.monotonic()
            renewed = False
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, renewed_at + self._renew_deadline - asked_at)):
                    renewed = await self._acquire_or_renew()
            if renewed:
                renewed_at = asked_at
            elif self._held_by_another() or time.monotonic() >= renewed_at + self._renew_deadline:
                log.error("lease lost", holder=self._holder())
                return

    async def _acquire_or_renew(self) -> bool:
        try:
            # A leader knows the Lease's version, so that renewing takes one request.
            if self._holder() != self._identity:
                await self._look()
            if self._held_by_another():
                return False
            await self._write()
        except Conflict:
            self._lease = None
            with suppress(KubeError):
                await self._look()
            return False
        except KubeError as error:
            log.warning("lease not obtained", error=str(error))
            return False
        return True

    async def _look(self) -> None:
        try:
            self._lease = await self._request("GET", self._path())
        except NotFound:
            self._lease = None
            return
        version = self._lease["metadata"]["resourceVersion"]
        if version != self._seen_version:
            self._seen_version, self._seen_at = version, time.monotonic()

    def _holder(self) -> str:
        return str((self._lease or {}).get("spec", {}).get("holderIdentity") or "")

    def _held_by_another(self) -> bool:
        holder = self._holder()
        if holder in ("", self._identity) or self._lease is None:
            return False
        duration = self._lease["spec"].get("leaseDurationSeconds") or self._duration
        return time.monotonic() < self._seen_at + max(float(duration), self._duration)

    async def _write(self) -> None:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        if self._lease is None:
            spec = self._spec(now, acquired=now, transitions=0)
            body = {"apiVersion": _API_VERSION, "kind": "Lease", "metadata": {"name": self._name}, "spec": spec}
            self._lease = await self._request("POST", self._path(of_lease=False), body)
            return
        old = self._lease.get("spec", {})
        transitions = int(old.get("leaseTransitions") or 0)
        if self._holder() == self._identity:
            spec = self._spec(now, acquired=old.get("acquireTime") or now, transitions=transitions)
        else:
            spec = self._spec(now, acquired=now, transitions=transitions + 1)
        self._lease = await self._request("PUT", self._path(), {**self._lease, "spec": spec})

    def _spec(self, now: str, *, acquired: str, transitions: int) -> dict[str, Any]:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._duration)),
            "acquireTime": acquired,
            "renewTime": now,
            "leaseTransitions": transitions,
        }

    async def _release(self) -> None:
        """Let another lead at once instead of after ``lease_duration``; failing to only costs that time."""
        if self._lease is None or self._holder() != self._identity:
            return
        spec = {**self._lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await self._request("PUT", self._path(), {**self._lease, "spec": spec})
        except KubeError as error:
            log.warning("lease not released", error=str(error))
        self._lease = None

    async def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        # A hanging answer leaves time for a second try before the deadline.
        within = min(self._renew_deadline / 3, 5.0)
        return await self._kube.request_at_once(method, path, kind="Lease", body=body, within=within)

    def _path(self, *, of_lease: bool = True) -> str:
        leases = f"/apis/{_API_VERSION}/namespaces/{self._namespace}/leases"
        return f"{leases}/{self._name}" if of_lease else leases
