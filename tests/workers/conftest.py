"""Fixtures of the worker's tests."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import psutil
import pytest

from running_worker import RunningWorker, StartWorker, running_worker
from secapi_core.ledger.database import Database
from secapi_core.settings import Settings
from secapi_dev.ports import Ports
from secapi_workers.runner.sandbox import Sandbox
from secapi_workers.runner.workspace import RunDirectory, Workspace


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
    """Start a ``secapi-worker``; settings by keyword."""

    def start(**settings: str) -> AbstractAsyncContextManager[RunningWorker]:
        addresses = {"database_url": database_url, "redis_url": redis_url}
        return running_worker(tmp_path, ports.reserve(), **addresses | settings)

    return start


@pytest.fixture
async def worker(start: StartWorker) -> AsyncIterator[RunningWorker]:
    """A ``secapi-worker`` that runs."""
    async with start() as worker:
        yield worker
