"""The one shape of all kinds that are kept in Kubernetes; each kind adds its spec."""

from datetime import datetime
from typing import Generic, Self, TypeVar

from pydantic import Field

from secapi_api.kube.custom_resources import StoredResource
from secapi_api.schemas import Namespace, Schema
from secapi_core.crds.base import Model, Name

S = TypeVar("S", bound=Model)


class CustomResource(Schema):
    """An object without its Kubernetes frame."""

    name: str
    created_at: datetime
    generation: int
    """Counts the versions of the spec, from 1."""

    resource_version: str = Field(examples=["48213"])
    """Changes with every change, also of the status; in quotation marks it is the ``ETag`` of this very item."""

    @classmethod
    def of(cls, stored: StoredResource) -> Self:
        """From the apiserver; the spec is shown as it is there."""
        metadata = stored.metadata
        shown = {
            "namespace": metadata.namespace,
            "name": metadata.name,
            "spec": stored.spec,
            "status": stored.manifest.get("status") or {},
            "created_at": metadata.creation_timestamp,
            "generation": metadata.generation,
            "resource_version": stored.version,
        }
        return cls(**{field: shown[field] for field in cls.model_fields})


class NewResource(Schema, Generic[S]):
    """An object to make."""

    name: Name
    spec: S


class NewNamespacedResource(NewResource[S], Generic[S]):
    """An object to make in a namespace."""

    namespace: Namespace


class NewSpec(Schema, Generic[S]):
    """What an object is to want from now on; what is left out gets its default."""

    spec: S
