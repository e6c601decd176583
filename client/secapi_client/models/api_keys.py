"""Answers of ``/v1/api-keys``."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from secapi_client.models.base import Model


class ApiKey(Model):
    """A key without its secret."""

    id: UUID
    name: str
    prefix: str
    """The part of the secret after ``sk_``."""

    namespace: str | None
    """None for the whole platform."""

    role: str
    scopes: list[str]
    """What it is good for; everything that the role allows if empty."""

    created_by: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class IssuedApiKey(ApiKey):
    """A new key with its secret, which nobody can see again."""

    secret: str = Field(repr=False)
