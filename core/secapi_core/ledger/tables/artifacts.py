"""``artifacts``: uploaded source archives, by content; the bytes are in the object store."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from secapi_core.ledger.tables.base import Base, SoftDeleted


class Artifact(SoftDeleted, Base):
    """``digest`` is ``sha256:<hex>`` of the bytes; the same bytes in two namespaces are two rows."""

    __tablename__ = "artifacts"

    namespace: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str]
    object_key: Mapped[str]
    uploaded_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("ix_artifacts_created", "created_at", "digest", "namespace"),
        Index("ix_artifacts_namespace_created", "namespace", "created_at", "digest"),
    )
