"""Scans that wait because their namespace has as many unfinished ones as its policies allow (``maxActiveScans``).

They wait instead of failing, as in Kueue: a full quota passes by itself. First come, first served: a newcomer joins
the end of the line even if there is room at this moment.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from secapi_core.ledger.states import ScanState
from secapi_core.ledger.tables import Scan
from secapi_operator.objects import ScanKey


async def count_planned(session: AsyncSession, namespace: str) -> int:
    """Unfinished scans that have jobs: one that waits for the quota does not take a place from itself."""
    planned = (ScanState.QUEUED, ScanState.RUNNING)
    query = select(func.count()).where(Scan.namespace == namespace, Scan.state.in_(planned))
    return (await session.execute(query)).scalar_one()


class QuotaLine:
    """One line per namespace; ``wake`` gets the key whose turn it may be."""

    def __init__(self, wake: Callable[[ScanKey], None]) -> None:
        """Start without anybody waiting."""
        self._wake = wake
        self._lines: dict[str, dict[ScanKey, None]] = {}
        self.locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Held from counting to planning, so that two scans do not take the last place together."""

    def is_first(self, key: ScanKey) -> bool:
        """Whether nobody waits in front of ``key``."""
        return next(iter(self._lines.get(key.namespace, {key: None}))) == key

    def join(self, key: ScanKey) -> None:
        """Wait at the end of the line, or where ``key`` already stands."""
        self._lines.setdefault(key.namespace, {}).setdefault(key)

    def leave(self, key: ScanKey) -> None:
        """``key`` does not wait any more; there may be room for the next."""
        line = self._lines.get(key.namespace)
        if line is None or key not in line:
            return
        del line[key]
        if not line:
            del self._lines[key.namespace]
        self.wake_first(key.namespace)

    def wake_first(self, namespace: str) -> None:
        """Have the first in line look again: a scan of the namespace may have finished."""
        line = self._lines.get(namespace)
        if line:
            self._wake(next(iter(line)))
