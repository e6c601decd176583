"""``/v1/stats``."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Query, Response

from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.problems import documented
from secapi_api.stats.schemas import Stats, StatsQuery
from secapi_core.ledger.queries.stats import count_days, get_standing

router = APIRouter(prefix="/v1/stats", tags=["stats"], responses=documented(401, 403, 422, 503))

Wanted = Annotated[StatsQuery, Query()]


KEPT_SECONDS = 15.0


@router.get("", responses={200: {"model": Stats}})
async def get_stats(
    caller: AuthenticatedCaller, resources: AppResources, wanted: Wanted, response: Response
) -> Response:
    """Trends of the last days and the state of things, of one namespace or of all that the caller may see.

    Some seconds old at times.
    """
    namespaces = caller.visible(wanted.namespace)

    async def counted() -> bytes:
        async with resources.ledger.reading(caller) as session:
            days = await count_days(session, namespaces, wanted.days)
            standing = await get_standing(session, namespaces, wanted.days)
        return Stats.of(days, standing).model_dump_json(by_alias=True).encode()

    answer = await resources.cache.get("stats", _key(namespaces, wanted.days), counted, seconds=KEPT_SECONDS)
    return Response(answer, headers=dict(response.headers), media_type="application/json")


def _key(namespaces: list[str] | None, days: int) -> str:
    """Of one answer that all who may see the same are given."""
    seen = "*" if namespaces is None else ",".join(sorted(namespaces))
    return f"{days}:{hashlib.sha256(seen.encode()).hexdigest()}"
