"""Scanners and ScanPolicies as the apiserver has them, kept in memory for planning.

A plan made here is a courtesy: the operator plans again, from its own watch, before anything runs. So a value a few
seconds old may accept what the operator then refuses, but it must not refuse what would be accepted.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import structlog
from pydantic import ValidationError

from secapi_api.errors import KubernetesUnavailable
from secapi_api.kube.client import ApiserverRefused, KubernetesClient
from secapi_api.refreshed import Refreshed
from secapi_core.crds.base import GROUP, VERSION, Resource
from secapi_core.crds.scanner import Scanner, ScannerSpec
from secapi_core.crds.scanpolicy import ScanPolicy, ScanPolicySpec
from secapi_core.crds.scanrequest import ScanRequestSpec
from secapi_core.errors import Rejected
from secapi_core.planning import Plan, PlatformLimits, plan

R = TypeVar("R", bound=Resource)

log = structlog.get_logger(__name__)

_NO_SCAN = UUID(int=0)
"""Stands for the id that the scan gets when it is created."""

_FRESH = 1.0
"""Seconds: a refusal stands only if the catalogue it rests on is newer than this."""

_PAGE = "500"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What there was at one moment: scanners by name, policies by namespace."""

    scanners: Mapping[str, ScannerSpec]
    policies: Mapping[str, Sequence[ScanPolicySpec]]


class Catalogues:
    """Reads the catalogue again when it is older than ``age`` seconds, and before refusing anything."""

    def __init__(self, client: KubernetesClient, *, age: float) -> None:
        """Share the process's client."""
        self._client = client
        self._current = Refreshed(self._load, age=age)

    async def close(self) -> None:
        """Give up a read that is under way."""
        await self._current.close()

    async def current(self) -> Catalogue:
        """What is in memory. Raises KubernetesUnavailable if it could never be read."""
        return await self._current.get()

    def outdate(self) -> None:
        """Say that a scanner or a policy was changed: the next plan is made with the change."""
        self._current.outdate()

    async def plan(self, namespace: str, spec: ScanRequestSpec, limits: PlatformLimits) -> Plan:
        """The plan of a scan that does not exist yet: its job ids are placeholders. Raises Rejected."""
        catalogue = await self.current()
        try:
            return _plan(catalogue, namespace, spec, limits)
        except Rejected as rejected:
            try:
                newer = await self._current.newer(than=_FRESH)
            except KubernetesUnavailable:
                raise rejected from None
            return _plan(newer, namespace, spec, limits)

    async def _load(self) -> Catalogue:
        scanners = await self._list(Scanner)
        policies: dict[str, list[ScanPolicySpec]] = defaultdict(list)
        for policy in await self._list(ScanPolicy):
            policies[policy.metadata.namespace or ""].append(policy.spec)
        return Catalogue({scanner.metadata.name: scanner.spec for scanner in scanners}, policies)

    async def _list(self, kind: type[R]) -> list[R]:
        """Every object of a kind, in pages; one that this version cannot read is left out and logged."""
        found: list[R] = []
        query = {"limit": _PAGE}
        while True:
            try:
                page = await self._client.request(
                    "GET", f"/apis/{GROUP}/{VERSION}/{kind.PLURAL}", kind=kind.KIND, query=query
                )
            except ApiserverRefused as refused:
                raise KubernetesUnavailable(f"the catalogue cannot be read: {refused.message}") from refused
            found.extend(resource for item in page["items"] if (resource := _parsed(kind, item)))
            following = page["metadata"].get("continue")
            if not following:
                return found
            query = {"limit": _PAGE, "continue": following}


def _plan(catalogue: Catalogue, namespace: str, spec: ScanRequestSpec, limits: PlatformLimits) -> Plan:
    return plan(_NO_SCAN, spec, catalogue.scanners, catalogue.policies.get(namespace, ()), limits)


def _parsed(kind: type[R], item: dict[str, Any]) -> R | None:
    try:
        return kind.model_validate(item)
    except ValidationError as error:
        name = item.get("metadata", {}).get("name")
        log.warning("object left out", kind=kind.KIND, name=name, error=str(error))
        return None
