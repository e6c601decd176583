"""A laboratory: real servers, an apiserver that can fail on request, operators as processes, and the test as worker."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from fault_proxy import FaultProxy, fault_proxy
from lab import QUICK, Lab
from secapi_core.ledger.database import Database
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.controlplane.servers import ControlPlane
from secapi_operator.kube import Kube
from secapi_operator.settings import OperatorSettings, Tuning


@pytest.fixture
async def proxy(control_plane: ControlPlane, operator_kubeconfig: Path) -> AsyncIterator[FaultProxy]:
    """The apiserver, with faults on request."""
    context = ssl.create_default_context(cafile=str(control_plane.directory / "pki" / "ca.crt"))
    async with fault_proxy(control_plane.url, context) as proxy:
        yield proxy


@pytest.fixture
def kubeconfig(proxy: FaultProxy, operator_kubeconfig: Path, tmp_path: Path) -> Path:
    """The operator's identity, going through the proxy."""
    config: dict[str, Any] = yaml.safe_load(operator_kubeconfig.read_text())
    for cluster in config["clusters"]:
        cluster["cluster"] = {"server": proxy.url}
    path = tmp_path / "operator.kubeconfig"
    path.write_text(json.dumps(config))
    return path


@pytest.fixture
def tuning() -> Tuning:
    """Short intervals."""
    return Tuning(**QUICK)


@pytest.fixture
async def kube(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kube]:
    """The operator's client, through the proxy."""
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    async with await Kube.connect(Tuning(kubernetes_timeout=2.0)) as kube:
        yield kube


@pytest.fixture
async def admin(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kube]:
    """The administrator's client, straight to the apiserver."""
    with monkeypatch.context() as patch:
        patch.setenv("KUBECONFIG", str(control_plane.admin_kubeconfig))
        kube = await Kube.connect(Tuning(kubernetes_qps=1_000, kubernetes_burst=1_000))
    async with kube:
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
async def database(database_url: str) -> AsyncIterator[Database]:
    """The ledger, as a worker sees it."""
    settings = OperatorSettings(database_url=database_url, redis_url="redis://unused")
    database = Database(settings, application="test")
    yield database
    await database.close()


@pytest.fixture
async def lab(
    kubectl: Kubectl,
    admin: Kube,
    kubeconfig: Path,
    control_plane: ControlPlane,
    namespace: str,
    scanner: str,
    database: Database,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
) -> AsyncIterator[Lab]:
    """Everything around operators, without one running yet; afterwards none runs and no ScanRequest is left."""
    async with AsyncExitStack() as stack:
        lab = Lab(
            stack=stack,
            kubectl=kubectl,
            admin=admin,
            kubeconfig=kubeconfig,
            audit_log=control_plane.audit_log,
            namespace=namespace,
            scanner=scanner,
            database=database,
            database_url=database_url,
            redis_url=redis_url,
            directory=tmp_path,
        )
        yield lab
    await kubectl("delete", "scanrequests", "--all", "-n", namespace, "--wait=false")
    await kubectl("delete", "scanpolicies", "--all", "-n", namespace, "--wait=false")
