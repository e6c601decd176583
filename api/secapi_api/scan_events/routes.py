"""``/v1/scans/{scanId}/events``."""

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import StreamingResponse

from secapi_api.dependencies import AppResources, AuthenticatedCaller, Identify
from secapi_api.problems import documented
from secapi_api.scan_events.position import Position
from secapi_api.scan_events.response import EventStream
from secapi_api.scan_events.rights import StandingRights
from secapi_api.scan_events.schemas import documented_events
from secapi_api.scan_events.stream import ScanStream
from secapi_api.scans import service
from secapi_api.scans.routes import ScanId

router = APIRouter(prefix="/v1/scans", tags=["scans"], responses=documented(401, 403, 422, 503))

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="`id` of the last event that was received, to go on from there; what is none begins anew.",
    ),
]

EVENTS = documented_events(scan="ScanSummary", job="ScanJob", end="ScanEnd")


@router.get("/{scanId}/events", response_class=StreamingResponse, responses=EVENTS | documented(404, 429))
async def follow_scan(
    scan_id: ScanId,
    caller: AuthenticatedCaller,
    identify: Identify,
    resources: AppResources,
    last_event_id: LastEventId = None,
) -> EventStream:
    """Follow a scan: Server-Sent Events with the state of the scan and of its jobs, now and whenever it changes.

    States that pass quickly may be left out; the last one never is. After the scan has ended comes `end`, and the
    stream is closed: close it on your side too, or the browser connects again. A stream that ends without it goes on
    with `Last-Event-ID`.
    """
    tuning = resources.settings.tuning
    async with resources.ledger.reading(caller) as session:
        scan = await service.visible_scan(session, scan_id, caller)
    stream = ScanStream(
        feed=resources.scan_feed,
        scan_id=scan.id,
        seen=Position.after(last_event_id, scan.id),
        rights=StandingRights(identify, scan.namespace, age=tuning.event_rights_age),
        heartbeat=tuning.event_heartbeat,
        duration=tuning.event_duration,
    )
    return EventStream(stream.events(), resources.stream_places.taken(caller.id), stall=tuning.event_stall)
