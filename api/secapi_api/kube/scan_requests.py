"""The ScanRequests that the API makes, changes and deletes. Each write may be sent any number of times."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from secapi_api.errors import Conflict
from secapi_api.kube.client import FIELD_MANAGER, ApiserverRefused, KubernetesClient
from secapi_api.kube.refusals import told
from secapi_core import tracing
from secapi_core.crds.base import API_VERSION, GROUP, VERSION
from secapi_core.crds.scanrequest import SUBMITTED_BY, TRACEPARENT, ScanRequest, ScanRequestSpec

SUBMISSION = f"{GROUP}/submission"
"""Annotation by which an object is recognised as the outcome of one submission, also after a lost answer."""


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A ScanRequest as the apiserver has it: ``id`` is its uid, ``submission`` its annotation."""

    id: UUID
    name: str
    submission: str | None
    found: bool
    """It was there already when this submission asked for it."""

    @classmethod
    def of(cls, resource: dict[str, Any], *, found: bool) -> "StoredRequest":
        """From the object's JSON."""
        metadata = resource["metadata"]
        annotations = metadata.get("annotations") or {}
        return cls(UUID(metadata["uid"]), metadata["name"], annotations.get(SUBMISSION), found)


class NameTaken(Exception):
    """There is a ScanRequest of this name already: ``existing``."""

    def __init__(self, existing: StoredRequest) -> None:
        """Keep what is there."""
        self.existing = existing
        super().__init__(existing.name)


class ScanRequests:
    """ScanRequests of all namespaces, through one client."""

    def __init__(self, client: KubernetesClient) -> None:
        """Share the process's client."""
        self._client = client

    async def create(
        self, namespace: str, name: str, spec: ScanRequestSpec, *, submission: str, submitted_by: str
    ) -> StoredRequest:
        """Create it, or find that an earlier try already has. Raises NameTaken, and ApiError for what cannot be."""
        annotations = {SUBMISSION: submission, SUBMITTED_BY: submitted_by}
        if traceparent := tracing.current():
            annotations[TRACEPARENT] = traceparent
        body = {
            "apiVersion": API_VERSION,
            "kind": ScanRequest.KIND,
            "metadata": {"namespace": namespace, "name": name, "annotations": annotations},
            "spec": spec.to_wire(),
        }
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        try:
            created = await self._client.request(
                "POST", _path(namespace), kind=ScanRequest.KIND, query=query, body=body
            )
        except ApiserverRefused as refused:
            if refused.reason != "AlreadyExists":
                raise told(refused, "scan", made_in=namespace) from refused
        else:
            return StoredRequest.of(created, found=False)
        existing = await self.find(namespace, name)
        if existing is None:
            raise Conflict("a scan of this name was just deleted; try again")
        if existing.submission != submission:
            raise NameTaken(existing)
        return existing

    async def find(self, namespace: str, name: str) -> StoredRequest | None:
        """The ScanRequest of this name."""
        try:
            found = await self._client.request("GET", f"{_path(namespace)}/{name}", kind=ScanRequest.KIND)
        except ApiserverRefused as refused:
            if refused.status == 404:
                return None
            raise told(refused, "scan") from refused
        return StoredRequest.of(found, found=True)

    async def cancel(self, namespace: str, name: str, uid: UUID) -> bool:
        """Set ``spec.cancel``; False if that very object is gone. The uid keeps a namesake from harm."""
        body = {"metadata": {"uid": str(uid)}, "spec": {"cancel": True}}
        return await self._change("PATCH", namespace, name, body, "application/merge-patch+json")

    async def delete(self, namespace: str, name: str, uid: UUID) -> bool:
        """Delete it; False if that very object is gone already."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": str(uid)}}
        return await self._change("DELETE", namespace, name, body, "application/json")

    async def _change(self, method: str, namespace: str, name: str, body: dict[str, Any], content_type: str) -> bool:
        try:
            await self._client.request(
                method, f"{_path(namespace)}/{name}", kind=ScanRequest.KIND, body=body, content_type=content_type
            )
        except ApiserverRefused as refused:
            # A wrong uid is a conflict to DELETE, and to PATCH an attempt to change what cannot change.
            if refused.status in (404, 409) or any(cause.get("field") == "metadata.uid" for cause in refused.causes):
                return False
            raise told(refused, "scan") from refused
        return True


def _path(namespace: str) -> str:
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{ScanRequest.PLURAL}"
