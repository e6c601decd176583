"""Parameters of the list of scanners."""

from secapi_api.schemas import Limit, PageQuery
from secapi_core import paging


class CatalogueQuery(PageQuery):
    """Which page of the catalogue."""

    limit: Limit = paging.MAX_LIMIT
    """There are tens of scanners: whoever does not ask for pages gets them on one."""
