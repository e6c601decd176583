"""Declarative base, shared column types and mixins."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Enum, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from secapi_core.findings import Severity

Json = dict[str, Any]


class Base(DeclarativeBase):
    """Naming convention for constraints, so that migrations can name what they drop."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True), Json: JSONB, str: Text}  # noqa: RUF012 -- SQLAlchemy reads it so


def text_enum(kind: type[StrEnum], name: str) -> Enum:
    """A closed set kept as text with a CHECK: a new member is a one-line migration, not an ``ALTER TYPE``."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda members: [m.value for m in members],
    )


SEVERITY = Enum(Severity, name="severity", values_callable=lambda members: [m.value for m in members])
"""The one native enum: its five steps are settled, it sorts worst first, and it takes four bytes in every sighting."""


class Identified:
    """A row with an id made by us: UUIDv7, so that ids sort by creation."""

    id: Mapped[UUID] = mapped_column(primary_key=True)


class Created:
    """When the row was made, by the database's clock."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Timestamped(Created):
    """When the row was made and last changed; every statement that changes the row says so."""

    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SoftDeleted:
    """Rows that people delete stay until retention removes them."""

    deleted_at: Mapped[datetime | None]


class Versioned:
    """Optimistic lock: every change that a reader can see adds one; shown as the ETag."""

    version: Mapped[int] = mapped_column(server_default="1")
