"""Which tokens prove whom, and every way we know of to make one that must not."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from openid_provider import AUDIENCE, KEYS, Provider, Signer, encode, openid_provider
from secapi_api.auth.jwks import SigningKeys
from secapi_api.auth.oidc import TOKEN_LIMIT, OidcTokens
from secapi_api.errors import Unauthenticated

EC, RSA, ED, FOREIGN = (
    Signer.make("ec"),
    Signer.make("rsa", "RS256"),
    Signer.make("ed", "EdDSA"),
    Signer.make("foreign"),
)
ALGORITHMS = ("RS256", "ES256", "EdDSA")


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[Provider]:
    async with openid_provider(EC, RSA, ED) as provider:
        yield provider


def tokens_of(provider: Provider, keys: SigningKeys) -> OidcTokens:
    return OidcTokens(keys=keys, issuer=provider.issuer, audience=AUDIENCE, algorithms=ALGORITHMS, name_claim="name")


@pytest.fixture(scope="module")
async def tokens(provider: Provider) -> AsyncIterator[OidcTokens]:
    keys = SigningKeys(provider.issuer, ALGORITHMS)
    yield tokens_of(provider, keys)
    await keys.close()


async def refusal(tokens: OidcTokens, token: str) -> str:
    """Why the token is refused, which it must be."""
    if not tokens.claims_to_be_ours(token):
        return "not ours"
    with pytest.raises(Unauthenticated) as caught:
        await tokens.identity(token)
    assert "invalid_token" in caught.value.headers["WWW-Authenticate"]
    return caught.value.detail.removeprefix("this token of the OpenID provider is refused: ")


@pytest.mark.parametrize("signer", [EC, RSA, ED], ids=lambda signer: signer.algorithm)
async def test_a_token_proves_whom_it_names(provider: Provider, tokens: OidcTokens, signer: Signer) -> None:
    token = provider.token(signer=signer)
    assert tokens.claims_to_be_ours(token)
    identity = await tokens.identity(token)
    assert (identity.issuer, identity.subject) == (provider.issuer, "ada")
    assert (identity.email, identity.name) == ("ada@example.com", "Ada")


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt", None])
async def test_access_tokens_and_id_tokens_are_taken(provider: Provider, tokens: OidcTokens, typ: str | None) -> None:
    assert (await tokens.identity(provider.token(header={"typ": typ}))).subject == "ada"


async def test_one_audience_of_several_may_be_ours(provider: Provider, tokens: OidcTokens) -> None:
    assert (await tokens.identity(provider.token(aud=["account", AUDIENCE]))).subject == "ada"


@pytest.mark.parametrize(
    ("changes", "email", "name"),
    [
        ({"email": "Ada@Example.COM"}, "ada@example.com", "Ada"),
        ({"email_verified": False}, None, "Ada"),
        ({"email_verified": "true"}, None, "Ada"),
        ({"email_verified": 1}, None, "Ada"),
        ({"email_verified": None}, None, "Ada"),
        ({"email": None}, None, "Ada"),
        ({"email": "nobody"}, None, "Ada"),
        ({"email": ["ada@example.com"]}, None, "Ada"),
        ({"email": "ada\x00@example.com"}, None, "Ada"),
        ({"email": "\u212aate@example.com"}, None, "Ada"),
        ({"email": "ada@ex\u0430mple.com"}, None, "Ada"),
        ({"name": None}, "ada@example.com", None),
        ({"name": {"first": "Ada"}}, "ada@example.com", None),
        ({"name": "Ada\x00"}, "ada@example.com", None),
        ({"name": "\ud800"}, "ada@example.com", None),
    ],
)
async def test_an_address_counts_if_it_is_verified_and_a_name_if_it_is_one(
    provider: Provider, tokens: OidcTokens, changes: dict[str, Any], email: str | None, name: str | None
) -> None:
    identity = await tokens.identity(provider.token(**changes))
    assert (identity.email, identity.name) == (email, name)


async def test_clocks_may_differ_by_half_a_minute(provider: Provider, tokens: OidcTokens) -> None:
    now = int(time.time())
    assert (await tokens.identity(provider.token(exp=now - 20, nbf=now + 20, iat=now + 20))).subject == "ada"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": -40}, "it has expired"),
        ({"nbf": 40}, "it is not valid yet"),
        ({"iat": 40}, "it is not valid yet"),
    ],
)
async def test_a_token_is_good_for_its_time_only(
    provider: Provider, tokens: OidcTokens, changes: dict[str, int], reason: str
) -> None:
    moments: dict[str, Any] = {name: int(time.time()) + seconds for name, seconds in changes.items()}
    assert await refusal(tokens, provider.token(**moments)) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "somebody-else"}, "it was made for another audience"),
        ({"aud": ["somebody-else"]}, "it was made for another audience"),
        ({"aud": []}, "its aud is missing or not as it must be"),
        ({"aud": None}, "its aud is missing or not as it must be"),
        ({"aud": {AUDIENCE: True}}, "its aud is missing or not as it must be"),
        ({"aud": [AUDIENCE, 5]}, "its aud is missing or not as it must be"),
        ({"exp": None}, "its exp is missing or not as it must be"),
        ({"exp": "99999999999"}, "its exp is missing or not as it must be"),
        ({"exp": True}, "its exp is missing or not as it must be"),
        ({"exp": 1e300}, "its exp is missing or not as it must be"),
        ({"exp": float("inf")}, "its exp is missing or not as it must be"),
        ({"exp": float("nan")}, "its exp is missing or not as it must be"),
        ({"exp": 10**4000}, "its exp is missing or not as it must be"),
        ({"nbf": "0"}, "its nbf is missing or not as it must be"),
        ({"iat": []}, "its iat is missing or not as it must be"),
        ({"sub": None}, "its sub is missing or not as it must be"),
        ({"sub": ""}, "its sub is missing or not as it must be"),
        ({"sub": 5}, "its sub is missing or not as it must be"),
        ({"sub": ["ada"]}, "its sub is missing or not as it must be"),
        ({"sub": "ada\x00"}, "its sub is missing or not as it must be"),
        ({"sub": "\ud800"}, "its sub is missing or not as it must be"),
        ({"sub": "a" * 256}, "its sub is missing or not as it must be"),
        ({"iss": "https://somebody-else.example"}, "not ours"),
        ({"iss": None}, "not ours"),
        ({"iss": 5}, "not ours"),
    ],
)
async def test_a_claim_that_is_missing_or_wrong_is_named(
    provider: Provider, tokens: OidcTokens, changes: dict[str, Any], reason: str
) -> None:
    assert await refusal(tokens, provider.token(**changes)) == reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "ES384"}, "it is signed with an algorithm that is not accepted"),
        ({"alg": "none"}, "it is signed with an algorithm that is not accepted"),
        ({"alg": "HS256"}, "it is signed with an algorithm that is not accepted"),
        ({"alg": "RS256"}, "the provider does not publish the key that it names"),
        ({"alg": None}, "its alg is missing or not as it must be"),
        ({"alg": ["ES256"]}, "its alg is missing or not as it must be"),
        ({"kid": None}, "its kid is missing or not as it must be"),
        ({"kid": 5}, "its kid is missing or not as it must be"),
        ({"kid": "unknown"}, "the provider does not publish the key that it names"),
        ({"kid": "../../../../dev/null"}, "the provider does not publish the key that it names"),
        ({"kid": "ec' OR '1'='1"}, "the provider does not publish the key that it names"),
        ({"kid": "http://127.0.0.1:1/keys"}, "the provider does not publish the key that it names"),
        ({"kid": "k" * 300}, "its kid is missing or not as it must be"),
        ({"typ": "logout+jwt"}, "it is of a type that is not for calling an API"),
        ({"typ": "dpop+jwt"}, "it is of a type that is not for calling an API"),
        ({"crit": ["exp"], "exp": 1}, "its crit is missing or not as it must be"),
        ({"crit": []}, "its crit is missing or not as it must be"),
        ({"crit": ["b64"], "b64": False}, "its crit is missing or not as it must be"),
        ({"b64": False}, "its b64 is missing or not as it must be"),
    ],
)
async def test_a_header_that_is_wrong_is_refused(
    provider: Provider, tokens: OidcTokens, header: dict[str, Any], reason: str
) -> None:
    assert await refusal(tokens, provider.token(header=header)) == reason


async def test_nobody_elses_key_proves_anything(provider: Provider, tokens: OidcTokens) -> None:
    forged = provider.token(signer=FOREIGN, header={"kid": "ec"})
    assert await refusal(tokens, forged) == "its signature is wrong"


async def test_a_key_that_the_token_brings_along_is_not_looked_at(provider: Provider, tokens: OidcTokens) -> None:
    async with openid_provider(FOREIGN) as attacker:
        address = f"{attacker.url}{KEYS}"
        for brought in ({"jwk": FOREIGN.jwk}, {"jku": address}, {"x5u": address}, {"x5c": ["AAAA"]}):
            for kid in ("ec", "foreign"):
                forged = provider.token(signer=FOREIGN, header={"kid": kid, **brought})
                assert "signature" in (reason := await refusal(tokens, forged)) or "does not publish" in reason
        assert attacker.requests == []


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
async def test_a_token_that_nobody_signed_is_refused(provider: Provider, tokens: OidcTokens, algorithm: str) -> None:
    header = encode(json.dumps({"alg": algorithm, "kid": "ec"}).encode())
    payload = encode(json.dumps(provider.claims()).encode())
    for signature in ("", "AA"):
        await refusal(tokens, f"{header}.{payload}.{signature}")


@pytest.mark.parametrize("signer", [EC, RSA])
@pytest.mark.parametrize("claimed", ["HS256", None])
async def test_a_public_key_is_no_shared_secret(
    provider: Provider, tokens: OidcTokens, signer: Signer, claimed: str | None
) -> None:
    header = {"alg": claimed or signer.algorithm, "kid": signer.kid}
    content = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(provider.claims()).encode())}"
    for secret in (signer.pem, json.dumps(signer.jwk).encode()):
        signature = encode(hmac.digest(secret, content.encode(), hashlib.sha256))
        await refusal(tokens, f"{content}.{signature}")


async def test_a_signature_of_zeros_is_none(provider: Provider, tokens: OidcTokens) -> None:
    content = provider.token().rpartition(".")[0]
    for size in (1, 63, 64, 65, 5_000):
        assert await refusal(tokens, f"{content}.{encode(bytes(size))}") == "its signature is wrong"


async def test_a_key_too_short_is_not_trusted(provider: Provider) -> None:
    weak = Signer("weak", "RS256", rsa.generate_private_key(public_exponent=65_537, key_size=1_024))  # noqa: S505
    async with openid_provider(weak) as provider:
        keys = SigningKeys(provider.issuer, ALGORITHMS)
        assert await refusal(tokens_of(provider, keys), provider.token()) == "its signature is wrong"
        await keys.close()


@pytest.mark.parametrize("name", ["iss", "sub", "exp", "email_verified"])
async def test_a_claim_that_comes_twice_is_refused(provider: Provider, tokens: OidcTokens, name: str) -> None:
    claims = json.dumps(provider.claims())
    doubled = f"{claims[:-1]}, {json.dumps(name)}: {json.dumps(provider.claims()[name])}}}"
    await refusal(tokens, EC.sign(doubled.encode(), {}))


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b'"text"', b"{", b"\xff\xfe{\x00}\x00", b"[" * 9_000, b'{"iss":' * 1_500, b"9" * 9_000],
    ids=lambda payload: str(payload[:12]),
)
async def test_a_payload_that_is_no_object_is_nobodys(tokens: OidcTokens, payload: bytes) -> None:
    assert not tokens.claims_to_be_ours(EC.sign(payload, {}))


@pytest.mark.parametrize(
    "text", ["", ".", "..", "...", "a.b.c", "é.é.é", "a.b.c\n", "sk_abc", "e30.e30.e30", "\ud800.a.b", "a.b.c.d.e"]
)
def test_what_is_no_token_is_left_to_others(tokens: OidcTokens, text: str) -> None:
    assert not tokens.claims_to_be_ours(text)


async def test_a_huge_token_is_not_looked_at(provider: Provider, tokens: OidcTokens) -> None:
    assert not tokens.claims_to_be_ours(provider.token(padding="x" * TOKEN_LIMIT))


async def test_an_encrypted_token_is_left_to_others(provider: Provider, tokens: OidcTokens) -> None:
    assert not tokens.claims_to_be_ours(f"{provider.token()}.AAAA.AAAA")


@pytest.mark.parametrize("ending", ["=", "==", "\n", " ", "%3D", "."])
async def test_a_token_is_written_in_one_way_only(provider: Provider, tokens: OidcTokens, ending: str) -> None:
    assert not tokens.claims_to_be_ours(provider.token() + ending)


def test_parts_that_are_swapped_between_tokens_prove_nothing(provider: Provider) -> None:
    first, second = provider.token(sub="ada").split("."), provider.token(sub="eve").split(".")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(".".join([*second[:2], first[2]]), jwt.PyJWK(EC.jwk), algorithms=["ES256"], audience=AUDIENCE)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
async def test_a_token_that_is_changed_anywhere_proves_nobody(
    provider: Provider, tokens: OidcTokens, data: st.DataObject
) -> None:
    signer = data.draw(st.sampled_from([EC, RSA, ED]), label="signer")
    token = provider.token(signer=signer)
    changed = data.draw(tampered(token), label="changed")
    if changed != token:
        await refusal(tokens, changed)


@st.composite
def tampered(draw: st.DrawFn, token: str) -> str:
    """The token with characters, bits or whole parts changed, taken out, added or moved."""
    parts = token.split(".")
    number = draw(st.integers(0, 2))
    match draw(st.sampled_from(["characters", "bits", "cut", "parts", "claims", "header"])):
        case "characters":
            start = draw(st.integers(0, len(token)))
            end = draw(st.integers(start, min(len(token), start + 8)))
            return token[:start] + draw(st.text("ABCXYZabcxyz0189-_=.+/ ", max_size=8)) + token[end:]
        case "bits":
            raw = bytearray(decode(parts[number]))
            raw[draw(st.integers(0, len(raw) - 1))] ^= 1 << draw(st.integers(0, 7))
            parts[number] = encode(bytes(raw))
        case "cut":
            parts[number] = parts[number][: draw(st.integers(0, len(parts[number]) - 1))]
        case "parts":
            parts = draw(st.lists(st.sampled_from(parts), min_size=1, max_size=5))
        case "claims":
            parts[1] = encode(json.dumps(json.loads(decode(parts[1])) | draw(objects)).encode())
        case _:
            parts[0] = encode(json.dumps(json.loads(decode(parts[0])) | draw(objects)).encode())
    return ".".join(parts)


names = st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "alg", "kid", "typ", "crit", "jwk", "jku", "b64", "x"])
values = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.lists(st.text(max_size=5), max_size=3)
objects = st.dictionaries(names, values, min_size=1, max_size=3)


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
