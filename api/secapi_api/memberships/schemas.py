"""Bodies and answers of ``/v1/memberships``."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict

from secapi_api.auth.callers import Role
from secapi_api.schemas import Namespace, PageQuery, Schema
from secapi_core.ledger.queries.users import MembershipDetail

EXAMPLE_USER = "0198c5a2-6d6e-7c3a-9d4f-5a2f6f1c8e11"


class CreateMembership(Schema):
    """A role for somebody in a namespace."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"userId": EXAMPLE_USER, "namespace": "team-a", "role": "triager"}]}
    )

    user_id: UUID
    namespace: Namespace
    role: Role


class ChangeMembership(Schema):
    """Another role."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "admin"}]})

    role: Role


class Membership(Schema):
    """A user's role in a namespace."""

    id: UUID
    user_id: UUID
    namespace: str
    role: Role
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, membership: MembershipDetail) -> "Membership":
        """From the ledger."""
        fields = {name: getattr(membership, name) for name in MembershipDetail.__dataclass_fields__}
        del fields["version"]
        return cls(**fields | {"role": Role(membership.role)})


class MembershipQuery(PageQuery):
    """Which memberships; every condition that is given holds."""

    namespace: Namespace | None = None
    """Without one: of all namespaces, which takes the platform's administrator."""

    user_id: UUID | None = None
