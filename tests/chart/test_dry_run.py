"""A real apiserver accepts every object that the chart renders, without a warning, before anything is installed."""

import json
from collections.abc import Mapping

import pytest

from rendering import RELEASE, VALUES, Rendering, manifest, pod
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.errors import StackError

# "strict": a field that the kind does not have is an error, also in kinds of others.
DRY_RUN = (
    "apply",
    "--server-side",
    "--dry-run=server",
    "--validate=strict",
    "--force-conflicts",
    "-o",
    "json",
    "-f",
    "-",
)


@pytest.mark.parametrize("values", VALUES)
async def test_every_object_is_accepted(values: str, cluster: Kubectl, renderings: Mapping[str, Rendering]) -> None:
    objects = [found for found in renderings[values].objects if not raw_sockets(found["metadata"]["name"])]
    accepted = json.loads(await cluster("--warnings-as-errors", *DRY_RUN, stdin=manifest(*objects)))
    assert len(accepted["items"]) == len(objects)


async def test_every_pod_is_at_the_restricted_level(cluster: Kubectl, renderings: Mapping[str, Rendering]) -> None:
    pods = [
        pod(f"{values}-{made['metadata']['name']}", made["spec"], labels=made["metadata"]["labels"])
        for values, rendering in renderings.items()
        for made in rendering.pods()
        if not raw_sockets(made["metadata"]["name"])
    ]
    accepted = json.loads(await cluster("--warnings-as-errors", *DRY_RUN, stdin=manifest(*pods)))
    assert len(accepted["items"]) == len(pods) > 25


async def test_a_pool_with_raw_sockets_is_not(cluster: Kubectl, everything: Rendering) -> None:
    refused = manifest(everything.pod("worker-raw"))
    with pytest.raises(StackError, match=r'violates PodSecurity "restricted:latest".*NET_RAW'):
        await cluster(*DRY_RUN, stdin=refused)


def test_a_pool_with_raw_sockets_has_no_capability_but_that_one(everything: Rendering) -> None:
    assert everything.container("worker-raw")["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["NET_RAW"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": False,
        "runAsUser": 0,
    }


def test_no_container_writes_to_its_image(renderings: Mapping[str, Rendering]) -> None:
    for rendering in renderings.values():
        for made in rendering.pods():
            for container in [*made["spec"].get("initContainers", []), *made["spec"]["containers"]]:
                assert container["securityContext"]["readOnlyRootFilesystem"] is True
                assert container["resources"]["limits"]["memory"]


def raw_sockets(name: str) -> bool:
    return name == f"{RELEASE}-secapi-worker-raw"
