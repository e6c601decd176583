"""Digests that a client announces in its headers. Pure."""

import base64
import binascii
import re

from starlette.datastructures import Headers

from secapi_api.errors import FieldError, InvalidRequest

_MEMBERS = {
    # RFC 9530, a structured field: sha-256=:<base64>:
    "Content-Digest": re.compile(r"(?:^|,)\s*sha-256=:(?P<base64>[^:]*):", re.IGNORECASE),
    # RFC 3230, which it replaces: SHA-256=<base64>
    "Digest": re.compile(r"(?:^|,)\s*sha-256=(?P<base64>[^,\s]*)", re.IGNORECASE),
}


def announced_digest(headers: Headers) -> str | None:
    """``sha256:<hex>`` as ``Content-Digest`` or ``Digest`` say; None if neither gives a SHA-256."""
    for name, member in _MEMBERS.items():
        if found := member.search(headers.get(name, "")):
            return f"sha256:{_hexadecimal(name, found['base64'])}"
    return None


def _hexadecimal(header: str, encoded: str) -> str:
    try:
        digest = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 32:
        problem = FieldError(f"/header/{header}", "sha-256 must be the base64 form of 32 bytes")
        raise InvalidRequest("correct the digest or leave it out", errors=[problem])
    return digest.hex()
