"""Installing scanner tools: complete or begun again, quick when nothing is missing, one version of each."""

import asyncio
import io
import shutil
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from secapi_dev import tools
from secapi_dev.progress import Progress

SMALLEST = "ssh-audit"


@pytest.fixture
def one_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of lock files that holds only the smallest tool's."""
    locks = tmp_path / "locks"
    locks.mkdir()
    shutil.copy(tools.LOCKS / f"{SMALLEST}.lock", locks)
    monkeypatch.setattr(tools, "LOCKS", locks)
    return locks / f"{SMALLEST}.lock"


def install(root: Path) -> str:
    """Install below ``root``; what was told meanwhile."""
    output = io.StringIO()
    asyncio.run(tools.install(root, Progress(Console(file=output, soft_wrap=True))))
    return output.getvalue()


def test_an_installed_tool_runs_by_its_link_and_is_not_installed_again(one_lock: Path, tmp_path: Path) -> None:
    root = tmp_path / "tools"
    told = install(root)
    help_text = subprocess.run([root / "bin" / SMALLEST, "--help"], capture_output=True, text=True, check=True).stdout
    again = install(root)

    assert f"installing {SMALLEST} (1 of 1): done" in told
    assert "ssh-audit v3" in help_text
    assert "installing" not in again


def test_an_installation_that_was_interrupted_is_begun_again(one_lock: Path, tmp_path: Path) -> None:
    home = tools.Tool(one_lock, tmp_path / "tools").home
    (home / "bin").mkdir(parents=True)
    (home / "bin" / SMALLEST).write_text("half a program")

    assert "installing" in install(tmp_path / "tools")
    subprocess.run([home / "bin" / SMALLEST, "--help"], capture_output=True, check=True)


def test_another_lock_file_replaces_the_version_before(one_lock: Path, tmp_path: Path) -> None:
    root = tmp_path / "tools"
    install(root)
    before = (root / "bin" / SMALLEST).readlink()
    one_lock.write_text(f"# another pin\n{one_lock.read_text()}")
    install(root)

    assert (root / "bin" / SMALLEST).readlink() != before
    assert not before.exists()
    assert len(list(root.glob(f"{SMALLEST}-*"))) == 1


def test_the_scanner_for_tests_is_installed_too(one_lock: Path, tmp_path: Path) -> None:
    install(tmp_path / "tools")
    report = tmp_path / "report"
    subprocess.run([tmp_path / "tools" / "bin" / tools.NOOP, f"--output={report}"], env={}, check=True)

    assert report.read_text().startswith('{"version":"2.1.0"')


def test_a_missing_system_program_is_told_with_what_to_do(
    one_lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "SYSTEM_TOOLS", {"no-such-program": "build it yourself"})
    assert "no-such-program is not on PATH and its scanner will fail with ToolMissing; build it yourself" in install(
        tmp_path / "tools"
    )


def test_every_lock_file_pins_with_hashes_and_names_no_index() -> None:
    locks = sorted(tools.LOCKS.glob("*.lock"))

    assert [lock.stem for lock in locks] == ["bandit", "detect-secrets", "semgrep", "ssh-audit", "sslyze"]
    for lock in locks:
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
