"""What is told about an artifact, and parameters of the list; its bytes are never given out again."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from secapi_api.schemas import Namespace, PageQuery, Schema
from secapi_core.crds.values import Digest
from secapi_core.ledger.queries.artifacts import ArtifactDetail


class Artifact(Schema):
    """An uploaded source archive, to be named in ``spec.targets[].artifact.digest``."""

    namespace: str
    digest: Annotated[Digest, Field(examples=["sha256:" + "9f" * 32])]
    size: int
    """Bytes."""

    media_type: str
    created_at: datetime

    @classmethod
    def of(cls, artifact: ArtifactDetail) -> "Artifact":
        """From the ledger."""
        return cls(
            namespace=artifact.namespace,
            digest=artifact.digest,
            size=artifact.size,
            media_type=artifact.media_type,
            created_at=artifact.created_at,
        )


class ArtifactQuery(PageQuery):
    """Which artifacts."""

    namespace: Namespace | None = None
