"""``/v1/stats``."""

from typing import Annotated

from fastapi import APIRouter, Query

from secapi_api.auth.callers import Role
from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.problems import documented
from secapi_api.stats.schemas import Stats, StatsQuery
from secapi_core.ledger.queries.stats import count_days, get_standing

router = APIRouter(prefix="/v1/stats", tags=["stats"], responses=documented(401, 403, 422, 503))

Wanted = Annotated[StatsQuery, Query()]


@router.get("")
async def get_stats(caller: AuthenticatedCaller, resources: AppResources, wanted: Wanted) -> Stats:
    """Trends of the last days and the state of things, of one namespace or of all that the caller may see."""
    if wanted.namespace is not None:
        caller.require(Role.VIEWER, wanted.namespace)
    namespaces = caller.namespaces if wanted.namespace is None else [wanted.namespace]
    async with resources.ledger.reading() as session:
        days = await count_days(session, namespaces, wanted.days)
        standing = await get_standing(session, namespaces, wanted.days)
    return Stats.of(days, standing)
