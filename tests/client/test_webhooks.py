"""Webhooks from the command line: made, tried out, looked at and forgotten."""

import asyncio
from typing import Any

from fault_proxy import FaultProxy
from running_stack import RunningStack
from secapi_client import Client
from secapi_command import Secapi
from waiting import until
from webhook_receiver import answer, webhook_receiver


async def test_a_webhook_is_made_tried_out_and_forgotten(secapi: Secapi) -> None:
    async with webhook_receiver(answer("503 Service Unavailable"), answer("204 No Content")) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/"
        made = await secapi("webhook", "create", url, "--event", "scan.failed", "-o", "json")
        assert made.code == 0, made.messages
        webhook = made.json["id"]
        assert "shown only this once" in made.messages
        assert webhook in (await secapi("webhook", "list")).output

        async def ended(count: int) -> list[dict[str, Any]] | None:
            told = (await secapi("webhook", "deliveries", webhook, "-o", "json")).json
            return told if len(told) == count and all(each["finishedAt"] for each in told) else None

        assert (await secapi("webhook", "ping", webhook)).code == 0
        (failed,) = await until(lambda: ended(1), within=30)
        assert (failed["state"], failed["statusCode"]) == ("failed", 503)
        assert (await secapi("webhook", "replay", webhook, failed["id"])).code == 0
        again, _ = await until(lambda: ended(2), within=30)
        assert (again["state"], again["eventId"]) == ("delivered", failed["eventId"])
        assert failed["id"] in (await secapi("webhook", "deliveries", webhook, "--state", "failed")).output
    rotated = await secapi("webhook", "rotate-secret", webhook, "--grace", "1h")
    assert rotated.output.startswith("whsec_")
    assert rotated.output.strip() != made.json["secret"]
    assert (await secapi("webhook", "delete", webhook)).code == 0
    assert webhook not in (await secapi("webhook", "list")).output


async def test_a_webhook_is_disabled_and_enabled_again(secapi: Secapi) -> None:
    made = await secapi("webhook", "create", "http://127.0.0.1:9/", "-o", "json")
    webhook = made.json["id"]
    for command, enabled, reason in (
        *(("disable", False, "Requested"), ("disable", False, "Requested")),
        *(("enable", True, None), ("enable", True, None)),
    ):
        (changed,) = (await secapi("webhook", command, webhook, "-o", "json")).json
        assert (changed["enabled"], changed["disabledReason"]) == (enabled, reason)
        assert changed["events"] == made.json["events"]
    assert (await secapi("webhook", "delete", webhook)).code == 0
    assert (await secapi("webhook", "enable", webhook)).code == 4


async def test_a_webhook_is_changed_anew_when_somebody_else_was_faster(stack: RunningStack, faults: FaultProxy) -> None:
    with Client(faults.url, stack.facts["apiKey"]) as client:
        made = await asyncio.to_thread(
            client.webhooks.create, "http://127.0.0.1:9/", namespace="default", events=["scan.failed"]
        )
        fault = faults.fail("PATCH /v1/webhooks", 412, times=2)
        disabled = await asyncio.to_thread(client.webhooks.disable, made.id)
        assert (disabled.disabled_reason, fault.hit) == ("Requested", 2)
        await asyncio.to_thread(client.webhooks.delete, made.id)
