"""Bodies and answers of ``/v1/policies``. Fields are named as in a ScanPolicy."""

from typing import Annotated, Any

from pydantic import ConfigDict

from secapi_api.custom_resources.schemas import CustomResource, NewNamespacedResource, NewSpec
from secapi_api.schemas import JsonOf
from secapi_core.crds.scanpolicy import ScanPolicySpec

EXAMPLE_SPEC: dict[str, Any] = {
    "allowedTargets": {
        "domainSuffixes": ["shop.example"],
        "repositoryPrefixes": ["https://git.example/shop"],
    },
    "maxActiveScans": 20,
    "maxPriority": "normal",
}


class Policy(CustomResource):
    """What the scans of a namespace may do; several policies add up."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "namespace": "team-a",
                    "name": "shop-only",
                    "spec": EXAMPLE_SPEC,
                    "createdAt": "2026-11-26T09:30:00Z",
                    "generation": 1,
                    "resourceVersion": "48213",
                }
            ]
        }
    )

    namespace: str
    spec: Annotated[dict[str, Any], JsonOf(ScanPolicySpec)]
    """What is allowed."""


class CreatePolicy(NewNamespacedResource[ScanPolicySpec]):
    """A policy to impose on a namespace: a ScanPolicy without its Kubernetes frame."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"namespace": "team-a", "name": "shop-only", "spec": EXAMPLE_SPEC}]}
    )


class ReplacePolicy(NewSpec[ScanPolicySpec]):
    """What is allowed from now on; what is left out gets its default."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"spec": EXAMPLE_SPEC | {"maxActiveScans": 5}}]})
