"""A laboratory: real servers, an apiserver that can fail on request, operators as processes, and the test as worker."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fault_proxy import FaultProxy, apiserver_proxy, kubeconfig_through
from lab import QUICK, Lab, laboratory
from operator_process import OperatorProcess
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.controlplane.servers import ControlPlane
from secapi_dev.servers.postgres import PostgresServer
from secapi_dev.servers.valkey import ValkeyServer
from secapi_operator.kube import Kube
from secapi_operator.settings import Tuning


@pytest.fixture
async def proxy(control_plane: ControlPlane) -> AsyncIterator[FaultProxy]:
    """The apiserver, with faults on request."""
    async with apiserver_proxy(control_plane) as proxy:
        yield proxy


@pytest.fixture
def tuning() -> Tuning:
    """Short intervals."""
    return Tuning(**QUICK)


@pytest.fixture
async def kube(
    proxy: FaultProxy, operator_kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Kube]:
    """A client with the operator's rights, through the proxy; Kopf finds the same way by the environment."""
    kubeconfig = kubeconfig_through(proxy, operator_kubeconfig, tmp_path / "operator.kubeconfig")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    async with await Kube.connect(Tuning(kubernetes_timeout=2.0)) as kube:
        yield kube


@pytest.fixture(scope="session")
async def scanner(kubectl: Kubectl) -> str:
    """Name of a Scanner that takes URLs; the test runs its jobs by hand."""
    manifest = """
    apiVersion: secapi.dev/v1alpha1
    kind: Scanner
    metadata: {name: by-hand}
    spec:
      title: A scanner that tests play
      targetTypes: [url]
      pool: network
      command: by-hand
      output: {format: sarif, source: stdout}
      parametersSchema: {type: object, additionalProperties: false, properties: {depth: {type: integer}}}
    """
    await kubectl("apply", "-f", "-", stdin=manifest)
    return "by-hand"


@pytest.fixture
async def lab(
    control_plane: ControlPlane,
    kubectl: Kubectl,
    operator_kubeconfig: Path,
    postgres_server: PostgresServer,
    valkey_server: ValkeyServer,
    scanner: str,
    tmp_path: Path,
) -> AsyncIterator[Lab]:
    """Everything around operators: no ScanRequest in the cluster and no operator running, afterwards none either."""
    async with laboratory(
        control_plane, kubectl, operator_kubeconfig, postgres_server, valkey_server, scanner, tmp_path
    ) as lab:
        yield lab


@pytest.fixture(scope="module")
async def shared_lab(
    control_plane: ControlPlane,
    kubectl: Kubectl,
    operator_kubeconfig: Path,
    postgres_server: PostgresServer,
    valkey_server: ValkeyServer,
    scanner: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Lab]:
    """A laboratory for all tests of a module."""
    async with laboratory(
        control_plane,
        kubectl,
        operator_kubeconfig,
        postgres_server,
        valkey_server,
        scanner,
        tmp_path_factory.mktemp("lab"),
    ) as lab:
        yield lab


@pytest.fixture(scope="module")
async def operator(shared_lab: Lab) -> OperatorProcess:
    """The one operator of ``shared_lab``, leading."""
    return await shared_lab.start_operator().leading()
