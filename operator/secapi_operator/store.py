"""The objects in memory, by namespace and name.

Two sources feed them, the watch and full lists, and neither is always ahead: an object is replaced only by a newer
``resourceVersion`` (comparable within a kind since Kubernetes 1.35, and in practice always), and a list removes only
what is older than the list itself. Deletions that a watch missed, which Kopf never makes up for, leave this way.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from secapi_core.crds.scanner import ScannerSpec
from secapi_core.crds.scanpolicy import ScanPolicySpec
from secapi_operator.objects import ScanKey, Stage, StoredObject, StoredPolicy, StoredScan, StoredScanner

T = TypeVar("T", bound=StoredObject)


class Cache(Generic[T]):
    """The objects of one kind; ``changed(before, after)`` hears of every change."""

    def __init__(self, changed: Callable[[T | None, T | None], None] = lambda before, after: None) -> None:
        """Start empty, not knowing anything about the cluster."""
        self.complete = False
        """Whether a full list was taken once; until then an absent object may just not be known yet."""

        self._objects: dict[tuple[str, str], T] = {}
        self._changed = changed
        self._deleted_meanwhile: set[str] | None = None

    def __len__(self) -> int:
        """Objects in memory."""
        return len(self._objects)

    def get(self, namespace: str, name: str) -> T | None:
        """The object of this name."""
        return self._objects.get((namespace, name))

    def values(self) -> list[T]:
        """All objects, in a list of their own."""
        return list(self._objects.values())

    def put(self, new: T) -> None:
        """Take ``new`` unless a version at least as new is there."""
        name = (new.namespace, new.name)
        old = self._objects.get(name)
        if old is not None and old.version >= new.version:
            return
        if self._deleted_meanwhile is not None and new.uid in self._deleted_meanwhile:
            return
        if old is not None and old.uid == new.uid:
            new = new.following(old)
        self._objects[name] = new
        self._changed(old, new)

    def remove(self, gone: T) -> None:
        """Drop the object unless its name belongs to another one by now."""
        if self._deleted_meanwhile is not None:
            self._deleted_meanwhile.add(gone.uid)
        name = (gone.namespace, gone.name)
        old = self._objects.get(name)
        if old is not None and old.uid == gone.uid:
            del self._objects[name]
            self._changed(old, None)

    @contextmanager
    def listing(self) -> Iterator[Callable[[Iterable[T], int], None]]:
        """Compare with a full list: call the yielded function with every page's objects and the list's version.

        When the block ends well, objects that were on no page and are not newer than the list are removed. What the
        watch deletes meanwhile stays deleted although a page still shows it.
        """
        listed: set[str] = set()
        list_version = 0
        self._deleted_meanwhile = set()

        def page(items: Iterable[T], version: int) -> None:
            nonlocal list_version
            list_version = version
            for item in items:
                listed.add(item.uid)
                self.put(item)

        try:
            yield page
            for item in self.values():
                if item.uid not in listed and item.version <= list_version:
                    self.remove(item)
            self.complete = True
        finally:
            self._deleted_meanwhile = None


class Store:
    """Everything the operator knows of the cluster; ``wake`` gets the key of each scan to look at."""

    def __init__(self, wake: Callable[[ScanKey], None]) -> None:
        """Start empty."""
        self._wake = wake
        self.scans: Cache[StoredScan] = Cache(self._scan_changed)
        self.scanners: Cache[StoredScanner] = Cache()
        self.policies: Cache[StoredPolicy] = Cache()

    @property
    def complete(self) -> bool:
        """Whether every kind was listed once; planning before that would reject what is only not known yet."""
        return self.scans.complete and self.scanners.complete and self.policies.complete

    def scan(self, key: ScanKey) -> StoredScan | None:
        """The object that ``key`` means, not another one of the same name."""
        stored = self.scans.get(key.namespace, key.name)
        return stored if stored is not None and stored.uid == key.uid else None

    def catalogue(self) -> dict[str, ScannerSpec]:
        """Readable Scanners by name."""
        return {scanner.name: scanner.spec for scanner in self.scanners.values() if scanner.spec is not None}

    def policies_of(self, namespace: str) -> list[ScanPolicySpec]:
        """The namespace's policies."""
        return [policy.spec for policy in self.policies.values() if policy.namespace == namespace]

    def _scan_changed(self, old: StoredScan | None, new: StoredScan | None) -> None:
        if old is not None and (new is None or new.uid != old.uid):
            # What was over when it vanished needs nothing more.
            if old.stage is not Stage.FINAL:
                self._wake(old.key)
            old = None
        if new is not None and (old is None or _worth_a_look(old, new)):
            self._wake(new.key)


def _worth_a_look(old: StoredScan, new: StoredScan) -> bool:
    """Whether a person changed something, or a status was lost; our own status writes come back as events too."""
    return (new.generation, new.cancel, new.deleting) != (old.generation, old.cancel, old.deleting) or (
        new.stage < old.stage
    )
