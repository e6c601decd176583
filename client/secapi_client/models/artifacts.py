"""Answers of ``/v1/artifacts``."""

from datetime import datetime

from secapi_client.models.base import Model


class Artifact(Model):
    """An uploaded source archive, to be named by its digest in a scan's target."""

    namespace: str
    digest: str
    size: int
    media_type: str
    created_at: datetime
