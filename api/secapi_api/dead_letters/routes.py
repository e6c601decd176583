"""``/v1/dead-letters``."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from secapi_api.audit.trail import AuditTrail
from secapi_api.auth.callers import Role
from secapi_api.dead_letters import service
from secapi_api.dead_letters.parameters import DeadLetterQuery
from secapi_api.dead_letters.schemas import DeadLetter
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.problems import documented
from secapi_api.scans import service as scans
from secapi_api.scans.schemas import SubmittedScan
from secapi_api.schemas import Page
from secapi_core.ledger.queries.dead_letters import list_dead_letters as list_in_ledger
from secapi_core.ledger.transitions.dead_letters import mark_replayed
from secapi_core.ledger.transitions.dead_letters import purge_dead_letter as purge_in_ledger

router = APIRouter(prefix="/v1/dead-letters", tags=["dead-letters"], responses=documented(401, 403, 422, 503))

DeadLetterId = Annotated[UUID, Path(alias="deadLetterId")]
Wanted = Annotated[DeadLetterQuery, Query()]


@router.get("")
async def list_dead_letters(caller: AuthenticatedCaller, resources: AppResources, wanted: Wanted) -> Page[DeadLetter]:
    """Jobs that used up their attempts, in one namespace or in all that the caller may see, newest first."""
    visible = caller.visible(wanted.namespace)
    async with resources.ledger.reading(caller) as session:
        page = await list_in_ledger(session, wanted.filter(visible), wanted.cursor, wanted.limit)
    return Page(items=[DeadLetter.of(letter) for letter in page.items], next_cursor=page.next_cursor)


@router.get("/{deadLetterId}", responses=documented(404))
async def get_dead_letter(letter_id: DeadLetterId, caller: AuthenticatedCaller, resources: AppResources) -> DeadLetter:
    """One dead letter."""
    async with resources.ledger.reading(caller) as session:
        return DeadLetter.of(await service.visible_letter(session, letter_id, caller))


@router.post("/{deadLetterId}/replay", status_code=202, responses=documented(404, 409, 429))
async def replay_dead_letter(
    letter_id: DeadLetterId, caller: AuthenticatedCaller, resources: AppResources, trail: AuditTrail, response: Response
) -> SubmittedScan:
    """Run the job again as a scan of its own: the same scanner, target and parameters, under today's rules.

    The scan that the job was part of stays failed. Replaying again gives the same scan, until that one is deleted.
    """
    async with resources.ledger.reading(caller) as session:
        letter = await service.visible_letter(session, letter_id, caller, Role.OPERATOR)
        answer = await service.earlier_replay(session, letter)
    if answer is None:
        submission = service.replay_of(letter, caller)
        accepted = await scans.accept(resources, submission)
        # Should the ledger fail now, the scan runs and the letter does not show it, until the caller repeats this.
        async with resources.ledger.transaction(caller) as session:
            answer = await scans.register(session, accepted)
            await mark_replayed(session, letter.id, answer.id)
            await scans.record_submission(trail, session, submission, answer, {"replayOf": letter.id})
    response.headers["Location"] = answer.links.self
    return answer


@router.delete("/{deadLetterId}", status_code=204, responses=documented(404))
async def purge_dead_letter(
    letter_id: DeadLetterId, caller: AuthenticatedCaller, resources: AppResources, trail: AuditTrail
) -> None:
    """Take the letter off the list, replayed or not. Its scan stays as it is."""
    async with resources.ledger.transaction(caller) as session:
        letter = await service.visible_letter(session, letter_id, caller, Role.ADMIN)
        if await purge_in_ledger(session, letter.id):
            await service.record_purge(trail, session, letter)
