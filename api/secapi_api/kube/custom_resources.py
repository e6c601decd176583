"""Objects of one kind: read in pages, written only on top of the version that the caller has seen.

Each write may be sent any number of times. What makes or changes an object leaves a mark of its own on it: when the
answer is lost and the second try finds the work done, the mark tells whose work it was.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from secapi_api.errors import Conflict, FieldError, NotFound
from secapi_api.kube.client import FIELD_MANAGER, ApiserverRefused, KubernetesClient
from secapi_api.kube.refusals import told
from secapi_api.kube.scan_requests import SUBMISSION
from secapi_api.preconditions import changed_meanwhile, require_version
from secapi_core.crds.base import API_VERSION, GROUP, VERSION, Model, ObjectMeta, Resource
from secapi_core.paging import InvalidCursor, Page, decode_cursor, encode_cursor


@dataclass(frozen=True, slots=True)
class StoredResource:
    """An object as the apiserver has it; ``manifest`` is all of it."""

    metadata: ObjectMeta
    manifest: dict[str, Any]

    @classmethod
    def of(cls, manifest: dict[str, Any]) -> "StoredResource":
        """From the object's JSON."""
        return cls(ObjectMeta.model_validate(manifest["metadata"]), manifest)

    @property
    def version(self) -> str:
        """Another one after every change, also of the status."""
        return str(self.metadata.resource_version)

    @property
    def spec(self) -> dict[str, Any]:
        """What is wanted, with the apiserver's defaults."""
        spec: dict[str, Any] = self.manifest["spec"]
        return spec

    @property
    def mark(self) -> str | None:
        """Which write made it what it is, if that was one of ours."""
        annotations: dict[str, str] = self.manifest["metadata"].get("annotations") or {}
        return annotations.get(SUBMISSION)


@dataclass(frozen=True, slots=True)
class Replaced:
    """An object before and after a change."""

    before: StoredResource
    after: StoredResource


class CustomResources:
    """Objects of one kind in all namespaces, or in none for a kind that has no namespaces."""

    def __init__(
        self,
        client: KubernetesClient,
        kind: type[Resource],
        noun: str,
        *,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Share the process's client. ``noun`` is what callers are told of; ``changed`` is called after every write."""
        self._client = client
        self._kind = kind
        self._noun = noun
        self._changed = changed

    async def page(self, namespace: str | None, cursor: str | None, limit: int) -> Page[StoredResource]:
        """At most ``limit`` objects by name, of all namespaces without one; raises InvalidCursor."""
        query = {"limit": str(limit)}
        if cursor is not None:
            query["continue"] = self._continued(cursor, namespace)
        try:
            found = await self._client.request("GET", self._path(namespace), kind=self._kind.KIND, query=query)
        except ApiserverRefused as refused:
            if cursor is not None and refused.status in (400, 410):
                raise InvalidCursor("the cursor is too old, or not one of this list") from refused
            raise told(refused, self._noun) from refused
        following = found["metadata"].get("continue")
        return Page(
            [StoredResource.of(item) for item in found["items"]],
            encode_cursor(self._kind.PLURAL, namespace or "", following) if following else None,
        )

    async def get(self, namespace: str | None, name: str) -> StoredResource:
        """The object of this name; raises NotFound."""
        found = await self._find(namespace, name)
        if found is None:
            raise self._missing(namespace, name)
        return found

    async def create(self, namespace: str | None, name: str, spec: Model) -> StoredResource:
        """Make it, or find that an earlier try has. Raises Conflict if the name is taken, ApiError if it cannot be."""
        mark = secrets.token_hex(16)
        place = {} if namespace is None else {"namespace": namespace}
        manifest = {
            "apiVersion": API_VERSION,
            "kind": self._kind.KIND,
            "metadata": {"name": name, "annotations": {SUBMISSION: mark}, **place},
            "spec": spec.to_wire(),
        }
        try:
            return await self._write("POST", self._path(namespace), manifest)
        except ApiserverRefused as refused:
            if refused.reason != "AlreadyExists":
                raise told(refused, self._noun, made_in=namespace) from refused
            existing = await self._find(namespace, name)
            if existing is None or existing.mark != mark:
                taken = FieldError("/name", f"a {self._noun} of this name exists; choose another or change that one")
                raise Conflict(f"there is a {self._noun} named {name!r} already", errors=[taken]) from refused
            return existing

    async def replace(self, namespace: str | None, name: str, spec: Model, *, expected: str) -> Replaced:
        """Give it another spec. Raises NotFound, or PreconditionFailed unless it still is the version ``expected``."""
        before = await self.get(namespace, name)
        require_version(expected, before.version)
        mark = secrets.token_hex(16)
        metadata = before.manifest["metadata"]
        annotations = (metadata.get("annotations") or {}) | {SUBMISSION: mark}
        manifest = before.manifest | {"metadata": metadata | {"annotations": annotations}, "spec": spec.to_wire()}
        try:
            return Replaced(before, await self._write("PUT", self._path(namespace, name), manifest))
        except ApiserverRefused as refused:
            if refused.status == 404:
                raise self._missing(namespace, name) from refused
            if refused.status != 409:
                raise told(refused, self._noun) from refused
            after = await self.get(namespace, name)
            if after.mark != mark:
                raise changed_meanwhile() from refused
            return Replaced(before, after)

    async def delete(self, namespace: str | None, name: str, *, expected: str) -> StoredResource:
        """Delete it and say what it was. Raises as :meth:`replace` does.

        Whoever deletes the same version at the same time succeeds as well: it is gone, as both wanted.
        """
        before = await self.get(namespace, name)
        require_version(expected, before.version)
        uid = before.metadata.uid
        preconditions = {"uid": uid, "resourceVersion": before.version}
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        try:
            await self._send("DELETE", self._path(namespace, name), options)
        except ApiserverRefused as refused:
            if refused.status not in (404, 409):
                raise told(refused, self._noun) from refused
            remaining = await self._find(namespace, name)
            # A finalizer may keep it a while, as a new version of itself.
            if remaining and remaining.metadata.uid == uid and not remaining.metadata.deletion_timestamp:
                raise changed_meanwhile() from refused
        return before

    async def _find(self, namespace: str | None, name: str) -> StoredResource | None:
        try:
            found = await self._client.request("GET", self._path(namespace, name), kind=self._kind.KIND)
        except ApiserverRefused as refused:
            if refused.status == 404:
                return None
            raise told(refused, self._noun) from refused
        return StoredResource.of(found)

    async def _write(self, method: str, path: str, manifest: dict[str, Any]) -> StoredResource:
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        return StoredResource.of(await self._send(method, path, manifest, query))

    async def _send(
        self, method: str, path: str, body: dict[str, Any], query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        try:
            return await self._client.request(method, path, kind=self._kind.KIND, query=query, body=body)
        finally:
            # Also after an error: the write may have been carried out and its answer lost.
            self._changed()

    def _path(self, namespace: str | None, name: str | None = None) -> str:
        place = "" if namespace is None else f"/namespaces/{namespace}"
        item = "" if name is None else f"/{name}"
        return f"/apis/{GROUP}/{VERSION}{place}/{self._kind.PLURAL}{item}"

    def _continued(self, cursor: str, namespace: str | None) -> str:
        """The apiserver's token inside our cursor, which is good for one list only."""
        plural, place, token = decode_cursor(cursor, 3)
        if (plural, place) != (self._kind.PLURAL, namespace or ""):
            raise InvalidCursor("the cursor is of another list")
        return token

    def _missing(self, namespace: str | None, name: str) -> NotFound:
        place = "" if namespace is None else f" in namespace {namespace!r}"
        return NotFound(f"there is no {self._noun} {name!r}{place}")
