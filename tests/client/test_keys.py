"""API keys from the command line: made, used, exchanged and revoked."""

from datetime import UTC, datetime, timedelta

from secapi_command import Secapi


async def test_a_key_is_alone_on_standard_output_and_good_for_what_it_was_made_for(secapi: Secapi) -> None:
    made = await secapi("key", "create", "ci", "--role", "operator", "--scope", "scans:write", "--expires", "1h")
    assert made.code == 0, made.messages
    assert "shown only this once" in made.messages
    assert made.output.startswith("sk_")
    assert len(made.output.split()) == 1
    issued = {"SECAPI_TOKEN": made.output.strip()}
    assert (await secapi.having(**issued)("scan", "list")).code == 0
    refused = await secapi.having(**issued)("key", "list")
    assert (refused.code, "api-keys:read" in refused.messages) == (4, True)


async def test_a_key_that_may_not_ask_whose_it_is_can_be_logged_in_with(secapi: Secapi) -> None:
    made = await secapi("key", "create", "uploads", "--role", "operator", "--scope", "artifacts:write")
    ended = await secapi.having(SECAPI_TOKEN="")("login", "--key-stdin", stdin=made.output)
    assert ended.code == 0, ended.messages


async def test_whoami_tells_of_a_key_what_it_may_do(secapi: Secapi) -> None:
    made = await secapi("key", "create", "looking on", "--role", "viewer")
    issued = {"SECAPI_TOKEN": made.output.strip()}
    known = (await secapi.having(**issued)("whoami", "-o", "json")).json
    assert known["id"].startswith("key:")
    assert (known["roles"], known["everywhere"]) == ({"default": "viewer"}, None)
    assert "viewer in default" in (await secapi.having(**issued)("whoami")).output


async def test_a_rotated_key_goes_on_for_its_grace_and_a_revoked_one_does_not(secapi: Secapi) -> None:
    old = (await secapi("key", "create", "to rotate", "--role", "viewer", "-o", "json")).json
    new = await secapi("key", "rotate", old["id"], "--grace", "1h", "--expires", "90d", "-o", "json")
    assert new.code == 0, new.messages
    left = datetime.fromisoformat(new.json["expiresAt"]) - datetime.now(UTC)
    assert timedelta(days=89) < left <= timedelta(days=90)
    for secret in (old["secret"], new.json["secret"]):
        assert (await secapi.having(SECAPI_TOKEN=secret)("whoami")).code == 0
    assert (await secapi("key", "revoke", old["id"])).code == 0
    assert (await secapi.having(SECAPI_TOKEN=old["secret"])("whoami")).code == 4
    listed = await secapi("key", "list", "--limit", "0")
    assert new.json["id"] in listed.output
    assert old["id"] not in listed.output
    assert old["id"] in (await secapi("key", "list", "--ended", "--limit", "0")).output


async def test_a_key_for_the_platform_has_no_namespace(secapi: Secapi) -> None:
    made = (await secapi("key", "create", "everywhere", "--role", "viewer", "--platform", "-o", "json")).json
    assert made["namespace"] is None
    keys = (await secapi("key", "list", "--all-namespaces", "--limit", "0", "-o", "json")).json
    assert made["id"] in {key["id"] for key in keys}
    assert all("secret" not in key for key in keys)


async def test_wrong_usage_is_told_before_the_server_is_asked(secapi: Secapi) -> None:
    for arguments, why in (
        (("create", "ci"), "--role"),
        (("create", "ci", "--role", "god"), "'god' is not one of"),
        (("create", "ci", "--role", "viewer", "--expires", "soon"), "how long from now like 24h"),
        (("rotate", "00000000-0000-0000-0000-000000000000", "--grace", "long"), "not a duration like 30m"),
    ):
        ended = await secapi("key", *arguments)
        assert ended.code == 2
        assert why in ended.messages
