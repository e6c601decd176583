"""Jobs that used up their attempts, and scans that are done again, from the command line."""

import json
from typing import Any

from secapi_command import Secapi

UNREACHABLE: dict[str, Any] = {
    "targets": [{"url": "http://127.0.0.1/dead"}],
    "scanners": [{"name": "noop", "parameters": {"exitCode": 42}}],
    "maxAttempts": 1,
}
"""Fails for a reason that another attempt might overcome, and has no other."""


async def test_a_dead_letter_is_found_replayed_and_purged(secapi: Secapi) -> None:
    failed = await secapi("scan", "submit", "-f", "-", "--wait", "-o", "json", stdin=json.dumps(UNREACHABLE))
    assert failed.code == 1, failed.messages
    wanted = ("dead-letter", "list", "--scanner", "noop", "--reason", "TargetUnreachable", "-o", "json")
    (letter,) = (await secapi(*wanted, "--waiting")).json
    assert letter["scanId"] == failed.json["id"]
    replayed = await secapi("dead-letter", "replay", letter["id"], "--wait", "-o", "json")
    assert replayed.code == 1, replayed.messages
    again = await secapi("dead-letter", "replay", letter["id"], "-o", "json")
    assert again.json["id"] == replayed.json["id"]
    assert [each["id"] for each in (await secapi(*wanted, "--replayed")).json] == [letter["id"]]
    assert replayed.json["id"] in (await secapi("dead-letter", "show", letter["id"])).output
    assert (await secapi("dead-letter", "purge", letter["id"])).code == 0
    assert letter["id"] not in (await secapi("dead-letter", "list", "--all-namespaces")).output
    gone = await secapi("dead-letter", "show", letter["id"])
    assert (gone.code, "there is no dead letter" in gone.messages) == (4, True)


async def test_a_scan_is_run_again_as_another_one(secapi: Secapi) -> None:
    first = await secapi("scan", "submit", "-t", "http://127.0.0.1/", "-s", "noop", "--wait", "-o", "json")
    again = await secapi("scan", "rerun", first.json["id"], "--wait", "-o", "json")
    assert again.code == 0, again.messages
    assert again.json["id"] != first.json["id"]
    assert again.json["spec"]["targets"] == first.json["spec"]["targets"]
    third = await secapi("scan", "rerun", first.json["id"], "-o", "json")
    assert third.json["rerunOf"] == first.json["id"]
