"""Fixtures of the worker's tests."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy.engine import make_url

from claimed_jobs import make_job
from job_runners import MakeRunner, RunnerFactory
from prepared_targets import Prepare
from running_worker import RunningWorker, StartWorker, running_worker
from secapi_core.ledger.database import Database
from secapi_core.objects import ArtifactStore
from secapi_core.settings import Settings
from secapi_dev.ports import Ports
from secapi_workers.runner.draining import Draining
from secapi_workers.runner.sandbox import Sandbox
from secapi_workers.runner.workspace import RunDirectory, Workspace
from secapi_workers.sources.prepare import Prepared, Sources
from tcp_proxy import TcpProxy
from webhook_receiver import Receiver, webhook_receiver


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox; fails the test that leaves a process behind."""
    before = set(psutil.Process().children())
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()
    # The sandbox makes this process inherit orphans, also those of the tests' own servers, which end by themselves.
    left = set(psutil.Process().children()) - before
    assert psutil.wait_procs(left, timeout=5)[1] == []


@pytest.fixture
def run_directory(tmp_path: Path) -> Iterator[RunDirectory]:
    """The private directory of one run."""
    workspace = Workspace(tmp_path / "work")
    with workspace.run_directory() as directory:
        yield directory
    workspace.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The ledger as the test sees it."""
    database = Database(Settings.model_validate({"database_url": database_url}), application="test")
    yield database
    await database.close()


@pytest.fixture
def start(tmp_path: Path, ports: Ports, database_url: str, redis_url: str) -> StartWorker:
    """Start a ``secapi-worker``; see ``StartWorker``."""

    def start(*launcher: str, **settings: str) -> AbstractAsyncContextManager[RunningWorker]:
        addresses = {"database_url": database_url, "redis_url": redis_url}
        return running_worker(tmp_path, ports.reserve(), *launcher, **addresses | settings)

    return start


@pytest.fixture
async def worker(start: StartWorker) -> AsyncIterator[RunningWorker]:
    """A ``secapi-worker`` that runs."""
    async with start() as worker:
        yield worker


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[TcpProxy]:
    """What is between a worker and Postgres."""
    async with TcpProxy.before("127.0.0.1", make_url(database_url).port or 0) as proxy:
        yield proxy


@pytest.fixture
def draining() -> Iterator[Draining]:
    """The pipes between a worker and its processes."""
    draining = Draining()
    yield draining
    draining.close()


@pytest.fixture
async def make_runner(
    database_url: str, ledger: TcpProxy, sandbox: Sandbox, draining: Draining, tmp_path: Path
) -> AsyncIterator[MakeRunner]:
    """Make a worker process's job runner; see ``RunnerFactory.make``. No run may leave a directory behind."""
    async with AsyncExitStack() as stack:
        yield RunnerFactory(database_url, ledger, sandbox, draining, tmp_path, stack).make
        left = list((tmp_path / "work").glob("*/run-*"))
    assert left == []


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    """A store of artifacts, empty."""
    return ArtifactStore((tmp_path / "objects").as_uri())


@pytest.fixture
def prepare(sandbox: Sandbox, store: ArtifactStore, run_directory: RunDirectory) -> Prepare:
    """Prepare a target, see ``Prepare``."""

    async def prepare(target: dict[str, Any], *, max_bytes: int = 16 * 1024 * 1024, **fields: Any) -> Prepared:
        sources = Sources(
            store=store, sandbox=sandbox, max_bytes=max_bytes, seconds=20, path_variable=os.environ["PATH"]
        )
        return await sources.prepare(make_job(target, **fields), run_directory)

    return prepare


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver of webhooks that takes everything."""
    async with webhook_receiver() as receiver:
        yield receiver
