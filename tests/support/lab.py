"""What operator tests work with: ScanRequests, operators as processes, and the test in the place of a worker."""

import asyncio
import base64
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from fault_proxy import FaultProxy, apiserver_proxy, kubeconfig_through
from operator_process import OperatorProcess
from secapi_core.crds.base import API_VERSION
from secapi_core.failures import Failure, FailureReason
from secapi_core.findings import Finding, Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.transitions.finish import finish_job
from secapi_core.ledger.types import ClaimedJob, RunReport
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.controlplane.servers import ControlPlane
from secapi_dev.servers.postgres import PostgresServer
from secapi_dev.servers.valkey import ValkeyServer
from secapi_operator.kube import Kube, NotFound
from secapi_operator.settings import OperatorSettings, Tuning
from tcp_proxy import TcpProxy
from waiting import until

QUICK: dict[str, Any] = {
    "probe_port": 0,
    "lease_duration": 2.0,
    "renew_deadline": 1.5,
    "retry_period": 0.2,
    "queued_status_delay": 2.0,
    "running_status_delay": 1.0,
    "backoff_ceiling": 2.0,
    "sweep_interval": 3.0,
    "relist_interval": 5.0,
    "reap_interval": 0.5,
    "redispatch_interval": 0.3,
    "redispatch_age": 1.0,
    "outbox_poll_interval": 0.5,
    "gauge_interval": 1.0,
}
"""Tuning of operators in tests: everything that is waited for comes soon."""

REPORT = RunReport(exit_code=0, log_tail="")

_numbers = itertools.count()


@dataclass
class Lab:
    """One test's namespace, ledger, broker and operators; processes end with ``stack``."""

    stack: AsyncExitStack
    kubectl: Kubectl
    admin: Kube
    proxy: FaultProxy
    kubeconfig: Path
    audit_log: Path
    namespace: str
    scanner: str
    database: Database
    database_gate: TcpProxy
    database_url: str
    redis_gate: TcpProxy
    redis_url: str
    directory: Path
    operators: list[OperatorProcess] = field(default_factory=list)

    def start_operator(self, **tuning: object) -> OperatorProcess:
        """Start another operator; ``tuning`` is on top of ``QUICK``. All of a test compete for one Lease."""
        values = {**QUICK, "lease_name": self.namespace, **tuning}
        environment = {f"SECAPI_OPERATOR_{name.upper()}": str(value) for name, value in values.items()}
        environment |= {
            "KUBECONFIG": str(self.kubeconfig),
            "SECAPI_DATABASE_URL": _through(self.database_gate, self.database_url),
            "SECAPI_REDIS_URL": _through(self.redis_gate, self.redis_url),
        }
        operator = OperatorProcess(environment, self.directory / f"operator-{len(self.operators)}.log")
        self.operators.append(operator)
        self.stack.callback(operator.close)
        return operator

    async def create(self, name: str, annotations: Mapping[str, str] = MappingProxyType({}), /, **spec: Any) -> UUID:
        """A ScanRequest with one job unless ``spec`` says otherwise; returns the scan's id."""
        defaults = {"targets": [{"url": "https://shop.example/"}], "scanners": [{"name": self.scanner}]}
        body = {
            "apiVersion": API_VERSION,
            "kind": "ScanRequest",
            "metadata": {"name": name, "namespace": self.namespace, "annotations": dict(annotations)},
            "spec": defaults | spec,
        }
        created = await self.admin.request("POST", self.path(), kind="ScanRequest", body=body)
        return UUID(created["metadata"]["uid"])

    async def change(self, name: str, **spec: Any) -> None:
        """Patch the ScanRequest's spec."""
        await self.admin.request(
            "PATCH",
            self.path(name),
            kind="ScanRequest",
            body={"spec": spec},
            content_type="application/merge-patch+json",
        )

    async def delete(self, name: str) -> None:
        """Delete the ScanRequest."""
        await self.admin.request("DELETE", self.path(name), kind="ScanRequest")

    async def exists(self, name: str) -> bool:
        """Whether there is such a ScanRequest."""
        try:
            await self.admin.request("GET", self.path(name), kind="ScanRequest")
        except NotFound:
            return False
        return True

    async def status(self, name: str) -> dict[str, Any]:
        """The ScanRequest's status."""
        found = await self.admin.request("GET", self.path(name), kind="ScanRequest")
        status: dict[str, Any] = found.get("status", {})
        return status

    async def condition(self, name: str, type_: str) -> dict[str, Any]:
        """One condition of the status, empty while it is not there."""
        conditions = (await self.status(name)).get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == type_), {})

    async def until_phase(self, name: str, phase: str, *, within: float = 15.0) -> dict[str, Any]:
        """Wait for the phase; the status then."""

        async def reached() -> dict[str, Any]:
            status = await self.status(name)
            return status if status.get("phase") == phase else {}

        return await until(reached, within=within)

    async def jobs(self, scan_id: UUID) -> list[dict[str, Any]]:
        """The scan's jobs by ordinal."""
        return await self.rows("SELECT * FROM scan_jobs WHERE scan_id = :id ORDER BY ordinal", id=scan_id)

    async def until_planned(self, scan_id: UUID, *, within: float = 15.0) -> list[dict[str, Any]]:
        """Wait until the scan has jobs."""
        return await until(lambda: self.jobs(scan_id), within=within)

    async def state(self, scan_id: UUID) -> str | None:
        """The scan's state in the ledger."""
        rows = await self.rows("SELECT state FROM scans WHERE id = :id", id=scan_id)
        return str(rows[0]["state"]) if rows else None

    async def until_state(self, scan_id: UUID, state: str, *, within: float = 15.0) -> None:
        """Wait for the scan's state in the ledger."""

        async def reached() -> bool:
            return await self.state(scan_id) == state

        await until(reached, within=within)

    async def claim(self, scan_id: UUID, *, lease_seconds: float = 60.0) -> list[ClaimedJob]:
        """Claim all jobs of the scan, as workers would."""
        claimed = []
        for job in await self.until_planned(scan_id):
            async with self.database.transaction() as session:
                found = await claim_job(session, job["id"], worker="test", lease_seconds=lease_seconds)
            if found is not None:
                claimed.append(found)
        return claimed

    async def finish(self, jobs: list[ClaimedJob], *severities: Severity) -> None:
        """Commit the results of claimed jobs: one finding of each severity."""
        for job in jobs:
            findings = [
                (bytes([number]) * 32, Finding(rule=f"rule-{number}", title="found", severity=severity))
                for number, severity in enumerate(severities)
            ]
            async with self.database.transaction() as session:
                await finish_job(session, job, findings, [], REPORT)

    async def fail(self, jobs: list[ClaimedJob], reason: FailureReason, message: str) -> None:
        """Commit that claimed jobs failed."""
        for job in jobs:
            async with self.database.transaction() as session:
                await fail_job(session, job.id, job.attempt, Failure(reason, message), REPORT)

    async def run(self, scan_id: UUID, *severities: Severity) -> None:
        """Claim and finish all jobs of the scan."""
        await self.finish(await self.claim(scan_id), *severities)

    async def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """What a query says."""
        async with self.database.transaction() as session:
            return [dict(row) for row in (await session.execute(text(query), parameters)).mappings()]

    async def queue(self, name: str = "scan.network.normal") -> list[str]:
        """The job ids in a queue of the broker, the oldest message last."""
        async with self.broker() as broker:
            messages = await broker.lrange(name, 0, -1)
        return [json.loads(base64.b64decode(json.loads(message)["body"]))[0][0] for message in messages]

    def broker(self) -> Redis:
        """A client of the broker, around the gate; use it in ``async with``."""
        return Redis.from_url(self.redis_url)

    async def execute(self, statement: str, **parameters: Any) -> None:
        """Change the ledger behind everybody's back."""
        async with self.database.transaction() as session:
            await session.execute(text(statement), parameters)

    async def writes(self) -> dict[str, Counter[str]]:
        """By name of ScanRequest: how many writes of each verb the apiserver's audit log has for this namespace."""
        await asyncio.sleep(0.2)  # the log is buffered
        counts: dict[str, Counter[str]] = {}
        for line in self.audit_log.read_text().splitlines():
            event = json.loads(line)
            target = event.get("objectRef", {})
            if target.get("resource") == "scanrequests" and target.get("namespace") == self.namespace:
                verb = f"{event['verb']} {target.get('subresource', '')}".strip()
                counts.setdefault(target.get("name", ""), Counter())[verb] += 1
        return counts

    def path(self, name: str = "") -> str:
        """The REST path of a ScanRequest, or of all in the namespace."""
        return f"/apis/{API_VERSION}/namespaces/{self.namespace}/scanrequests/{name}".rstrip("/")


@asynccontextmanager
async def laboratory(
    plane: ControlPlane,
    kubectl: Kubectl,
    operator_kubeconfig: Path,
    postgres: PostgresServer,
    valkey: ValkeyServer,
    scanner: str,
    directory: Path,
) -> AsyncIterator[Lab]:
    """A namespace, a database and an empty broker of its own, and the apiserver through a proxy."""
    name = f"lab-{next(_numbers)}"
    await _remove_objects(kubectl)
    await kubectl("create", "namespace", name)
    database_url = await postgres.clone_database("template", name.replace("-", "_"))
    async with Redis.from_url(valkey.url) as client:
        await client.flushall()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(postgres.drop_database, name.replace("-", "_"))
        database = Database(OperatorSettings(database_url=database_url, redis_url=valkey.url), application="test")
        stack.push_async_callback(database.close)
        proxy = await stack.enter_async_context(apiserver_proxy(plane))
        yield Lab(
            stack=await stack.enter_async_context(AsyncExitStack()),
            kubectl=kubectl,
            admin=await stack.enter_async_context(await _admin(plane)),
            proxy=proxy,
            kubeconfig=kubeconfig_through(proxy, operator_kubeconfig, directory / "operator.kubeconfig"),
            audit_log=plane.audit_log,
            namespace=name,
            scanner=scanner,
            database=database,
            database_gate=await stack.enter_async_context(TcpProxy.before(*_endpoint(database_url))),
            database_url=database_url,
            redis_gate=await stack.enter_async_context(TcpProxy.before(*_endpoint(valkey.url))),
            redis_url=valkey.url,
            directory=directory,
        )


def _endpoint(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _through(door: TcpProxy, url: str) -> str:
    host, port = _endpoint(url)
    return url.replace(f"{host}:{port}", f"127.0.0.1:{door.port}")


async def _admin(plane: ControlPlane) -> Kube:
    """The administrator's client, straight to the apiserver and hardly limited."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(plane.admin_kubeconfig))
        return await Kube.connect(Tuning(kubernetes_qps=1_000, kubernetes_burst=1_000))


async def _remove_objects(kubectl: Kubectl) -> None:
    """An operator sees all namespaces: what other tests left in theirs would be work for the one of this test."""
    await kubectl("delete", "scanrequests,scanpolicies", "--all", "--all-namespaces", "--wait=false")
