"""Reads and writes of our own kinds. Status and deletion carry preconditions, so no write hits the wrong object."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from secapi_core.crds.base import API_VERSION, Resource
from secapi_core.crds.scanrequest import ScanRequest
from secapi_operator.kube import FIELD_MANAGER, Kube
from secapi_operator.objects import ScanKey

_PAGE = "500"


class Page(NamedTuple):
    """A part of a list; ``resource_version`` is the whole list's, the same on every page."""

    items: list[dict[str, Any]]
    resource_version: str


async def list_pages(kube: Kube, kind: type[Resource]) -> AsyncIterator[Page]:
    """All objects of ``kind`` in all namespaces as they are now, page by page. Raises ``Gone`` if it takes too long.

    Asks for the current state, not for a cached one (``resourceVersion=0``): who compares must not see an older
    state than the watch has already delivered.
    """
    query = {"limit": _PAGE}
    while True:
        answer = await kube.request("GET", f"/apis/{API_VERSION}/{kind.PLURAL}", kind=kind.KIND, query=query)
        metadata = answer["metadata"]
        yield Page(answer["items"], metadata["resourceVersion"])
        if not metadata.get("continue"):
            return
        query["continue"] = metadata["continue"]


async def read_scan(kube: Kube, key: ScanKey) -> dict[str, Any]:
    """The ScanRequest of this name as it is now; its uid may differ from the key's. Raises ``NotFound``."""
    return await kube.request("GET", _path(key), kind=ScanRequest.KIND)


async def write_status(kube: Kube, key: ScanKey, resource_version: str, status: dict[str, Any]) -> dict[str, Any]:
    """Set the fields of ``status``; returns the new object. Raises ``Conflict`` if it has changed since."""
    return await kube.request(
        "PUT",
        f"{_path(key)}/status",
        kind=ScanRequest.KIND,
        query={"fieldManager": FIELD_MANAGER},
        body={
            "apiVersion": API_VERSION,
            "kind": ScanRequest.KIND,
            "metadata": {"name": key.name, "resourceVersion": resource_version},
            "status": status,
        },
    )


async def delete_scan(kube: Kube, key: ScanKey, resource_version: str) -> None:
    """Delete exactly this object in exactly this version. Raises ``Conflict`` or ``NotFound``."""
    await kube.request(
        "DELETE",
        _path(key),
        kind=ScanRequest.KIND,
        body={
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": key.uid, "resourceVersion": resource_version},
        },
    )


def _path(key: ScanKey) -> str:
    return f"/apis/{API_VERSION}/namespaces/{key.namespace}/{ScanRequest.PLURAL}/{key.name}"
