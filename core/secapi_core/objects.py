"""Artifacts in an object store: a local directory, S3, GCS or Azure, chosen by URL and addressed by content.

The key of an object is ``<namespace>/sha256/<hex>`` of its bytes, so a key says what its bytes must be, two uploads of
the same bytes are one object, and a download proves itself. Bytes go through in bounded chunks, never as a whole.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from secapi_core.errors import JobFailed, SecapiError
from secapi_core.failures import FailureReason

CHUNK_BYTES = 1024 * 1024
"""Smallest chunk of a download, except the last."""


class ObjectTooLarge(SecapiError):
    """The stream went on past the limit; nothing was stored."""

    def __init__(self, max_bytes: int) -> None:
        """Say the limit."""
        super().__init__(FailureReason.SOURCE_TOO_LARGE, f"the content is larger than {max_bytes} bytes")


class DigestMismatch(SecapiError):
    """The bytes are not those that were announced; nothing was stored."""

    def __init__(self, announced: str, actual: str) -> None:
        """Say both digests."""
        super().__init__(FailureReason.ARTIFACT_INVALID, f"announced {announced}, but the content is {actual}")


class ObjectStoreUnavailable(SecapiError):
    """The store refused or could not be reached; the same call may work later."""

    def __init__(self, cause: BaseError | OSError) -> None:
        """Keep the first line of the store's own error: the others are internals."""
        first_line = str(cause).partition("\n")[0]
        super().__init__(FailureReason.INTERNAL_ERROR, f"the object store failed: {first_line}")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """``digest`` is ``sha256:<hex>``; ``size`` counts bytes; ``key`` is what ``download`` and ``delete`` take."""

    digest: str
    size: int
    key: str


class ArtifactStore:
    """One store, for any number of namespaces. Safe to share between tasks; holds no connection that needs closing."""

    def __init__(self, url: str) -> None:
        """Take ``file:///directory`` (made if missing), ``s3://bucket/prefix`` and its kin, or ``memory:///``.

        Credentials come from the environment, as the store's own tools read them.
        """
        self._store = _open(url)

    async def put(
        self,
        namespace: str,
        chunks: AsyncIterator[bytes],
        *,
        max_bytes: int,
        expected_digest: str | None = None,
    ) -> StoredObject:
        """Store a stream under its digest; all of it or, after an error or a cancellation, nothing.

        Raises ObjectTooLarge, DigestMismatch (only with ``expected_digest``), ObjectStoreUnavailable, and what the
        stream raises (an OSError there would be taken for the store's: its writer raises them too).
        """
        # The digest is known only at the end, so the bytes wait under a name that nobody asks for.
        waiting = f"{namespace}/uploads/{uuid4().hex}"
        try:
            digest, size = await self._write(waiting, chunks, max_bytes, expected_digest)
            key = f"{namespace}/{digest.replace(':', '/')}"
            await obstore.rename_async(self._store, waiting, key)
        except BaseException as error:
            # Also on cancellation, when the last call may or may not have taken effect.
            with suppress(ObjectStoreUnavailable):
                await asyncio.shield(self.delete(waiting))
            if isinstance(error, BaseError | OSError):
                raise ObjectStoreUnavailable(error) from error
            raise
        return StoredObject(digest, size, key)

    async def _write(
        self, key: str, chunks: AsyncIterator[bytes], max_bytes: int, expected_digest: str | None
    ) -> tuple[str, int]:
        """Returns digest and size. Leaving the writer's block by an exception aborts its multipart upload."""
        sha256, size = hashlib.sha256(), 0
        async with obstore.open_writer_async(self._store, key) as writer:
            async for chunk in chunks:
                size += len(chunk)
                if size > max_bytes:
                    raise ObjectTooLarge(max_bytes)
                sha256.update(chunk)
                await writer.write(chunk)
            digest = f"sha256:{sha256.hexdigest()}"
            if expected_digest not in (None, digest):
                raise DigestMismatch(expected_digest, digest)
        return digest, size

    async def download(self, key: str, destination: Path, *, max_bytes: int) -> None:
        """Write the object to the new file ``destination`` and check it against the digest in its key.

        Raises JobFailed: ArtifactMissing, SourceTooLarge, ArtifactInvalid (other bytes than the key promises) or the
        retryable InternalError when the store fails. After an error ``destination`` does not exist.
        """
        try:
            try:
                response = await obstore.get_async(self._store, key)
            except FileNotFoundError as error:
                raise JobFailed(FailureReason.ARTIFACT_MISSING, "the artifact is not in the object store") from error
            if response.meta["size"] > max_bytes:
                raise JobFailed(FailureReason.SOURCE_TOO_LARGE, f"the artifact is larger than {max_bytes} bytes")
            with _complete_or_absent(destination) as file:
                sha256 = hashlib.sha256()
                # A write holds the event loop for about a millisecond, and cannot outlive a cancellation as one in a
                # thread would.
                async for chunk in response.stream(min_chunk_size=CHUNK_BYTES):
                    view = memoryview(chunk)
                    sha256.update(view)
                    file.write(view)
                if not key.endswith(f"/sha256/{sha256.hexdigest()}"):
                    raise JobFailed(FailureReason.ARTIFACT_INVALID, "the stored bytes are not those that were uploaded")
        except BaseError as error:
            raise JobFailed(FailureReason.INTERNAL_ERROR, ObjectStoreUnavailable(error).failure.message) from error

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is fine. Raises ObjectStoreUnavailable."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except BaseError as error:
            raise ObjectStoreUnavailable(error) from error


def _open(url: str) -> ObjectStore:
    match url.partition(":")[0]:
        case "file":
            return from_url(url, mkdir=True)
        case "memory":
            return from_url(url)
        case _:
            # Left alone, the client retries for minutes; a request or a job has a better place to wait.
            return from_url(url, retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=15)})


@contextmanager
def _complete_or_absent(path: Path) -> Iterator[IO[bytes]]:
    """A new file that is removed again when the block raises or is cancelled."""
    with path.open("xb") as file:
        try:
            yield file
        except BaseException:
            path.unlink(missing_ok=True)
            raise
