"""What SecAPI's components need around them: a database, a broker and a Kubernetes API, embedded or given.

``SECAPI_DATABASE_URL``, ``SECAPI_REDIS_URL`` and ``KUBECONFIG`` name servers to use instead of the embedded ones. Given
or not, they hold everything afterwards: the schema and an API key; the resource types, the catalogue and one identity
per component.
"""

import asyncio
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from secapi_dev.controlplane import installation
from secapi_dev.controlplane.build import find_or_build
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.controlplane.servers import ControlPlane
from secapi_dev.ports import Ports
from secapi_dev.processes.state import StateDirectory
from secapi_dev.processes.supervision import Supervisor
from secapi_dev.progress import Progress
from secapi_dev.servers.api_keys import create_admin_key
from secapi_dev.servers.migrations import migrate
from secapi_dev.servers.postgres import PostgresServer
from secapi_dev.servers.valkey import ValkeyServer

DATABASE = "secapi"


@dataclass(frozen=True)
class Backends:
    """Addresses, and kubeconfigs by whose they are: ``kubeconfig`` is the administrator's.

    ``database_url`` is for who owns the database, ``api_database_url`` for the API, whom row-level security holds.
    ``api_key`` is a key to the whole platform, hashed in the ledger with the secret ``pepper``; secrets of webhooks
    are derived from ``webhook_key``.
    """

    database_url: str
    api_database_url: str
    api_key: str
    pepper: str
    webhook_key: str
    redis_url: str
    kubeconfig: Path
    api_kubeconfig: Path
    operator_kubeconfig: Path


@dataclass(frozen=True)
class Launch:
    """By whom, where and on which ports servers are started."""

    supervisor: Supervisor
    state: StateDirectory
    ports: Ports


async def start(launch: Launch, progress: Progress) -> Backends:
    """Start what is not given, all at once, and fill it; raises a group of ``StackError`` when something fails."""
    if not os.environ.get("KUBECONFIG"):
        await find_or_build(progress)  # first, as it shows its own progress
    pepper = secrets.token_urlsafe(32)
    identities = launch.state.path / "kubeconfigs"
    async with progress.during("starting PostgreSQL, Valkey and Kubernetes"), asyncio.TaskGroup() as group:
        database = group.create_task(_database(launch, pepper))
        redis_url = group.create_task(_broker(launch))
        kubeconfig = group.create_task(_cluster(launch, progress, identities))
    database_url, api_database_url, api_key = database.result()
    return Backends(
        database_url=database_url,
        api_database_url=api_database_url,
        api_key=api_key,
        pepper=pepper,
        webhook_key=secrets.token_urlsafe(32),
        redis_url=redis_url.result(),
        kubeconfig=kubeconfig.result(),
        api_kubeconfig=identities / "api",
        operator_kubeconfig=identities / "operator",
    )


async def _database(launch: Launch, pepper: str) -> tuple[str, str, str]:
    """Addresses of the database, for its owner and for the API, and an API key."""
    url = api_url = os.environ.get("SECAPI_DATABASE_URL")
    if not (url and api_url):
        server = await PostgresServer.prepared(launch.state, launch.ports.reserve())
        await launch.supervisor.add(server.component())
        url, api_url = await server.ensure_database(DATABASE), server.api_url(DATABASE)
    await migrate(url, launch.state)
    return url, api_url, await create_admin_key(url, pepper)


async def _broker(launch: Launch) -> str:
    if url := os.environ.get("SECAPI_REDIS_URL"):
        return url
    server = ValkeyServer.prepared(launch.state, launch.ports.reserve())
    await launch.supervisor.add(server.component())
    return server.url


async def _cluster(launch: Launch, progress: Progress, identities: Path) -> Path:
    """Kubeconfig of the cluster's administrator; those of the components are below ``identities`` then."""
    if kubeconfig := os.environ.get("KUBECONFIG"):
        on_path = which("kubectl")
        kubectl = Kubectl(Path(on_path) if on_path else (await find_or_build(progress)).kubectl, Path(kubeconfig))
    else:
        plane = ControlPlane.prepared(await find_or_build(progress), launch.state, launch.ports)
        async with asyncio.TaskGroup() as group:
            group.create_task(launch.supervisor.add(plane.etcd()))
            group.create_task(launch.supervisor.add(plane.apiserver()))
        kubectl = Kubectl(plane.binaries.kubectl, plane.admin_kubeconfig)
    await installation.install_types(kubectl)
    await installation.install_catalogue(kubectl)
    for component in ("api", "operator"):
        await installation.write_identity(kubectl, f"secapi-{component}", identities / component)
    return kubectl.kubeconfig
