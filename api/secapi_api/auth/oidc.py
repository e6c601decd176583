"""Tokens of an OpenID provider: JWTs that it signed, for us, for somebody (RFC 7519, 8725 and 9068).

What a token says counts once its signature is proven, by a key that the provider publishes and with an algorithm that
the settings name. Keys and addresses of keys that a token brings along (``jwk``, ``jku``, ``x5u``) are never looked at.
"""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import jwt
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from secapi_api.auth.challenges import invalid_credential
from secapi_api.auth.jwks import SigningKeys
from secapi_api.users.schemas import Email, Name

TOKEN_LIMIT = 16 * 1024
"""Characters of the longest token that is looked at."""

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LEEWAY = 30.0
_TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
_REASONS: dict[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "it has expired",
    jwt.ImmatureSignatureError: "it is not valid yet",
    jwt.InvalidAudienceError: "it was made for another audience",
}

Text = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Moment = Annotated[int | float, Field(ge=0, le=253_402_300_799, allow_inf_nan=False)]
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)
_NAME: TypeAdapter[str] = TypeAdapter(Name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedIdentity:
    """Whom the provider vouches for; ``email`` only if it has verified it."""

    issuer: str
    subject: str
    email: str | None
    name: str | None


class _Header(BaseModel):
    model_config = ConfigDict(strict=True)

    alg: Text
    kid: Text
    typ: Text = "JWT"
    crit: None = None
    """Extensions that must be understood: we understand none."""

    b64: None = None


class _Claims(BaseModel):
    """What is read of a token, in the form that it must have."""

    model_config = ConfigDict(strict=True)

    sub: Text
    aud: Text | Annotated[list[Text], Field(min_length=1, max_length=100)]
    exp: Moment
    nbf: Moment = 0
    iat: Moment = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcTokens:
    """Tokens that ``issuer`` made for ``audience`` and signed with one of ``algorithms``."""

    keys: SigningKeys
    issuer: str
    audience: str
    algorithms: Sequence[str]
    name_claim: str

    def claims_to_be_ours(self, credential: str) -> bool:
        """Whether it looks like a token of the provider. Proves nothing and never raises."""
        if len(credential) > TOKEN_LIMIT or not _COMPACT.fullmatch(credential):
            return False
        return (_part(credential, 1) or {}).get("iss") == self.issuer

    async def identity(self, token: str) -> ProvidedIdentity:
        """Whom a token, which claims to be ours, belongs to. Raises Unauthenticated, IdentityProviderUnavailable."""
        claims = _part(token, 1) or {}
        try:
            header = _Header.model_validate(_part(token, 0) or {})
            subject = _Claims.model_validate(claims).sub
        except ValidationError as error:
            raise _refused(f"its {error.errors()[0]['loc'][0]} is missing or not as it must be") from error
        if header.alg not in self.algorithms:
            raise _refused("it is signed with an algorithm that is not accepted")
        if header.typ.lower() not in _TYPES:
            raise _refused("it is of a type that is not for calling an API")
        key = await self.keys.find(header.kid, header.alg)
        if key is None:
            raise _refused("the provider does not publish the key that it names")
        try:
            jwt.decode(
                token,
                key,
                algorithms=self.algorithms,
                issuer=self.issuer,
                audience=self.audience,
                leeway=_LEEWAY,
                options={"require": ["iss", "aud", "exp", "sub"], "enforce_minimum_key_length": True},
            )
        except jwt.PyJWTError as error:
            raise _refused(_REASONS.get(type(error), "its signature is wrong")) from error
        verified = claims.get("email_verified") is True
        return ProvidedIdentity(
            issuer=self.issuer,
            subject=subject,
            email=_email(claims.get("email")) if verified else None,
            name=_valid(_NAME, claims.get(self.name_claim)),
        )


def _part(token: str, number: int) -> dict[str, Any] | None:
    """A part of a compact token as the JSON object that it is; ``None`` for anything else, and for double names."""
    encoded = token.split(".")[number]
    try:
        decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        value = json.loads(decoded, object_pairs_hook=_unambiguous)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name comes twice")
    return value


def _email(value: object) -> str | None:
    """The address in lower case, if it is ASCII: the Kelvin sign, for one, would become somebody else's ``k``."""
    return _valid(_EMAIL, value) if isinstance(value, str) and value.isascii() else None


def _valid(kind: TypeAdapter[str], value: object) -> str | None:
    try:
        return kind.validate_python(value, strict=True)
    except ValidationError:
        return None


def _refused(reason: str) -> Exception:
    return invalid_credential(f"this token of the OpenID provider is refused: {reason}")
