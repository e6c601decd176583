"""Digests announced in headers."""

import base64
import hashlib

import pytest
from starlette.datastructures import Headers

from secapi_api.artifacts.digests import announced_digest
from secapi_api.errors import InvalidRequest

RAW = hashlib.sha256(b"archive").digest()
BASE64 = base64.b64encode(RAW).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Digest": f"sha-256=:{BASE64}:"},
        {"Content-Digest": f"sha-512=:AAAA:, sha-256=:{BASE64}:"},
        {"Digest": f"SHA-256={BASE64}"},
        {"Digest": f"md5=AAAA,sha-256={BASE64}"},
        {"Content-Digest": f"sha-256=:{BASE64}:", "Digest": "sha-256=ignored"},
    ],
)
def test_both_headers_give_the_digest(headers: dict[str, str]) -> None:
    assert announced_digest(Headers(headers)) == f"sha256:{RAW.hex()}"


@pytest.mark.parametrize("headers", [{}, {"Content-Digest": "sha-512=:AAAA:"}, {"Digest": "md5=AAAA"}])
def test_without_a_sha256_nothing_is_announced(headers: dict[str, str]) -> None:
    assert announced_digest(Headers(headers)) is None


@pytest.mark.parametrize("encoded", ["", "AAAA", "not base64!", BASE64[:-1], BASE64 + "AAAA"])
def test_a_malformed_digest_is_refused(encoded: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        announced_digest(Headers({"Content-Digest": f"sha-256=:{encoded}:"}))
    assert caught.value.errors[0].pointer == "/header/Content-Digest"
