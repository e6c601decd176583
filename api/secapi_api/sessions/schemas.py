"""Bodies and answers of ``/v1/sessions``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, SecretStr

from secapi_api.auth.callers import Caller, Role
from secapi_api.schemas import Schema
from secapi_api.users.schemas import Email


class LogIn(Schema):
    """Who somebody says they are, and the proof."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.com", "password": "correct horse battery staple"}]}
    )

    email: Email
    password: Annotated[SecretStr, Field(min_length=1, max_length=256)]


class Identity(Schema):
    """Who calls, and what they may do."""

    id: Annotated[str, Field(examples=["user:0198c5a2-6d6e-7c3a-9d4f-5a2f6f1c8e11"])]
    """``key:…``, ``user:…``, ``serviceaccount:…`` or ``kubernetes:…``, as the audit trail has it."""

    name: str
    roles: Mapping[str, Role]
    """By namespace. Kubernetes is asked for roles in further namespaces when a request names them."""

    everywhere: Role | None
    """The role that holds in every namespace."""

    scopes: list[str] | None
    """What the credential is good for; null is everything that the roles allow."""

    csrf_token: str | None
    """Of a browser's session: to be sent as ``X-CSRF-Token`` with everything that changes something."""

    expires_at: datetime | None
    """When a browser's session ends at the latest."""

    @classmethod
    def of(cls, caller: Caller, *, csrf_token: str | None = None, expires_at: datetime | None = None) -> "Identity":
        """As authenticated."""
        return cls(
            id=caller.id,
            name=caller.name,
            roles=caller.roles,
            everywhere=caller.everywhere,
            scopes=None if caller.scopes is None else sorted(caller.scopes),
            csrf_token=csrf_token,
            expires_at=expires_at,
        )


class BrowserSession(Schema):
    """A place where the caller is logged in."""

    id: str
    current: bool
    """Whether it is the one that this request came with."""

    created_at: datetime
    expires_at: datetime
