"""Every route as nobody, with a bad key, from another namespace, with too low a role, and with the right one."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api_harness import Api, scan_body
from kept_kinds import KINDS
from ledger_factories import execute
from secapi_api.app import create_app
from secapi_api.settings import ApiSettings

DIGEST = "sha256:" + "0" * 64


@dataclass(frozen=True)
class Access:
    """How a route is called and what it takes; ``status`` is what the right role gets.

    ``foreign`` is what a key of another namespace gets: 404 where an id names the item, 403 where the namespace is
    named, the right status where there is nothing to protect. ``everywhere``: the role must be one for the platform.
    """

    method: str
    path: str
    role: str
    status: int
    foreign: int
    everywhere: bool = False


def keeping(path: str, *, everywhere: bool = False) -> list[Access]:
    """Routes of a kind that is kept in Kubernetes and has namespaces; the items that are asked for do not exist."""
    item = f"{path}/{{namespace}}/{{name}}"
    return [
        Access("GET", path, "viewer", 200, 403),
        Access("POST", path, "admin", 201, 403, everywhere),
        Access("GET", item, "viewer", 404, 403),
        Access("PUT", item, "admin", 404, 403, everywhere),
        Access("DELETE", item, "admin", 404, 403, everywhere),
    ]


ROUTES = [
    Access("POST", "/v1/scans", "operator", 202, 403),
    Access("GET", "/v1/scans", "viewer", 200, 403),
    Access("GET", "/v1/scans/{scanId}", "viewer", 200, 404),
    Access("DELETE", "/v1/scans/{scanId}", "operator", 204, 404),
    Access("POST", "/v1/scans/{scanId}/cancel", "operator", 202, 404),
    Access("GET", "/v1/scans/{scanId}/jobs", "viewer", 200, 404),
    Access("GET", "/v1/scans/{scanId}/findings", "viewer", 200, 404),
    Access("POST", "/v1/artifacts", "operator", 201, 403),
    Access("GET", "/v1/artifacts/{digest}", "viewer", 404, 403),
    *keeping("/v1/schedules"),
    *keeping("/v1/policies", everywhere=True),
    Access("GET", "/v1/scanners", "viewer", 200, 200),
    Access("POST", "/v1/scanners", "admin", 201, 403, everywhere=True),
    Access("GET", "/v1/scanners/{name}", "viewer", 200, 200),
    Access("PUT", "/v1/scanners/{name}", "admin", 412, 403, everywhere=True),
    Access("DELETE", "/v1/scanners/{name}", "admin", 412, 403, everywhere=True),
    Access("GET", "/v1/audit-events", "admin", 200, 403),
]
OPEN = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"}


def walking(routes: Iterable[Access]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", routes, ids=lambda route: f"{route.method} {route.path}")


walk = walking(ROUTES)


KEPT = {kind.path: kind for kind in KINDS}
LISTS = ("/v1/scans", "/v1/audit-events", "/v1/schedules", "/v1/policies")

_numbers = itertools.count(1)


async def call(client: httpx.AsyncClient, route: Access, namespace: str, scan_id: str) -> httpx.Response:
    options: dict[str, Any] = {}
    kind = KEPT.get("/".join(route.path.split("/")[:3]))
    if route == ROUTES[0]:
        options["json"] = scan_body(namespace)
    elif kind is not None and route.method == "POST":
        options["json"] = kind.body(namespace, f"walk-{next(_numbers)}")
    elif kind is not None and route.method == "PUT":
        options["json"] = {"spec": kind.other}
    elif route.path.startswith("/v1/artifacts") or route.path in LISTS:
        options["params"] = {"namespace": namespace}
    if kind is not None:
        options["headers"] = {"If-Match": '"0"'}
    if route.method == "POST" and route.path == "/v1/artifacts":
        options["content"] = b"archive"
    path = route.path.format(scanId=scan_id, digest=DIGEST, namespace=namespace, name="web")
    return await client.request(route.method, path, **options)


@pytest.fixture
async def scan_id(operator: httpx.AsyncClient, namespace: str) -> str:
    """A scan in ``namespace``."""
    submitted: dict[str, str] = (await operator.post("/v1/scans", json=scan_body(namespace))).json()
    return submitted["id"]


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
async def test_nobody_is_asked_for_a_key(api: Api, route: Access, namespace: str, scan_id: str) -> None:
    answer = await call(api.anonymous(), route, namespace, scan_id)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:secapi:problem:unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="secapi"'


@walk
async def test_another_namespaces_key_learns_nothing(api: Api, route: Access, namespace: str, scan_id: str) -> None:
    stranger = await api.client("admin", "elsewhere")
    answer = await call(stranger, route, namespace, scan_id)
    missing = await call(stranger, route, "nowhere", "00000000-0000-0000-0000-000000000000")
    assert answer.status_code == missing.status_code == route.foreign
    if route.foreign == 404:
        assert answer.json()["detail"] == f"there is no scan {scan_id}"
        assert answer.json()["type"] == missing.json()["type"]


@walk
async def test_too_low_a_role_is_refused(api: Api, route: Access, namespace: str, scan_id: str) -> None:
    answer = await call(await api.client("viewer", namespace), route, namespace, scan_id)
    assert answer.status_code == (route.status if route.role == "viewer" else 403)


@walk
async def test_the_right_role_is_served(api: Api, route: Access, namespace: str, scan_id: str) -> None:
    for owner in (None,) if route.everywhere else (namespace, None):
        client = await api.client(route.role, owner)
        if route.path == "/v1/scans/{scanId}" and route.method == "DELETE" and owner is None:
            continue  # The first one has deleted it.
        assert (await call(client, route, namespace, scan_id)).status_code == route.status


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.everywhere], ids=lambda route: f"{route.method} {route.path}"
)
async def test_a_namespaces_role_is_none_for_the_platform(
    api: Api, route: Access, namespace: str, scan_id: str
) -> None:
    answer = await call(await api.client(route.role, namespace), route, namespace, scan_id)
    assert answer.status_code == 403


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
