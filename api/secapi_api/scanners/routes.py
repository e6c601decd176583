"""``/v1/scanners``: what can be asked for. The catalogue is the same for every tenant."""

from fastapi import APIRouter

from secapi_api.dependencies import AppResources, AuthenticatedCaller
from secapi_api.problems import documented
from secapi_api.scanners.schemas import ScannerSummary
from secapi_api.schemas import Page

router = APIRouter(prefix="/v1/scanners", tags=["scanners"], responses=documented(401, 403, 503))


@router.get("")
async def list_scanners(_: AuthenticatedCaller, resources: AppResources) -> Page[ScannerSummary]:
    """Every scanner of the catalogue by name, on one page: there are tens of them."""
    catalogue = await resources.catalogues.current()
    items = [ScannerSummary.of(name, spec) for name, spec in sorted(catalogue.scanners.items())]
    return Page(items=items, next_cursor=None)
