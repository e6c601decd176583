"""Every route that needs a caller, and how each is called: what walks over all of them works with."""

import itertools
import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api_harness import Api, scan_body
from kept_kinds import KINDS
from ledger_factories import dead_letter, execute, make_scan
from secapi_core.ledger.transitions.deliveries import ping

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
        kinds = {"/v1/memberships", "/v1/users", "/v1/webhooks", *KEPT}
        return self.collection in kinds and self.method in ("PUT", "PATCH", "DELETE")

    @property
    def item(self) -> str | None:
        """The kind of thing that an id names; the outer one where there are two."""
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
    Access("GET", "/v1/scans/{scanId}/artifacts", "viewer", 200, 404),
    Access("GET", "/v1/scans/{scanId}/events", "viewer", 200, 404),
    Access("GET", "/v1/dead-letters", "viewer", 200, 403),
    Access("GET", "/v1/dead-letters/{deadLetterId}", "viewer", 200, 404),
    Access("POST", "/v1/dead-letters/{deadLetterId}/replay", "operator", 202, 404),
    Access("DELETE", "/v1/dead-letters/{deadLetterId}", "admin", 204, 404),
    Access("POST", "/v1/artifacts", "operator", 201, 403),
    Access("GET", "/v1/artifacts", "viewer", 200, 403),
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
    Access("GET", "/v1/webhooks", "admin", 200, 403),
    Access("POST", "/v1/webhooks", "admin", 201, 403),
    Access("GET", "/v1/webhooks/{webhookId}", "admin", 200, 404),
    Access("PATCH", "/v1/webhooks/{webhookId}", "admin", 200, 404),
    Access("DELETE", "/v1/webhooks/{webhookId}", "admin", 204, 404),
    Access("POST", "/v1/webhooks/{webhookId}/rotate-secret", "admin", 200, 404),
    Access("POST", "/v1/webhooks/{webhookId}/ping", "admin", 202, 404),
    Access("GET", "/v1/webhooks/{webhookId}/deliveries", "admin", 200, 404),
    Access("GET", "/v1/webhooks/{webhookId}/deliveries/{deliveryId}", "admin", 200, 404),
    Access("POST", "/v1/webhooks/{webhookId}/deliveries/{deliveryId}/replay", "admin", 202, 404),
]

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
        path = route.path.replace(f"{{{route.item}Id}}", self.ids[route.item])
        return path.format(deliveryId=await self._delivery()) if "{deliveryId}" in path else path

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
            case "POST", "/v1/webhooks":
                return {"namespace": self.namespace, "url": "http://127.0.0.1:9/", "events": ["scan.failed"]}
            case "PATCH", "/v1/webhooks/{webhookId}":
                return {"description": "another"}
            case "POST", "/v1/webhooks/{webhookId}/rotate-secret":
                return {"graceSeconds": 60}
            case "POST", "/v1/api-keys/{keyId}/rotate":
                return {"graceSeconds": 60}
        return None

    async def _made(self, item: str) -> str:
        if item == "session":
            return "0" * 64  # A key has none; tests of sessions have their own walk.
        if item == "deadLetter":
            database = self.api.owner
            return str(await dead_letter(database, scan=make_scan(self.namespace), scanner="web", parameters={}))
        platform = await self.api.client("admin", None)
        collections = {"scan": "scans", "key": "api-keys", "user": "users", "membership": "memberships"}
        collection = (collections | {"webhook": "webhooks"})[item]
        route = Access("POST", f"/v1/{collection}", "admin", 201, 403)
        made: dict[str, str] = (await platform.post(route.path, json=await self.body(route))).json()
        return made["id"]

    async def _delivery(self) -> str:
        """One of the webhook's, which has ended."""
        if self.ids["webhook"] == MISSING:
            return MISSING
        database = self.api.owner
        async with database.transaction() as session:
            delivery_id = await ping(session, UUID(self.ids["webhook"]))
        await execute(
            database, "UPDATE deliveries SET state = 'failed', finished_at = now() WHERE id = :id", id=delivery_id
        )
        return str(delivery_id)


async def call(client: httpx.AsyncClient, route: Access, things: Things) -> httpx.Response:
    """The answer of a route, asked for as it has to be."""
    options: dict[str, Any] = {}
    if route.path.startswith("/v1/artifacts") or (route.method == "GET" and "{" not in route.path):
        options["params"] = {} if route.platform or route.path == "/v1/scanners" else {"namespace": things.namespace}
    if route.method == "POST" and route.path == "/v1/artifacts":
        options["content"] = b"archive"
    if (body := await things.body(route)) is not None:
        options["json"] = body
    if route.path.endswith("/events"):
        await _end(things, route)
    if route.versioned:
        options["headers"] = {"If-Match": await _version(things, route)}
    return await client.request(route.method, await things.path(route), **options)


async def _end(things: Things, route: Access) -> None:
    """End the scan, and with it the streams of its events."""
    platform = await things.api.client("admin", None)
    await platform.post((await things.path(route)).replace("/events", "/cancel"))


async def _version(things: Things, route: Access) -> str:
    """The ETag of the thing as it is now; of what Kubernetes keeps, none that ever was."""
    if route.collection in KEPT:
        return '"0"'
    platform = await things.api.client("admin", None)
    tag = (await platform.get(await things.path(route))).headers.get("ETag")
    return tag or '"0"'
