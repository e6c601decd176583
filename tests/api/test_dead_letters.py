"""Dead letters: who sees which, that a replay is one new scan whatever happens, and what a purge leaves."""

import asyncio
from typing import Any

import httpx
import pytest

from api_harness import Api
from ledger_factories import CRASHED, dead_letter, execute, fetch, make_scan
from listed import ids
from scan_objects import impose, stored
from secapi_core.failures import Failure, FailureReason
from secapi_dev.controlplane.kubectl import Kubectl

LOST = Failure(FailureReason.WORKER_LOST, "the worker fell silent")
LETTERS = "/v1/dead-letters"


@pytest.fixture
async def viewer(api: Api, tenant: str) -> httpx.AsyncClient:
    return await api.client("viewer", tenant)


async def buried(
    api: Api, namespace: str, *, scanner: str = "web", failure: Failure = CRASHED, **spec: Any
) -> dict[str, Any]:
    """A dead letter as the API shows it; ``spec`` adds to what its scan asked for."""
    scan = make_scan(namespace, **spec)
    letter = await dead_letter(api.owner, scan=scan, scanner=scanner, failure=failure, parameters={"depth": 3})
    shown: dict[str, Any] = (await (await api.client("viewer", namespace)).get(f"{LETTERS}/{letter}")).json()
    return shown


async def replay(client: httpx.AsyncClient, letter: dict[str, Any]) -> httpx.Response:
    return await client.post(letter["links"]["replay"])


async def listed(client: httpx.AsyncClient, **query: Any) -> list[str]:
    """Ids on all pages."""
    return await ids(client, LETTERS, **query)


async def end(api: Api, scan: str) -> None:
    await execute(
        api.owner,
        "UPDATE scans SET state = 'succeeded', completed_at = now() WHERE id = CAST(:id AS uuid)",
        id=scan,
    )


async def test_a_letter_shows_the_job_and_why_it_died(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    letter = await buried(api, tenant)
    assert (letter["namespace"], letter["scanner"], letter["attempts"]) == (tenant, "web", 1)
    assert (letter["target"], letter["parameters"]) == ({"url": "https://shop.example/0"}, {"depth": 3})
    assert (letter["reason"], letter["message"]) == ("ScannerCrashed", "the scanner crashed")
    assert (letter["replayedAt"], letter["replayScanId"]) == (None, None)
    assert (await viewer.get(letter["links"]["self"])).json() == letter
    assert (await viewer.get(letter["links"]["scan"])).json()["phase"] == "Failed"


async def test_letters_come_newest_first_and_are_filtered(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    first = (await buried(api, tenant))["id"]
    second = (await buried(api, tenant, scanner="source", failure=LOST))["id"]
    third = (await buried(api, tenant))["id"]
    await execute(
        api.owner,
        "UPDATE dead_letters SET replayed_at = now() WHERE id = CAST(:id AS uuid)",
        id=third,
    )
    assert await listed(viewer, limit=2) == [third, second, first]
    assert await listed(viewer, namespace=tenant, scanner="web") == [third, first]
    assert await listed(viewer, reason="WorkerLost") == [second]
    assert await listed(viewer, replayed="true") == [third]
    assert await listed(viewer, replayed="false", scanner="web") == [first]


async def test_a_list_shows_only_what_the_caller_may_see(api: Api, viewer: httpx.AsyncClient, tenant: str) -> None:
    mine, foreign = (await buried(api, tenant))["id"], (await buried(api, f"{tenant}-b"))["id"]
    assert await listed(viewer) == [mine]
    platform = await api.client("viewer", None)
    page = (await platform.get(LETTERS, params={"limit": 2})).json()
    assert [letter["id"] for letter in page["items"]] == [foreign, mine]
    assert await listed(platform, namespace=f"{tenant}-b") == [foreign]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("reason=Bored", "/query/reason"), ("replayed=perhaps", "/query/replayed"), ("scanner=No+name", "/query/scanner")],
)
async def test_query_parameters_are_checked(viewer: httpx.AsyncClient, query: str, pointer: str) -> None:
    answer = await viewer.get(f"{LETTERS}?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_replay_is_a_new_scan_of_that_job_alone(
    api: Api, operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    letter = await buried(api, namespace, priority="bulk", gate={"failOn": "high"}, maxAttempts=2)
    answer = await replay(operator, letter)
    submitted = answer.json()
    assert answer.status_code == 202
    assert [(job["scanner"], job["target"]) for job in submitted["jobs"]] == [("web", letter["target"])]
    (request,) = await stored(kubectl, namespace)
    assert request["metadata"]["uid"] == submitted["id"]
    scan = (await operator.get(answer.headers["Location"])).json()
    assert scan["spec"] == request["spec"]
    assert scan["spec"] == {
        "targets": [letter["target"]],
        "scanners": [{"name": "web", "parameters": {"depth": 3}}],
        "priority": "bulk",
        "timeoutSeconds": 1800,
        "maxAttempts": 2,
        "gate": {"failOn": "high", "onlyNew": False},
        "cancel": False,
    }


async def test_a_replayed_letter_names_its_scan_and_the_old_scan_stays_failed(
    api: Api, operator: httpx.AsyncClient, namespace: str
) -> None:
    letter = await buried(api, namespace)
    before = (await operator.get(letter["links"]["scan"])).json()
    submitted = (await replay(operator, letter)).json()
    after = (await operator.get(letter["links"]["self"])).json()
    assert (after["replayScanId"], after["replayedAt"] is not None) == (submitted["id"], True)
    assert (await operator.get(letter["links"]["scan"])).json() == before
    assert await listed(operator, replayed="false") == []


async def test_replaying_again_gives_the_same_scan_whoever_asks(
    api: Api, operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    letter = await buried(api, namespace)
    answers = [await replay(client, letter) for client in (operator, operator, await api.client("admin", None))]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert len(await stored(kubectl, namespace)) == 1


async def test_concurrent_replays_make_one_scan_request(
    api: Api, operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    letter = await buried(api, namespace)
    answers = await asyncio.gather(*(replay(operator, letter) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await stored(kubectl, namespace)) == 1


async def test_replaying_again_gives_the_same_scan_though_its_request_is_gone(
    api: Api, operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    letter = await buried(api, namespace)
    submitted = (await replay(operator, letter)).json()
    await end(api, submitted["id"])
    await kubectl("delete", "scanrequest", submitted["name"], "-n", namespace)
    again = (await replay(operator, letter)).json()
    assert (again["id"], again["phase"]) == (submitted["id"], "Succeeded")
    assert await stored(kubectl, namespace) == []


async def test_once_the_replay_is_deleted_another_can_be_had(
    api: Api, operator: httpx.AsyncClient, namespace: str
) -> None:
    letter = await buried(api, namespace)
    submitted = (await replay(operator, letter)).json()
    await operator.delete(f"/v1/scans/{submitted['id']}")
    again = (await replay(operator, letter)).json()
    assert again["id"] != submitted["id"]
    assert (await operator.get(letter["links"]["self"])).json()["replayScanId"] == again["id"]


async def test_the_letter_of_a_deleted_scan_can_be_replayed(
    api: Api, operator: httpx.AsyncClient, namespace: str
) -> None:
    letter = await buried(api, namespace)
    assert (await operator.delete(letter["links"]["scan"])).status_code == 204
    assert (await replay(operator, letter)).status_code == 202


async def test_without_its_scanner_a_letter_stays_as_it_is(
    api: Api, operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    letter = await buried(api, namespace, scanner="retired")
    refused = await replay(operator, letter)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:secapi:problem:unknown-scanner")
    assert await stored(kubectl, namespace) == []
    assert (await operator.get(letter["links"]["self"])).json() == letter


async def test_a_policy_made_since_holds_for_what_was_not_replayed_before(
    api: Api, operator: httpx.AsyncClient, kubectl: Kubectl, namespace: str
) -> None:
    early, late = await buried(api, namespace), await buried(api, namespace)
    submitted = (await replay(operator, early)).json()
    await impose(api, kubectl, namespace, scanners=["source"])
    refused = await replay(operator, late)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:secapi:problem:scanner-forbidden")
    assert (await operator.get(late["links"]["self"])).json() == late
    again = await replay(operator, early)
    assert (again.status_code, again.json()["id"]) == (202, submitted["id"])


async def test_a_request_that_is_no_longer_valid_names_its_field(
    api: Api, operator: httpx.AsyncClient, namespace: str
) -> None:
    letter = await buried(api, namespace)
    await execute(
        api.owner,
        """UPDATE scans SET spec = spec || '{"retired": true}' WHERE id = CAST(:id AS uuid)""",
        id=letter["scanId"],
    )
    refused = await replay(operator, letter)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:secapi:problem:invalid-spec")
    assert refused.json()["errors"][0]["pointer"] == "/spec/retired"


async def test_a_purged_letter_is_gone_and_its_scan_stays(api: Api, namespace: str) -> None:
    letter = await buried(api, namespace)
    admin = await api.client("admin", namespace)
    assert (await admin.delete(letter["links"]["self"])).status_code == 204
    for request in (admin.get(letter["links"]["self"]), replay(admin, letter), admin.delete(letter["links"]["self"])):
        assert (await request).status_code == 404
    assert await listed(admin) == []
    assert (await admin.get(letter["links"]["scan"])).json()["phase"] == "Failed"


async def test_a_replay_survives_the_purge_of_its_letter(api: Api, namespace: str) -> None:
    letter = await buried(api, namespace)
    admin = await api.client("admin", namespace)
    submitted = (await replay(admin, letter)).json()
    await admin.delete(letter["links"]["self"])
    assert (await admin.get(submitted["links"]["self"])).json()["phase"] == "Pending"


async def test_replay_and_purge_are_recorded_once_each(api: Api, namespace: str) -> None:
    letter = await buried(api, namespace)
    admin = await api.client("admin", namespace)
    for _ in range(2):
        submitted = (await replay(admin, letter)).json()
    for _ in range(2):
        await admin.delete(letter["links"]["self"])
    purged, replayed = (await admin.get("/v1/audit-events", params={"namespace": namespace})).json()["items"]
    assert (replayed["action"], replayed["kind"], replayed["subject"]) == ("replayDeadLetter", "scan", submitted["id"])
    assert (replayed["after"]["name"], replayed["after"]["replayOf"]) == (submitted["name"], letter["id"])
    assert (purged["action"], purged["kind"], purged["subject"]) == ("purgeDeadLetter", "deadLetter", letter["id"])
    assert (purged["before"]["replayScanId"], purged["after"]) == (submitted["id"], None)


async def test_a_replay_is_submitted_in_the_name_of_who_replays(
    api: Api, operator: httpx.AsyncClient, namespace: str
) -> None:
    submitted = (await replay(operator, await buried(api, namespace))).json()
    ((submitted_by,),) = await fetch(
        api.owner,
        "SELECT submitted_by FROM scans WHERE id = CAST(:id AS uuid)",
        id=submitted["id"],
    )
    assert submitted_by.startswith("key:")
    assert submitted_by != "key:test"
