"""Private directories for runs, removed whatever happens.

Each worker process keeps its own directory below the configured one and holds a lock beside it as long as it lives. A
process that starts removes the directories whose lock is free: their owners were killed.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog

log = structlog.get_logger(__name__)

_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Where one run keeps its files; nobody else's user can look inside."""

    path: Path

    @property
    def home(self) -> Path:
        """The scanner's working directory, HOME and TMPDIR."""
        return self.path / "home"

    @property
    def source(self) -> Path:
        """The tree to scan, made by whoever fetches it."""
        return self.path / "source"

    @property
    def report(self) -> Path:
        """The scanner's report, where it writes one."""
        return self.path / "report"

    @property
    def stdout(self) -> Path:
        """What the scanner printed."""
        return self.path / "stdout"

    @property
    def stderr(self) -> Path:
        """What the scanner printed on standard error."""
        return self.path / "stderr"


def open_regular(path: Path) -> IO[bytes]:
    """Open what a scanner left at ``path``; raises FileNotFoundError unless that is a regular file.

    A link could lead to this worker's own secrets, and a pipe would never end.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FileNotFoundError(path) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(path)
    return os.fdopen(descriptor, "rb")


def tail(path: Path, size: int) -> str:
    """The last ``size`` bytes of a file as text; empty if there is none."""
    try:
        file = open_regular(path)
    except FileNotFoundError:
        return ""
    with file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - size))
        return file.read(size).decode("utf-8", "replace")


class Workspace:
    """One worker process's directory. Made after the fork; the lock ends with the process."""

    def __init__(self, root: Path) -> None:
        """Make the directory below ``root``, which is made private, and remove those that dead processes left."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_private(root)
        # Under the common lock, so that nobody takes a directory for stale that has not got its own lock yet.
        with _locked(root / _LOCK):
            stale = [path for path in root.glob("process-*") if _is_abandoned(path)]
            self.path = Path(tempfile.mkdtemp(prefix="process-", dir=root))
            self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        for path in stale:
            log.info("directory of a dead worker removed", path=str(path))
            _remove(path)

    @contextlib.contextmanager
    def run_directory(self) -> Iterator[RunDirectory]:
        """A new directory for one run, gone when the block ends."""
        directory = RunDirectory(Path(tempfile.mkdtemp(prefix="run-", dir=self.path)))
        try:
            directory.home.mkdir()
            yield directory
        finally:
            _remove(directory.path)

    def close(self) -> None:
        """Remove the directory and let go of the lock."""
        _remove(self.path)
        os.close(self._lock)


def _check_private(root: Path) -> None:
    """Refuse a directory that somebody else made first, as anybody can in ``/tmp``."""
    status = root.lstat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(f"{root} must belong to the worker's user and be writable by nobody else")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_abandoned(path: Path) -> bool:
    """Whether no living process holds the lock of this directory."""
    try:
        with (path / _LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return True
    return True


def _remove(path: Path) -> None:
    """Remove a tree, also where a scanner took away permissions; what cannot go is left for the log."""
    shutil.rmtree(path, ignore_errors=True)
    if not path.exists():
        return
    for folder, names, _ in os.walk(path):
        for inner in (Path(folder, name) for name in names):
            # Through a link this would reach outside the tree.
            if not inner.is_symlink():
                inner.chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        log.warning("directory could not be removed", path=str(path))
