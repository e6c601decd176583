"""Scans from the command line, from submission to deletion, and the exit codes that pipelines act on."""

import asyncio
import json
import os
import pty
import signal
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from running_stack import RunningStack
from secapi_command import Ended, Secapi, heard

WEB = ("--target", "http://127.0.0.1/")


def noop(**parameters: Any) -> tuple[str, str]:
    """The option for the test scanner."""
    return "--scanner", "noop:" + ",".join(f"{name}={json.dumps(value)}" for name, value in parameters.items())


async def submitted(secapi: Secapi, *arguments: str, code: int = 0) -> Ended:
    ended = await secapi("scan", "submit", "--output", "json", *arguments)
    assert ended.code == code, ended.messages
    return ended


async def running(secapi: Secapi) -> str:
    """Id of a scan that takes a minute."""
    return str((await submitted(secapi, *WEB, *noop(seconds=60))).json["id"])


@pytest.fixture(scope="module")
async def findings_of_a_scan(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> tuple[Secapi, str]:
    """A scan that found 15 things nobody had seen before, and somebody who may read it."""
    facts = stack.facts
    environment = {"SECAPI_SERVER": facts["apiUrl"], "SECAPI_TOKEN": facts["apiKey"], "SECAPI_NAMESPACE": "default"}
    secapi = Secapi(tmp_path_factory.mktemp("client"), environment)
    ended = await submitted(secapi, "--target", "http://127.0.0.1/found", *noop(findings=15, label="found"), "--wait")
    return secapi, ended.json["id"]


async def test_a_scan_that_succeeds_is_waited_for_and_ends_with_0(secapi: Secapi) -> None:
    ended = await submitted(secapi, *WEB, *noop(findings=2), "--wait")
    assert ended.json["phase"] == "Succeeded"
    assert ended.json["jobs"]["succeeded"] == 1
    assert "Succeeded: noop on http://127.0.0.1/ succeeded" in ended.messages


async def test_a_scan_that_fails_ends_with_1(secapi: Secapi) -> None:
    ended = await submitted(secapi, *WEB, *noop(exitCode=1), "--wait", code=1)
    assert ended.json["phase"] == "Failed"
    assert "secapi scan jobs" in ended.messages


async def test_a_gate_that_is_not_passed_ends_with_3(secapi: Secapi) -> None:
    ended = await submitted(secapi, *WEB, *noop(findings=5), "--gate", "info", "--wait", code=3)
    assert ended.json["gatePassed"] is False
    assert "gate is not passed" in ended.messages


async def test_a_gate_for_what_is_new_passes_what_was_seen_before(secapi: Secapi) -> None:
    scan = (*WEB, *noop(findings=3, label="seen-before"), "--gate", "info", "--only-new", "--wait")
    await submitted(secapi, *scan, code=3)
    assert (await submitted(secapi, *scan)).json["gatePassed"] is True


async def test_a_scan_that_is_cancelled_ends_its_watcher_with_1(secapi: Secapi) -> None:
    scan = await running(secapi)
    watcher = await secapi.start("scan", "watch", scan)
    cancelled = await secapi("scan", "cancel", scan, "--output", "json")
    assert cancelled.code == 0, cancelled.messages
    assert await asyncio.wait_for(watcher.wait(), 30) == 1


async def test_interrupting_a_watcher_ends_it_with_130_and_not_the_scan(secapi: Secapi) -> None:
    scan = await running(secapi)
    watcher = await secapi.start("scan", "watch", scan)
    await heard(watcher, "running")
    watcher.send_signal(signal.SIGINT)
    _, messages = await asyncio.wait_for(watcher.communicate(), 10)
    assert watcher.returncode == 130
    assert b"the scan goes on" in messages
    assert (await secapi("scan", "show", scan, "-o", "json")).json["phase"] == "Running"
    assert (await secapi("scan", "cancel", scan)).code == 0


async def test_on_a_terminal_the_jobs_are_shown_while_they_run(secapi: Secapi) -> None:
    controller, terminal = pty.openpty()
    process = await secapi.having(TERM="xterm", COLUMNS="120").start(
        "scan", "submit", *WEB, *noop(seconds=1), "--wait", stderr=terminal
    )
    os.close(terminal)
    shown = ""
    while "running" not in shown:
        shown += (await asyncio.to_thread(os.read, controller, 4096)).decode(errors="replace")
    reading = asyncio.create_task(asyncio.to_thread(drained, controller))
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    await reading
    os.close(controller)
    assert process.returncode == 0
    assert "SCANNER" in shown
    assert "phase" in output.decode()


def drained(terminal: int) -> None:
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:
        pass  # how a terminal says that its other side is closed


async def test_a_directory_is_packed_uploaded_and_scanned(secapi: Secapi, tmp_path: Path) -> None:
    source = tmp_path / "shop"
    source.mkdir()
    (source / "app.py").write_text("import pickle\npickle.loads(b'')\n")  # to be found by the scanner, never run
    named = ("--artifact-name", "tests/shop", "--scanner", "bandit")
    ended = await submitted(secapi, "--target", f"{source}", *named, "--wait")
    found = (await secapi("scan", "findings", ended.json["id"], "-o", "json")).json
    assert {finding["location"]["path"] for finding in found} == {"app.py"}
    assert ended.json["spec"]["targets"][0]["artifact"]["name"] == "tests/shop"


async def test_the_same_directory_is_the_same_artifact(secapi: Secapi, tmp_path: Path) -> None:
    digests = set()
    for number in (1, 2):
        copy = tmp_path / str(number)
        (copy / "src").mkdir(parents=True)
        (copy / ".git").mkdir()
        (copy / ".git" / "index").write_text(str(number))
        (copy / "src" / "app.py").write_text("print()\n")
        (copy / "link.py").symlink_to(copy / "src" / "app.py")
        os.utime(copy / "src" / "app.py", (number, number))
        ended = await secapi("artifact", "upload", copy, "-o", "json")
        assert ended.code == 0, ended.messages
        digests.add(ended.json["digest"])
    (digest,) = digests
    assert (await secapi("artifact", "show", digest, "-o", "json")).json["size"] > 0


async def test_an_archive_is_uploaded_as_it_is(secapi: Secapi, tmp_path: Path) -> None:
    archive = tmp_path / "source.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(__file__, "test.py")
    ended = await secapi("artifact", "upload", archive, "--output", "json")
    assert ended.json["size"] == archive.stat().st_size


async def test_what_was_uploaded_is_listed(secapi: Secapi, tmp_path: Path) -> None:
    digests = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
        digests.append((await secapi("artifact", "upload", tmp_path / name, "-o", "json")).json["digest"])
    shown = (await secapi("artifact", "list", "--limit", "2", "-o", "json")).json
    assert [artifact["digest"] for artifact in shown] == digests[::-1]


async def test_a_manifest_for_kubectl_is_understood(secapi: Secapi) -> None:
    manifest = {
        "apiVersion": "secapi.dev/v1alpha1",
        "kind": "ScanRequest",
        "metadata": {"name": "from-a-manifest", "namespace": "default"},
        "spec": {"targets": [{"url": "http://127.0.0.1/"}], "scanners": [{"name": "noop"}]},
    }
    ended = await secapi("scan", "submit", "-f", "-", "-o", "yaml", stdin=yaml.safe_dump(manifest))
    assert ended.code == 0, ended.messages
    assert yaml.safe_load(ended.output)["name"] == "from-a-manifest"


async def test_the_same_idempotency_key_gives_the_same_scan(secapi: Secapi) -> None:
    scan = (*WEB, *noop(findings=1), "--idempotency-key", "pipeline-7")
    assert (await submitted(secapi, *scan)).json["id"] == (await submitted(secapi, *scan)).json["id"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (WEB, "--scanner"),
        (("--scanner", "noop"), "--target"),
        ((*WEB, "--scanner", "noop", "--only-new"), "--gate"),
        ((*WEB, "--scanner", "noop", "--artifact-name", "a"), "one path"),
        (("--target", ".", "--scanner", "noop", "--gate", "high", "--only-new"), "--artifact-name"),
        (("--file", "-", *WEB), "--file says what to scan"),
        (("--file", "/no/such/file"), "/no/such/file: No such file"),
        ((*WEB, "--scanner", "noop", "--gate", "awful"), "'awful' is not one of"),
    ],
)
async def test_wrong_usage_ends_with_2_and_says_what_is_missing(
    secapi: Secapi, arguments: tuple[str, ...], why: str
) -> None:
    ended = await secapi("scan", "submit", *arguments)
    assert ended.code == 2
    assert why in ended.messages
    assert ended.messages.count("\n") == 1
    assert not ended.output


async def test_without_a_namespace_it_says_where_to_give_one(secapi: Secapi) -> None:
    ended = await secapi.having(SECAPI_NAMESPACE="")("scan", "submit", *WEB, "--scanner", "noop")
    assert ended.code == 2
    assert "--namespace, SECAPI_NAMESPACE" in ended.messages


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("scan", "submit", *WEB, *noop(seconds=-1)), "spec.scanners[0].parameters.seconds: "),
        (("scan", "submit", "--target", "ftp://x", "--scanner", "noop"), "spec.targets[0].url: "),
        (("scan", "show", "00000000-0000-0000-0000-000000000000"), "there is no scan"),
        (("scan", "watch", "00000000-0000-0000-0000-000000000000"), "there is no scan"),
        (("scan", "list", "--target", "x" * 3000), "query.target: "),
        (("artifact", "show", "sha256:" + "0" * 64), "has no artifact"),
    ],
)
async def test_what_the_server_refuses_is_one_sentence_that_names_the_field(
    secapi: Secapi, arguments: tuple[str, ...], why: str
) -> None:
    ended = await secapi(*arguments)
    assert ended.code == 4
    assert why in ended.messages
    assert ended.messages.count("\n") == 1
    assert "(request " in ended.messages


async def test_findings_are_filtered_and_limited(findings_of_a_scan: tuple[Secapi, str]) -> None:
    secapi, scan = findings_of_a_scan
    every = (await secapi("scan", "findings", scan, "-o", "json")).json
    assert len(every) == 15
    severity = every[0]["severity"]
    some = (await secapi("scan", "findings", scan, "--severity", severity, "--only-new", "-o", "json")).json
    assert some == [finding for finding in every if finding["severity"] == severity]
    few = await secapi("scan", "findings", scan, "--limit", "4", "-o", "json")
    assert few.json == every[:4]
    assert "--limit 0 shows all" in few.messages


async def test_lists_filter_by_phase_scanner_and_age(findings_of_a_scan: tuple[Secapi, str]) -> None:
    secapi, scan = findings_of_a_scan
    wanted = ("scan", "list", "--phase", "Succeeded", "--scanner", "noop", "--since", "1h", "-o", "json")
    assert scan in {each["id"] for each in (await secapi(*wanted, "--limit", "0")).json}
    target = ("--target", "url:http://127.0.0.1:80/found", "--all-namespaces")
    assert [each["id"] for each in (await secapi(*wanted, *target)).json] == [scan]
    assert (await secapi("scan", "list", "--since", "2999-01-01T00:00:00Z", "-o", "json")).json == []
    assert (await secapi("scan", "list", "--since", "yesterday")).code == 2


async def test_tables_have_a_line_for_each_item_however_long(findings_of_a_scan: tuple[Secapi, str]) -> None:
    secapi, scan = findings_of_a_scan
    lines = (await secapi("scan", "findings", scan)).output.splitlines()
    assert lines[0].split() == ["SEVERITY", "NEW", "SCANNER", "RULE", "WHERE", "TITLE"]
    assert len(lines) == 16
    (job,) = (await secapi("scan", "jobs", scan)).output.splitlines()[1:]
    assert job.split() == ["noop", "http://127.0.0.1/found", "succeeded", "1/3", "15"]
    assert "15 of them new" in (await secapi("scan", "show", scan)).output
    assert scan in (await secapi("scan", "list", "--limit", "0")).output


async def test_json_and_yaml_hold_the_same_and_nothing_else(findings_of_a_scan: tuple[Secapi, str]) -> None:
    secapi, scan = findings_of_a_scan
    for command in (("scan", "show", scan), ("scan", "jobs", scan), ("scanner", "list"), ("scan", "findings", scan)):
        as_json = await secapi(*command, "--output", "json")
        as_yaml = await secapi(*command, "--output=yaml")
        assert as_json.json == yaml.safe_load(as_yaml.output)
        assert as_json.messages == as_yaml.messages == ""


async def test_options_of_every_command_may_stand_anywhere(findings_of_a_scan: tuple[Secapi, str]) -> None:
    secapi, scan = findings_of_a_scan
    before = await secapi("--output", "json", "--no-color", "scan", "show", scan)
    assert before.output == (await secapi("scan", "-ojson", "show", "--no-color", scan)).output


async def test_a_scan_that_has_ended_is_deleted_and_one_that_runs_is_cancelled(secapi: Secapi) -> None:
    scan = await running(secapi)
    first = await secapi("scan", "delete", scan, "-o", "json")
    assert first.code == 0
    assert "cancelled now" in first.messages
    assert (await secapi("scan", "watch", scan)).code == 1
    second = await secapi("scan", "delete", scan)
    assert (second.code, second.output) == (0, "")
    assert (await secapi("scan", "show", scan)).code == 4


async def test_the_audit_trail_knows_what_was_done(secapi: Secapi) -> None:
    scan = (await submitted(secapi, *WEB, "--scanner", "noop")).json["id"]
    by_subject = ("audit", "list", "--subject", scan, "--action", "createScan", "--since", "5m")
    (event,) = (await secapi(*by_subject, "-o", "json")).json
    assert event["subject"] == scan
    assert event["requestId"]
    (_, line) = (await secapi(*by_subject, "--actor", event["actor"])).output.splitlines()
    assert scan in line


async def test_scanners_are_listed_with_their_parameters(secapi: Secapi) -> None:
    listed = await secapi("scanner", "list")
    assert any(line.startswith("bandit") for line in listed.output.splitlines())
    (noop_line,) = (line for line in listed.output.splitlines() if line.startswith("noop"))
    assert {"seconds", "findings", "label"} <= set(noop_line.split()[2].split(","))
