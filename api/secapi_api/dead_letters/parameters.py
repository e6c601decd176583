"""Query parameters of ``/v1/dead-letters``."""

from collections.abc import Collection

from secapi_api.schemas import Namespace, PageQuery
from secapi_core.crds.base import Name
from secapi_core.failures import FailureReason
from secapi_core.ledger.queries.dead_letters import DeadLetterFilter


class DeadLetterQuery(PageQuery):
    """Which dead letters; every condition that is given holds."""

    namespace: Namespace | None = None
    scanner: Name | None = None
    reason: FailureReason | None = None
    """Why the last attempt failed."""

    replayed: bool | None = None
    """Only those that somebody has replayed, or only those that nobody has."""

    def filter(self, visible: Collection[str] | None) -> DeadLetterFilter:
        """These conditions within ``visible`` namespaces, which already heed ``namespace``."""
        return DeadLetterFilter(
            namespaces=visible,
            scanner=self.scanner,
            reason=self.reason,
            replayed=self.replayed,
        )
