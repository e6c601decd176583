"""Requests that cannot succeed: each is a problem that says what to do, with a pointer to the field at fault."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from api_harness import Api, scan_body

URL = {"url": "https://shop.example/"}
WEB = {"name": "web"}


@pytest.fixture
async def operator(api: Api, any_namespace: str) -> httpx.AsyncClient:
    return await api.client("operator", any_namespace)


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem in the answer, once it is checked to be one."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == answer.status_code
    assert told["requestId"] == answer.headers["X-Request-ID"]
    assert told["instance"] == answer.request.url.path
    assert told["type"].startswith("urn:secapi:problem:")
    assert told["title"]
    assert told["detail"]
    return told


BODIES = [
    ({"targets": []}, "/spec/targets"),
    ({"targets": [{}]}, "/spec/targets/0"),
    ({"targets": [{"url": "https://a.example/", "host": {"address": "a.example"}}]}, "/spec/targets/0"),
    ({"targets": [URL, {"url": "ftp://a.example/"}]}, "/spec/targets/1/url"),
    ({"targets": [{"url": "https://a.example/", "port": 1}]}, "/spec/targets/0/port"),
    ({"targets": [{"host": {"address": "a.example", "ports": "x"}}]}, "/spec/targets/0/host/ports"),
    ({"targets": [{"artifact": {"digest": "sha256:short"}}]}, "/spec/targets/0/artifact/digest"),
    ({"targets": [{"repository": {"url": "file:///etc/passwd"}}]}, "/spec/targets/0/repository/url"),
    ({"targets": [{"url": "http://2130706433/"}]}, "/spec/targets/0/url"),
    ({"targets": [{"url": "https://user:secret@a.example/"}]}, "/spec/targets/0/url"),
    ({"scanners": []}, "/spec/scanners"),
    ({"scanners": [{"name": "Web"}]}, "/spec/scanners/0/name"),
    ({"scanners": [{"name": "web", "options": {}}]}, "/spec/scanners/0/options"),
    ({"scanners": [{"name": "web", "parameters": []}]}, "/spec/scanners/0/parameters"),
    ({"priority": "urgent"}, "/spec/priority"),
    ({"timeoutSeconds": 0}, "/spec/timeoutSeconds"),
    ({"timeoutSeconds": "60"}, "/spec/timeoutSeconds"),
    ({"maxAttempts": 11}, "/spec/maxAttempts"),
    ({"gate": {}}, "/spec/gate/failOn"),
    ({"gate": {"failOn": "high", "when": "always"}}, "/spec/gate/when"),
    ({"ttlSecondsAfterFinished": -1}, "/spec/ttlSecondsAfterFinished"),
    ({"cancel": "yes"}, "/spec/cancel"),
    ({"unknown": 1}, "/spec/unknown"),
]


@pytest.mark.parametrize(("spec", "pointer"), BODIES, ids=[pointer for _, pointer in BODIES])
async def test_a_spec_that_is_wrong_by_itself_names_its_field(
    operator: httpx.AsyncClient, any_namespace: str, spec: dict[str, Any], pointer: str
) -> None:
    answer = await operator.post("/v1/scans", json=scan_body(any_namespace, spec=spec))
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in problem(answer)["errors"]]


PLANS = [
    ({"scanners": [{"name": "unheard-of"}]}, "unknown-scanner", "/spec/scanners/0/name"),
    ({"scanners": [WEB, {"name": "source"}]}, "no-matching-target", "/spec/scanners/1"),
    ({"targets": [URL, {"host": {"address": "shop.example"}}]}, "no-matching-target", "/spec/targets/1"),
    (
        {"scanners": [{"name": "web", "parameters": {"depth": 11}}]},
        "invalid-parameter",
        "/spec/scanners/0/parameters/depth",
    ),
    (
        {"scanners": [{"name": "web", "parameters": {"script": "x"}}]},
        "invalid-parameter",
        "/spec/scanners/0/parameters/script",
    ),
    ({"targets": [{"url": "http://127.0.0.1/"}]}, "target-forbidden", "/spec/targets/0"),
    ({"targets": [{"url": "http://169.254.169.254/latest/"}]}, "target-forbidden", "/spec/targets/0"),
    ({"targets": [{"url": "http://[::ffff:10.0.0.1]/"}]}, "target-forbidden", "/spec/targets/0"),
    ({"targets": [URL, {"url": "https://SHOP.example:443"}]}, "invalid-spec", "/spec/targets/1"),
]


@pytest.mark.parametrize(("spec", "kind", "pointer"), PLANS)
async def test_a_spec_that_cannot_be_planned_names_its_field(
    operator: httpx.AsyncClient, any_namespace: str, spec: dict[str, Any], kind: str, pointer: str
) -> None:
    answer = await operator.post("/v1/scans", json=scan_body(any_namespace, spec=spec))
    told = problem(answer)
    assert (answer.status_code, told["type"]) == (422, f"urn:secapi:problem:{kind}")
    assert told["errors"][0]["pointer"].startswith(pointer.removesuffix("/script"))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": "Upper"}, "/name"),
        ({"name": "-dash"}, "/name"),
        ({"name": "x" * 64}, "/name"),
        ({"namespace": "UPPER"}, "/namespace"),
        ({"namespace": "a/b"}, "/namespace"),
        ({"owner": "me"}, "/owner"),
        ({"spec": None}, "/spec"),
    ],
)
async def test_what_stands_around_the_spec_is_checked_as_well(
    operator: httpx.AsyncClient, any_namespace: str, changes: dict[str, Any], pointer: str
) -> None:
    answer = await operator.post("/v1/scans", json=scan_body(any_namespace) | changes)
    assert answer.status_code == 422
    assert [error["pointer"] for error in problem(answer)["errors"]] == [pointer]


async def test_all_wrong_fields_are_named_at_once(operator: httpx.AsyncClient, any_namespace: str) -> None:
    body = scan_body(any_namespace, name="Upper", spec={"maxAttempts": 0, "priority": "none"})
    errors = problem(await operator.post("/v1/scans", json=body))["errors"]
    assert {error["pointer"] for error in errors} == {"/name", "/spec/maxAttempts", "/spec/priority"}


async def test_the_input_is_not_repeated(operator: httpx.AsyncClient, any_namespace: str) -> None:
    answer = await operator.post("/v1/scans", json=scan_body(any_namespace, spec={"secretField": "hunter2"}))
    assert "hunter2" not in answer.text


async def test_a_namespace_that_does_not_exist_is_named(api: Api) -> None:
    answer = await (await api.client("operator", None)).post("/v1/scans", json=scan_body("no-such-namespace"))
    assert (answer.status_code, problem(answer)["errors"][0]["pointer"]) == (422, "/namespace")


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_an_idempotency_key_has_a_sane_length(operator: httpx.AsyncClient, any_namespace: str, key: str) -> None:
    answer = await operator.post("/v1/scans", json=scan_body(any_namespace), headers={"Idempotency-Key": key})
    assert (answer.status_code, problem(answer)["errors"][0]["pointer"]) == (422, "/header/Idempotency-Key")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/query/limit"),
        ("limit=201", "/query/limit"),
        ("limit=ten", "/query/limit"),
        ("phase=Done", "/query/phase/0"),
        ("since=yesterday", "/query/since"),
        ("since=2026-01-01T00:00:00", "/query/since"),
        ("since=0.5", "/query/since"),
        ("since=1764149400", "/query/since"),
        ("since=2026-01-01T00:00Z", "/query/since"),
        ("since=0001-01-01T00:00:00%2B23:59", "/query/since"),
        ("scanner=Not+a+name", "/query/scanner"),
        ("namespace=..", "/query/namespace"),
        ("target=" + "x" * 3_000, "/query/target"),
        ("cursor=" + "x" * 600, "/query/cursor"),
        ("fields=id", "/query/fields"),
    ],
)
async def test_query_parameters_are_checked(operator: httpx.AsyncClient, query: str, pointer: str) -> None:
    answer = await operator.get(f"/v1/scans?{query}")
    assert (answer.status_code, problem(answer)["errors"][0]["pointer"]) == (422, pointer)


async def test_an_id_that_is_none_is_named(operator: httpx.AsyncClient) -> None:
    answer = await operator.get("/v1/scans/not-an-id")
    assert (answer.status_code, problem(answer)["errors"][0]["pointer"]) == (422, "/path/scanId")


async def test_a_scan_that_does_not_exist_is_missing(operator: httpx.AsyncClient) -> None:
    answer = await operator.get(f"/v1/scans/{uuid4()}")
    assert (answer.status_code, problem(answer)["type"]) == (404, "urn:secapi:problem:not-found")


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/scans", "/v1/scans/", "/v1/scans//jobs", "/%00", "/v1/scans%2f"])
async def test_an_unknown_path_is_a_problem_too(operator: httpx.AsyncClient, path: str) -> None:
    answer = await operator.get(path)
    assert (answer.status_code, problem(answer)["type"]) == (404, "urn:secapi:problem:not-found")


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("PUT", "/v1/scans", "GET, POST"),
        ("POST", "/healthz", "GET"),
        ("OPTIONS", "/v1/scanners/web", "DELETE, GET, PUT"),
        ("PATCH", "/v1/sessions/current", "DELETE, GET"),
    ],
)
async def test_a_wrong_method_names_all_right_ones(
    operator: httpx.AsyncClient, method: str, path: str, right: str
) -> None:
    answer = await operator.request(method, path)
    assert (answer.status_code, problem(answer)["type"]) == (405, "urn:secapi:problem:method-not-allowed")
    assert answer.headers["Allow"] == right


async def test_a_body_that_is_not_json_is_refused(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/v1/scans", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, problem(answer)["errors"][0]["pointer"]) == (422, "")


async def test_a_form_is_refused(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/v1/scans", data={"namespace": "a"})
    assert (answer.status_code, problem(answer)["type"]) == (415, "urn:secapi:problem:unsupported-media-type")


async def test_a_body_that_is_too_large_is_refused(operator: httpx.AsyncClient, any_namespace: str) -> None:
    body = scan_body(any_namespace, spec={"scanners": [{"name": "web", "parameters": {"x": "x" * 70_000}}]})
    answer = await operator.post("/v1/scans", json=body)
    assert (answer.status_code, problem(answer)["type"]) == (413, "urn:secapi:problem:content-too-large")


async def test_a_strangers_body_is_not_read(api: Api) -> None:
    answer = await api.anonymous().post("/v1/scans", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, problem(answer)["type"]) == (401, "urn:secapi:problem:unauthenticated")
