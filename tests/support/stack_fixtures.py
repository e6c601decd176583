"""The local stack's servers as fixtures: started once per test run when a test first needs them, gone afterwards.

They are started by the code of ``secapi-dev`` and so end with the test run even when that is killed.
"""

import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from secapi_dev.controlplane import installation
from secapi_dev.controlplane.build import find_or_build
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.controlplane.servers import ControlPlane
from secapi_dev.ports import Ports
from secapi_dev.processes.program import running
from secapi_dev.processes.state import StateDirectory, temporary_state
from secapi_dev.progress import Progress
from secapi_dev.servers.migrations import migrate
from secapi_dev.servers.postgres import PostgresServer
from secapi_dev.servers.valkey import ValkeyServer

TEMPLATE = "template"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
async def server_state() -> AsyncIterator[StateDirectory]:
    """Where the test run's servers keep their files and logs."""
    async with temporary_state() as state:
        yield state


@pytest.fixture(scope="session")
def ports() -> Iterator[Ports]:
    """Free loopback ports that no other test run takes meanwhile."""
    with contextlib.closing(Ports()) as ports:
        yield ports


@pytest.fixture(scope="session")
async def postgres_server(server_state: StateDirectory, ports: Ports) -> AsyncIterator[PostgresServer]:
    """A PostgreSQL 18 server that has a database named ``TEMPLATE`` with the newest schema."""
    server = await PostgresServer.prepared(server_state, ports.reserve())
    async with running(server.component(durable=False), server_state):
        await migrate(await server.ensure_database(TEMPLATE), server_state)
        yield server


@pytest.fixture
async def database_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """Address of a database with the newest schema and no rows, for one test."""
    name = f"test_{next(_numbers)}"
    yield await postgres_server.clone_database(TEMPLATE, name)
    await postgres_server.drop_database(name)


@pytest.fixture
async def empty_database_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """Address of a database that nobody has migrated, for one test."""
    name = f"empty_{next(_numbers)}"
    yield await postgres_server.ensure_database(name)
    await postgres_server.drop_database(name)


@pytest.fixture(scope="session")
async def valkey_server(server_state: StateDirectory, ports: Ports) -> AsyncIterator[ValkeyServer]:
    """A Valkey 8 server."""
    server = ValkeyServer.prepared(server_state, ports.reserve())
    async with running(server.component(), server_state):
        yield server


@pytest.fixture
async def redis_url(valkey_server: ValkeyServer) -> str:
    """Address of an empty Valkey, for one test."""
    async with Redis.from_url(valkey_server.url) as client:
        await client.flushall()
    return valkey_server.url


@pytest.fixture(scope="session")
async def control_plane(server_state: StateDirectory, ports: Ports) -> AsyncIterator[ControlPlane]:
    """A kube-apiserver with the CRDs of ``manifests/crds`` and the components' identities, without ``Scanner`` objects.

    ``admin_kubeconfig`` and ``audit_log`` are its paths.
    """
    plane = ControlPlane.prepared(await find_or_build(Progress()), server_state, ports)
    async with running(plane.etcd(), server_state), running(plane.apiserver(), server_state):
        await installation.install_types(Kubectl(plane.binaries.kubectl, plane.admin_kubeconfig))
        yield plane


@pytest.fixture(scope="session")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    """kubectl as the cluster's administrator: ``await kubectl("get", "scanrequests")``."""
    return Kubectl(control_plane.binaries.kubectl, control_plane.admin_kubeconfig)


@pytest.fixture
async def namespace(kubectl: Kubectl) -> str:
    """Name of a new Kubernetes namespace, for one test; there is no controller that could remove it again."""
    name = f"test-{next(_numbers)}"
    await kubectl("create", "namespace", name)
    return name


@pytest.fixture(scope="session")
async def operator_kubeconfig(kubectl: Kubectl, control_plane: ControlPlane) -> Path:
    """Kubeconfig with the operator's rights and no others."""
    path = control_plane.directory / "operator.kubeconfig"
    return await installation.write_identity(kubectl, "secapi-operator", path)


@pytest.fixture(scope="session")
async def api_kubeconfig(kubectl: Kubectl, control_plane: ControlPlane) -> Path:
    """Kubeconfig with the API's rights and no others."""
    return await installation.write_identity(kubectl, "secapi-api", control_plane.directory / "api.kubeconfig")
