"""Full lists of every kind: they fill the store before anything is reconciled and later correct what a watch missed."""

from secapi_core.crds.base import Resource
from secapi_core.crds.scanner import Scanner
from secapi_core.crds.scanpolicy import ScanPolicy
from secapi_core.crds.scanrequest import ScanRequest
from secapi_operator import metrics
from secapi_operator.kube import Kube
from secapi_operator.objects import StoredObject, StoredPolicy, StoredScan, StoredScanner
from secapi_operator.resources import list_pages
from secapi_operator.store import Cache, Store, T

KINDS: dict[type[Resource], type[StoredObject]] = {
    Scanner: StoredScanner,
    ScanPolicy: StoredPolicy,
    ScanRequest: StoredScan,
}
"""What is watched and listed, and how it is kept."""


async def relist(kube: Kube, store: Store) -> None:
    """Compare the store with the cluster; scans come last, when everything their plans need is known."""
    await _relist(kube, Scanner, store.scanners, StoredScanner)
    for name, scanner in store.catalogue().items():
        metrics.expect_lost_attempts(scanner.pool, name)
    await _relist(kube, ScanPolicy, store.policies, StoredPolicy)
    await _relist(kube, ScanRequest, store.scans, StoredScan)


async def _relist(kube: Kube, kind: type[Resource], cache: Cache[T], stored: type[T]) -> None:
    with cache.listing() as page:
        async for items, version in list_pages(kube, kind):
            page([stored.parse(item) for item in items], int(version))
    metrics.OBJECTS.labels(kind.KIND).set(len(cache))


def deliver(store: Store, item: StoredObject, gone: bool) -> None:
    """Bring an event of the watch into the store."""
    match item:
        case StoredScan():
            _apply(store.scans, item, gone)
        case StoredScanner():
            _apply(store.scanners, item, gone)
        case StoredPolicy():
            _apply(store.policies, item, gone)


def _apply(cache: Cache[T], item: T, gone: bool) -> None:
    if gone:
        cache.remove(item)
    else:
        cache.put(item)
