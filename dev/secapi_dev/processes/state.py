"""The state directory: where a stack keeps everything, who may use it, and what of it stays afterwards."""

import asyncio
import contextlib
import fcntl
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from secapi_dev.errors import StackError
from secapi_dev.processes import janitor


@dataclass(frozen=True)
class StateDirectory:
    """A locked directory; ``lock`` is the descriptor that guards inherit so that the lock lasts as long as they do."""

    path: Path
    lock: int

    @property
    def logs(self) -> Path:
        """One log file per process, appended to over restarts."""
        return self.path / "logs"


@contextlib.asynccontextmanager
async def temporary_state() -> AsyncIterator[StateDirectory]:
    """Yield a new private directory that is gone afterwards, even when this process is killed."""
    path = Path(tempfile.mkdtemp(prefix="secapi-dev-"))
    async with _locked(path, remove=[path]) as state:
        yield state


@contextlib.asynccontextmanager
async def kept_state(path: Path, *, remove: Sequence[str]) -> AsyncIterator[StateDirectory]:
    """Yield the user's directory, made when missing; before and afterwards only what is named ``remove`` is not there.

    Raises ``StackError`` when another stack uses the directory.
    """
    path = _made(path)
    leftovers = [path / name for name in remove]
    async with _locked(path, remove=leftovers) as state:
        for leftover in leftovers:
            janitor.remove(leftover)
        yield state


def _made(path: Path) -> Path:
    path = path.absolute()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextlib.asynccontextmanager
async def _locked(path: Path, *, remove: Sequence[Path]) -> AsyncIterator[StateDirectory]:
    lock_file = path / ".lock"
    lock = os.open(lock_file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        cleaner = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", janitor.__file__),
            *(lock_file, *remove),
            start_new_session=True,
        )
    except BlockingIOError:
        os.close(lock)
        raise StackError(f"{path} is in use by another stack, or by one that is still stopping") from None
    try:
        state = StateDirectory(path, lock)
        state.logs.mkdir(mode=0o700, exist_ok=True)
        yield state
    finally:
        os.close(lock)
        await cleaner.wait()
