"""Decisions about scans. Routes open the transactions and call these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from secapi_api.audit.trail import Trail
from secapi_api.auth.callers import Caller, Role
from secapi_api.errors import LedgerUnavailable, NotFound, QuotaExceeded
from secapi_api.kube.scan_requests import NameTaken, StoredRequest
from secapi_api.ledger import Within
from secapi_api.resources import Resources
from secapi_api.scans.schemas import CreateScan, SubmittedJob, SubmittedScan, phase
from secapi_api.scans.submission import Submission
from secapi_core.crds.scanpolicy import ScanPolicySpec
from secapi_core.crds.scanrequest import ScanRequestSpec
from secapi_core.errors import Rejected
from secapi_core.failures import Failure, FailureReason
from secapi_core.ledger.queries.active import count_active
from secapi_core.ledger.queries.artifacts import get_artifact
from secapi_core.ledger.queries.idempotency import find_outcome
from secapi_core.ledger.queries.jobs import list_jobs
from secapi_core.ledger.queries.scans import ScanDetail, get_scan, get_states
from secapi_core.ledger.states import ScanState
from secapi_core.ledger.transitions.idempotency import keep_outcome
from secapi_core.ledger.transitions.register import register_scan
from secapi_core.ledger.types import NewScan
from secapi_core.planning import Plan, PlatformLimits, check_quota, job_id


@dataclass(frozen=True, slots=True)
class Accepted:
    """A submission and its ScanRequest. ``plan`` is None if it was accepted before and could not be planned now."""

    submission: Submission
    request: StoredRequest
    plan: Plan | None

    @property
    def new_scan(self) -> NewScan:
        """What is entered in the ledger."""
        wanted = self.submission
        return NewScan(self.request.id, wanted.namespace, wanted.name, wanted.spec, wanted.submitted_by)

    def answer(self, state: ScanState = ScanState.PENDING, jobs: Sequence[SubmittedJob] = ()) -> SubmittedScan:
        """``jobs`` as the ledger has them; until it does, those that the operator will find, planning as we did."""
        return SubmittedScan(
            id=self.request.id,
            namespace=self.submission.namespace,
            name=self.submission.name,
            phase=phase(state),
            jobs=list(jobs) or self._planned_jobs(),
        )

    def _planned_jobs(self) -> list[SubmittedJob]:
        jobs = [] if self.plan is None else self.plan.jobs
        return [
            SubmittedJob.of(job_id(self.request.id, job.scanner, job.target_key), job.scanner, job.target.to_wire())
            for job in jobs
        ]


async def register(session: AsyncSession, accepted: Accepted) -> SubmittedScan:
    """Enter the scan in the ledger, so that it can be read at once, and answer what is known of it there."""
    await register_scan(session, accepted.new_scan)
    submission = accepted.submission
    if submission.key is not None:
        await keep_outcome(session, key=submission.key, mark=submission.mark, scan_id=accepted.request.id)
    if not accepted.request.found:
        return accepted.answer()
    states = await get_states(session, [accepted.request.id])
    jobs = await list_jobs(session, accepted.request.id)
    return accepted.answer(
        states[accepted.request.id].state, [SubmittedJob.of(job.id, job.scanner, job.target) for job in jobs]
    )


async def accept(resources: Resources, submission: Submission) -> Accepted:
    """Plan, then create the ScanRequest. Raises what the caller must hear about; repeating it changes nothing."""
    kept = await _kept(resources, submission)
    try:
        plan = await _checked_plan(resources, submission.namespace, submission.spec)
    except (Rejected, QuotaExceeded):
        # Rules and quotas may have changed since this very submission was accepted; its answer must not.
        earlier = kept or await _earlier(resources, submission)
        if earlier is None:
            raise
        return Accepted(submission, earlier, None)
    if kept is not None:
        return Accepted(submission, kept, plan)
    try:
        request = await resources.scan_requests.create(
            submission.namespace,
            submission.name,
            submission.spec,
            submission=submission.mark,
            submitted_by=submission.submitted_by,
        )
    except NameTaken as taken:
        raise submission.refusal(taken.existing) from taken
    return Accepted(submission, request, plan)


async def _checked_plan(resources: Resources, namespace: str, spec: ScanRequestSpec) -> Plan:
    """The plan, after every check that spares the caller a scan which fails at once."""
    settings = resources.settings
    limits = PlatformLimits(denied_cidrs=settings.denied_cidrs, max_jobs_per_scan=settings.max_jobs_per_scan)
    plan = await resources.catalogues.plan(namespace, spec, limits)
    policies = (await resources.catalogues.current()).policies.get(namespace, ())
    has_quota = any(policy.max_active_scans is not None for policy in policies)
    if has_quota or any(target.artifact for target in spec.targets):
        async with resources.ledger.reading(Within(namespace)) as session:
            await _check_artifacts(session, namespace, spec)
            if has_quota:
                await _check_quota(session, namespace, policies)
    return plan


async def _check_artifacts(session: AsyncSession, namespace: str, spec: ScanRequestSpec) -> None:
    for index, target in enumerate(spec.targets):
        if target.artifact and not await get_artifact(session, namespace, target.artifact.digest):
            raise Rejected(
                FailureReason.ARTIFACT_MISSING,
                f"/targets/{index}/artifact/digest",
                "there is no such artifact in this namespace; upload it first",
            )


async def _check_quota(session: AsyncSession, namespace: str, policies: Sequence[ScanPolicySpec]) -> None:
    try:
        check_quota(await count_active(session, namespace), policies)
    except Rejected as rejected:
        raise QuotaExceeded(rejected.failure.message, headers={"Retry-After": "30"}) from rejected


async def _kept(resources: Resources, submission: Submission) -> StoredRequest | None:
    """The outcome of the same submission sent before, as the ledger keeps it though the ScanRequest may be gone.

    Without the ledger, the ScanRequest tells as long as there is one.
    """
    if submission.key is None:
        return None
    try:
        async with resources.ledger.reading(Within(submission.namespace)) as session:
            outcome = await find_outcome(session, submission.key)
    except LedgerUnavailable:
        return None
    if outcome is None:
        return None
    kept = StoredRequest(outcome.scan_id, submission.name, outcome.mark, found=True)
    if outcome.mark != submission.mark:
        raise submission.refusal(kept)
    return kept


async def _earlier(resources: Resources, submission: Submission) -> StoredRequest | None:
    """The outcome of the same submission sent before, which only an Idempotency-Key makes possible."""
    if submission.key is None:
        return None
    found = await resources.scan_requests.find(submission.namespace, submission.name)
    return found if found is not None and found.submission == submission.mark else None


async def visible_scan(session: AsyncSession, scan_id: UUID, caller: Caller, role: Role = Role.VIEWER) -> ScanDetail:
    """The scan, if the caller may know of it and has ``role`` in its namespace."""
    scan = await get_scan(session, scan_id, caller.namespaces)
    if scan is None:
        raise NotFound(f"there is no scan {scan_id}")
    caller.require(role, scan.namespace)
    return scan


def artifact_digests(scan: ScanDetail) -> list[str]:
    """The artifacts that the scan's targets name."""
    return [target["artifact"]["digest"] for target in scan.spec["targets"] if "artifact" in target]


def repeated(scan: ScanDetail) -> CreateScan:
    """What asks for the same as ``scan`` did, but for a cancellation. Raises Rejected if that is not valid now."""
    return CreateScan(namespace=scan.namespace, spec=ScanRequestSpec.from_wire(scan.spec | {"cancel": False}))


def cancelled_by(caller: Caller) -> Failure:
    """Why a scan ends that somebody cancels."""
    return Failure(FailureReason.CANCELLED, f"cancelled by {caller.name} ({caller.id})")


def deleted_by(caller: Caller) -> Failure:
    """Why a scan ends that somebody deletes while it runs."""
    return Failure(FailureReason.REQUEST_DELETED, f"deleted by {caller.name} ({caller.id})")


async def record_submission(
    trail: Trail,
    session: AsyncSession,
    submission: Submission,
    answer: SubmittedScan,
    origin: Mapping[str, UUID] | None = None,
) -> None:
    """A scan that was submitted, and what it comes from; once, however often the submission is repeated."""
    after = {"name": answer.name, "spec": submission.spec.to_wire(), **(origin or {})}
    await trail.record(session, "scan", answer.id, namespace=answer.namespace, after=after, once=True)


async def record_end(trail: Trail, session: AsyncSession, before: ScanDetail, after: ScanDetail | None) -> None:
    """A scan that was cancelled, or deleted and so is nothing any more."""
    await trail.record(
        session,
        "scan",
        before.id,
        namespace=before.namespace,
        before={"name": before.name, "phase": phase(before.state)},
        after=None if after is None else {"name": after.name, "phase": phase(after.state)},
    )
