"""One whole stack for the fault tests, with leases short enough to lose one in seconds."""

from collections.abc import AsyncIterator, Iterator

import pytest
from running_stack import LOOPBACK_POLICY, RunningStack, running_stack
from secapi_dev.controlplane.binaries import ensure_binaries

LEASE_SECONDS = 4.0


@pytest.fixture(scope="session")
def _stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(
        tmp_path_factory.mktemp("faults"),
        kubectl=ensure_binaries().kubectl,
        SECAPI_LEASE_SECONDS=str(LEASE_SECONDS),
        SECAPI_HEARTBEAT_SECONDS="0.5",
    ) as stack:
        yield stack


@pytest.fixture(scope="session")
async def stack(_stack: RunningStack) -> AsyncIterator[RunningStack]:
    """The stack with a policy that allows loopback targets."""
    await _stack.apply(LOOPBACK_POLICY)
    yield _stack
