"""Targets made ready: names resolved and checked, artifacts unpacked."""

import asyncio
import hashlib
import socket
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from prepared_targets import Prepare, reason, tree
from secapi_core.failures import FailureReason
from secapi_core.objects import ArtifactStore
from secapi_workers.runner.workspace import RunDirectory

MIB = 1024 * 1024


async def test_a_host_is_resolved_and_its_address_pinned(prepare: Prepare) -> None:
    prepared = await prepare({"host": {"address": "127.0.0.5", "ports": "22"}})
    assert prepared.fields["pinnedAddress"] == "127.0.0.5"
    assert prepared.source is None


async def test_a_name_of_a_forbidden_address_is_refused(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = resolving_to(monkeypatch, "93.184.216.34", "10.0.0.7")
    why, message = await reason(prepare({"url": "https://shop.example/"}))
    assert resolved == ["shop.example"]
    assert why is FailureReason.TARGET_FORBIDDEN
    assert "10.0.0.7" in message


async def test_a_name_is_pinned_to_its_first_address(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving_to(monkeypatch, "127.0.0.9", "127.0.0.10")
    prepared = await prepare({"url": "https://shop.example/"})
    assert prepared.fields["pinnedAddress"] == "127.0.0.9"
    assert prepared.fields["host"] == "shop.example"


async def test_a_name_that_nobody_knows_is_unresolvable(prepare: Prepare) -> None:
    why, message = await reason(prepare({"url": "https://no-such-host.invalid/"}))
    assert why is FailureReason.TARGET_UNRESOLVABLE
    assert "no-such-host.invalid" in message


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Stand in for DNS, which tests cannot ask; the names that were looked up."""
    names: list[str] = []

    async def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[Any, ...]]:
        names.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return names


async def stored(store: ArtifactStore, content: bytes) -> dict[str, Any]:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    kept = await store.put("team-a", chunks(), max_bytes=64 * MIB)
    return {"artifact": {"digest": kept.digest}}


def archive(tmp_path: Path, *names: str) -> bytes:
    path, content = tmp_path / "made.tar.gz", tmp_path / "content"
    content.write_text("x")
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            tar.add(content, arcname=name)
    return path.read_bytes()


async def test_an_artifact_is_unpacked(
    prepare: Prepare, store: ArtifactStore, tmp_path: Path, run_directory: RunDirectory
) -> None:
    prepared = await prepare(await stored(store, archive(tmp_path, "a.py", "src/b.py")))
    assert tree(prepared.source) == {"a.py": "x", "src/b.py": "x"}
    assert not list(run_directory.path.glob("archive*"))


async def test_an_artifact_that_was_never_uploaded_is_missing(prepare: Prepare) -> None:
    digest = f"sha256:{hashlib.sha256(b'never').hexdigest()}"
    why, _ = await reason(prepare({"artifact": {"digest": digest}}))
    assert why is FailureReason.ARTIFACT_MISSING


async def test_another_namespaces_artifact_is_missing(prepare: Prepare, store: ArtifactStore, tmp_path: Path) -> None:
    target = await stored(store, archive(tmp_path, "a.py"))
    why, _ = await reason(prepare(target, namespace="team-b"))
    assert why is FailureReason.ARTIFACT_MISSING


async def test_an_artifact_that_leads_out_is_invalid(prepare: Prepare, store: ArtifactStore, tmp_path: Path) -> None:
    why, message = await reason(prepare(await stored(store, archive(tmp_path, "../evil"))))
    assert why is FailureReason.ARTIFACT_INVALID
    assert message == "'../evil' leads out of the archive"


async def test_an_artifact_that_is_no_archive_is_invalid(prepare: Prepare, store: ArtifactStore) -> None:
    why, _ = await reason(prepare(await stored(store, b"hello")))
    assert why is FailureReason.ARTIFACT_INVALID


async def test_an_artifact_that_unpacks_to_too_much_is_too_large(
    prepare: Prepare, store: ArtifactStore, tmp_path: Path
) -> None:
    zeros = tmp_path / "zeros"
    zeros.write_bytes(bytes(4 * MIB))
    with tarfile.open(tmp_path / "zeros.tgz", "w:gz") as tar:
        tar.add(zeros, arcname="zeros")
    why, _ = await reason(prepare(await stored(store, (tmp_path / "zeros.tgz").read_bytes()), max_bytes=MIB))
    assert why is FailureReason.SOURCE_TOO_LARGE
