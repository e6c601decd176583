"""The catalogue's argv runs the installed tools, and what they report today still parses to the same findings."""

import asyncio
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from reports import DATA
from scanner_tools import ARTIFACT, environment, require, scan
from secapi_core.findings import Finding, Quarantined
from secapi_dev.demo.host import demo_host
from secapi_workers.catalogue import RULES

APP = DATA / "vulnerable-app"
SEMGREP_RULES = 11

# Each starts a real tool, which takes seconds, more so on a busy machine.
pytestmark = pytest.mark.timeout(240)


def rules(items: list[Finding | Quarantined]) -> dict[str, int]:
    return dict(Counter(item.rule for item in items if isinstance(item, Finding)))


def test_bandit(tmp_path: Path) -> None:
    items = scan("bandit", ARTIFACT, tmp_path, source=APP, skips=["B404"], exclude=["*/nothing/*"])

    assert rules(items) == {"B105": 1, "B201": 1, "B301": 1, "B324": 1, "B403": 1, "B602": 2, "B608": 1}
    assert [item.problem for item in items if isinstance(item, Quarantined)] == [
        "bandit skipped app/broken.py: syntax error while parsing AST from file"
    ]


def test_bandit_does_not_let_the_scanned_tree_configure_it(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.py").write_text("eval(input())\n")
    (source / ".bandit").write_text(f"[bandit]\nskips = B307\nexclude = /\noutput = {tmp_path}/stolen\n")

    assert rules(scan("bandit", ARTIFACT, tmp_path, source=source)) == {"B307": 1}
    assert not (tmp_path / "stolen").exists()


def test_detect_secrets(tmp_path: Path) -> None:
    items = scan("detect-secrets", ARTIFACT, tmp_path, source=APP, disablePlugins=["KeywordDetector"])

    assert rules(items) == {"AWS Access Key": 1, "Base64 High Entropy String": 1, "Basic Auth Credentials": 1}
    assert {item.location.path for item in items if isinstance(item, Finding)} == {"settings.ini"}


@pytest.mark.parametrize("scanner", ["semgrep", "semgrep-sarif"])
def test_semgrep_runs_offline_and_runs_nothing_that_the_scanned_tree_names(tmp_path: Path, scanner: str) -> None:
    source = tmp_path / "source"
    subprocess.run(["cp", "-r", APP, source], check=True)
    # git would run this program for semgrep if semgrep asked it which files to scan.
    subprocess.run(["git", "init", "--quiet", source], check=True)
    subprocess.run(["git", "-C", source, "config", "core.fsmonitor", f"touch {tmp_path}/pwned; false"], check=True)

    items = scan(scanner, ARTIFACT, tmp_path, source=source)

    assert sum(rules(items).values()) == SEMGREP_RULES
    assert all(name.startswith("secapi.") for name in rules(items))
    assert not (tmp_path / "pwned").exists()


async def test_network_scanners(tmp_path: Path) -> None:
    async with demo_host() as host:
        run = asyncio.to_thread
        ports = f"{host.ssh_port},{host.https_port}"
        tls = await run(scan, "sslyze", {"url": f"https://localhost:{host.https_port}/"}, tmp_path)
        ssh = await run(scan, "ssh-audit", {"host": {"address": "127.0.0.1", "ports": str(host.ssh_port)}}, tmp_path)
        assert {"certificate-expired", "certificate-self-signed", "deprecated-protocol"} <= rules(tls).keys()
        assert {"weak-enc", "weak-kex", "weak-key", "weak-mac"} == rules(ssh).keys()
        require("nmap")
        target = {"host": {"address": "127.0.0.1", "ports": ports}}
        open_ports = await run(scan, "nmap", target, tmp_path, serviceDetection=False)
        assert rules(open_ports) == {"open-port": 2}


def test_the_semgrep_rules_find_what_they_should_and_nothing_else(tmp_path: Path) -> None:
    """Semgrep's own test runner: ``ruleid`` and ``ok`` comments in tests/data/semgrep-rules."""
    argv = ["scan", "--test", "--metrics=off", "--disable-version-check", f"--config={RULES / 'semgrep'}"]
    done = subprocess.run(
        [require("semgrep"), *argv, str(DATA / "semgrep-rules")],
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All tests passed" in done.stdout
