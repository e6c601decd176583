"""Schedules, policies and scanners over REST: one behaviour for the three kinds."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from api_harness import Api
from kept_kinds import POLICIES, SCANNERS, SCHEDULES, Kind, each_kind, each_namespaced_kind
from secapi_api.errors import InvalidRequest
from secapi_core.crds.scanschedule import ScanScheduleSpec
from secapi_dev.controlplane.kubectl import Kubectl


@pytest.fixture
async def admin(api: Api) -> httpx.AsyncClient:
    """The platform's admin, who may write all kinds."""
    return await api.client("admin", None)


@pytest.fixture
def name(namespace: str) -> str:
    """A name that no other test gives, also to what belongs to no namespace."""
    return f"{namespace}-one"


async def created(admin: httpx.AsyncClient, kind: Kind, namespace: str, name: str) -> httpx.Response:
    answer = await admin.post(kind.path, json=kind.body(namespace, name))
    assert answer.status_code == 201, answer.text
    return answer


async def in_the_cluster(kubectl: Kubectl, kind: Kind, namespace: str, name: str) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(
        await kubectl("get", kind.plural, name, *kind.place(namespace), "-o", "json", "--show-managed-fields")
    )
    return stored


@each_kind
async def test_what_is_created_can_be_read_where_the_answer_says(
    admin: httpx.AsyncClient, namespace: str, name: str, kind: Kind
) -> None:
    answer = await created(admin, kind, namespace, name)
    assert answer.headers["Location"] == kind.url(namespace, name)
    read = await admin.get(answer.headers["Location"])
    assert (read.json(), read.headers["ETag"]) == (answer.json(), answer.headers["ETag"])
    assert read.headers["ETag"] == f'"{read.json()["resourceVersion"]}"'
    assert (read.json()["name"], read.json()["generation"]) == (name, 1)
    assert read.json().get("namespace") == (namespace if kind.namespaced else None)


@each_kind
async def test_the_cluster_has_the_spec_that_was_sent_and_the_answer_has_the_clusters(
    admin: httpx.AsyncClient, kubectl: Kubectl, namespace: str, name: str, kind: Kind
) -> None:
    answer = (await created(admin, kind, namespace, name)).json()
    stored = await in_the_cluster(kubectl, kind, namespace, name)
    assert stored["spec"] == answer["spec"]
    assert kind.model.from_wire(stored["spec"]) == kind.model.from_wire(kind.spec)
    assert {owner["manager"] for owner in stored["metadata"]["managedFields"]} == {"secapi-api"}


@each_kind
async def test_a_taken_name_is_a_conflict(admin: httpx.AsyncClient, namespace: str, name: str, kind: Kind) -> None:
    await created(admin, kind, namespace, name)
    answer = await admin.post(kind.path, json=kind.body(namespace, name))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/name")


@each_kind
async def test_a_spec_is_replaced_as_a_whole(admin: httpx.AsyncClient, namespace: str, name: str, kind: Kind) -> None:
    before = await created(admin, kind, namespace, name)
    answer = await admin.put(
        kind.url(namespace, name), json={"spec": kind.other}, headers={"If-Match": before.headers["ETag"]}
    )
    assert (answer.status_code, answer.json()["generation"]) == (200, 2)
    assert kind.model.from_wire(answer.json()["spec"]) == kind.model.from_wire(kind.other)
    assert (await admin.get(kind.url(namespace, name))).json() == answer.json()
    assert answer.headers["ETag"] not in (before.headers["ETag"], "")


@each_kind
async def test_what_others_wrote_beside_the_spec_stays(
    admin: httpx.AsyncClient, kubectl: Kubectl, namespace: str, name: str, kind: Kind
) -> None:
    await created(admin, kind, namespace, name)
    await kubectl("label", kind.plural, name, *kind.place(namespace), "team=shop")
    await kubectl("annotate", kind.plural, name, *kind.place(namespace), "why=because")
    current = (await admin.get(kind.url(namespace, name))).headers["ETag"]
    await admin.put(kind.url(namespace, name), json={"spec": kind.other}, headers={"If-Match": current})
    metadata = (await in_the_cluster(kubectl, kind, namespace, name))["metadata"]
    assert (metadata["labels"]["team"], metadata["annotations"]["why"]) == ("shop", "because")


@each_kind
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(("headers", "status"), [({}, 428), ({"If-Match": '"1"'}, 412), ({"If-Match": "*"}, 412)])
async def test_a_change_must_name_the_current_version(
    admin: httpx.AsyncClient,
    namespace: str,
    name: str,
    kind: Kind,
    method: str,
    headers: dict[str, str],
    status: int,
) -> None:
    before = await created(admin, kind, namespace, name)
    url = kind.url(namespace, name)
    body = {"spec": kind.other} if method == "PUT" else None
    assert (await admin.request(method, url, headers=headers, json=body)).status_code == status
    assert (await admin.get(url)).json() == before.json()


@each_kind
async def test_of_concurrent_replacements_one_wins_and_the_others_are_told(
    admin: httpx.AsyncClient, namespace: str, name: str, kind: Kind
) -> None:
    version = (await created(admin, kind, namespace, name)).headers["ETag"]
    answers = await asyncio.gather(
        *(
            admin.put(kind.url(namespace, name), json={"spec": kind.other}, headers={"If-Match": version})
            for _ in range(5)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    assert (await admin.get(kind.url(namespace, name))).json()["generation"] == 2


@each_kind
async def test_what_is_deleted_is_gone(admin: httpx.AsyncClient, namespace: str, name: str, kind: Kind) -> None:
    version = {"If-Match": (await created(admin, kind, namespace, name)).headers["ETag"]}
    url = kind.url(namespace, name)
    answer = await admin.delete(url, headers=version)
    assert (answer.status_code, answer.content) == (204, b"")
    again = [
        await admin.get(url),
        await admin.put(url, json={"spec": kind.other}, headers=version),
        await admin.delete(url, headers=version),
    ]
    for answer in again:
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:secapi:problem:not-found")
        assert f"no {kind.noun} '{name}'" in answer.json()["detail"]


@each_kind
async def test_a_namesake_is_not_deleted(admin: httpx.AsyncClient, namespace: str, name: str, kind: Kind) -> None:
    first = (await created(admin, kind, namespace, name)).headers["ETag"]
    await admin.delete(kind.url(namespace, name), headers={"If-Match": first})
    await created(admin, kind, namespace, name)
    answer = await admin.delete(kind.url(namespace, name), headers={"If-Match": first})
    assert answer.status_code == 412
    assert (await admin.get(kind.url(namespace, name))).status_code == 200


@each_kind
async def test_what_a_finalizer_still_holds_counts_as_deleted(
    admin: httpx.AsyncClient, kubectl: Kubectl, namespace: str, name: str, kind: Kind
) -> None:
    await created(admin, kind, namespace, name)
    held = ("patch", kind.plural, name, *kind.place(namespace), "--type=merge", "-p")
    await kubectl(*held, '{"metadata": {"finalizers": ["test.secapi.dev/held"]}}')
    version = (await admin.get(kind.url(namespace, name))).headers["ETag"]
    try:
        answer = await admin.delete(kind.url(namespace, name), headers={"If-Match": version})
        assert answer.status_code == 204
    finally:
        await kubectl(*held, '{"metadata": {"finalizers": null}}')


@each_kind
async def test_an_unknown_field_is_refused_where_it_is(
    admin: httpx.AsyncClient, namespace: str, name: str, kind: Kind
) -> None:
    body = kind.body(namespace, name)
    places = {"/labels": body | {"labels": {}}, "/spec/shedule": body | {"spec": {**kind.spec, "shedule": "x"}}}
    for pointer, wrong in places.items():
        answer = await admin.post(kind.path, json=wrong)
        assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


@pytest.mark.parametrize(
    ("kind", "name", "spec", "pointer"),
    [
        (SCHEDULES, "x" * 53, {}, "/name"),
        (POLICIES, "Upper", {}, "/name"),
        (SCANNERS, "a.b", {}, "/name"),
        (SCHEDULES, "one", {"schedule": "every night"}, "/spec/schedule"),
        (SCHEDULES, "one", {"timeZone": "Europe/Atlantis"}, "/spec/timeZone"),
        (POLICIES, "one", {"allowedTargets": {"cidrs": ["10.0.0.0/33"]}}, "/spec/allowedTargets/cidrs/0"),
        (POLICIES, "one", {"maxActiveScans": "5"}, "/spec/maxActiveScans"),
        (SCANNERS, "one", {"command": "sh -c"}, "/spec/command"),
        (SCANNERS, "one", {"output": {"format": "sarif", "source": "file"}}, "/spec"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_field(
    admin: httpx.AsyncClient, any_namespace: str, kind: Kind, name: str, spec: dict[str, Any], pointer: str
) -> None:
    body = kind.body(any_namespace, name)
    answer = await admin.post(kind.path, json=body | {"spec": body["spec"] | spec})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_what_only_the_apiserver_refuses_is_told_with_its_field(api: Api, namespace: str) -> None:
    spec = ScanScheduleSpec.model_validate(SCHEDULES.spec).model_copy(update={"jitter_seconds": -1})
    with pytest.raises(InvalidRequest) as caught:
        await api.resources.schedules.create(namespace, "one", spec)
    assert [error.pointer for error in caught.value.errors] == ["/spec/jitterSeconds"]


@each_namespaced_kind
async def test_a_namespace_that_does_not_exist_is_named(admin: httpx.AsyncClient, kind: Kind) -> None:
    answer = await admin.post(kind.path, json=kind.body("no-such-namespace", "one"))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/namespace")
    missing = [await admin.get(kind.url("no-such-namespace", "one")), await admin.get(kind.url("default", "none"))]
    assert [answer.status_code for answer in missing] == [404, 404]


@each_kind
@pytest.mark.parametrize("name", ["Upper", "a b", "..", "a" * 254, "one?x=1", "a%00"])
async def test_a_name_that_no_object_can_have_is_not_asked_for(api: Api, kind: Kind, name: str) -> None:
    viewer = await api.client("viewer", None)
    url = f"{kind.path}/default/" if kind.namespaced else f"{kind.path}/"
    answer = await viewer.get(url + name.replace("?", "%3F").replace("..", "%2E%2E"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/path/name"


@each_namespaced_kind
async def test_a_name_that_only_kubectl_gives_can_be_worked_with(
    admin: httpx.AsyncClient, kubectl: Kubectl, namespace: str, kind: Kind
) -> None:
    names = {"scanschedules": "ScanSchedule", "scanpolicies": "ScanPolicy"}
    metadata = {"name": "nightly.v2", "namespace": namespace}
    manifest = {"apiVersion": "secapi.dev/v1alpha1", "kind": names[kind.plural], "metadata": metadata}
    await kubectl("apply", "-f", "-", stdin=json.dumps(manifest | {"spec": kind.spec}))
    url = kind.url(namespace, "nightly.v2")
    version = (await admin.get(url)).headers["ETag"]
    replaced = await admin.put(url, json={"spec": kind.other}, headers={"If-Match": version})
    assert replaced.status_code == 200
    assert (await admin.delete(url, headers={"If-Match": replaced.headers["ETag"]})).status_code == 204


@each_kind
async def test_every_change_is_recorded_with_the_spec_before_and_after(
    admin: httpx.AsyncClient, namespace: str, name: str, kind: Kind
) -> None:
    first = await created(admin, kind, namespace, name)
    url = kind.url(namespace, name)
    second = await admin.put(url, json={"spec": kind.other}, headers={"If-Match": first.headers["ETag"]})
    await admin.delete(url, headers={"If-Match": first.headers["ETag"]})
    await admin.delete(url, headers={"If-Match": second.headers["ETag"]})
    events = (await admin.get("/v1/audit-events", params={"subject": name})).json()["items"]
    before, after = first.json()["spec"], second.json()["spec"]
    noun = kind.noun.capitalize()
    assert [(event["action"], event["before"], event["after"]) for event in events] == [
        (f"delete{noun}", after, None),
        (f"replace{noun}", before, after),
        (f"create{noun}", None, before),
    ]
    assert {(event["kind"], event["namespace"]) for event in events} == {
        (kind.noun, namespace if kind.namespaced else None)
    }
