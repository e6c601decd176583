"""The provider's keys in memory: how often it is asked, and what is made of what it answers."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from openid_provider import KEYS, METADATA, Provider, Signer, openid_provider
from secapi_api.auth.jwks import ANSWER_LIMIT, IdentityProviderUnavailable, SigningKeys
from secapi_dev.controlplane.pki import CertificateAuthority
from waiting import until

FIRST, SECOND = Signer.make("first"), Signer.make("second")
ALGORITHMS = ("ES256", "RS256")


class Clock:
    """Stands still unless it is turned."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with openid_provider(FIRST) as provider:
        yield provider


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(provider: Provider, clock: Clock) -> AsyncIterator[SigningKeys]:
    keys = SigningKeys(provider.issuer, ALGORITHMS, clock=clock)
    yield keys
    await keys.close()


async def test_keys_are_read_once_for_all_who_ask(provider: Provider, keys: SigningKeys) -> None:
    found = await asyncio.gather(*(keys.find("first", "ES256") for _ in range(50)))
    assert None not in found
    assert provider.requests == [METADATA, KEYS]


async def test_whoever_asks_first_may_go_away(provider: Provider, keys: SigningKeys) -> None:
    provider.go_on.clear()
    first, second = [asyncio.create_task(keys.find("first", "ES256")) for _ in range(2)]
    await until(lambda: provider.requests)
    first.cancel()
    provider.go_on.set()
    assert await second is not None
    assert provider.requests == [METADATA, KEYS]


async def test_unknown_names_have_the_keys_read_twice_a_minute_and_no_more(
    provider: Provider, keys: SigningKeys, clock: Clock
) -> None:
    await keys.find("first", "ES256")
    for second in range(120):
        clock.now += 1
        assert await keys.find(f"guess-{second}", "ES256") is None
    assert provider.requests.count(KEYS) == 1 + 4


async def test_a_new_key_is_found_once_half_a_minute_has_passed(
    provider: Provider, keys: SigningKeys, clock: Clock
) -> None:
    await keys.find("first", "ES256")
    provider.signers = [SECOND]
    assert await keys.find("second", "ES256") is None
    clock.now += 30
    assert await keys.find("second", "ES256") is not None
    assert await keys.find("first", "ES256") is None


async def test_a_key_taken_back_is_gone_within_an_hour(provider: Provider, keys: SigningKeys, clock: Clock) -> None:
    await keys.find("first", "ES256")
    provider.signers = [SECOND]
    clock.now += 3_599
    assert await keys.find("first", "ES256") is not None
    clock.now += 1
    assert await keys.find("first", "ES256") is None


async def test_old_keys_are_used_while_the_provider_is_away(
    provider: Provider, keys: SigningKeys, clock: Clock
) -> None:
    await keys.find("first", "ES256")
    provider.shows(METADATA, {}, status=503)
    for _ in range(10):
        clock.now += 3_600
        assert await keys.find("first", "ES256") is not None
        assert await keys.find("first", "ES256") is not None
    assert provider.requests.count(METADATA) == 1 + 10


async def test_while_the_provider_is_away_an_unknown_key_may_be_a_new_one(
    provider: Provider, keys: SigningKeys, clock: Clock
) -> None:
    await keys.find("first", "ES256")
    provider.shows(METADATA, {}, status=503)
    clock.now += 30
    for _ in range(5):
        with pytest.raises(IdentityProviderUnavailable) as caught:
            await keys.find("second", "ES256")
    assert caught.value.headers == {"Retry-After": "30"}
    assert provider.requests.count(METADATA) == 2


async def test_without_any_keys_they_are_asked_for_again_soon(
    provider: Provider, keys: SigningKeys, clock: Clock
) -> None:
    provider.shows(METADATA, {}, status=503)
    for _ in range(5):
        with pytest.raises(IdentityProviderUnavailable):
            await keys.find("first", "ES256")
    assert provider.requests == [METADATA]
    provider.answers.clear()
    clock.now += 2
    assert await keys.find("first", "ES256") is not None


async def test_a_provider_that_does_not_answer_is_given_up_after_seconds(provider: Provider, keys: SigningKeys) -> None:
    provider.go_on.clear()
    began = asyncio.get_running_loop().time()
    with pytest.raises(IdentityProviderUnavailable):
        await keys.find("first", "ES256")
    assert 2 < asyncio.get_running_loop().time() - began < 6


async def test_a_provider_that_is_not_there_is_away(clock: Clock) -> None:
    keys = SigningKeys("http://127.0.0.1:1/realm", ALGORITHMS, clock=clock)
    with pytest.raises(IdentityProviderUnavailable):
        await keys.find("first", "ES256")
    await keys.close()


async def test_a_provider_whose_certificate_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    identity = CertificateAuthority().server(["localhost"], "127.0.0.1")
    pem = tmp_path / "provider.pem"
    pem.write_bytes(identity.certificate + identity.key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    async with openid_provider(FIRST, context=context) as provider:
        keys = SigningKeys(provider.issuer, ALGORITHMS)
        with pytest.raises(IdentityProviderUnavailable):
            await keys.find("first", "ES256")
        assert provider.requests == []
        await keys.close()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (METADATA, b""),
        (METADATA, b"<html>"),
        (METADATA, b"[]"),
        (METADATA, b"{" * 100_000),
        (METADATA, b'{"issuer": "%s"}' + b" " * ANSWER_LIMIT),
        (KEYS, b"{}"),
        (KEYS, b'{"keys": {}}'),
        (KEYS, b'{"keys": [], "padding": "' + b"x" * ANSWER_LIMIT + b'"}'),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_garbage_is_no_key_set(provider: Provider, keys: SigningKeys, path: str, body: bytes) -> None:
    provider.answers[path] = (200, body)
    with pytest.raises(IdentityProviderUnavailable):
        await keys.find("first", "ES256")


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://somebody-else.example"},
        {"issuer": "{issuer}/"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "http://169.254.169.254/keys"},
        {"jwks_uri": "http://keys.example/"},
    ],
)
async def test_metadata_of_another_issuer_or_with_an_open_address_is_refused(
    provider: Provider, keys: SigningKeys, changes: dict[str, Any]
) -> None:
    filled = {name: value and value.format(issuer=provider.issuer) for name, value in changes.items()}
    provider.shows(METADATA, provider.metadata | filled)
    with pytest.raises(IdentityProviderUnavailable):
        await keys.find("first", "ES256")
    assert provider.requests == [METADATA]


async def test_redirects_are_not_followed(provider: Provider, keys: SigningKeys) -> None:
    provider.headers["Location"] = f"{provider.url}{KEYS}"
    provider.shows(METADATA, {}, status=302)
    with pytest.raises(IdentityProviderUnavailable):
        await keys.find("first", "ES256")
    assert provider.requests == [METADATA]


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"alg": "ES384"},
        {"kid": None},
        {"kid": 5},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "RSA"},
        {"kty": None},
        {"x": None},
        {"x": 5},
        {"x": "AAAA"},
        {"x": "é"},
        {"crv": ["P-256"]},
        {"d": "AAAA"},
    ],
)
async def test_a_key_of_no_use_is_left_out_and_the_others_stay(
    provider: Provider, keys: SigningKeys, changes: dict[str, Any]
) -> None:
    provider.shows(KEYS, {"keys": [FIRST.jwk | changes, None, "key", {}, SECOND.jwk]})
    assert await keys.find("first", "ES256") is None
    assert await keys.find("second", "ES256") is not None


async def test_a_key_that_names_no_algorithm_is_good_for_those_of_its_type(
    provider: Provider, keys: SigningKeys
) -> None:
    provider.shows(KEYS, {"keys": [{name: value for name, value in FIRST.jwk.items() if name != "alg"}]})
    assert await keys.find("first", "ES256") is not None
    assert await keys.find("first", "RS256") is None
