"""Reading JSON bodies: strict types, and only what can be stored."""

import pytest
from starlette.requests import Request

from secapi_api.bodies import JsonBody
from secapi_api.errors import InvalidRequest, UnsupportedMediaType
from secapi_api.scans.schemas import CreateScan

GOOD = b'{"namespace": "a", "spec": {"targets": [{"url": "https://a.example/"}], "scanners": [%s]}}'
PARAMETERS = GOOD % b'{"name": "web", "parameters": {"value": %s}}'


def request(body: bytes, content_type: str = "application/json") -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "headers": [(b"content-type", content_type.encode())]}, receive)


async def refused(body: bytes) -> list[str]:
    with pytest.raises(InvalidRequest) as caught:
        await JsonBody(CreateScan)(request(body))
    return [error.pointer for error in caught.value.errors]


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"])
async def test_json_is_read(content_type: str) -> None:
    body = await JsonBody(CreateScan)(request(PARAMETERS % b"1.5", content_type))
    assert body.spec.scanners[0].parameters == {"value": 1.5}


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
async def test_another_media_type_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        await JsonBody(CreateScan)(request(PARAMETERS % b"1", content_type))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"namespace": "a\nb"}',
        b'{"namespace": "\\ud800"}',
        b"[" * 50_000,
        PARAMETERS % (b"[" * 5_000 + b"]" * 5_000),
    ],
    ids=["empty", "cut off", "not UTF-8", "raw control character", "lone surrogate", "deep", "deep and closed"],
)
async def test_what_is_not_json_is_refused_as_a_whole(body: bytes) -> None:
    assert await refused(body) == [""]


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"1"])
async def test_json_that_is_no_object_is_refused_as_a_whole(body: bytes) -> None:
    assert await refused(body) == [""]


@pytest.mark.parametrize(
    "value", [b"NaN", b"-Infinity", b"1e999", b"9223372036854775808", b'"a\\u0000b"', b'[{"x": "\\u0000"}]']
)
async def test_values_that_cannot_be_stored_are_refused_with_their_place(value: bytes) -> None:
    (pointer,) = await refused(PARAMETERS % value)
    assert pointer.startswith("/spec/scanners/0/parameters/value")


async def test_a_name_with_a_nul_is_refused() -> None:
    assert await refused(GOOD % b'{"name": "web", "parameters": {"a\\u0000": 1}}') == ["/spec/scanners/0/parameters"]


@pytest.mark.parametrize(
    ("field", "pointer"),
    [
        (b'"timeoutSeconds": "60"', "/spec/timeoutSeconds"),
        (b'"timeoutSeconds": 60.5', "/spec/timeoutSeconds"),
        (b'"maxAttempts": true', "/spec/maxAttempts"),
        (b'"timeout_seconds": 60', "/spec/timeout_seconds"),
        (b'"cancel": 0', "/spec/cancel"),
        (b'"gate": {"failOn": "worst"}', "/spec/gate/failOn"),
        (b'"a/b~c": 1', "/spec/a~1b~0c"),
    ],
)
async def test_types_and_names_are_exactly_those_of_the_document(field: bytes, pointer: str) -> None:
    body = (PARAMETERS % b"1").replace(b'"targets"', field + b', "targets"')
    assert await refused(body) == [pointer]
