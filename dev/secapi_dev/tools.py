"""The scanner tools, each in a virtual environment of its own, so that no tool's dependencies meet another's or ours.

``<tool>-<hash of its lock file>/`` holds a tool, ``bin/`` a link to each tool's command: that is what workers have on
their PATH. A tool counts as installed once its directory has the mark that is made last, so an interrupted installation
is begun again and a changed lock file makes a new one.
"""

import hashlib
import inspect
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from secapi_dev import paths
from secapi_dev.locks import exclusive
from secapi_dev.processes.program import Command, run
from secapi_dev.processes.state import StateDirectory, temporary_state
from secapi_dev.progress import Progress
from secapi_workers import noop

LOCKS = paths.CHECKOUT / "requirements" / "tools"
BACKEND = paths.CHECKOUT / "requirements" / "backend.lock"  # builds what is published as source only
UV = paths.CHECKOUT / ".uv" / "bin" / "uv"
NOOP = "secapi-noop"
SYSTEM_TOOLS = {"nmap": "install it with the system's packages, for example: apt-get install nmap"}

_MARK = ".complete"


def directory() -> Path:
    """Where the tools are, also for workers: ``SECAPI_TOOLS_DIR``, or ``tools`` in the cache."""
    return Path(os.environ.get("SECAPI_TOOLS_DIR") or paths.cache() / "tools")


@dataclass(frozen=True, slots=True)
class Tool:
    """One lock file and what it is installed into; the command has the tool's name."""

    lock: Path
    root: Path

    @property
    def name(self) -> str:
        """Name of the tool, of its lock file and of its command."""
        return self.lock.stem

    @property
    def home(self) -> Path:
        """Its virtual environment; another pin, another directory."""
        return self.root / f"{self.name}-{hashlib.sha256(self.lock.read_bytes()).hexdigest()[:12]}"

    @property
    def command(self) -> Path:
        """Its program inside the virtual environment."""
        return self.home / "bin" / self.name

    @property
    def installed(self) -> bool:
        """Whether it was installed to the end."""
        return (self.home / _MARK).exists() and self.command.exists()


async def install(root: Path, progress: Progress) -> None:
    """Install what is missing below ``root``, and say what the machine itself would have to provide."""
    tools = [Tool(lock, root) for lock in sorted(LOCKS.glob("*.lock"))]
    links = root / "bin"
    links.mkdir(parents=True, exist_ok=True)
    # Two installations at once would remove each other's half-made directories.
    async with exclusive(root / ".lock", progress, "another installation of the tools"):
        if missing := [tool for tool in tools if not tool.installed]:
            async with temporary_state() as state:
                for number, tool in enumerate(missing, start=1):
                    async with progress.during(f"installing {tool.name} ({number} of {len(missing)})"):
                        await _install(tool, state)
        for tool in tools:
            _link(links / tool.name, tool.command)
            _remove_other_versions(tool)
        _write_noop(links / NOOP)
        _link_system_tools(links, progress)


async def _install(tool: Tool, state: StateDirectory) -> None:
    """Make the virtual environment with uv if the checkout has it, else with the standard library and pip."""
    shutil.rmtree(tool.home, ignore_errors=True)
    home, python, pins = str(tool.home), str(tool.home / "bin" / "python"), str(tool.lock)
    if UV.exists():
        create = [str(UV), "venv", "--quiet", "--python", sys.executable, home]
        options = ["--quiet", "--compile-bytecode", "--require-hashes", "--build-constraints", str(BACKEND)]
        fill = [str(UV), "pip", "install", *options, "--python", python, "--requirement", pins]
    else:
        create = [sys.executable, "-m", "venv", home]
        fill = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            pins,
        ]
    await run(Command(name=f"create-{tool.name}", argv=create), state)
    await run(Command(name=f"install-{tool.name}", argv=fill), state)
    (tool.home / _MARK).touch()


def _link(link: Path, target: Path) -> None:
    """Let ``link`` lead to ``target``; at no moment is there no link."""
    if link.is_symlink() and link.readlink() == target:
        return
    draft = link.with_name(f".{link.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(link)


def _link_system_tools(links: Path, progress: Progress) -> None:
    for name, hint in SYSTEM_TOOLS.items():
        if found := shutil.which(name):
            _link(links / name, Path(found).resolve())
        else:
            progress.say(f"{name} is not on PATH and its scanner will fail with ToolMissing; {hint}")


def _remove_other_versions(tool: Tool) -> None:
    """Remove what earlier lock files made; ``semgrep`` alone takes 300 MB."""
    for path in tool.root.glob(f"{tool.name}-{'[0-9a-f]' * 12}"):
        if path != tool.home:
            shutil.rmtree(path, ignore_errors=True)


def _write_noop(program: Path) -> None:
    """The scanner that tests and benchmarks use. Without site-packages it starts in a third of the time."""
    interpreter = Path(sys.executable).resolve()
    text = f"#!{interpreter} -IS\n{inspect.getsource(noop)}"
    if program.is_file() and program.read_text(encoding="utf-8") == text:
        return
    draft = program.with_name(f".{program.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o755)
    draft.replace(program)
