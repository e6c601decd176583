"""Bodies and answers of ``/v1/users``."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, SecretStr, StringConstraints

from secapi_api.auth.callers import Role
from secapi_api.schemas import SPACES, Schema
from secapi_core.ledger.queries.users import UserDetail

Email = Annotated[
    str,
    StringConstraints(max_length=254, to_lower=True, pattern=rf"^[^@{SPACES}]{{1,64}}@[^@{SPACES}]{{1,189}}$"),
    Field(examples=["ada@example.com"]),
]
"""Compared in lower case; whether mail arrives there is not our business."""

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", strip_whitespace=True)
]

Password = Annotated[SecretStr, Field(min_length=12, max_length=256)]
"""At least 12 characters, of any kind."""


Issuer = Annotated[
    str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^[!-~]+$"), Field(examples=["https://id.example"])
]

Subject = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]


class CreateUser(Schema):
    """Somebody who may log in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.com", "name": "Ada Lovelace"}]})

    email: Email
    name: Name
    password: Password | None = None
    """For logging in here; without one only by the OpenID provider."""

    platform_role: Role | None = None
    """Holds in every namespace; ``admin`` manages the platform."""


class ProviderIdentity(Schema):
    """Who somebody is to an OpenID provider: what its tokens have as ``iss`` and ``sub``."""

    issuer: Issuer
    """Compared to the letter."""

    subject: Subject


class ChangeUser(Schema):
    """What is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"disabled": True}]})

    name: Name | None = None
    password: Password | None = None
    """Null takes the password away."""

    identity: ProviderIdentity | None = None
    """Which ``issuer`` vouches for them from now on, and for whom; null is none, until somebody comes with their
    address."""

    platform_role: Role | None = None
    """Null takes the role away."""

    disabled: bool | None = None
    """A disabled user is nobody: sessions end, nothing is allowed any more."""

    def changes(self) -> dict[str, Any]:
        """The columns to set, the password's excepted."""
        changes = self.model_dump(mode="json", exclude_unset=True, exclude={"password", "identity"})
        if "identity" in self.model_fields_set:
            changes |= self.identity.model_dump() if self.identity else {"issuer": None, "subject": None}
        return changes


class User(Schema):
    """Somebody who may log in."""

    id: UUID
    email: str
    name: str
    issuer: str | None
    """The OpenID provider that vouches for them, with ``subject`` as their name there."""

    subject: str | None
    platform_role: Role | None
    has_password: bool
    disabled_at: datetime | None
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, user: UserDetail) -> "User":
        """From the ledger."""
        fields = {name: getattr(user, name) for name in UserDetail.__dataclass_fields__ if name != "version"}
        return cls(**fields | {"platform_role": Role(user.platform_role) if user.platform_role else None})
