"""An uploaded source archive as a tree of plain files: downloaded, checked by digest, unpacked in the sandbox."""

import sys
from dataclasses import dataclass
from pathlib import Path

from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.objects import ArtifactStore
from secapi_workers.runner.sandbox import Limits, Outcome, Program, Sandbox
from secapi_workers.runner.workspace import RunDirectory, tail
from secapi_workers.sources import unpack

MAX_ENTRIES = 200_000
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacking:
    """Fetches and unpacks one artifact."""

    store: ArtifactStore
    sandbox: Sandbox
    directory: RunDirectory
    max_bytes: int
    seconds: float

    async def fetch(self, namespace: str, digest: str) -> Path:
        """The directory to scan. Raises JobFailed: ArtifactMissing, ArtifactInvalid or SourceTooLarge."""
        archive = self.directory.path / "archive"
        # Objects are addressed by content below their namespace (secapi_core.objects); no other's can be named.
        await self.store.download(f"{namespace}/{digest.replace(':', '/')}", archive, max_bytes=self.max_bytes)
        outcome = await self.sandbox.run(self._program(archive))
        if outcome.code or outcome.stopped:
            raise self._failure(outcome)
        for leftover in (archive, archive.with_name("archive.tar")):
            leftover.unlink(missing_ok=True)
        return self.directory.source

    def _program(self, archive: Path) -> Program:
        return Program(
            argv=[
                *(sys.executable, "-I", "-S", unpack.__file__),
                *(str(archive), str(self.directory.source), str(self.max_bytes), str(MAX_ENTRIES)),
            ],
            directory=self.directory.home,
            environment={"LANG": "C.UTF-8"},
            stdout=self.directory.stdout,
            stderr=self.directory.stderr,
            seconds=self.seconds,
            # Twice the bytes: a compressed tar is unpacked to disk first.
            limits=Limits(memory_bytes=512 * MIB, tasks=8, file_bytes=2 * self.max_bytes),
        )

    def _failure(self, outcome: Outcome) -> JobFailed:
        sentence = tail(self.directory.stderr, 4096).strip()
        if outcome.stopped or outcome.code == unpack.TOO_LARGE:
            sentence = f"unpacking exceeded the limit of {outcome.stopped}" if outcome.stopped else sentence
            return JobFailed(FailureReason.SOURCE_TOO_LARGE, sentence)
        if outcome.code == unpack.INVALID:
            return JobFailed(FailureReason.ARTIFACT_INVALID, sentence)
        return JobFailed(FailureReason.INTERNAL_ERROR, f"the archive could not be unpacked: {sentence[-500:]}")
