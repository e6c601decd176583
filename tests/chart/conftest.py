"""Helm, and the chart rendered with each set of values once per test run."""

import asyncio
from collections.abc import Mapping

import pytest

from rendering import DATA, NAMESPACE, VALUES, Object, Rendering, manifest, render
from secapi_dev.charttools.programs import HELM, find_or_build
from secapi_dev.charttools.templating import Helm
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.progress import Progress

RESTRICTED: Object = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {
        "name": NAMESPACE,
        "labels": {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")},
    },
}

# What pods name must be there: these are not made by the chart.
ACCOUNTS: list[Object] = [
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}}
    for name in ("default", "scanner-operator")
]
CLASSES: list[Object] = [
    {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": 1000,
        "description": "Named by the chart's tests.",
    }
    for name in ("scanning", "serving")
]


@pytest.fixture(scope="session")
async def helm() -> Helm:
    return Helm(await find_or_build(HELM, Progress()))


@pytest.fixture(scope="session")
async def renderings(helm: Helm) -> Mapping[str, Rendering]:
    """What each set of values is rendered to, by the set's name."""
    rendered = await asyncio.gather(*(render(helm, path) for path in VALUES.values()))
    return dict(zip(VALUES, rendered, strict=True))


@pytest.fixture
def external(renderings: Mapping[str, Rendering]) -> Rendering:
    return renderings["external"]


@pytest.fixture
def embedded(renderings: Mapping[str, Rendering]) -> Rendering:
    return renderings["embedded"]


@pytest.fixture
def everything(renderings: Mapping[str, Rendering]) -> Rendering:
    return renderings["everything"]


@pytest.fixture
def production(renderings: Mapping[str, Rendering]) -> Rendering:
    return renderings["production"]


@pytest.fixture
def hpa(renderings: Mapping[str, Rendering]) -> Rendering:
    return renderings["hpa"]


@pytest.fixture(scope="session")
async def cluster(kubectl: Kubectl, renderings: Mapping[str, Rendering]) -> Kubectl:
    """kubectl for a cluster that could take any release: its namespace, and the kinds and classes of others."""
    await kubectl.apply(DATA / "crds")
    await kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", DATA / "crds")
    accounts = [found for rendering in renderings.values() for found in rendering.kind("ServiceAccount")]
    await kubectl("apply", "--server-side", "-f", "-", stdin=manifest(RESTRICTED, *CLASSES, *ACCOUNTS, *accounts))
    return kubectl
