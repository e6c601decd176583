"""Every route as nobody, with a bad key, from another namespace, with too low a role, and with the right one."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api_harness import Api
from every_route import MISSING, ROUTES, Access, Things, call, walk
from ledger_factories import execute
from secapi_api.app import create_app
from secapi_api.documentation.assets import ASSETS
from secapi_api.settings import ApiSettings
from secapi_dev.controlplane.kubectl import Kubectl

OPEN = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", *(asset.path for asset in ASSETS)}


@pytest.fixture
def things(api: Api, namespace: str) -> Things:
    """A namespace of the test's own."""
    return Things(api, namespace)


@pytest.fixture(scope="module")
async def untouched(api: Api, kubectl: Kubectl) -> Things:
    """A namespace for all tests that are refused."""
    await kubectl("create", "namespace", "test-access")
    return Things(api, "test-access")


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
async def test_nobody_is_asked_for_a_key(api: Api, route: Access, untouched: Things) -> None:
    answer = await call(api.anonymous(), route, untouched)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:secapi:problem:unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="secapi"'


@walk
async def test_another_namespaces_key_learns_nothing(api: Api, route: Access, untouched: Things) -> None:
    stranger = await api.client("admin", "elsewhere")
    nothing = Things(api, "nowhere", {str(route.item): MISSING})
    there, not_there = await call(stranger, route, untouched), await call(stranger, route, nothing)
    assert there.status_code == not_there.status_code == route.foreign
    if route.foreign == 404:
        assert there.json()["type"] == not_there.json()["type"]
        assert there.json()["detail"].replace(untouched.ids[str(route.item)], MISSING) == not_there.json()["detail"]


@walk
async def test_too_low_a_role_is_refused(api: Api, route: Access, untouched: Things) -> None:
    lower = {"viewer": "viewer", "operator": "viewer", "triager": "operator", "admin": "triager"}[route.role]
    for namespace in (untouched.namespace, None):
        answer = await call(await api.client(lower, namespace), route, untouched)
        assert answer.status_code == (route.status if route.role == "viewer" else 403)


@walk
async def test_a_scope_too_narrow_is_refused(api: Api, route: Access, untouched: Things) -> None:
    other = "artifacts" if route.path.startswith("/v1/stats") else "stats"
    narrow = await api.client(route.role, None, scopes=[f"{other}:write"])
    answer = await call(narrow, route, untouched)
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
    await execute(api.owner, change, tenant=tenant)
    assert (await client.get("/v1/scans")).status_code == 401


@pytest.mark.parametrize("path", sorted(OPEN))
async def test_probes_and_documents_need_no_key(api: Api, path: str) -> None:
    assert (await api.anonymous().get(path)).status_code == 200
