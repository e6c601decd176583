"""Passwords: Argon2id, computed in threads, few at a time: each takes tens of milliseconds and 46 MiB (RFC 9106)."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

_hasher = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)  # OWASP's first recommendation
_slots = asyncio.Semaphore(2)

NOBODYS = "$argon2id$v=19$m=47104,t=1,p=1$XbpTDNSPZpbm5gLD1GaFrw$ZM7yFX8LMwwbBL9Im1BMJb2P/R1hWgry62Dt3dbPm08"
"""Of a random password. Verified against when there is no user, so that the time of an answer does not tell."""


async def hash_password(password: str) -> str:
    """Argon2id's own encoding, with the salt and the parameters in it."""
    async with _slots:
        return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(encoded: str | None, password: str) -> bool:
    """Whether ``password`` made the hash; takes as long where there is none."""
    async with _slots:
        return await asyncio.to_thread(_verified, encoded, password)


def _verified(encoded: str | None, password: str) -> bool:
    try:
        return _hasher.verify(encoded or NOBODYS, password) and encoded is not None
    except (VerifyMismatchError, InvalidHashError):
        return False
