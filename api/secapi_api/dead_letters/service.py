"""Decisions about dead letters. Routes open the transactions and call these."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from secapi_api.audit.trail import Trail
from secapi_api.auth.callers import Caller, Role
from secapi_api.errors import NotFound
from secapi_api.scans.schemas import SubmittedScan
from secapi_api.scans.submission import Submission
from secapi_core.crds.scanrequest import ScanRequestSpec
from secapi_core.ledger.queries.dead_letters import DeadLetterDetail, get_dead_letter
from secapi_core.ledger.queries.jobs import list_jobs
from secapi_core.ledger.queries.scans import get_scan
from secapi_core.ledger.states import ScanState


async def visible_letter(
    session: AsyncSession, letter_id: UUID, caller: Caller, role: Role = Role.VIEWER
) -> DeadLetterDetail:
    """The letter, if the caller may know of it and has ``role`` in its namespace."""
    letter = await get_dead_letter(session, letter_id, caller.namespaces)
    if letter is None:
        raise NotFound(f"there is no dead letter {letter_id}")
    caller.require(role, letter.namespace)
    return letter


def replay_of(letter: DeadLetterDetail, caller: Caller) -> Submission:
    """The scan's request narrowed to the job that died. Raises Rejected if that is not valid now."""
    scanner = {"name": letter.scanner, "parameters": letter.parameters}
    narrowed = letter.spec | {"targets": [letter.target], "scanners": [scanner], "cancel": False}
    return Submission.replay(letter.id, letter.namespace, ScanRequestSpec.from_wire(narrowed), caller)


async def earlier_replay(session: AsyncSession, letter: DeadLetterDetail) -> SubmittedScan | None:
    """The scan that the letter was replayed as; ``None`` if it was not, or that scan is deleted.

    ``None`` too while the scan is not planned: then its ScanRequest is there still, and submitting finds it.
    """
    if letter.replay_scan_id is None:
        return None
    scan = await get_scan(session, letter.replay_scan_id, [letter.namespace])
    if scan is None or scan.state is ScanState.PENDING:
        return None
    return SubmittedScan.of(scan, await list_jobs(session, scan.id))


async def record_purge(trail: Trail, session: AsyncSession, letter: DeadLetterDetail) -> None:
    """A letter that is nothing any more."""
    before = {
        "scanId": letter.scan_id,
        "jobId": letter.job_id,
        "scanner": letter.scanner,
        "reason": letter.reason,
        "replayScanId": letter.replay_scan_id,
    }
    await trail.record(session, "deadLetter", letter.id, namespace=letter.namespace, before=before)
