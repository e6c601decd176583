"""Query parameters of the lists below ``/v1/scans``."""

from collections.abc import Collection

from pydantic import Field

from secapi_api.schemas import Namespace, PageQuery, Timestamp
from secapi_core.crds.base import Name
from secapi_core.crds.scanrequest import Phase
from secapi_core.findings import Severity
from secapi_core.ledger.queries.scans import ScanFilter
from secapi_core.ledger.states import ScanState


class ScanQuery(PageQuery):
    """Which scans; every condition that is given holds."""

    namespace: Namespace | None = None
    phase: list[Phase] = Field(default_factory=list)
    """Any of these; may be repeated."""

    scanner: Name | None = None
    """Scans that have a job of this scanner."""

    target: str | None = Field(None, max_length=2_200, examples=["url:https://shop.example:443/"])
    """Scans that have a job on this target, named by its key as findings name it."""

    since: Timestamp | None = None
    """Created at or after this time."""

    def filter(self, visible: Collection[str] | None) -> ScanFilter:
        """These conditions within ``visible`` namespaces, which already heed ``namespace``."""
        return ScanFilter(
            namespaces=visible,
            states=[ScanState(phase.lower()) for phase in self.phase] or None,
            scanner=self.scanner,
            target=self.target,
            since=self.since,
        )


class FindingQuery(PageQuery):
    """Which findings of a scan."""

    severity: list[Severity] = Field(default_factory=list)
    """Any of these; may be repeated."""

    scanner: Name | None = None
    """Only what this scanner reported."""

    only_new: bool = False
    """Only those that nobody had seen in the namespace before."""
