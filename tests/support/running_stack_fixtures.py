"""One whole stack for the tests that need one, with leases short enough to lose one in seconds."""

from collections.abc import AsyncIterator

import pytest

from running_stack import LOOPBACK_POLICY, RunningStack, running_stack
from secapi_dev import paths
from secapi_dev.controlplane.build import find_or_build
from secapi_dev.progress import Progress


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningStack]:
    """The stack with the test scanner and a policy that allows loopback targets."""
    binaries = await find_or_build(Progress())
    with running_stack(
        tmp_path_factory.mktemp("stack"),
        kubectl=binaries.kubectl,
        SECAPI_LEASE_SECONDS="4",
        SECAPI_HEARTBEAT_SECONDS="0.5",
    ) as stack:
        await stack.kubectl.apply(paths.CATALOGUE / "testing")
        await stack.apply(LOOPBACK_POLICY)
        yield stack
