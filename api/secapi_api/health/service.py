"""Asking what the API depends on whether it is there."""

import asyncio
from collections.abc import Awaitable, Sequence

from sqlalchemy import text

from secapi_api.errors import FieldError, Unavailable
from secapi_api.kube.client import ApiserverRefused
from secapi_api.resources import Resources
from secapi_core.crds.base import GROUP, VERSION

PATIENCE = 2.0
"""Seconds; a kubelet's probe waits for one second by default and three at most in our chart."""


class NotReady(Unavailable):
    """Requests that need what is down would fail; ``errors`` name it."""

    slug, title = "not-ready", "Not ready"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        """One error for each dependency that is down."""
        super().__init__("something this API depends on does not answer", retry_after=1)
        self.errors = tuple(errors)


async def failing(resources: Resources) -> dict[str, str]:
    """Dependencies that do not answer within ``PATIENCE``, and why."""
    checks = {"database": _database(resources), "kubernetes": _kubernetes(resources)}
    outcomes = await asyncio.gather(*(_outcome(check) for check in checks.values()))
    return {name: why for name, why in zip(checks, outcomes, strict=True) if why}


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


async def _database(resources: Resources) -> None:
    async with resources.ledger.transaction() as session:
        await session.execute(text("SELECT 1"))


async def _kubernetes(resources: Resources) -> None:
    # Answers only while our kinds are installed, which its own readiness says nothing about.
    await resources.kubernetes.request("GET", f"/apis/{GROUP}/{VERSION}", kind="discovery", deadline=PATIENCE / 2)
