"""Lists of artifacts: those of a namespace, page by page, and those that a scan names."""

import hashlib
from uuid import UUID

import httpx
import pytest

from api_harness import Api, scan_body
from ledger_factories import execute
from listed import pages
from secapi_core.paging import encode_cursor

DIGEST = "sha256:" + "0" * 64


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


async def uploaded(api: Api, namespace: str, *contents: bytes) -> list[str]:
    """Digests of what was uploaded, in this order."""
    client = await api.client("operator", namespace)
    return [(await client.post("/v1/artifacts", content=content)).json()["digest"] for content in contents]


async def listed(client: httpx.AsyncClient, path: str = "/v1/artifacts", **query: object) -> list[tuple[str, str]]:
    """Namespace and digest of what is on all pages."""
    return [(item["namespace"], item["digest"]) for page in await pages(client, path, **query) for item in page]


@pytest.fixture
async def viewer(api: Api, tenant: str) -> httpx.AsyncClient:
    return await api.client("viewer", tenant)


async def test_artifacts_are_listed_newest_first_and_as_they_are_told_one_by_one(
    api: Api, viewer: httpx.AsyncClient, tenant: str
) -> None:
    first, second = await uploaded(api, tenant, b"first", b"second")
    assert await listed(viewer) == [(tenant, second), (tenant, first)]
    (newest, _) = (await viewer.get("/v1/artifacts")).json()["items"]
    assert newest == (await viewer.get(f"/v1/artifacts/{second}")).json()


async def test_pages_hold_what_there_was_once_each_though_more_is_uploaded(
    api: Api, viewer: httpx.AsyncClient, tenant: str
) -> None:
    digests = await uploaded(api, tenant, *(f"{number}".encode() for number in range(5)))
    await execute(api.owner, "UPDATE artifacts SET created_at = '2026-01-01' WHERE namespace = :n", n=tenant)
    page = (await viewer.get("/v1/artifacts", params={"limit": 2})).json()
    await uploaded(api, tenant, b"later")
    rest = await pages(viewer, "/v1/artifacts", limit=2, cursor=page["nextCursor"])
    seen = [item["digest"] for items in (page["items"], *rest) for item in items]
    assert [len(items) for items in rest] == [2, 1]
    assert seen == sorted(digests, reverse=True)


async def test_a_list_shows_only_what_the_caller_may_see(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    other = f"{tenant}-b"
    (mine,), (same, foreign) = await uploaded(api, tenant, b"a"), await uploaded(api, other, b"a", b"b")
    assert same == mine
    assert await listed(viewer) == await listed(viewer, namespace=tenant) == [(tenant, mine)]
    platform = await api.client("viewer", None)
    assert (await listed(platform, limit=200))[:3] == [(other, foreign), (other, mine), (tenant, mine)]
    assert await listed(platform, namespace=other) == [(other, foreign), (other, mine)]


async def test_a_cursor_shows_nothing_that_its_user_may_not_see(
    api: Api, viewer: httpx.AsyncClient, tenant: str
) -> None:
    await uploaded(api, f"{tenant}-b", b"a", b"b")
    platform = await api.client("viewer", None)
    foreign = (await platform.get("/v1/artifacts", params={"limit": 1})).json()["nextCursor"]
    assert await listed(viewer, cursor=foreign) == []


@pytest.mark.parametrize(
    "tampered",
    [
        "x",
        encode_cursor("2026-01-01T00:00:00+00:00"),
        encode_cursor("yesterday", DIGEST, "team-a"),
        encode_cursor("0001-01-01T00:00:00+14:00", DIGEST, "team-a"),
        encode_cursor("2026-01-01T00:00:00+00:00", "\x00", "team-a"),
    ],
)
async def test_a_cursor_that_we_did_not_make_is_refused(viewer: httpx.AsyncClient, tampered: str) -> None:
    answer = await viewer.get("/v1/artifacts", params={"cursor": tampered})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/cursor")


async def test_a_deleted_artifact_is_not_listed(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    await uploaded(api, tenant, b"a")
    await execute(api.owner, "UPDATE artifacts SET deleted_at = now() WHERE namespace = :n", n=tenant)
    assert await listed(viewer) == []


async def test_a_scan_shows_the_artifacts_of_its_targets_in_their_order(
    api: Api, operator: httpx.AsyncClient, namespace: str
) -> None:
    digests = await uploaded(api, namespace, b"a", b"b", b"unused")
    targets = [{"artifact": {"digest": digests[1], "name": name}} for name in ("one", "two")]
    targets += [{"artifact": {"digest": digests[0]}}]
    body = scan_body(namespace, spec={"targets": targets, "scanners": [{"name": "source"}]})
    scan = (await operator.post("/v1/scans", json=body)).json()
    assert await listed(operator, scan["links"]["artifacts"]) == [(namespace, digests[1]), (namespace, digests[0])]


async def test_a_scan_of_other_targets_has_no_artifacts(operator: httpx.AsyncClient, namespace: str) -> None:
    scan = (await operator.post("/v1/scans", json=scan_body(namespace))).json()
    assert await listed(operator, scan["links"]["artifacts"]) == []


async def test_the_artifacts_of_a_foreign_scan_are_those_of_a_scan_that_is_missing(
    api: Api, operator: httpx.AsyncClient, namespace: str
) -> None:
    (mine,) = await uploaded(api, namespace, b"a")
    await uploaded(api, f"{namespace}-b", b"a")
    body = scan_body(namespace, spec={"targets": [{"artifact": {"digest": mine}}], "scanners": [{"name": "source"}]})
    scan = (await operator.post("/v1/scans", json=body)).json()
    stranger = await api.client("admin", f"{namespace}-b")
    answers = [await stranger.get(f"/v1/scans/{scan_id}/artifacts") for scan_id in (scan["id"], UUID(int=0))]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["detail"].replace(scan["id"], str(UUID(int=0))) == answers[1].json()["detail"]
