"""Passwords: Argon2id, computed in threads, few at a time: each takes tens of milliseconds and 46 MiB (RFC 9106)."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

_hasher = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)  # OWASP's first recommendation
_slots = asyncio.Semaphore(2)

# Verified against when there is no user, so that the time of an answer does not tell.
_NOBODY = _hasher.hash("nobody has this password")


async def hash_password(password: str) -> str:
    """Argon2id's own encoding, with the salt and the parameters in it."""
    async with _slots:
        return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(encoded: str | None, password: str) -> bool:
    """Whether ``password`` made the hash; takes as long where there is none."""
    async with _slots:
        return await asyncio.to_thread(_verified, encoded or _NOBODY, password) and encoded is not None


def _verified(encoded: str, password: str) -> bool:
    try:
        return _hasher.verify(encoded, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
