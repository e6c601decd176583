"""Every route as nobody, with a bad key, from another namespace, with too low a role, and with the right one."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api_harness import Api, scan_body
from kept_kinds import KINDS
from ledger_factories import dead_letter, execute, make_scan
from secapi_api.app import create_app
from secapi_api.settings import ApiSettings

KEPT = {kind.path: kind for kind in KINDS}
"""What is kept in Kubernetes."""

DIGEST = "sha256:" + "0" * 64
MISSING = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Access:
    """How a route is called and what it takes; ``status`` is what the right role gets.

    ``foreign`` is what a key of another namespace gets: 404 where an id names the item, 403 where the namespace is
    named, the right status where there is nothing to protect. ``platform``: the role must hold everywhere.
    """

    method: str
    path: str
    role: str
    status: int
    foreign: int
    platform: bool = False

    @property
    def collection(self) -> str:
        """The path of all things of the kind."""
        return "/".join(self.path.split("/")[:3])

    @property
    def versioned(self) -> bool:
        """Whether a change must say what it is based on."""
        kinds = {"/v1/memberships", "/v1/users", *KEPT}
        return self.collection in kinds and self.method in ("PUT", "PATCH", "DELETE")

    @property
    def item(self) -> str | None:
        """The kind of thing that an id names."""
        found = re.search(r"\{(\w+)Id\}", self.path)
        return found[1] if found else None


def keeping(path: str, *, platform: bool = False) -> list[Access]:
    """Routes of a kind that is kept in Kubernetes and has namespaces; the items that are asked for do not exist."""
    item = f"{path}/{{namespace}}/{{name}}"
    return [
        Access("GET", path, "viewer", 200, 403),
        Access("POST", path, "admin", 201, 403, platform),
        Access("GET", item, "viewer", 404, 403),
        Access("PUT", item, "admin", 404, 403, platform),
        Access("DELETE", item, "admin", 404, 403, platform),
    ]


ROUTES = [
    Access("POST", "/v1/scans", "operator", 202, 403),
    Access("GET", "/v1/scans", "viewer", 200, 403),
    Access("GET", "/v1/scans/{scanId}", "viewer", 200, 404),
    Access("DELETE", "/v1/scans/{scanId}", "operator", 204, 404),
    Access("POST", "/v1/scans/{scanId}/cancel", "operator", 202, 404),
    Access("POST", "/v1/scans/{scanId}/rerun", "operator", 202, 404),
    Access("GET", "/v1/scans/{scanId}/jobs", "viewer", 200, 404),
    Access("GET", "/v1/scans/{scanId}/findings", "viewer", 200, 404),
    Access("GET", "/v1/scans/{scanId}/events", "viewer", 200, 404),
    Access("GET", "/v1/dead-letters", "viewer", 200, 403),
    Access("GET", "/v1/dead-letters/{deadLetterId}", "viewer", 200, 404),
    Access("POST", "/v1/dead-letters/{deadLetterId}/replay", "operator", 202, 404),
    Access("DELETE", "/v1/dead-letters/{deadLetterId}", "admin", 204, 404),
    Access("POST", "/v1/artifacts", "operator", 201, 403),
    Access("GET", "/v1/artifacts/{digest}", "viewer", 404, 403),
    *keeping("/v1/schedules"),
    *keeping("/v1/policies", platform=True),
    Access("GET", "/v1/scanners", "viewer", 200, 200),
    Access("POST", "/v1/scanners", "admin", 201, 403, platform=True),
    Access("GET", "/v1/scanners/{name}", "viewer", 200, 200),
    Access("PUT", "/v1/scanners/{name}", "admin", 412, 403, platform=True),
    Access("DELETE", "/v1/scanners/{name}", "admin", 412, 403, platform=True),
    Access("GET", "/v1/stats", "viewer", 200, 403),
    Access("GET", "/v1/audit-events", "admin", 200, 403),
    Access("GET", "/v1/api-keys", "admin", 200, 403),
    Access("POST", "/v1/api-keys", "admin", 201, 403),
    Access("GET", "/v1/api-keys/{keyId}", "admin", 200, 404),
    Access("POST", "/v1/api-keys/{keyId}/rotate", "admin", 201, 404),
    Access("DELETE", "/v1/api-keys/{keyId}", "admin", 204, 404),
    Access("GET", "/v1/memberships", "admin", 200, 403),
    Access("POST", "/v1/memberships", "admin", 201, 403),
    Access("GET", "/v1/memberships/{membershipId}", "admin", 200, 404),
    Access("PATCH", "/v1/memberships/{membershipId}", "admin", 200, 404),
    Access("DELETE", "/v1/memberships/{membershipId}", "admin", 204, 404),
    Access("GET", "/v1/sessions", "viewer", 200, 200),
    Access("GET", "/v1/sessions/current", "viewer", 200, 200),
    Access("DELETE", "/v1/sessions/current", "viewer", 204, 204),
    Access("DELETE", "/v1/sessions/{sessionId}", "viewer", 404, 404),
    Access("GET", "/v1/users", "admin", 200, 403, platform=True),
    Access("POST", "/v1/users", "admin", 201, 403, platform=True),
    Access("GET", "/v1/users/{userId}", "admin", 200, 403, platform=True),
    Access("PATCH", "/v1/users/{userId}", "admin", 200, 403, platform=True),
]
OPEN = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"}

_numbers = itertools.count(1)

walk = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")


@dataclass
class Things:
    """One of each kind in ``namespace``, by what its id is called in paths, made when a route first names it."""

    api: Api
    namespace: str
    ids: dict[str, str] = field(default_factory=dict)

    async def path(self, route: Access) -> str:
        """The route's path with the thing's id in it."""
        if route.item is None:
            return route.path.format(digest=DIGEST, namespace=self.namespace, name="web")
        if route.item not in self.ids:
            self.ids[route.item] = await self._made(route.item)
        return route.path.format(**{f"{route.item}Id": self.ids[route.item]})

    async def body(self, route: Access) -> dict[str, Any] | None:
        """What the route is sent."""
        if (kind := KEPT.get(route.collection)) is not None and route.method in ("POST", "PUT"):
            created = kind.body(self.namespace, f"walk-{next(_numbers)}")
            return created if route.method == "POST" else {"spec": kind.other}
        match route.method, route.path:
            case "POST", "/v1/scans":
                return scan_body(self.namespace)
            case "POST", "/v1/api-keys":
                return {"name": "another", "namespace": self.namespace, "role": "viewer"}
            case "POST", "/v1/memberships":
                return {"userId": await self._made("user"), "namespace": self.namespace, "role": "viewer"}
            case "POST", "/v1/users":
                return {"email": f"{uuid4()}@example.com", "name": "Somebody"}
            case "PATCH", "/v1/memberships/{membershipId}":
                return {"role": "viewer"}
            case "PATCH", "/v1/users/{userId}":
                return {"name": "Another"}
            case "POST", "/v1/api-keys/{keyId}/rotate":
                return {"graceSeconds": 60}
        return None

    async def _made(self, item: str) -> str:
        if item == "session":
            return "0" * 64  # A key has none; tests of sessions have their own walk.
        if item == "deadLetter":
            database = self.api.resources.ledger.database
            return str(await dead_letter(database, scan=make_scan(self.namespace), scanner="web", parameters={}))
        platform = await self.api.client("admin", None)
        collection = {"scan": "scans", "key": "api-keys", "user": "users", "membership": "memberships"}[item]
        route = Access("POST", f"/v1/{collection}", "admin", 201, 403)
        made: dict[str, str] = (await platform.post(route.path, json=await self.body(route))).json()
        return made["id"]


async def call(client: httpx.AsyncClient, route: Access, things: Things) -> httpx.Response:
    options: dict[str, Any] = {}
    if route.path.startswith("/v1/artifacts") or (route.method == "GET" and "{" not in route.path):
        options["params"] = {} if route.platform or route.path == "/v1/scanners" else {"namespace": things.namespace}
    if route.method == "POST" and route.path == "/v1/artifacts":
        options["content"] = b"archive"
    if (body := await things.body(route)) is not None:
        options["json"] = body
    if route.path.endswith("/events"):
        await end(things, route)
    if route.versioned:
        options["headers"] = {"If-Match": await version(things, route)}
    return await client.request(route.method, await things.path(route), **options)


async def end(things: Things, route: Access) -> None:
    """End the scan, and with it the streams of its events."""
    platform = await things.api.client("admin", None)
    await platform.post((await things.path(route)).replace("/events", "/cancel"))


async def version(things: Things, route: Access) -> str:
    """The ETag of the thing as it is now; of what Kubernetes keeps, none that ever was."""
    if route.collection in KEPT:
        return '"0"'
    platform = await things.api.client("admin", None)
    tag = (await platform.get(await things.path(route))).headers.get("ETag")
    return tag or '"0"'


@pytest.fixture
def things(api: Api, namespace: str) -> Things:
    return Things(api, namespace)


def test_every_route_is_walked() -> None:
    settings = ApiSettings(
        database_url="postgresql://nowhere",
        redis_url="redis://nowhere",
        artifact_url="memory:///",
        api_key_pepper="for the routes only",
    )
    assert set(served(create_app(settings))) == {
        (route.method, route.path.replace("{session}", "{sessionId}")) for route in ROUTES
    } | {("GET", path) for path in OPEN} | {("POST", "/v1/sessions")}


def served(app: FastAPI) -> Iterator[tuple[str, str]]:
    for context in iter_route_contexts(app.routes):
        for method in context.methods or ():
            yield method, str(context.path)


@walk
async def test_nobody_is_asked_for_a_key(api: Api, route: Access, things: Things) -> None:
    answer = await call(api.anonymous(), route, things)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:secapi:problem:unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="secapi"'


@walk
async def test_another_namespaces_key_learns_nothing(api: Api, route: Access, things: Things) -> None:
    stranger = await api.client("admin", "elsewhere")
    nothing = Things(api, "nowhere", {str(route.item): MISSING})
    there, not_there = await call(stranger, route, things), await call(stranger, route, nothing)
    assert there.status_code == not_there.status_code == route.foreign
    if route.foreign == 404:
        assert there.json()["type"] == not_there.json()["type"]
        assert there.json()["detail"].replace(things.ids[str(route.item)], MISSING) == not_there.json()["detail"]


@walk
async def test_too_low_a_role_is_refused(api: Api, route: Access, things: Things) -> None:
    lower = {"viewer": "viewer", "operator": "viewer", "triager": "operator", "admin": "triager"}[route.role]
    for namespace in (things.namespace, None):
        answer = await call(await api.client(lower, namespace), route, things)
        assert answer.status_code == (route.status if route.role == "viewer" else 403)


@walk
async def test_a_scope_too_narrow_is_refused(api: Api, route: Access, things: Things) -> None:
    other = "artifacts" if route.path.startswith("/v1/stats") else "stats"
    narrow = await api.client(route.role, None, scopes=[f"{other}:write"])
    answer = await call(narrow, route, things)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:secapi:problem:forbidden")
    assert "scope" in answer.json()["detail"]


@walk
async def test_the_right_role_is_served(api: Api, route: Access, things: Things) -> None:
    for owner in (None,) if route.platform else (things.namespace, None):
        if route.method == "DELETE" or route.path.endswith("/rotate"):
            things.ids.clear()  # The one before has used it up.
        client = await api.client(route.role, owner)
        assert (await call(client, route, things)).status_code == route.status


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
