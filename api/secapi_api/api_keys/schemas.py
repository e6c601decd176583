"""Bodies and answers of ``/v1/api-keys``."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from secapi_api.auth.callers import Role
from secapi_api.auth.scopes import Scope
from secapi_api.schemas import SPACES, Namespace, PageQuery, Schema, Timestamp
from secapi_core.ledger.queries.api_keys import ApiKeyDetail

NAME_LENGTH = 100
LONGEST_GRACE = 7 * 24 * 3_600

KeyName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=NAME_LENGTH, pattern=rf"^[^{SPACES}]([^\x00-\x1f\x7f]*[^{SPACES}])?$"),
]
"""What people know a key by: printable, without space around it."""


class CreateApiKey(Schema):
    """A key for a program."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "ci of the shop",
                    "namespace": "team-a",
                    "role": "operator",
                    "scopes": ["scans:write", "artifacts:write"],
                    "expiresAt": "2027-01-31T00:00:00Z",
                }
            ]
        }
    )

    name: KeyName
    namespace: Namespace | None
    """Where the role holds; null for the whole platform."""

    role: Role
    scopes: Annotated[list[Scope], Field(max_length=32)] = Field(default_factory=list)
    """What the key may be used for; everything that the role allows if empty."""

    expires_at: Timestamp | None = None
    """Good until then; without it until it is revoked."""


class RotateApiKey(Schema):
    """How the old key ends and the new one is limited."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"graceSeconds": 3600}]})

    grace_seconds: Annotated[int, Field(ge=0, le=LONGEST_GRACE)] = 0
    """How long the old secret goes on beside the new one, so that nobody stands still while it is exchanged."""

    expires_at: Timestamp | None = None
    """When the new key ends."""


class ApiKey(Schema):
    """A key without its secret."""

    id: UUID
    name: str
    prefix: str
    """The part of the secret after ``sk_``, by which a key that somebody has can be recognized."""

    namespace: str | None
    """Null for the whole platform."""

    role: Role
    scopes: list[str]
    created_by: str | None
    """Who made it, as the audit trail names callers; null for keys made from inside the platform."""

    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """To the hour."""

    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKeyDetail) -> "ApiKey":
        """From the ledger."""
        return cls(**_fields(key))


class IssuedApiKey(ApiKey):
    """A new key with its secret, which nobody can see again."""

    secret: Annotated[str, Field(examples=["sk_k3y0fnob_4Zl9mE0pG1v3nNn4qkJm0aS7r2dYb6xWc8TfUo5hLiQ"])]

    @classmethod
    def issued(cls, key: ApiKeyDetail, secret: str) -> "IssuedApiKey":
        """From the ledger, just made."""
        return cls(**_fields(key), secret=secret)


class ApiKeyQuery(PageQuery):
    """Which keys."""

    namespace: Namespace | None = None
    """Without one: all there are, which takes the platform's administrator."""

    active: bool = True
    """Only those that are good for something; else also revoked and expired ones."""


def _fields(key: ApiKeyDetail) -> dict[str, object]:
    return {name: getattr(key, name) for name in ApiKeyDetail.__dataclass_fields__} | {"role": Role(key.role)}
