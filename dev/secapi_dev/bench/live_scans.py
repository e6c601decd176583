"""Scans that are running as far as cluster and ledger say: what an operator finds that starts in a busy installation.

They are made through the apiserver, object and status, and entered in the ledger without jobs: nothing will ever happen
to them, and an operator that looks at them has nothing to do.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from secapi_core.conditions import ACCEPTED, SUCCEEDED, set_condition
from secapi_core.crds.base import API_VERSION
from secapi_core.crds.scanrequest import JobCounts, Phase, ScanRequest, ScanRequestStatus
from secapi_dev.bench import ledger
from secapi_operator.kube import Kube
from secapi_operator.objects import ScanKey
from secapi_operator.resources import write_status
from secapi_operator.settings import Tuning

NAMESPACE = "default"
REQUESTS_AT_ONCE = 32

_SPEC = {
    "targets": [{"url": "https://shop.example/"}, {"host": {"address": "shop.example", "ports": "22,443"}}],
    "scanners": [{"name": "sslyze"}, {"name": "nmap", "parameters": {"topPorts": 100}}],
    "gate": {"failOn": "high", "onlyNew": True},
}
JOBS = 3

_ENTER = f"""
    INSERT INTO scans (id, namespace, name, spec, scope, priority, state, jobs_total, jobs_open, started_at)
    SELECT id, '{NAMESPACE}', name, '{{}}', '{{}}', 'normal', 'running', {JOBS}, {JOBS}, now()
    FROM unnest($1::uuid[], $2::text[]) AS made (id, name)
"""  # noqa: S608 - constants


async def create(kubeconfig: Path, database_url: str, count: int) -> None:
    """Make ``count`` of them; takes about a minute for 20,000 on two cores. Raises ``KubeError``."""
    names = [f"live-{number}" for number in range(count)]
    remaining, status, ids = iter(names), _running_status(), dict[str, UUID]()

    async with _client(kubeconfig) as kube:

        async def client() -> None:
            for name in remaining:
                ids[name] = await _create(kube, name, status)

        async with asyncio.TaskGroup() as group:
            for _ in range(REQUESTS_AT_ONCE):
                group.create_task(client())
    async with ledger.connected(database_url) as connection:
        await connection.execute(_ENTER, [ids[name] for name in names], names)


async def _create(kube: Kube, name: str, status: dict[str, object]) -> UUID:
    """Make the object and write its status; its uid."""
    path = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{ScanRequest.PLURAL}"
    body = {"apiVersion": API_VERSION, "kind": ScanRequest.KIND, "metadata": {"name": name}, "spec": _SPEC}
    made = (await kube.request("POST", path, kind=ScanRequest.KIND, body=body))["metadata"]
    await write_status(kube, ScanKey(NAMESPACE, name, made["uid"]), made["resourceVersion"], status)
    return UUID(made["uid"])


def _running_status() -> dict[str, object]:
    """What the operator writes when a scan's first job has started."""
    now = datetime.now(UTC).replace(microsecond=0)
    conditions = set_condition([], ACCEPTED, "True", "Planned", f"planned as {JOBS} jobs", now=now)
    conditions = set_condition(conditions, SUCCEEDED, "Unknown", Phase.RUNNING, "not finished", now=now)
    status = ScanRequestStatus(
        observed_generation=1,
        phase=Phase.RUNNING,
        start_time=now,
        jobs=JobCounts(total=JOBS),
        conditions=conditions,
    )
    return status.to_wire()


@asynccontextmanager
async def _client(kubeconfig: Path) -> AsyncIterator[Kube]:
    """The operator's own client, as the administrator and without its patience."""
    configuration = Configuration()
    await config.load_kube_config(config_file=str(kubeconfig), client_configuration=configuration)
    configuration.connection_pool_maxsize = REQUESTS_AT_ONCE
    tuning = Tuning(kubernetes_qps=5_000, kubernetes_burst=10_000, kubernetes_concurrency=REQUESTS_AT_ONCE)
    async with Kube(ApiClient(configuration), tuning) as kube:
        yield kube
