"""A release on the cluster that KUBECONFIG names, one for each module of tests, and the figures they measure."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from burst import scanner
from release import Release
from release_namespace import NAMESPACE, namespace
from rendering import Object, manifest
from secapi_dev import paths
from secapi_dev.charttools.programs import HELM
from secapi_dev.charttools.programs import find_or_build as find_or_build_charttool
from secapi_dev.charttools.templating import Helm
from secapi_dev.controlplane.build import find_or_build
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.progress import Progress

HERE = Path(__file__).parent
GIVEN = [Path(values) for values in os.environ.get("SECAPI_E2E_VALUES", "").split()]
_POLICY: Object = {
    "apiVersion": "secapi.dev/v1alpha1",
    "kind": "ScanPolicy",
    "metadata": {"name": "everything", "namespace": NAMESPACE},
    "spec": {"allowedTargets": {"cidrs": ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]}},
}


MEASURED: dict[str, float] = {}


@pytest.fixture(scope="session")
def figures() -> dict[str, float]:
    """What the tests measure, by name and unit; printed at the end and written to build/e2e.json."""
    return MEASURED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures."""
    if not MEASURED:
        return
    target = paths.CHECKOUT / "build" / "e2e.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(MEASURED, indent=2) + "\n")
    terminalreporter.section("figures")
    for name, value in MEASURED.items():
        terminalreporter.write_line(f"{name:<50} {value:8.2f}")


@pytest.fixture(scope="session")
async def cluster() -> Release:
    """The release, not installed yet, on a cluster that has none: its resource types would be taken over."""
    kubeconfig = os.environ.get("KUBECONFIG")
    assert kubeconfig, "name a cluster by KUBECONFIG"
    binaries, helm = await find_or_build(Progress()), await find_or_build_charttool(HELM, Progress())
    kubectl = Kubectl(binaries.kubectl, Path(kubeconfig))
    found = await kubectl("get", "crds", "--output=name")
    assert "secapi.dev" not in found, "this cluster has SecAPI's resource types already; use one without"
    return Release(kubectl, Helm(helm, Path(kubeconfig)), NAMESPACE, (HERE / "values.yaml", *GIVEN))


@pytest.fixture(scope="module")
async def release(cluster: Release) -> AsyncIterator[Release]:
    """An installed release with a policy and scanners for tests; uninstalled afterwards."""
    async with namespace(cluster):
        try:
            await cluster.install()
            await cluster.kubectl(
                "apply", "-f", "-", stdin=manifest(_POLICY, *(scanner(pool) for pool in ("warm", "burst")))
            )
            yield cluster
        finally:
            await cluster.uninstall()


@pytest.fixture(scope="module")
async def api_key(release: Release) -> str:
    return await release.make_api_key()
