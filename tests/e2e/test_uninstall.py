"""Uninstalling leaves nothing but what it was asked to leave."""

import pytest

from release import Release
from release_namespace import namespace
from waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

RESOURCE_TYPES = {
    f"customresourcedefinition.apiextensions.k8s.io/{name}.secapi.dev"
    for name in ("scanners", "scanpolicies", "scanrequests", "scanschedules")
}
EVERYWHERE = "clusterroles,clusterrolebindings,crds"


async def _left(cluster: Release) -> set[str]:
    """What Kubernetes has in the namespace and, by SecAPI's name, outside namespaces."""
    kinds = (await cluster.kubectl("api-resources", "--verbs=list", "--namespaced", "--output=name")).split()
    listable = ",".join(kind for kind in kinds if "event" not in kind and not kind.endswith("metrics.k8s.io"))
    inside = await cluster.kubectl("get", listable, "--namespace", cluster.namespace, "--output=name")
    outside = await cluster.kubectl("get", EVERYWHERE, "--output=name")
    return {*inside.split(), *(name for name in outside.split() if "secapi" in name)}


@pytest.mark.parametrize("keep", [False, True])
async def test_uninstalling_leaves_what_was_there_before(cluster: Release, keep: bool) -> None:
    async with namespace(cluster):
        before = await _left(cluster)
        await cluster.install({"crds.keep": keep})
        assert len(await _left(cluster)) > len(before) + 20

        await cluster.uninstall()

        kept = RESOURCE_TYPES if keep else set()

        async def as_before() -> bool:
            return await _left(cluster) == before | kept

        try:
            await until(as_before, within=60, every=1)
        finally:
            if keep:
                await cluster.kubectl("delete", *RESOURCE_TYPES)
