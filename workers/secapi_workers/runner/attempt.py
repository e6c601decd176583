"""One attempt of one job: prepare the target, run the scanner, judge, then parse and commit in one go."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from secapi_core import tracing
from secapi_core.argv import Paths, build_argv
from secapi_core.errors import JobFailed
from secapi_core.failures import FailureReason
from secapi_core.findings import Finding, Quarantined
from secapi_core.fingerprints import identify
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.finish import finish_job
from secapi_core.ledger.types import ClaimedJob, IngestCounts, RunReport
from secapi_workers import metrics
from secapi_workers.catalogue import RULES
from secapi_workers.parsers.bounds import ParseLimits
from secapi_workers.parsers.placement import Placement, placed
from secapi_workers.parsers.registry import parser_for
from secapi_workers.runner.lease import Lease, Phase
from secapi_workers.runner.retries import persistently
from secapi_workers.runner.sandbox import Limits, Program, Sandbox
from secapi_workers.runner.verdict import judge, log_tail, report_path
from secapi_workers.runner.workspace import RunDirectory, Workspace, open_regular
from secapi_workers.settings import MIB
from secapi_workers.sources.prepare import Prepared, Sources

INSTALL_HINT = "run 'secapi-dev tools', or use an image or a SECAPI_TOOLS_DIR that has it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What attempts need; one set per worker process."""

    database: Database
    sandbox: Sandbox
    workspace: Workspace
    sources: Sources
    path_variable: str
    """PATH of everything that is run."""


@dataclass(slots=True)
class Attempt:
    """Runs the job that ``lease`` holds; what it cost so far can be read at any time, also after it failed."""

    lease: Lease
    equipment: Equipment
    exit_code: int | None = None
    log_tail: str = ""
    stats: dict[str, Any] = field(default_factory=dict)

    @property
    def job(self) -> ClaimedJob:
        """The job."""
        return self.lease.job

    @property
    def report(self) -> RunReport:
        """What the attempt cost so far."""
        return RunReport(self.exit_code, self.log_tail, dict(self.stats))

    async def run(self) -> IngestCounts:
        """Do all of it; returns once the results are committed.

        Raises SecapiError with the typed reason, Superseded if the ledger refused the results, Unavailable if the
        database was away until the lease ended.
        """
        deadline = time.monotonic() + self.job.timeout_seconds
        with self.equipment.workspace.run_directory() as directory:
            prepared = await self._prepare(directory, deadline)
            with tracing.span("scan"):
                await self._scan(directory, prepared, deadline)
            return await self._commit(directory, prepared)

    async def _prepare(self, directory: RunDirectory, deadline: float) -> Prepared:
        with tracing.span("prepare"), self._timed(Phase.PREPARING):
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    return await self.equipment.sources.prepare(self.job, directory)
            except TimeoutError:
                message = f"the target was not prepared within the job's {self.job.timeout_seconds} s"
                raise JobFailed(FailureReason.TIMED_OUT, message) from None

    async def _scan(self, directory: RunDirectory, prepared: Prepared, deadline: float) -> None:
        spec = self.job.spec
        path_variable = self.equipment.path_variable
        if shutil.which(spec.command, path=path_variable) is None:
            message = f"{spec.command} is not installed on this worker (PATH is {path_variable}); {INSTALL_HINT}"
            raise JobFailed(FailureReason.TOOL_MISSING, message)
        with self._timed(Phase.SCANNING):
            outcome = await self.equipment.sandbox.run(self._program(directory, prepared, deadline))
        self.exit_code, self.log_tail = outcome.code, log_tail(directory)
        self.stats |= {
            "scan_cpu_seconds": round(outcome.cpu_seconds, 3),
            "scan_peak_bytes": outcome.peak_memory,
            "processes_killed": outcome.killed,
        }
        metrics.count_scan(self.job, outcome)
        if failure := judge(spec, outcome, directory):
            raise JobFailed(failure.reason, failure.message)

    def _program(self, directory: RunDirectory, prepared: Prepared, deadline: float) -> Program:
        spec, home = self.job.spec, str(directory.home)
        paths = Paths(
            output=str(directory.report),
            workdir=home,
            rules=str(RULES),
            source=str(prepared.source or directory.source),
        )
        return Program(
            argv=build_argv(spec, self.job.parameters, prepared.fields, paths),
            directory=directory.home,
            environment={
                "PATH": self.equipment.path_variable,
                "HOME": home,
                "TMPDIR": home,
                "LANG": "C.UTF-8",
                **spec.environment,
            },
            stdout=directory.stdout,
            stderr=directory.stderr,
            seconds=max(deadline - time.monotonic(), 0.0),
            limits=Limits(
                memory_bytes=spec.limits.memory_mib * MIB,
                tasks=spec.limits.processes,
                file_bytes=spec.limits.output_mib * MIB,
                cpu_seconds=spec.limits.cpu_seconds,
            ),
        )

    async def _commit(self, directory: RunDirectory, prepared: Prepared) -> IngestCounts:
        self.stats["report_bytes"] = report_path(self.job.spec, directory).stat().st_size

        async def commit() -> IngestCounts:
            quarantined: list[Quarantined] = []
            # Read anew for each try: what the last one consumed went away with its transaction.
            with self._parsing(), open_regular(report_path(self.job.spec, directory)) as stream:
                findings = self._findings(cast("BinaryIO", stream), prepared, quarantined)
                identified = identify(self.job.namespace, self.job.target_key, self.job.family, findings)
                async with self.equipment.database.transaction() as session:
                    return await finish_job(session, self.job, identified, quarantined, self.report)

        # No limit on one try: the lease is being kept meanwhile, and its end cancels this.
        with tracing.span("commit"):
            return await persistently(commit, seconds_left=lambda: self.lease.seconds_left)

    def _findings(self, stream: BinaryIO, prepared: Prepared, quarantined: list[Quarantined]) -> Iterator[Finding]:
        """The report's findings, placed where the target is; bad entries go to ``quarantined``."""
        limits = self.job.spec.limits
        parse = parser_for(self.job.spec.output.format)
        bounds = ParseLimits(max_bytes=limits.output_mib * MIB, max_findings=limits.findings)
        placement = Placement(
            source=prepared.source,
            pinned_address=prepared.fields.get("pinnedAddress", ""),
            host=prepared.fields.get("host", ""),
        )
        for item in placed(parse(stream, bounds), placement):
            if isinstance(item, Quarantined):
                quarantined.append(item)
            else:
                yield item
        self.lease.enter(Phase.COMMITTING)

    @contextmanager
    def _parsing(self) -> Iterator[None]:
        """The report is parsed while it is being stored, so the one is a part of the other."""
        self.lease.enter(Phase.PARSING)
        began = self.lease.phase_started
        try:
            yield
        finally:
            parsed = self.lease.phase is Phase.COMMITTING
            tracing.completed("parse", began=began, ended=self.lease.phase_started if parsed else None)

    @contextmanager
    def _timed(self, phase: Phase) -> Iterator[None]:
        self.lease.enter(phase)
        started = time.monotonic()
        try:
            yield
        finally:
            self.stats[f"{phase}_seconds"] = round(time.monotonic() - started, 3)
