"""Private directories: nobody else can look in, and nothing stays, not even after SIGKILL."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from secapi_workers.runner.workspace import Workspace, open_regular


def test_a_run_has_a_private_directory_that_goes_with_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    with workspace.run_directory() as directory:
        assert stat.S_IMODE(directory.path.stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "work").stat().st_mode) == 0o700
        (directory.home / "deep" / "er").mkdir(parents=True)
        (directory.home / "deep" / "er" / "file").write_text("x")
    assert not directory.path.exists()
    workspace.close()
    assert [path.name for path in (tmp_path / "work").iterdir()] == [".lock"]


def test_a_run_that_fails_leaves_nothing_either(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    with pytest.raises(ZeroDivisionError), workspace.run_directory() as directory:
        raise ZeroDivisionError
    assert not directory.path.exists()
    workspace.close()


def test_a_link_in_a_run_is_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    workspace = Workspace(tmp_path / "work")
    with workspace.run_directory() as directory:
        (directory.home / "link").symlink_to(tmp_path / "precious")
    assert (tmp_path / "precious" / "file").read_text() == "x"
    workspace.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from secapi_workers.runner.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
with workspace.run_directory() as directory:
    (directory.home / "secret").write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_worker_removes_what_a_killed_one_left_and_only_that(tmp_path: Path) -> None:
    root = tmp_path / "work"
    living = Workspace(root)
    with living.run_directory() as directory:
        subprocess.run([sys.executable, "-c", KILLED, root], check=False)
        assert len(list(root.rglob("secret"))) == 1
        next_worker = Workspace(root)
        assert list(root.rglob("secret")) == []
        assert directory.path.exists()
    next_worker.close()
    living.close()


def test_a_directory_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work").chmod(0o777)
    with pytest.raises(PermissionError, match="writable by nobody else"):
        Workspace(tmp_path / "work")


def test_a_link_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "work").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError):
        Workspace(tmp_path / "work")


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with open_regular(tmp_path / "file") as file:
        assert file.read() == b"x"
    (tmp_path / "link").symlink_to(tmp_path / "file")
    subprocess.run(["mkfifo", tmp_path / "pipe"], check=True)
    for name in ("link", "pipe", "missing", "."):
        with pytest.raises(FileNotFoundError):
            open_regular(tmp_path / name)
