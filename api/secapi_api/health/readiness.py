"""Asking what the API depends on whether it is there."""

import asyncio
from collections.abc import Awaitable, Mapping

from secapi_api.errors import FieldError, LedgerUnavailable, Unavailable
from secapi_api.kube.client import ApiserverRefused, KubernetesClient
from secapi_api.ledger import SYSTEM, Ledger
from secapi_api.refreshed import Refreshed
from secapi_core.crds.base import GROUP, VERSION
from secapi_core.ledger.queries.schema import row_security_problem, schema_problem

PATIENCE = 2.0
"""Seconds that a dependency has to answer."""

_FRESH = 1.0
"""Seconds: nobody needs a key to ask, so however many ask, the dependencies are asked once in this time."""


class NotReady(Unavailable):
    """Requests that need what is down would fail; ``errors`` name it."""

    slug, title = "not-ready", "Not ready"

    def __init__(self, failures: Mapping[str, str]) -> None:
        """One error for each dependency that is down."""
        super().__init__("something this API depends on does not answer", retry_after=1)
        self.errors = tuple(FieldError(f"/{name}", why) for name, why in failures.items())


class Readiness:
    """Whether the database and the Kubernetes API answer, and have what requests need."""

    def __init__(self, ledger: Ledger, kubernetes: KubernetesClient) -> None:
        """Share the process's connections."""
        self._ledger = ledger
        self._kubernetes = kubernetes
        self._failures = Refreshed(self._ask, age=_FRESH)

    async def check(self) -> None:
        """Raises NotReady."""
        if failures := await self._failures.newer(than=_FRESH):
            raise NotReady(failures)

    async def close(self) -> None:
        """Give up a check that is under way."""
        await self._failures.close()

    async def _ask(self) -> dict[str, str]:
        checks = {"database": self._ask_database(), "kubernetes": self._ask_kubernetes()}
        outcomes = await asyncio.gather(*(_outcome(check) for check in checks.values()))
        return {name: why for name, why in zip(checks, outcomes, strict=True) if why}

    async def _ask_database(self) -> None:
        async with self._ledger.reading(SYSTEM) as session:
            if problem := await schema_problem(session) or await row_security_problem(session):
                raise LedgerUnavailable(problem)

    async def _ask_kubernetes(self) -> None:
        # Answers only while our kinds are installed, which its own readiness says nothing about.
        await self._kubernetes.request("GET", f"/apis/{GROUP}/{VERSION}", kind="discovery", deadline=PATIENCE / 2)


async def _outcome(check: Awaitable[object]) -> str | None:
    try:
        async with asyncio.timeout(PATIENCE):
            await check
    except Unavailable as error:
        return error.detail
    except ApiserverRefused as refused:
        return f"the Kubernetes API refuses this service: {refused.status} {refused.reason}"
    except TimeoutError:
        return f"no answer within {PATIENCE:g} s"
    return None
