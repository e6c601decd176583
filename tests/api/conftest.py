"""The API in this process, on a real Postgres and a real kube-apiserver."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from secapi_api.kube.client import KubernetesClient
from secapi_api.kube.scan_requests import ScanRequests
from secapi_api.settings import ApiSettings, Tuning
from secapi_dev.controlplane.kubectl import Kubectl
from tcp_proxy import TcpProxy

CATALOGUE = Path(__file__).parent / "catalogue.yaml"


@pytest.fixture(scope="session")
async def catalogue(kubectl: Kubectl) -> None:
    """Scanners for these tests; nothing here runs them."""
    await kubectl("apply", "-f", str(CATALOGUE))


@pytest.fixture
def settings(database_url: str, api_kubeconfig: Path, catalogue: None, tmp_path: Path) -> ApiSettings:
    return ApiSettings(
        database_url=database_url,
        api_key_pepper="a pepper for tests",
        artifact_url=(tmp_path / "artifacts").as_uri(),
        KUBECONFIG=str(api_kubeconfig),
        log_level="warning",
        tuning=Tuning(artifact_limit=8 * 1024 * 1024, body_limit=64 * 1024),
    )


@pytest.fixture
def apiserver_address(api_kubeconfig: Path) -> tuple[str, int]:
    server = urlsplit(yaml.safe_load(api_kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
    return str(server.hostname), int(server.port or 443)


@pytest.fixture
async def apiserver_proxy(apiserver_address: tuple[str, int]) -> AsyncIterator[TcpProxy]:
    """Stands between the API and the apiserver for the tests that ask for it."""
    async with TcpProxy.before(*apiserver_address) as proxy:
        yield proxy


@pytest.fixture
def proxied_settings(settings: ApiSettings, apiserver_proxy: TcpProxy, tmp_path: Path) -> ApiSettings:
    """Settings with which the API reaches the apiserver only through ``apiserver_proxy``; it loses patience soon."""
    kubeconfig = yaml.safe_load(Path(str(settings.kubeconfig)).read_text())
    kubeconfig["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{apiserver_proxy.port}"
    path = tmp_path / "proxied.kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig))
    tuning = settings.tuning.model_copy(update={"kubernetes_timeout": 0.5, "kubernetes_deadline": 3.0})
    return settings.model_copy(update={"kubeconfig": str(path), "tuning": tuning})


@pytest.fixture
async def kubernetes(settings: ApiSettings) -> AsyncIterator[KubernetesClient]:
    client = await KubernetesClient.connect(settings)
    yield client
    await client.close()


@pytest.fixture
async def proxied_kubernetes(proxied_settings: ApiSettings) -> AsyncIterator[KubernetesClient]:
    client = await KubernetesClient.connect(proxied_settings)
    yield client
    await client.close()


@pytest.fixture
def scan_requests(kubernetes: KubernetesClient) -> ScanRequests:
    return ScanRequests(kubernetes)
