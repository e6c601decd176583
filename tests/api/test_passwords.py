"""Passwords: what is kept of them, and what verifying one tells."""

from argon2 import extract_parameters

from secapi_api.auth.passwords import NOBODYS, hash_password, verify_password


async def test_a_hash_proves_its_password_and_no_other() -> None:
    encoded = await hash_password("correct horse battery staple")
    assert encoded.startswith("$argon2id$")
    assert await verify_password(encoded, "correct horse battery staple")
    assert not await verify_password(encoded, "correct horse battery stapler")


async def test_nobody_is_verified_at_the_same_cost_as_somebody() -> None:
    assert extract_parameters(NOBODYS) == extract_parameters(await hash_password("somebody's own password"))
    assert not await verify_password(None, "any password at all")


async def test_what_is_no_hash_proves_nothing() -> None:
    assert not await verify_password("not a hash", "any password at all")
