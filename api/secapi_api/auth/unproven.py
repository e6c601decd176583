"""Credentials that this process has not seen proven: whose each is may be asked, but not without end.

Whoever makes credentials up has Postgres, the apiserver or the OpenID provider asked about each. So one is taken from
the window of the client's network before anybody is asked, and given back unless the answer is that the credential
proves nobody. What was good when it was last seen takes nothing, whatever else comes from there (docs/decisions/0020).
"""

import hashlib
from collections.abc import Awaitable, Callable

from cachetools import LRUCache

from secapi_api.auth.callers import Caller
from secapi_api.errors import Unauthenticated
from secapi_api.rate_limits import RateLimits, RequestKind
from secapi_api.tasks import SingleFlight

PROVEN_CREDENTIALS = 10_000

Question = Callable[[], Awaitable[Caller]]
"""Whose a credential is; raises Unauthenticated if it is nobody's."""


class UnprovenCredentials:
    """One process's; by a hash, so that memory holds no credentials."""

    def __init__(self, limits: RateLimits) -> None:
        """Nothing is proven yet; ``limits`` count what is refused."""
        self._limits = limits
        self._proven: LRUCache[bytes, None] = LRUCache(PROVEN_CREDENTIALS)
        self._asking: SingleFlight[tuple[bytes, str], None] = SingleFlight()

    async def close(self) -> None:
        """Give up what is being asked."""
        await self._asking.close()

    async def ask(self, credential: str, client: str, question: Question) -> Caller:
        """Whose ``credential``, which came from the network ``client``, is; what ``question`` raises.

        Raises RateLimited, without having asked, if too much from there was refused and this is not known to be good.
        """
        digest = hashlib.sha256(credential.encode()).digest()
        answers: list[Caller] = []

        async def first() -> None:
            answers.append(await self._counted(client, question))
            self._proven[digest] = None

        if digest not in self._proven:
            # A program that begins with many requests at once takes one for all of them. It is asked to the end even
            # if the client hangs up, which would be a way to guess for nothing.
            await self._asking((digest, client), first)
        return answers[0] if answers else await self._again(digest, question)

    async def _counted(self, client: str, question: Question) -> Caller:
        counted = f"client:{client}", RequestKind.REFUSED_CREDENTIALS
        await self._limits.take(*counted)
        try:
            caller = await question()
        except Unauthenticated:
            raise
        except Exception:  # Nobody could tell, which is not the client's fault.
            await self._limits.give_back(*counted)
            raise
        await self._limits.give_back(*counted)
        return caller

    async def _again(self, digest: bytes, question: Question) -> Caller:
        """Of a credential that was good a moment ago, or when it came last."""
        try:
            caller = await question()
        except Unauthenticated:
            self._proven.pop(digest, None)
            raise
        self._proven[digest] = None
        return caller
