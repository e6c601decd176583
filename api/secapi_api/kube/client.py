"""Requests to the apiserver, bounded in time and number, retried while a retry may help (promise P6).

The official library brings credentials and TLS. Its generated methods are not used: they do not retry writes and
decode every object twice. Every write sent through here is safe to send again, because it names what it makes or
carries the uid of what it changes.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import orjson
import structlog
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from secapi_api.errors import KubernetesUnavailable
from secapi_api.settings import ApiSettings, Tuning
from secapi_core.metrics import KUBERNETES_REQUEST_RETRIES, KUBERNETES_WRITES

log = structlog.get_logger(__name__)

FIELD_MANAGER = "secapi-api"
_RETRIED = frozenset({429, 500, 502, 503, 504})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class ApiserverRefused(Exception):
    """A definite no: HTTP ``status``, the Status object's ``reason``, and ``causes`` as it lists them."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        """Take what callers decide by from a ``metav1.Status``."""
        self.status = status
        self.reason = str(body.get("reason", ""))
        self.message = str(body.get("message", ""))[:1000]
        self.causes: list[dict[str, str]] = list((body.get("details") or {}).get("causes") or [])[:100]
        super().__init__(f"{status} {self.reason}: {self.message}")


@dataclass(frozen=True, slots=True)
class _Passing:
    """A try that failed for a reason which may pass; the apiserver asked for ``retry_after`` seconds of peace."""

    reason: str
    retry_after: float = 0.0


class KubernetesClient:
    """Shared by all requests of one process; connections are made on demand."""

    def __init__(self, client: ApiClient, tuning: Tuning) -> None:
        """Take over ``client``; :meth:`close` closes it."""
        self._client = client
        self._timeout = tuning.kubernetes_timeout
        self._deadline = tuning.kubernetes_deadline
        self._slots = asyncio.Semaphore(tuning.kubernetes_connections)

    @classmethod
    async def connect(cls, settings: ApiSettings) -> Self:
        """A client with the credentials of ``KUBECONFIG``, else of the pod; nothing is sent yet."""
        configuration = Configuration()
        if settings.kubeconfig:
            await config.load_kube_config(config_file=settings.kubeconfig, client_configuration=configuration)
        else:
            config.load_incluster_config(client_configuration=configuration)
        configuration.connection_pool_maxsize = settings.tuning.kubernetes_connections
        # The kubeconfig names a proxy where one is needed; ~/.netrc, which each request would look up in a thread,
        # has nothing to say about a cluster.
        configuration.client_session_kwargs = {"trust_env": False}
        client = ApiClient(configuration)
        client.user_agent = FIELD_MANAGER
        return cls(client, settings.tuning)

    async def close(self) -> None:
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
        deadline: float | None = None,
    ) -> dict[str, Any]:
        """Send, try again with jittered pauses until ``deadline`` seconds have passed, and return the decoded answer.

        Raises ApiserverRefused, or KubernetesUnavailable when the deadline passes first.
        """
        pause = _FIRST_PAUSE
        given_up_at = asyncio.get_running_loop().time() + (self._deadline if deadline is None else deadline)
        while True:
            async with self._slots:
                outcome = await self._try(method, path, kind, query, body, content_type)
            if isinstance(outcome, dict):
                return outcome
            wait = max(outcome.retry_after, random.uniform(pause / 2, pause))  # noqa: S311 -- jitter, not a secret
            if asyncio.get_running_loop().time() + wait >= given_up_at:
                raise KubernetesUnavailable(
                    f"the Kubernetes API did not carry out the request ({outcome.reason}); try again",
                    retry_after=wait,
                )
            KUBERNETES_REQUEST_RETRIES.labels(outcome.reason).inc()
            log.info("apiserver request is retried", method=method, path=path, reason=outcome.reason, pause=wait)
            await asyncio.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _try(
        self,
        method: str,
        path: str,
        kind: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        content_type: str,
    ) -> dict[str, Any] | _Passing:
        code = "none"
        try:
            serialized = await self._client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", "Content-Type": content_type},
                body=dict(body) if body is not None else None,
                auth_settings=["BearerToken"],
            )
            timeout = aiohttp.ClientTimeout(total=self._timeout)
            response = await self._client.call_api(*serialized, _request_timeout=timeout)
            code = str(response.status)
            raw = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _Passing(type(error).__name__)
        finally:
            if method != "GET":
                KUBERNETES_WRITES.labels(method, kind, code).inc()
        return _judged(response.status, raw, response.headers)


def _judged(status: int, raw: bytes, headers: Mapping[str, str]) -> dict[str, Any] | _Passing:
    if status in _RETRIED:
        return _Passing(str(status), _seconds(headers.get("Retry-After")))
    try:
        answer: dict[str, Any] = orjson.loads(raw)
    except orjson.JSONDecodeError:
        # Something between us and the apiserver answered in its own words.
        return _Passing("NoJson")
    if status >= 400:
        raise ApiserverRefused(status, answer)
    return answer


def _seconds(retry_after: str | None) -> float:
    """``Retry-After`` in seconds, an hour at most; dates and nonsense count as nothing."""
    return min(float(retry_after), 3600.0) if retry_after and retry_after.isdecimal() else 0.0
