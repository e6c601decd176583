"""The artifact store on a real directory: content addressing, bounds, and nothing left behind."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.objects import ArtifactStore, DigestMismatch, ObjectStoreUnavailable, ObjectTooLarge, StoredObject

MEBIBYTE = 1024 * 1024
CONTENT = b"PK" + bytes(range(256)) * 40
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def store(directory: Path) -> ArtifactStore:
    return ArtifactStore(directory.as_uri())


def files(directory: Path) -> list[str]:
    return sorted(str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file())


async def stream(*chunks: bytes, then: BaseException | None = None) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if then is not None:
        raise then


async def put(store: ArtifactStore, *chunks: bytes, namespace: str = "team-a") -> StoredObject:
    return await store.put(namespace, stream(*chunks), max_bytes=64 * MEBIBYTE)


async def test_an_object_is_stored_under_its_digest_and_comes_back_whole(
    store: ArtifactStore, directory: Path, tmp_path: Path
) -> None:
    stored = await put(store, CONTENT[:100], CONTENT[100:])
    assert stored == StoredObject(DIGEST, len(CONTENT), f"team-a/{DIGEST.replace(':', '/')}")
    assert files(directory) == [stored.key]
    await store.download(stored.key, tmp_path / "copy", max_bytes=len(CONTENT))
    assert (tmp_path / "copy").read_bytes() == CONTENT


async def test_storing_the_same_bytes_twice_at_once_leaves_one_object(store: ArtifactStore, directory: Path) -> None:
    first, second = await asyncio.gather(put(store, CONTENT), put(store, CONTENT))
    assert first == second
    assert files(directory) == [first.key]


async def test_a_large_stream_goes_through_in_parts(store: ArtifactStore, tmp_path: Path) -> None:
    stored = await put(store, *[bytes([n]) * MEBIBYTE for n in range(33)])
    await store.download(stored.key, tmp_path / "copy", max_bytes=33 * MEBIBYTE)
    assert hashlib.sha256((tmp_path / "copy").read_bytes()).hexdigest() == stored.digest.removeprefix("sha256:")


async def test_an_empty_stream_is_an_object_of_no_bytes(store: ArtifactStore) -> None:
    assert (await put(store)).size == 0


@pytest.mark.parametrize("size", [MEBIBYTE + 1, 40 * MEBIBYTE])
async def test_a_stream_past_the_limit_is_refused_and_leaves_nothing(
    store: ArtifactStore, directory: Path, size: int
) -> None:
    with pytest.raises(ObjectTooLarge):
        await store.put("team-a", stream(b"x" * MEBIBYTE, b"x" * (size - MEBIBYTE)), max_bytes=size - 1)
    assert files(directory) == []


async def test_other_bytes_than_announced_are_refused_and_leave_nothing(store: ArtifactStore, directory: Path) -> None:
    with pytest.raises(DigestMismatch):
        await store.put("team-a", stream(b"other"), max_bytes=100, expected_digest=DIGEST)
    assert files(directory) == []


async def test_a_stream_that_breaks_off_leaves_nothing(store: ArtifactStore, directory: Path) -> None:
    broken = stream(*[b"x" * MEBIBYTE] * 30, then=EOFError())
    with pytest.raises(EOFError):
        await store.put("team-a", broken, max_bytes=64 * MEBIBYTE)
    assert files(directory) == []


async def test_a_cancelled_put_leaves_nothing(store: ArtifactStore, directory: Path) -> None:
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * MEBIBYTE
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(store.put("team-a", endless(), max_bytes=64 * MEBIBYTE))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):  # The abort of the parts is carried out by the store's own threads.
        while files(directory):
            await asyncio.sleep(0.01)


async def test_a_missing_object_is_a_typed_failure(store: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(JobFailed) as caught:
        await store.download(f"team-a/{DIGEST.replace(':', '/')}", tmp_path / "copy", max_bytes=1)
    assert caught.value.failure.reason is FailureReason.ARTIFACT_MISSING


async def test_an_object_larger_than_the_worker_takes_is_not_downloaded(store: ArtifactStore, tmp_path: Path) -> None:
    stored = await put(store, CONTENT)
    with pytest.raises(JobFailed) as caught:
        await store.download(stored.key, tmp_path / "copy", max_bytes=len(CONTENT) - 1)
    assert caught.value.failure.reason is FailureReason.SOURCE_TOO_LARGE
    assert not (tmp_path / "copy").exists()


async def test_bytes_changed_in_the_store_are_refused_and_leave_nothing(
    store: ArtifactStore, directory: Path, tmp_path: Path
) -> None:
    stored = await put(store, CONTENT)
    (directory / stored.key).write_bytes(CONTENT[::-1])
    with pytest.raises(JobFailed) as caught:
        await store.download(stored.key, tmp_path / "copy", max_bytes=len(CONTENT))
    assert caught.value.failure.reason is FailureReason.ARTIFACT_INVALID
    assert not (tmp_path / "copy").exists()


async def test_a_download_never_overwrites_a_file(store: ArtifactStore, tmp_path: Path) -> None:
    stored = await put(store, CONTENT)
    (tmp_path / "copy").write_text("mine")
    with pytest.raises(FileExistsError):
        await store.download(stored.key, tmp_path / "copy", max_bytes=len(CONTENT))
    assert (tmp_path / "copy").read_text() == "mine"


async def test_deleting_twice_is_fine(store: ArtifactStore, directory: Path) -> None:
    stored = await put(store, CONTENT)
    await store.delete(stored.key)
    await store.delete(stored.key)
    assert files(directory) == []


async def test_a_store_that_cannot_be_reached_is_a_typed_error_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int, tmp_path: Path
) -> None:
    for name, value in {
        "AWS_ENDPOINT": f"http://127.0.0.1:{unused_tcp_port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
    }.items():
        monkeypatch.setenv(name, value)
    store = ArtifactStore("s3://bucket/artifacts")
    async with asyncio.timeout(30):
        with pytest.raises(ObjectStoreUnavailable):
            await put(store, CONTENT)
        with pytest.raises(JobFailed) as caught:
            await store.download("team-a/sha256/0", tmp_path / "copy", max_bytes=1)
    assert caught.value.failure.reason.retryable
