"""A scanner with which every scan would fail is refused when it is written, with the place of its mistake."""

from typing import Any

import httpx
import pytest

from api_harness import Api
from kept_kinds import SCANNERS

CLOSED = {"type": "object", "additionalProperties": False}

MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    (
        {"parametersSchema": CLOSED | {"properties": {"depth": {"type": "integr"}}}},
        "/spec/parametersSchema/properties/depth/type",
        "not valid under any of the schemas",
    ),
    (
        {"parametersSchema": CLOSED | {"properties": {"name": {"pattern": "("}}}},
        "/spec/parametersSchema/properties/name/pattern",
        'not a "regex"',
    ),
    (
        {"parametersSchema": CLOSED | {"properties": {"name": {"$ref": "https://schemas.example/name"}}}},
        "/spec/parametersSchema",
        "cannot fetch https://schemas.example/name",
    ),
    ({"arguments": [{"values": ["{parameters.depth}"]}]}, "/spec/arguments/0", "depth"),
]


@pytest.fixture
async def admin(api: Api) -> httpx.AsyncClient:
    return await api.client("admin", None)


@pytest.mark.parametrize(("mistake", "pointer", "words"), MISTAKES)
async def test_a_new_scanner_is_refused(
    admin: httpx.AsyncClient, namespace: str, mistake: dict[str, Any], pointer: str, words: str
) -> None:
    body = SCANNERS.body(namespace, namespace)
    answer = await admin.post(SCANNERS.path, json=body | {"spec": body["spec"] | mistake})

    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert words in error["detail"]
    assert (await admin.get(SCANNERS.url(namespace, namespace))).status_code == 404


async def test_a_replacement_is_refused_and_what_was_there_stays(admin: httpx.AsyncClient, namespace: str) -> None:
    body, url = SCANNERS.body(namespace, namespace), SCANNERS.url(namespace, namespace)
    made = await admin.post(SCANNERS.path, json=body)
    match = {"If-Match": made.headers["ETag"]}
    try:
        mistake, pointer, _ = MISTAKES[0]
        answer = await admin.put(url, json={"spec": body["spec"] | mistake}, headers=match)

        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert (await admin.get(url)).json()["spec"] == made.json()["spec"]
    finally:
        await admin.delete(url, headers=match)
