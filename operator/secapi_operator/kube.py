"""The one client of the Kubernetes API: bounded in rate, concurrency and time; retries what may pass by itself.

The official library brings credentials, TLS and connections. What it generates on top is not used: it neither limits
nor retries writes, and walks through every body and answer once more than necessary. A write is retried only because
each carries a precondition (``resourceVersion`` or ``uid``): if the first try was carried out and its answer lost, the
second one conflicts.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import orjson
import structlog
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from secapi_core.errors import describe
from secapi_core.metrics import KUBERNETES_REQUEST_RETRIES, KUBERNETES_WRITES
from secapi_operator.backoff import pause_after
from secapi_operator.settings import Tuning

log = structlog.get_logger(__name__)

FIELD_MANAGER = "secapi-operator"
_RETRIED = frozenset({429, 500, 502, 503, 504})
_TRIES = 5
_LONGEST_RETRY_AFTER = 30.0


class KubeError(Exception):
    """The apiserver refused; ``status`` is the HTTP code, ``reason`` the Status object's CamelCase word."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        """Keep what callers decide by."""
        self.status = status
        self.reason = reason
        super().__init__(f"{status} {reason}: {message}")


class NotFound(KubeError):
    """There is no such object."""


class Conflict(KubeError):
    """A precondition failed, or the object to create exists: read again and decide anew."""


class Gone(KubeError):
    """The resourceVersion or continue token is too old: list again from the beginning."""


class Unavailable(KubeError):
    """No usable answer after all retries: slow, overloaded or unreachable. Try again later."""


_BY_STATUS: dict[int, type[KubeError]] = {404: NotFound, 409: Conflict, 410: Gone}


class TokenBucket:
    """Lets ``rate`` requests a second through on average and ``burst`` at once, in order of arrival."""

    def __init__(self, rate: float, burst: int) -> None:
        """Start full."""
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at = time.monotonic()

    async def take(self) -> None:
        """Wait for one token. A token is reserved before the wait, so waiters do not race for it."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1.0
        self._at = now
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / self._rate)


class Kube:
    """Requests to one apiserver, with bounds shared by everything in this process."""

    def __init__(self, client: ApiClient, tuning: Tuning) -> None:
        """Take over ``client``; :meth:`close` closes it."""
        self._client = client
        self._bucket = TokenBucket(tuning.kubernetes_qps, tuning.kubernetes_burst)
        self._slots = asyncio.Semaphore(tuning.kubernetes_concurrency)
        self._timeout = tuning.kubernetes_timeout

    @classmethod
    async def connect(cls, tuning: Tuning) -> Self:
        """A client with the credentials of ``KUBECONFIG``, else of the pod; nothing is sent yet."""
        configuration = Configuration()
        if kubeconfig := os.environ.get("KUBECONFIG"):
            await config.load_kube_config(config_file=kubeconfig, client_configuration=configuration)
        else:
            config.load_incluster_config(client_configuration=configuration)
        # One connection per slot and one for the Lease, which must never queue behind them.
        configuration.connection_pool_maxsize = tuning.kubernetes_concurrency + 1
        # The kubeconfig names a proxy where one is needed; ~/.netrc, which each request would look up in a thread,
        # has nothing to say about a cluster.
        configuration.client_session_kwargs = {"trust_env": False}
        return cls(ApiClient(configuration), tuning)

    async def __aenter__(self) -> Self:
        """Nothing to open: connections are made on demand."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self._client.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        kind: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """Send within the bounds, retry with jitter, and return the decoded answer. ``kind`` is for the metrics.

        Raises a :class:`KubeError`, :class:`Unavailable` if every try failed for a passing reason.
        """
        for attempt in range(1, _TRIES + 1):
            await self._bucket.take()
            async with self._slots:
                answer, retry_after = await self._try(method, path, kind, query, body, content_type, self._timeout)
            if isinstance(answer, dict):
                return answer
            if not isinstance(answer, Unavailable) or attempt == _TRIES:
                raise answer
            KUBERNETES_REQUEST_RETRIES.labels(answer.reason).inc()
            pause = max(retry_after, pause_after(attempt, first=0.1, ceiling=5.0))
            log.info("apiserver request is retried", method=method, path=path, error=str(answer), pause=round(pause, 3))
            await asyncio.sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    async def request_at_once(
        self, method: str, path: str, *, kind: str, body: Mapping[str, Any] | None = None, within: float
    ) -> dict[str, Any]:
        """One try of so many seconds outside the bounds, for the Lease: renewing must not wait for anything else."""
        answer, _ = await self._try(method, path, kind, None, body, "application/json", within)
        if isinstance(answer, dict):
            return answer
        raise answer

    async def _try(
        self,
        method: str,
        path: str,
        kind: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        content_type: str,
        within: float,
    ) -> tuple[dict[str, Any] | KubeError, float]:
        """The answer or why there is none, and how long the server wants to be left alone."""
        code = "none"
        try:
            response = await self._client.rest_client.request(
                method,
                f"{self._client.configuration.host}{path}{'?' + urlencode(query) if query else ''}",
                headers={"Accept": "application/json", "Content-Type": content_type, **await self._credentials()},
                body=body,
                _request_timeout=aiohttp.ClientTimeout(total=within),
            )
            code = str(response.status)
            return _decoded(response.status, await response.read()), _seconds(response.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unavailable(0, type(error).__name__, describe(error)), 0.0
        finally:
            if method != "GET":
                KUBERNETES_WRITES.labels(method, kind, code).inc()

    async def _credentials(self) -> dict[str, str]:
        """Headers of this moment: the library reads a service account's token again when it has aged."""
        schemes = await self._client.configuration.auth_settings()
        headers = {scheme["key"]: scheme["value"] for scheme in schemes.values() if scheme["value"]}
        return {"User-Agent": FIELD_MANAGER, **headers}


def _decoded(status: int, raw: bytes) -> dict[str, Any] | KubeError:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        # Something between us and the apiserver answered in its own words.
        body = {"reason": "NoJson", "message": raw[:200].decode(errors="replace")}
        if status < 400:
            return Unavailable(status, "NoJson", body["message"])
    if status < 400:
        answer: dict[str, Any] = body
        return answer
    reason, message = str(body.get("reason", "")), str(body.get("message", ""))
    kind = Unavailable if status in _RETRIED else _BY_STATUS.get(status, KubeError)
    return kind(status, reason or str(status), message[:500])


def _seconds(retry_after: str | None) -> float:
    """``Retry-After`` in seconds, bounded; dates and nonsense count as nothing."""
    try:
        return min(max(float(retry_after or 0), 0.0), _LONGEST_RETRY_AFTER)
    except ValueError:
        return 0.0
