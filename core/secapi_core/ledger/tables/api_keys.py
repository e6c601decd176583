"""``api_keys``: who may call the API; only a keyed hash of the secret is stored."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.tables.base import Base, Identified, Timestamped


class ApiKey(Identified, Timestamped, Base):
    """``prefix`` finds the row, ``digest`` is HMAC-SHA-256 of the secret under the pepper.

    ``namespace`` is null for a platform key.
    """

    __tablename__ = "api_keys"

    name: Mapped[str]
    prefix: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    namespace: Mapped[str | None]
    role: Mapped[str]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
