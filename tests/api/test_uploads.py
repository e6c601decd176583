"""Artifacts: uploaded in a stream, named by their digest, all or nothing."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api_harness import Api, scan_body

CONTENT = b"PK\x03\x04" + b"archive" * 1000
SHA256 = hashlib.sha256(CONTENT)
DIGEST = f"sha256:{SHA256.hexdigest()}"
BASE64 = base64.b64encode(SHA256.digest()).decode()
LIMIT = 8 * 1024 * 1024


@pytest.fixture
async def uploader(api: Api, tenant: str) -> httpx.AsyncClient:
    return await api.client("operator", tenant)


def stored(artifact_directory: Path, tenant: str) -> list[str]:
    """Everything below the tenant's prefix, half-written uploads included."""
    below = artifact_directory / tenant
    return sorted(str(path.relative_to(below)) for path in below.rglob("*") if path.is_file())


async def test_an_upload_is_kept_under_its_digest_and_told(
    uploader: httpx.AsyncClient, tenant: str, artifact_directory: Path
) -> None:
    answer = await uploader.post("/v1/artifacts", content=CONTENT, headers={"Content-Type": "application/zip"})
    told = answer.json()
    assert answer.status_code == 201
    assert (told["namespace"], told["digest"], told["size"]) == (tenant, DIGEST, len(CONTENT))
    assert told["mediaType"] == "application/zip"
    assert stored(artifact_directory, tenant) == [f"sha256/{SHA256.hexdigest()}"]
    assert (await uploader.get(answer.headers["Location"])).json() == told


async def test_the_same_bytes_again_are_the_same_artifact(
    uploader: httpx.AsyncClient, tenant: str, artifact_directory: Path
) -> None:
    answers = await asyncio.gather(*(uploader.post("/v1/artifacts", content=CONTENT) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(stored(artifact_directory, tenant)) == 1


@pytest.mark.parametrize("name", ["Content-Digest", "Digest"])
async def test_an_announced_digest_is_checked(
    uploader: httpx.AsyncClient, tenant: str, artifact_directory: Path, name: str
) -> None:
    value = f"sha-256=:{BASE64}:" if name == "Content-Digest" else f"SHA-256={BASE64}"
    damaged = await uploader.post("/v1/artifacts", content=CONTENT[:-1], headers={name: value})
    assert (damaged.status_code, damaged.json()["type"]) == (422, "urn:secapi:problem:invalid-request")
    assert stored(artifact_directory, tenant) == []
    assert (await uploader.post("/v1/artifacts", content=CONTENT, headers={name: value})).status_code == 201


async def test_an_upload_past_the_limit_is_refused_and_leaves_nothing(
    uploader: httpx.AsyncClient, tenant: str, artifact_directory: Path
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1024 * 1024

    for body in (b"x" * (LIMIT + 1), endless()):
        answer = await uploader.post("/v1/artifacts", content=body)
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:secapi:problem:content-too-large")
    assert stored(artifact_directory, tenant) == []


async def test_an_empty_upload_is_refused(uploader: httpx.AsyncClient) -> None:
    assert (await uploader.post("/v1/artifacts", content=b"")).status_code == 422


@pytest.mark.parametrize("header", [("Content-Encoding", "gzip"), ("Content-Type", "multipart/form-data; boundary=x")])
async def test_only_plain_bytes_are_taken(uploader: httpx.AsyncClient, header: tuple[str, str]) -> None:
    answer = await uploader.post("/v1/artifacts", content=CONTENT, headers=[header])
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:secapi:problem:unsupported-media-type")


async def test_a_platform_key_says_whose_the_artifact_is(api: Api, tenant: str) -> None:
    platform = await api.client("operator", None)
    answer = await platform.post("/v1/artifacts", content=CONTENT)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/namespace")
    answer = await platform.post("/v1/artifacts", params={"namespace": tenant}, content=CONTENT)
    assert answer.json()["namespace"] == tenant


async def test_an_artifact_belongs_to_the_namespace_that_uploaded_it(
    api: Api, uploader: httpx.AsyncClient, tenant: str
) -> None:
    await uploader.post("/v1/artifacts", content=CONTENT)
    other = await api.client("admin", f"{tenant}-b")
    assert (await other.get(f"/v1/artifacts/{DIGEST}")).status_code == 404


@pytest.mark.parametrize("digest", ["sha256:0", "sha512:" + "0" * 64, "x", "sha256:" + "G" * 64])
async def test_a_digest_that_is_none_is_named(uploader: httpx.AsyncClient, digest: str) -> None:
    answer = await uploader.get(f"/v1/artifacts/{digest}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/path/digest")


async def test_an_artifact_can_be_scanned_once_it_is_uploaded(operator: httpx.AsyncClient, namespace: str) -> None:
    body = scan_body(namespace, spec={"targets": [{"artifact": {"digest": DIGEST}}], "scanners": [{"name": "source"}]})
    early = await operator.post("/v1/scans", json=body)
    assert (early.status_code, early.json()["type"]) == (422, "urn:secapi:problem:artifact-missing")
    assert early.json()["errors"][0]["pointer"] == "/spec/targets/0/artifact/digest"
    await operator.post("/v1/artifacts", content=CONTENT)
    assert (await operator.post("/v1/scans", json=body)).status_code == 202
