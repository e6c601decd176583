"""A namespace's ScanRequests and ScanPolicies, by kubectl."""

import json
from typing import Any

from api_harness import Api
from secapi_dev.controlplane.kubectl import Kubectl
from waiting import until


async def stored(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    """The ScanRequests there."""
    items: list[dict[str, Any]] = json.loads(await kubectl("get", "scanrequests", "-n", namespace, "-o", "json"))[
        "items"
    ]
    return items


async def impose(api: Api, kubectl: Kubectl, namespace: str, **spec: Any) -> None:
    """Make a ScanPolicy and wait until the API knows it."""
    metadata = {"name": "rules", "namespace": namespace}
    policy = {"apiVersion": "secapi.dev/v1alpha1", "kind": "ScanPolicy", "metadata": metadata, "spec": spec}
    await kubectl("apply", "-f", "-", stdin=json.dumps(policy))

    async def known() -> bool:
        return namespace in (await api.resources.catalogues.current()).policies

    await until(known)
