"""Webhooks over REST: made with a secret, changed by version, and only for the admins of their namespace."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from api_harness import Api, running_api
from ledger_factories import execute, fetch
from secapi_api.settings import ApiSettings
from secapi_core.webhooks.signing import secret

URL = "http://127.0.0.1:9/hook"


def body(namespace: str, **changes: Any) -> dict[str, Any]:
    return {"namespace": namespace, "url": URL, "events": ["scan.failed"]} | changes


@pytest.fixture
async def admin(api: Api, tenant: str) -> httpx.AsyncClient:
    return await api.client("admin", tenant)


@pytest.fixture
async def made(admin: httpx.AsyncClient, tenant: str) -> dict[str, Any]:
    answer = await admin.post("/v1/webhooks", json=body(tenant))
    assert answer.status_code == 201
    webhook: dict[str, Any] = answer.json()
    return webhook


async def end_deliveries(api: Api, webhook_id: str) -> None:
    await execute(
        api.owner,
        "UPDATE deliveries SET state = 'failed', reason = 'Refused', finished_at = now() WHERE webhook_id = :id",
        id=UUID(webhook_id),
    )


class TestMaking:
    async def test_the_secret_is_told_once(
        self, admin: httpx.AsyncClient, made: dict[str, Any], settings: ApiSettings, tenant: str
    ) -> None:
        assert settings.webhook_key is not None
        key = settings.webhook_key.get_secret_value().encode()
        assert made["secret"] == secret(key, UUID(made["id"]), 1)
        read = (await admin.get(f"/v1/webhooks/{made['id']}")).json()
        listed = (await admin.get("/v1/webhooks", params={"namespace": tenant})).json()
        assert "secret" not in read
        assert listed["items"] == [read]
        assert (read["enabled"], read["disabledReason"], read["url"]) == (True, None, URL)

    @pytest.mark.parametrize(
        ("url", "says"),
        [
            ("https://10.0.0.1/", "private range 10.0.0.0/8"),
            ("https://[::ffff:169.254.169.254]/", "cloud metadata range"),
            ("https://0x7f000001@hooks.example/", "must not carry a user name"),
            ("https://nowhere.invalid/", "cannot be resolved"),
            ("ftp://hooks.example/", "not an http or https URL"),
            ("hooks.example", "not an http or https URL"),
        ],
    )
    async def test_an_address_that_nothing_may_go_to_is_refused(
        self, admin: httpx.AsyncClient, tenant: str, made: dict[str, Any], url: str, says: str
    ) -> None:
        tag = (await admin.get(f"/v1/webhooks/{made['id']}")).headers["ETag"]
        for answer in (
            await admin.post("/v1/webhooks", json=body(tenant, url=url)),
            await admin.patch(f"/v1/webhooks/{made['id']}", json={"url": url}, headers={"If-Match": tag}),
        ):
            assert answer.status_code == 422
            (problem,) = answer.json()["errors"]
            assert problem["pointer"] == "/url"
            assert says in problem["detail"]

    @pytest.mark.parametrize("events", [[], ["webhook.ping"], ["scan.started"]])
    async def test_only_events_that_there_are_can_be_asked_for(
        self, admin: httpx.AsyncClient, tenant: str, events: list[str]
    ) -> None:
        answer = await admin.post("/v1/webhooks", json=body(tenant, events=events))
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"].startswith("/events")

    async def test_a_platform_without_a_key_makes_none(self, settings: ApiSettings, tenant: str) -> None:
        async with running_api(settings.model_copy(update={"webhook_key": None})) as api:
            answer = await (await api.client("admin", tenant)).post("/v1/webhooks", json=body(tenant))
        assert answer.status_code == 409
        assert "SECAPI_WEBHOOK_KEY" in answer.json()["detail"]


class TestChanging:
    async def test_a_change_names_its_version(self, admin: httpx.AsyncClient, made: dict[str, Any]) -> None:
        path = f"/v1/webhooks/{made['id']}"
        tag = (await admin.get(path)).headers["ETag"]
        changed = await admin.patch(path, json={"events": ["scan.succeeded"]}, headers={"If-Match": tag})
        assert (changed.status_code, changed.json()["events"]) == (200, ["scan.succeeded"])
        assert changed.json()["url"] == URL
        assert (await admin.patch(path, json={"enabled": False}, headers={"If-Match": tag})).status_code == 412
        assert (await admin.patch(path, json={"enabled": False})).status_code == 428

    async def test_disabling_and_enabling(self, admin: httpx.AsyncClient, made: dict[str, Any]) -> None:
        path = f"/v1/webhooks/{made['id']}"
        for enabled, reason in ((False, "Requested"), (True, None)):
            tag = (await admin.get(path)).headers["ETag"]
            answer = (await admin.patch(path, json={"enabled": enabled}, headers={"If-Match": tag})).json()
            assert (answer["enabled"], answer["disabledReason"]) == (enabled, reason)

    async def test_disabling_keeps_why_it_was(self, api: Api, admin: httpx.AsyncClient, made: dict[str, Any]) -> None:
        path = f"/v1/webhooks/{made['id']}"
        await execute(
            api.owner,
            "UPDATE webhooks SET disabled_reason = 'Gone' WHERE id = :id",
            id=UUID(made["id"]),
        )
        tag = (await admin.get(path)).headers["ETag"]
        answer = await admin.patch(path, json={"enabled": False}, headers={"If-Match": tag})
        assert answer.json()["disabledReason"] == "Gone"

    async def test_a_rotated_secret_is_another(self, admin: httpx.AsyncClient, made: dict[str, Any]) -> None:
        answer = await admin.post(f"/v1/webhooks/{made['id']}/rotate-secret", json={"graceSeconds": 60})
        assert answer.status_code == 200
        assert answer.json()["secret"].startswith("whsec_")
        assert answer.json()["secret"] != made["secret"]
        assert answer.json()["previousSecretUntil"] > answer.json()["updatedAt"]


class TestDeliveries:
    async def test_a_ping_is_a_delivery_with_a_message(
        self, api: Api, admin: httpx.AsyncClient, made: dict[str, Any]
    ) -> None:
        path = f"/v1/webhooks/{made['id']}"
        pinged = await admin.post(f"{path}/ping")
        assert (pinged.status_code, pinged.json()["event"], pinged.json()["state"]) == (202, "webhook.ping", "pending")
        assert pinged.json()["payload"]["data"] == {"webhookId": made["id"]}
        assert (await admin.get(pinged.headers["Location"])).json() == pinged.json()
        rows = await fetch(
            api.owner,
            "SELECT queue FROM outbox WHERE delivery_id = :id",
            id=UUID(pinged.json()["id"]),
        )
        assert rows == [("system.deliveries",)]

    async def test_deliveries_are_listed_by_state_and_event(
        self, api: Api, admin: httpx.AsyncClient, made: dict[str, Any]
    ) -> None:
        path = f"/v1/webhooks/{made['id']}"
        first = (await admin.post(f"{path}/ping")).json()["id"]
        await end_deliveries(api, made["id"])
        second = (await admin.post(f"{path}/ping")).json()["id"]

        async def ids(**wanted: str) -> list[str]:
            answer = await admin.get(f"{path}/deliveries", params=wanted)
            return [delivery["id"] for delivery in answer.json()["items"]]

        assert await ids() == [second, first]
        assert await ids(state="failed") == [first]
        assert await ids(event="webhook.ping", state="pending") == [second]
        assert await ids(event="scan.failed") == []
        page = (await admin.get(f"{path}/deliveries", params={"limit": 1})).json()
        assert await ids(cursor=page["nextCursor"]) == [first]

    async def test_a_replay_is_another_delivery_of_the_same_event(
        self, api: Api, admin: httpx.AsyncClient, made: dict[str, Any]
    ) -> None:
        path = f"/v1/webhooks/{made['id']}"
        pinged = (await admin.post(f"{path}/ping")).json()
        too_early = await admin.post(f"{path}/deliveries/{pinged['id']}/replay")
        assert too_early.status_code == 409
        await end_deliveries(api, made["id"])
        again = await admin.post(f"{path}/deliveries/{pinged['id']}/replay")
        assert (again.status_code, again.json()["eventId"]) == (202, pinged["eventId"])
        assert again.json()["id"] != pinged["id"]
        assert (await admin.get(f"{path}/deliveries/{pinged['id']}")).json()["state"] == "failed"

    async def test_a_disabled_webhook_is_sent_nothing(
        self, api: Api, admin: httpx.AsyncClient, made: dict[str, Any]
    ) -> None:
        path = f"/v1/webhooks/{made['id']}"
        pinged = (await admin.post(f"{path}/ping")).json()
        await end_deliveries(api, made["id"])
        tag = (await admin.get(path)).headers["ETag"]
        await admin.patch(path, json={"enabled": False}, headers={"If-Match": tag})
        for forbidden in ("ping", f"deliveries/{pinged['id']}/replay"):
            answer = await admin.post(f"{path}/{forbidden}")
            assert answer.status_code == 409
            assert "Requested" in answer.json()["detail"]

    async def test_another_webhooks_delivery_is_not_found(
        self, admin: httpx.AsyncClient, made: dict[str, Any], tenant: str
    ) -> None:
        other = (await admin.post("/v1/webhooks", json=body(tenant))).json()
        pinged = (await admin.post(f"/v1/webhooks/{other['id']}/ping")).json()
        assert (await admin.get(f"/v1/webhooks/{made['id']}/deliveries/{pinged['id']}")).status_code == 404


async def test_everything_that_is_done_is_in_the_trail(
    admin: httpx.AsyncClient, made: dict[str, Any], tenant: str
) -> None:
    path = f"/v1/webhooks/{made['id']}"
    tag = (await admin.get(path)).headers["ETag"]
    await admin.patch(path, json={"description": "chat"}, headers={"If-Match": tag})
    await admin.post(f"{path}/rotate-secret", json={})
    await admin.post(f"{path}/ping")
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.delete(path)).status_code == 404
    events = (await admin.get("/v1/audit-events", params={"namespace": tenant, "subject": made["id"]})).json()["items"]
    assert [event["action"] for event in events] == [
        *("removeWebhook", "pingWebhook", "rotateWebhookSecret", "changeWebhook", "createWebhook")
    ]
    assert "whsec_" not in str(events)
    assert events[2]["after"]["secretVersion"] == 2
