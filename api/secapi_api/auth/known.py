"""Callers that were authenticated a moment ago, for the reads that are asked for again and again.

Nothing else trusts them: whoever changes something, or reads anything else, is authenticated each time. A key that is
revoked, rotated or expired is good for ``KNOWN_SECONDS`` at most, and as a rule for no time at all, because whoever
ends it says so to all processes.
"""

import hashlib
import time
from dataclasses import dataclass
from uuid import UUID

from cachetools import LRUCache

from secapi_api.auth.callers import Caller
from secapi_api.hints import KEYS_ENDED, Hints

KNOWN_SECONDS = 5.0
"""How long a caller is taken to be who they were."""

KNOWN_CALLERS = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    until: float


class KnownCallers:
    """One process's; by a hash, so that memory holds no credentials."""

    def __init__(self, hints: Hints) -> None:
        """Know nobody yet; ``hints`` tell the other processes that a key has ended."""
        self._hints = hints
        self._known: LRUCache[bytes, _Known] = LRUCache(KNOWN_CALLERS)

    def remember(self, credential: str, caller: Caller, seconds_left: float | None) -> None:
        """The caller has just been authenticated; the credential expires in ``seconds_left``, if it does."""
        seconds = KNOWN_SECONDS if seconds_left is None else min(KNOWN_SECONDS, seconds_left)
        self._known[_hash(credential.encode())] = _Known(caller, time.monotonic() + seconds)

    def find(self, credential: bytes) -> Caller | None:
        """Who was authenticated with it lately."""
        known = self._known.get(_hash(credential))
        return known.caller if known is not None and time.monotonic() < known.until else None

    async def ended(self, key_id: UUID) -> None:
        """Whoever has committed the end of a key says so, for this process and the others."""
        self.forget(key_id)
        await self._hints.publish(KEYS_ENDED, key_id)

    def forget(self, key_id: UUID) -> None:
        """Have the key authenticated anew."""
        for credential in [known for known, kept in self._known.items() if kept.caller.id == f"key:{key_id}"]:
            del self._known[credential]


def _hash(credential: bytes) -> bytes:
    return hashlib.sha256(credential).digest()
