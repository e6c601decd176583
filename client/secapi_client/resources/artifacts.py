"""``/v1/artifacts``."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from secapi_client.archives import packed
from secapi_client.connection import Body, Connection
from secapi_client.models.artifacts import Artifact


class Artifacts:
    """Source archives: uploaded once, scanned by digest."""

    def __init__(self, connection: Connection) -> None:
        """Use ``connection``."""
        self._connection = connection

    def upload(self, path: Path, *, namespace: str | None = None) -> Artifact:
        """A tar or zip archive as it is, or a directory packed into one. The same bytes again are the same artifact.

        ``namespace`` may be left out if the key is good for one only. Raises OSError for what cannot be read.
        """
        if path.is_dir():
            with packed(path) as archive:
                return self._upload(archive, namespace)
        return self._upload(path, namespace)

    def get(self, digest: str, *, namespace: str | None = None) -> Artifact:
        """What is known of an uploaded artifact."""
        path = f"/v1/artifacts/{quote(digest, safe=':')}"
        return self._connection.get(path, Artifact, parameters={"namespace": namespace})

    def list(self, *, namespace: str | None = None, limit: int | None = None) -> Iterator[Artifact]:
        """Newest first; without a namespace, of all that the key may see."""
        return self._connection.items("/v1/artifacts", Artifact, {"namespace": namespace}, limit)

    def _upload(self, path: Path, namespace: str | None) -> Artifact:
        with path.open("rb") as archive:
            digest = base64.b64encode(hashlib.file_digest(archive, "sha256").digest()).decode()
            answer = self._connection.send(
                "POST",
                "/v1/artifacts",
                parameters={"namespace": namespace},
                body=Body(file=archive),
                headers={"Content-Type": "application/octet-stream", "Content-Digest": f"sha-256=:{digest}:"},
                repeatable=True,
            )
        return self._connection.read(Artifact, answer)
