"""Decisions about the catalogue."""

from secapi_api.kube.catalogue import Catalogue
from secapi_core.crds.scanner import ScannerSpec
from secapi_core.paging import Page, decode_cursor, encode_cursor
from secapi_core.parameters import check_parameters_schema
from secapi_core.templates import check_template


def check_scanner(spec: ScannerSpec) -> None:
    """Raise Rejected for what types and resource types cannot see, and what every scan with it would fail for."""
    check_parameters_schema(spec.parameters_schema)
    check_template(spec)


def catalogue_page(catalogue: Catalogue, cursor: str | None, limit: int) -> Page[tuple[str, ScannerSpec]]:
    """At most ``limit`` scanners by name, after the one that ``cursor`` names; raises InvalidCursor."""
    (after,) = ("",) if cursor is None else decode_cursor(cursor, 1)
    following = sorted(name for name in catalogue.scanners if name > after)
    names = following[:limit]
    items = [(name, catalogue.scanners[name]) for name in names]
    return Page(items, encode_cursor(names[-1]) if len(following) > limit else None)
