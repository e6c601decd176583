"""Servers and keys that are kept: where, for whom, and what is never shown."""

import asyncio
import os
import pty
import stat
import termios

import pytest

from fault_proxy import FaultProxy
from running_stack import RunningStack
from secapi_client import Client
from secapi_command import SCRIPTS, Secapi
from waiting import until

LOCAL_FLAGS = 3
"""Their place in what ``tcgetattr`` answers."""


@pytest.fixture
async def logged_in(newcomer: Secapi, stack: RunningStack) -> Secapi:
    """Somebody with a context and nothing in the environment."""
    facts = stack.facts
    ended = await newcomer("login", facts["apiUrl"], "--key-stdin", "-n", "default", stdin=f"{facts['apiKey']}\n")
    assert ended.code == 0, ended.messages
    assert facts["apiKey"] not in ended.output + ended.messages
    return newcomer


async def test_after_login_commands_know_server_key_and_namespace(logged_in: Secapi) -> None:
    ended = await logged_in("scan", "list")
    assert ended.code == 0, ended.messages


async def test_the_file_with_the_key_is_for_its_owner_only(logged_in: Secapi) -> None:
    assert stat.S_IMODE(logged_in.contexts.stat().st_mode) == 0o600
    assert stat.S_IMODE(logged_in.contexts.parent.stat().st_mode) == 0o700
    assert [path.name for path in logged_in.contexts.parent.iterdir()] == ["contexts.json"]


async def test_a_key_that_the_server_refuses_is_not_kept(newcomer: Secapi, stack: RunningStack) -> None:
    ended = await newcomer("login", stack.facts["apiUrl"], "--key-stdin", stdin="sk_made_up\n")
    assert ended.code == 4
    assert "unknown, expired or revoked (request " in ended.messages
    assert not newcomer.contexts.exists()


@pytest.mark.parametrize("key", ["sk_two words", "sk_\u00fcmlaut", ""])
async def test_what_cannot_be_a_key_is_refused_without_repeating_it(
    newcomer: Secapi, stack: RunningStack, key: str
) -> None:
    ended = await newcomer("login", stack.facts["apiUrl"], "--key-stdin", stdin=f"{key}\n")
    assert ended.code == 2
    assert "API key" in ended.messages
    assert "sk_" not in ended.messages.replace("sk_…", "")


async def test_the_key_can_come_from_the_environment(newcomer: Secapi, stack: RunningStack) -> None:
    facts = stack.facts
    ended = await newcomer.having(SECAPI_TOKEN=facts["apiKey"])("login", facts["apiUrl"])
    assert ended.code == 0, ended.messages


async def test_the_key_is_asked_for_on_a_terminal_and_not_echoed(newcomer: Secapi, stack: RunningStack) -> None:
    facts = stack.facts
    controller, terminal = pty.openpty()
    process = await newcomer.start("login", facts["apiUrl"], stdin=terminal, stderr=terminal)
    os.close(terminal)
    shown = await asyncio.to_thread(os.read, controller, 1024)
    assert b"API key" in shown
    # What is typed before is thrown away, as every program does that asks for a secret.
    await until(lambda: not termios.tcgetattr(controller)[LOCAL_FLAGS] & termios.ECHO)
    os.write(controller, f"{facts['apiKey']}\n".encode())
    assert await asyncio.wait_for(process.wait(), 30) == 0
    shown += await asyncio.to_thread(os.read, controller, 4096)
    os.close(controller)
    assert facts["apiKey"].encode() not in shown


async def test_without_a_terminal_it_says_how_to_give_the_key(newcomer: Secapi, stack: RunningStack) -> None:
    ended = await newcomer("login", stack.facts["apiUrl"])
    assert ended.code == 2
    assert "--key-stdin or SECAPI_TOKEN" in ended.messages


@pytest.mark.parametrize("server", ["secapi.example", "ftp://secapi.example", "https://user:secret@secapi.example"])
async def test_what_is_not_the_address_of_a_server_is_refused(newcomer: Secapi, server: str) -> None:
    ended = await newcomer("login", server, "--key-stdin", stdin="sk_x\n")
    assert ended.code == 2
    assert "https://secapi.example" in ended.messages


async def test_contexts_are_listed_without_keys_chosen_and_forgotten(logged_in: Secapi, stack: RunningStack) -> None:
    facts = stack.facts
    second = await logged_in("login", facts["apiUrl"], "--name", "second", "--key-stdin", stdin=facts["apiKey"])
    assert second.code == 0, second.messages
    assert (await logged_in("context", "use", "default")).code == 0
    listed = await logged_in("context", "list", "--output", "json")
    assert listed.json == [
        {"name": "default", "server": facts["apiUrl"], "namespace": "default", "current": True},
        {"name": "second", "server": facts["apiUrl"], "namespace": None, "current": False},
    ]
    assert (await logged_in("scan", "list", "--context", "second")).code == 0
    assert (await logged_in("logout")).code == 0
    assert [known["name"] for known in (await logged_in("context", "list", "-o", "json")).json] == ["second"]
    assert facts["apiKey"] in logged_in.contexts.read_text()
    assert (await logged_in("logout", "--context", "second")).code == 0
    assert facts["apiKey"] not in logged_in.contexts.read_text()


async def test_a_context_that_there_is_not_is_an_error_that_names_the_others(logged_in: Secapi) -> None:
    for arguments in (("scan", "list", "--context", "third"), ("context", "use", "third")):
        ended = await logged_in(*arguments)
        assert ended.code == 2
        assert "there is no context 'third'; known: default" in ended.messages


async def test_a_stored_key_goes_to_no_other_server(logged_in: Secapi, faults: FaultProxy) -> None:
    ended = await logged_in("scan", "list", "--server", faults.url)
    assert ended.code == 2
    assert f"no API key for {faults.url}" in ended.messages
    assert faults.requests == []


async def test_the_environment_goes_before_the_context(logged_in: Secapi) -> None:
    other_key = {"SECAPI_TOKEN": "sk_made_up"}
    ended = await logged_in.having(**other_key)("scan", "list")
    assert ended.code == 4


async def test_a_newcomer_is_told_how_to_begin(newcomer: Secapi) -> None:
    ended = await newcomer("scan", "list")
    assert ended.code == 2
    assert "secapi login" in ended.messages


async def test_a_damaged_file_is_told_without_what_it_holds(logged_in: Secapi) -> None:
    logged_in.contexts.write_text('{"contexts": {"default": {"token": ["sk_secret"]}}}')
    ended = await logged_in("scan", "list")
    assert ended.code == 2
    assert "is damaged" in ended.messages
    assert "sk_secret" not in ended.messages


async def test_version_knows_both_sides(logged_in: Secapi) -> None:
    ended = await logged_in("version", "--output", "json")
    assert ended.json["client"] == ended.json["server"]


async def test_the_version_is_known_without_a_server(newcomer: Secapi) -> None:
    ended = await newcomer("version", "-o", "json")
    assert ended.code == 0
    assert ended.json["server"] is None


async def test_completion_is_generated_for_the_shell_and_knows_the_contexts(logged_in: Secapi) -> None:
    process = await asyncio.create_subprocess_exec(
        # The shell is found by looking at the parent, which exec would replace.
        *("bash", "-c", "secapi --show-completion; true"),
        env={"HOME": str(logged_in.home), "PATH": f"{SCRIPTS}:{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
    )
    script, _ = await process.communicate()
    assert b"complete -o default -F _secapi_completion secapi" in script
    completing = {"_SECAPI_COMPLETE": "complete_bash", "COMP_WORDS": "secapi context use d", "COMP_CWORD": "3"}
    assert (await logged_in.having(**completing).process()).output.split() == ["default"]


async def test_it_is_a_kubectl_plugin(logged_in: Secapi, stack: RunningStack) -> None:
    kubectl = stack.kubectl_program
    process = await asyncio.create_subprocess_exec(
        kubectl,
        *("secapi", "context", "list"),
        env={"HOME": str(logged_in.home), "PATH": f"{SCRIPTS}:{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert stack.facts["apiUrl"] in output.decode()


def test_the_library_does_not_show_its_key() -> None:
    with Client("https://secapi.example", "sk_secret") as client:
        assert "sk_secret" not in repr(client)
