"""API keys: shown once, kept as a keyed hash, and good for nothing once expired or revoked."""

import re
from datetime import timedelta

import pytest

from ledger_factories import execute, fetch
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.api_keys import ApiKeyIdentity, verify_api_key
from secapi_core.ledger.transitions.api_keys import create_api_key

PEPPER = b"pepper"


async def create(database: Database, namespace: str | None = "team-a", *, lifetime: timedelta | None = None) -> str:
    async with database.transaction() as session:
        issued = await create_api_key(
            session, name="ci", namespace=namespace, role="operator", pepper=PEPPER, lifetime=lifetime
        )
    return issued.secret


async def verify(database: Database, secret: str, pepper: bytes = PEPPER) -> ApiKeyIdentity | None:
    async with database.transaction() as session:
        return await verify_api_key(session, secret, pepper)


async def test_a_secret_says_what_it_is(database: Database) -> None:
    assert re.fullmatch(r"sk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", await create(database))


async def test_a_secret_proves_its_owner(database: Database) -> None:
    identity = await verify(database, await create(database))

    assert identity is not None
    assert (identity.name, identity.namespace, identity.role) == ("ci", "team-a", "operator")


async def test_a_platform_key_has_no_namespace(database: Database) -> None:
    identity = await verify(database, await create(database, namespace=None))

    assert identity is not None
    assert identity.namespace is None


async def test_the_secret_is_not_in_the_database(database: Database) -> None:
    secret = await create(database)

    ((row,),) = await fetch(database, "SELECT api_keys::text FROM api_keys")
    assert secret.split("_", 2)[2] not in row
    assert secret.encode().hex() not in row


async def test_another_pepper_makes_every_key_worthless(database: Database) -> None:
    assert await verify(database, await create(database), b"salt") is None


@pytest.mark.parametrize(
    "spoil", [lambda s: s[:-1] + ("A" if s[-1] != "A" else "B"), lambda s: s[:-1], lambda s: s + "A"]
)
async def test_a_secret_with_one_wrong_character_is_refused(database: Database, spoil: object) -> None:
    secret = await create(database)

    assert await verify(database, spoil(secret)) is None  # type: ignore[operator]  # a function from the list above


@pytest.mark.parametrize("secret", ["", "sk_", "sk_abcdefgh_", "Bearer x", "sk_abcdefgh_" + "ü" * 43, "\0" * 55])
async def test_what_cannot_be_a_secret_is_refused(database: Database, secret: str) -> None:
    assert await verify(database, secret) is None


@pytest.mark.parametrize("column", ["expires_at", "revoked_at"])
async def test_an_expired_or_revoked_key_is_refused(database: Database, column: str) -> None:
    secret = await create(database)
    await execute(database, f"UPDATE api_keys SET {column} = now()")  # noqa: S608 - one of the two above

    assert await verify(database, secret) is None


async def test_a_key_that_expires_later_is_good(database: Database) -> None:
    secret = await create(database)
    await execute(database, "UPDATE api_keys SET expires_at = now() + interval '1 minute'")

    assert await verify(database, secret) is not None


async def test_a_lifetime_begins_now(database: Database) -> None:
    secret = await create(database, lifetime=timedelta(days=30))

    ((lifetime,),) = await fetch(database, "SELECT expires_at - created_at FROM api_keys")
    assert lifetime == timedelta(days=30)
    assert await verify(database, secret) is not None


async def test_use_is_noted_to_the_hour(database: Database) -> None:
    secret = await create(database)

    await verify(database, secret)
    ((first,),) = await fetch(database, "SELECT last_used_at FROM api_keys")
    await verify(database, secret)
    ((second,),) = await fetch(database, "SELECT last_used_at FROM api_keys")
    await execute(database, "UPDATE api_keys SET last_used_at = now() - interval '2 hours'")
    await verify(database, secret)
    ((third,),) = await fetch(database, "SELECT last_used_at FROM api_keys")

    assert first is not None
    assert second == first
    assert third > first
