"""The API in this process, on a real Postgres and a real kube-apiserver."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from pydantic import SecretStr

from api_harness import Api, running_api
from fault_proxy import FaultProxy, apiserver_proxy, kubeconfig_through
from secapi_api.kube.client import KubernetesClient
from secapi_api.kube.scan_requests import ScanRequests
from secapi_api.settings import ApiSettings, Tuning
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.controlplane.servers import ControlPlane
from secapi_dev.servers.postgres import PostgresServer
from secapi_dev.servers.valkey import ValkeyServer
from stack_fixtures import TEMPLATE
from tcp_proxy import TcpProxy

CATALOGUE = Path(__file__).parent / "catalogue.yaml"

_tenants = itertools.count(1)


@pytest.fixture(scope="session")
async def catalogue(kubectl: Kubectl) -> None:
    """Scanners for these tests; nothing here runs them."""
    await kubectl("apply", "-f", str(CATALOGUE))


@pytest.fixture(scope="session")
async def shared_database_url(postgres_server: PostgresServer) -> str:
    """One database for all tests of the API, as the API has it; each works in namespaces of its own."""
    await postgres_server.clone_database(TEMPLATE, "api")
    return postgres_server.api_url("api")


@pytest.fixture(scope="session")
def artifact_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="session")
def settings(
    shared_database_url: str,
    valkey_server: ValkeyServer,
    api_kubeconfig: Path,
    catalogue: None,
    artifact_directory: Path,
) -> ApiSettings:
    return ApiSettings(
        database_url=shared_database_url,
        redis_url=valkey_server.url,
        api_key_pepper="a pepper for tests",
        webhook_key="a webhook key for tests",
        webhook_allow_http=True,
        webhook_allowed_cidrs=["127.0.0.0/8"],
        artifact_url=artifact_directory.as_uri(),
        KUBECONFIG=str(api_kubeconfig),
        log_level="warning",
        tuning=Tuning(
            artifact_limit=8 * 1024 * 1024,
            body_limit=64 * 1024,
            catalogue_age=1,
            logins_per_minute=1_000,
            refused_credentials_per_minute=10_000,
        ),
    )


@pytest.fixture
async def apiserver_outage(control_plane: ControlPlane) -> AsyncIterator[TcpProxy]:
    """Stands between the API and the apiserver for the tests that ask for it."""
    address = urlsplit(control_plane.url)
    async with TcpProxy.before(str(address.hostname), int(address.port or 443)) as proxy:
        yield proxy


@pytest.fixture
async def apiserver_faults(control_plane: ControlPlane) -> AsyncIterator[FaultProxy]:
    """The same for single requests that fail."""
    async with apiserver_proxy(control_plane) as proxy:
        yield proxy


@pytest.fixture
async def database_outage(shared_database_url: str) -> AsyncIterator[TcpProxy]:
    """Stands between the API and Postgres for the tests that ask for it."""
    address = urlsplit(shared_database_url)
    async with TcpProxy.before(str(address.hostname), int(address.port or 5432)) as proxy:
        yield proxy


@pytest.fixture
async def redis_outage(valkey_server: ValkeyServer) -> AsyncIterator[TcpProxy]:
    """Stands between the API and Redis for the tests that ask for it."""
    async with TcpProxy.before("127.0.0.1", valkey_server.port) as proxy:
        yield proxy


@pytest.fixture
def without_redis(settings: ApiSettings, redis_outage: TcpProxy) -> ApiSettings:
    """Settings with which Redis is reached only through ``redis_outage``."""
    address = urlsplit(settings.redis_url.get_secret_value())
    url = address._replace(netloc=f":{address.password}@127.0.0.1:{redis_outage.port}").geturl()
    return settings.model_copy(update={"redis_url": SecretStr(url)})


@pytest.fixture
def impatient(settings: ApiSettings) -> ApiSettings:
    """Settings with which the API gives up soon."""
    tuning = settings.tuning.model_copy(
        update={"kubernetes_timeout": 0.5, "kubernetes_deadline": 3.0, "request_timeout": 5.0}
    )
    return settings.model_copy(update={"tuning": tuning, "database_pool_timeout": 1.0})


@pytest.fixture
def without_kubernetes(impatient: ApiSettings, apiserver_outage: TcpProxy, tmp_path: Path) -> ApiSettings:
    """Settings with which the apiserver is reached only through ``apiserver_outage``."""
    kubeconfig = yaml.safe_load(Path(str(impatient.kubeconfig)).read_text())
    kubeconfig["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{apiserver_outage.port}"
    path = tmp_path / "outage.kubeconfig"
    path.write_text(yaml.safe_dump(kubeconfig))
    return impatient.model_copy(update={"kubeconfig": str(path)})


@pytest.fixture
def with_faults(impatient: ApiSettings, apiserver_faults: FaultProxy, tmp_path: Path) -> ApiSettings:
    """Settings with which the apiserver is reached only through ``apiserver_faults``."""
    path = kubeconfig_through(apiserver_faults, Path(str(impatient.kubeconfig)), tmp_path / "faults.kubeconfig")
    return impatient.model_copy(update={"kubeconfig": str(path)})


@pytest.fixture
def without_database(impatient: ApiSettings, database_outage: TcpProxy) -> ApiSettings:
    """Settings with which Postgres is reached only through ``database_outage``."""
    address = urlsplit(impatient.database_url.get_secret_value())
    netloc = f"{address.username}:{address.password}@127.0.0.1:{database_outage.port}"
    return impatient.model_copy(update={"database_url": SecretStr(address._replace(netloc=netloc).geturl())})


@pytest.fixture
async def kubernetes(settings: ApiSettings) -> AsyncIterator[KubernetesClient]:
    async with connected(settings) as client:
        yield client


@pytest.fixture
async def outage_kubernetes(without_kubernetes: ApiSettings) -> AsyncIterator[KubernetesClient]:
    """A client that reaches the apiserver only through ``apiserver_outage``."""
    async with connected(without_kubernetes) as client:
        yield client


@pytest.fixture
async def faulty_kubernetes(with_faults: ApiSettings) -> AsyncIterator[KubernetesClient]:
    """A client that reaches the apiserver only through ``apiserver_faults``."""
    async with connected(with_faults) as client:
        yield client


@asynccontextmanager
async def connected(settings: ApiSettings) -> AsyncIterator[KubernetesClient]:
    client = await KubernetesClient.connect(settings)
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
def scan_requests(kubernetes: KubernetesClient) -> ScanRequests:
    return ScanRequests(kubernetes)


@pytest.fixture(scope="session")
async def api(settings: ApiSettings) -> AsyncIterator[Api]:
    async with running_api(settings) as api:
        yield api


@pytest.fixture
async def operator(api: Api, namespace: str) -> httpx.AsyncClient:
    """A client that may submit to ``namespace`` and nowhere else."""
    return await api.client("operator", namespace)


@pytest.fixture(scope="session")
async def any_namespace(kubectl: Kubectl) -> str:
    """A namespace for tests that leave nothing in it that could disturb another."""
    await kubectl("create", "namespace", "test-api")
    return "test-api"


@pytest.fixture
def tenant() -> str:
    """Name of a namespace that is in the ledger only, for one test."""
    return f"tenant-{next(_tenants)}"
