"""What is told about an artifact; its bytes are never given out again."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from secapi_api.schemas import Schema
from secapi_core.crds.values import Digest


class Artifact(Schema):
    """An uploaded source archive, to be named in ``spec.targets[].artifact.digest``."""

    namespace: str
    digest: Annotated[Digest, Field(examples=["sha256:" + "9f" * 32])]
    size: int
    """Bytes."""

    media_type: str
    created_at: datetime
