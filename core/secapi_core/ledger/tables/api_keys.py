"""``api_keys``: who may call the API; only a keyed hash of the secret is stored."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.tables.base import Base, Identified, Timestamped


class ApiKey(Identified, Timestamped, Base):
    """``prefix`` finds the row, ``digest`` is HMAC-SHA-256 of the secret under the pepper.

    ``namespace`` is null for a platform key. Without ``scopes`` a key is good for all that its role allows.
    """

    __tablename__ = "api_keys"

    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    namespace: Mapped[str | None]
    role: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    created_by: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_api_keys_namespace_id", "namespace", "id"),)
