"""Get a job's target ready: pin its address, or bring its source tree here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from secapi_core.argv import target_fields
from secapi_core.crds.scanrequest import TargetType
from secapi_core.ledger.types import ClaimedJob
from secapi_core.objects import ArtifactStore
from secapi_core.targets import CanonicalTarget, canonical
from secapi_workers.runner.sandbox import Sandbox
from secapi_workers.runner.workspace import RunDirectory
from secapi_workers.sources.addresses import pinned_address
from secapi_workers.sources.artifact import Unpacking
from secapi_workers.sources.repository import Checkout


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a scanner can be pointed at: the values of ``{target.FIELD}``, and ``{source}`` where there is a tree."""

    fields: Mapping[str, str]
    source: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Prepares targets; one per worker process."""

    store: ArtifactStore
    sandbox: Sandbox
    max_bytes: int
    seconds: float
    path_variable: str

    async def prepare(self, job: ClaimedJob, directory: RunDirectory) -> Prepared:
        """Check and fetch what ``job`` is about. Raises SecapiError with a reason of the target or its source."""
        target = canonical(job.target)
        if target.type is TargetType.ARTIFACT:
            return Prepared(fields=target_fields(job.target), source=await self._unpacked(job, directory))
        address = await pinned_address(target, job.scope)
        fields = target_fields(job.target, pinned_address=address)
        if target.type is TargetType.REPOSITORY:
            return Prepared(fields=fields, source=await self._checked_out(target, address, directory))
        return Prepared(fields=fields)

    async def _checked_out(self, target: CanonicalTarget, address: str, directory: RunDirectory) -> Path:
        checkout = Checkout(
            sandbox=self.sandbox,
            directory=directory,
            address=address,
            max_bytes=self.max_bytes,
            seconds=self.seconds,
            path_variable=self.path_variable,
        )
        return await checkout.fetch(target)

    async def _unpacked(self, job: ClaimedJob, directory: RunDirectory) -> Path:
        assert job.target.artifact is not None  # noqa: S101 - the caller has looked at the target's type
        unpacking = Unpacking(
            store=self.store,
            sandbox=self.sandbox,
            directory=directory,
            max_bytes=self.max_bytes,
            seconds=self.seconds,
        )
        return await unpacking.fetch(job.namespace, job.target.artifact.digest)
