"""The client against a whole SecAPI, whose processes are real."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fault_proxy import FaultProxy, fault_proxy
from running_stack import NAMESPACE, RunningStack
from secapi_command import Secapi


@pytest.fixture
def newcomer(tmp_path: Path) -> Secapi:
    """Somebody who has never logged in."""
    return Secapi(tmp_path, {})


@pytest.fixture
def secapi(newcomer: Secapi, stack: RunningStack) -> Secapi:
    """Somebody whose environment says where the server is."""
    facts = stack.facts
    return newcomer.having(SECAPI_SERVER=facts["apiUrl"], SECAPI_TOKEN=facts["apiKey"], SECAPI_NAMESPACE=NAMESPACE)


@pytest.fixture
async def faults(stack: RunningStack) -> AsyncIterator[FaultProxy]:
    """Stands between a client and the API for the tests that ask for it."""
    async with fault_proxy(stack.facts["apiUrl"], ssl.create_default_context()) as proxy:
        yield proxy
