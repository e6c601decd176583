"""A git repository as a tree of plain files, fetched from a server nobody trusts.

Only the wanted commit is fetched, into a bare repository beside the tree, so the scanner sees no ``.git``. Nothing of
the repository is ever executed: no hooks, no submodules, no filters (LFS included, as no configuration defines one), no
credentials, no redirects. Symbolic links become small files that hold their target. The tree's size is read from the
commit before anything is checked out, so a repository that unpacks to terabytes costs nothing.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from secapi_core.crds.scanrequest import RepositoryTarget
from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.targets import CanonicalTarget, bracketed
from secapi_workers.runner.sandbox import Limits, Outcome, Program, Sandbox
from secapi_workers.runner.workspace import RunDirectory, tail

MAX_ENTRIES = 200_000
MAX_LINE = 16 * 1024
MIB = 1024 * 1024

_COMMIT = "FETCH_HEAD"

_CONFIGURATION = {
    "protocol.allow": "never",
    "protocol.https.allow": "always",
    "protocol.ssh.allow": "always",
    "protocol.git.allow": "always",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "credential.helper": "",
    "core.hooksPath": "/dev/null",
    "core.symlinks": "false",
    "core.fsmonitor": "false",
    "core.autocrlf": "false",
    "fetch.recurseSubmodules": "false",
    # One pack, whose size the sandbox bounds, never a file for each object.
    "fetch.unpackLimit": "1",
    "gc.auto": "0",
    "maintenance.auto": "false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """Fetches one repository. ``address`` is the one its host was pinned to."""

    sandbox: Sandbox
    directory: RunDirectory
    address: str
    max_bytes: int
    seconds: float
    path_variable: str

    async def fetch(self, target: CanonicalTarget) -> Path:
        """The directory or file to scan.

        Raises JobFailed: InvalidSpec (no such ref or path), RepositoryUnavailable, SourceTooLarge, ToolMissing.
        """
        repository = target.target.repository
        assert repository is not None  # noqa: S101 - whoever dispatches on the target's type guarantees it
        path = repository.path
        await self._git("init", "--quiet", "--bare", "--template=", str(self._git_directory))
        await self._git(
            *("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-commit-graph"),
            *("--", self._pinned_url(target), repository.ref or "HEAD"),
            pins=self._pins(target),
        )
        await self._check_size(repository, path)
        self.directory.source.mkdir()
        await self._git(
            f"--work-tree={self.directory.source}", "checkout", "--quiet", "--force", _COMMIT, "--", path or "."
        )
        shutil.rmtree(self._git_directory)
        return self.directory.source / (path or ".")

    @property
    def _git_directory(self) -> Path:
        return self.directory.path / "git"

    def _pinned_url(self, target: CanonicalTarget) -> str:
        """The URL to fetch from; git's own protocol knows no other way to pin an address than to name it."""
        if target.url.startswith("git://"):
            return target.url.replace(bracketed(target.host), bracketed(self.address), 1)
        return target.url

    def _pins(self, target: CanonicalTarget) -> dict[str, str]:
        """Configuration that makes https and ssh connect to the pinned address, and still verify the host's name."""
        return {
            "http.curloptResolve": f"{target.host}:{target.port}:{self.address}",
            "core.sshCommand": (
                "ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=15 "
                f"-o HostName={self.address} -o HostKeyAlias={target.host}"
            ),
        }

    async def _check_size(self, repository: RepositoryTarget, path: str | None) -> None:
        """Refuse a commit with too much in it, and one without the wanted path."""
        await self._git("ls-tree", "-r", "-l", "--full-tree", _COMMIT, *(("--", path) if path else ()))
        entries = size = 0
        with self.directory.stdout.open("rb") as listing:
            while line := listing.readline(MAX_LINE):
                if len(line) == MAX_LINE:
                    raise _too_large(f"has a path of more than {MAX_LINE} bytes")
                # MODE TYPE OBJECT SIZE\tPATH; a submodule's size is "-".
                entries, size = entries + 1, size + int(line.split(None, 4)[3].replace(b"-", b"0"))
                if entries > MAX_ENTRIES or size > self.max_bytes:
                    raise _too_large(f"holds more than {MAX_ENTRIES} files or {self.max_bytes // MIB} MiB")
        if not entries:
            where = f"no path {path!r}" if path else "no files"
            raise JobFailed(FailureReason.INVALID_SPEC, f"{repository.url} has {where} at {repository.ref or 'HEAD'}")

    async def _git(self, *arguments: str, pins: dict[str, str] | None = None) -> None:
        configuration = _CONFIGURATION | (pins or {})
        program = Program(
            argv=[
                "git",
                "--literal-pathspecs",
                f"--git-dir={self._git_directory}",
                *(part for name, value in configuration.items() for part in ("-c", f"{name}={value}")),
                *arguments,
            ],
            directory=self.directory.home,
            environment={
                "PATH": self.path_variable,
                "HOME": str(self.directory.home),
                "LANG": "C.UTF-8",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_TERMINAL_PROMPT": "0",
            },
            stdout=self.directory.stdout,
            stderr=self.directory.stderr,
            seconds=self.seconds,
            limits=Limits(memory_bytes=1_024 * MIB, tasks=64, file_bytes=self.max_bytes),
        )
        outcome = await self.sandbox.run(program)
        if outcome.code or outcome.stopped:
            raise self._failure(outcome)

    def _failure(self, outcome: Outcome) -> JobFailed:
        complaint = tail(self.directory.stderr, 4096).strip()
        # git has no words for a file that may not grow any more, but it leaves the file.
        if any(file.stat().st_size >= self.max_bytes for file in self.directory.path.rglob("*") if file.is_file()):
            return _too_large(f"is larger than {self.max_bytes // MIB} MiB")
        if outcome.stopped == "timeout":
            complaint = f"not fetched within {self.seconds:.0f} seconds"
        elif outcome.stopped:
            return _too_large(f"cannot be fetched within the limit of {outcome.stopped}")
        missing = "couldn't find remote ref" in complaint or "not our ref" in complaint
        reason = FailureReason.INVALID_SPEC if missing else FailureReason.REPOSITORY_UNAVAILABLE
        return JobFailed(reason, f"git: {complaint.splitlines()[-1] if complaint else outcome.code}")


def _too_large(what: str) -> JobFailed:
    return JobFailed(FailureReason.SOURCE_TOO_LARGE, f"the repository {what}")
