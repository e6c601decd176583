"""Every route as nobody, with a bad key, from another namespace, with too low a role, and with the right one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api_harness import Api, scan_body
from ledger_factories import dead_letter, execute, make_scan
from secapi_api.app import create_app
from secapi_api.settings import ApiSettings

DIGEST = "sha256:" + "0" * 64
NOTHING = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Access:
    """How a route is called and what it takes; ``status`` is what the right role gets.

    ``foreign`` is what a key of another namespace gets: 404 where an id names the item, 403 where the namespace is
    named, the right status where there is nothing to protect.
    """

    method: str
    path: str
    role: str
    status: int
    foreign: int


ROUTES = [
    Access("POST", "/v1/scans", "operator", 202, 403),
    Access("GET", "/v1/scans", "viewer", 200, 403),
    Access("GET", "/v1/scans/{scanId}", "viewer", 200, 404),
    Access("DELETE", "/v1/scans/{scanId}", "operator", 204, 404),
    Access("POST", "/v1/scans/{scanId}/cancel", "operator", 202, 404),
    Access("POST", "/v1/scans/{scanId}/rerun", "operator", 202, 404),
    Access("GET", "/v1/scans/{scanId}/jobs", "viewer", 200, 404),
    Access("GET", "/v1/scans/{scanId}/findings", "viewer", 200, 404),
    Access("GET", "/v1/dead-letters", "viewer", 200, 403),
    Access("GET", "/v1/dead-letters/{deadLetterId}", "viewer", 200, 404),
    Access("POST", "/v1/dead-letters/{deadLetterId}/replay", "operator", 202, 404),
    Access("DELETE", "/v1/dead-letters/{deadLetterId}", "admin", 204, 404),
    Access("POST", "/v1/artifacts", "operator", 201, 403),
    Access("GET", "/v1/artifacts/{digest}", "viewer", 404, 403),
    Access("GET", "/v1/scanners", "viewer", 200, 200),
    Access("GET", "/v1/stats", "viewer", 200, 403),
    Access("GET", "/v1/audit-events", "admin", 200, 403),
]
OPEN = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"}

walk = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")


async def call(client: httpx.AsyncClient, route: Access, namespace: str, items: dict[str, str]) -> httpx.Response:
    options: dict[str, Any] = {}
    if route == ROUTES[0]:
        options["json"] = scan_body(namespace)
    elif route.foreign == 403:
        options["params"] = {"namespace": namespace}
    if route.method == "POST" and route.path == "/v1/artifacts":
        options["content"] = b"archive"
    return await client.request(route.method, route.path.format(**items, digest=DIGEST), **options)


@pytest.fixture
async def items(api: Api, operator: httpx.AsyncClient, namespace: str) -> dict[str, str]:
    """Ids of what is in ``namespace``, by the names they have in paths."""
    submitted: dict[str, str] = (await operator.post("/v1/scans", json=scan_body(namespace))).json()
    database = api.resources.ledger.database
    letter = await dead_letter(database, scan=make_scan(namespace), scanner="web", parameters={})
    return {"scanId": submitted["id"], "deadLetterId": str(letter)}


def test_every_route_is_walked() -> None:
    settings = ApiSettings(
        database_url="postgresql://nowhere", artifact_url="memory:///", api_key_pepper="for the routes only"
    )
    assert set(served(create_app(settings))) == {(route.method, route.path) for route in ROUTES} | {
        ("GET", path) for path in OPEN
    }


def served(app: FastAPI) -> Iterator[tuple[str, str]]:
    for context in iter_route_contexts(app.routes):
        for method in context.methods or ():
            yield method, str(context.path)


@walk
async def test_nobody_is_asked_for_a_key(api: Api, route: Access, namespace: str, items: dict[str, str]) -> None:
    answer = await call(api.anonymous(), route, namespace, items)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:secapi:problem:unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="secapi"'


@walk
async def test_another_namespaces_key_learns_nothing(
    api: Api, route: Access, namespace: str, items: dict[str, str]
) -> None:
    stranger = await api.client("admin", "elsewhere")
    answer = await call(stranger, route, namespace, items)
    missing = await call(stranger, route, "nowhere", dict.fromkeys(items, NOTHING))
    assert answer.status_code == missing.status_code == route.foreign
    if route.foreign == 404:
        (asked,) = (item for item in items.values() if item in answer.request.url.path)
        assert answer.json()["detail"].replace(asked, NOTHING) == missing.json()["detail"]
        assert answer.json()["type"] == missing.json()["type"]


@walk
async def test_too_low_a_role_is_refused(api: Api, route: Access, namespace: str, items: dict[str, str]) -> None:
    answer = await call(await api.client("viewer", namespace), route, namespace, items)
    assert answer.status_code == (route.status if route.role == "viewer" else 403)


@walk
async def test_the_right_role_is_served(api: Api, route: Access, namespace: str, items: dict[str, str]) -> None:
    for owner in (namespace, None):
        client = await api.client(route.role, owner)
        if route.method == "DELETE" and owner is None:
            continue  # The first one has deleted it.
        assert (await call(client, route, namespace, items)).status_code == route.status


@pytest.mark.parametrize(
    "header",
    [
        "Bearer sk_abcdefgh_" + "A" * 43,
        "Bearer sk_short",
        "Bearer " + "x" * 10_000,
        "Bearer sk_\u00e9",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "sk_abcdefgh_" + "A" * 43,
    ],
)
async def test_a_key_that_is_none_is_refused(api: Api, header: str) -> None:
    answer = await api.anonymous().get("/v1/scans", headers=[(b"Authorization", header.encode())])
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE api_keys SET revoked_at = now() WHERE namespace = :tenant",
        "UPDATE api_keys SET expires_at = now() WHERE namespace = :tenant",
    ],
)
async def test_a_key_that_is_over_is_refused(api: Api, tenant: str, change: str) -> None:
    client = await api.client("viewer", tenant)
    assert (await client.get("/v1/scans")).status_code == 200
    await execute(api.resources.ledger.database, change, tenant=tenant)
    assert (await client.get("/v1/scans")).status_code == 401


@pytest.mark.parametrize("path", sorted(OPEN))
async def test_probes_and_documents_need_no_key(api: Api, path: str) -> None:
    assert (await api.anonymous().get(path)).status_code == 200
