"""What is measured: a stack as ``make dev`` runs it, fresh, with the no-op scanner, and nothing else going on."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from secapi_dev import stackfile
from secapi_dev.bench import ledger, load, noop_scans
from secapi_dev.bench.ledger import Ledger
from secapi_dev.bench.load import Connection
from secapi_dev.components import Components, Surroundings, secapi_components
from secapi_dev.controlplane.build import find_or_build
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.ports import Ports
from secapi_dev.processes.state import StateDirectory, temporary_state
from secapi_dev.progress import Progress
from secapi_dev.stack import running_stack
from secapi_dev.stackfile import Pids, Stack

Figures = dict[str, float]
"""Names end in their unit; what has none is a count or a ratio."""


@dataclass(frozen=True, kw_only=True)
class Laboratory:
    """A running stack with one worker; ``components`` is how its parts were started.

    ``scale`` is the part of the usual clients, requests, rows and seconds that a load has.
    """

    scale: float
    stack: Stack
    state: StateDirectory
    components: Components
    kubectl: Kubectl

    def clients(self, count: int = 1) -> AbstractAsyncContextManager[list[Connection]]:
        """Connections to the API, which carry its key."""
        return load.connected(self.stack.api_url, count=count, api_key=self.stack.api_key)

    def ledger(self) -> AbstractAsyncContextManager[Ledger]:
        """A connection to the ledger."""
        return ledger.connected(self.stack.database_url)

    def scaled(self, usual: int, *, least: int = 1) -> int:
        """So many of what there is ``usual`` of."""
        return max(least, round(usual * self.scale))

    @property
    def pids(self) -> Pids:
        """Process ids as they are now."""
        return stackfile.read_pids(self.state.path)

    @property
    def audit_log(self) -> Path:
        """One JSON line for every write to the apiserver; not there when the cluster was given."""
        return self.stack.kubeconfig.with_name("audit.log")


@asynccontextmanager
async def laboratory(progress: Progress, scale: float) -> AsyncIterator[Laboratory]:
    """Start a stack and stop it again; nothing of it stays."""
    described: list[Components] = []

    def plan(surroundings: Surroundings, ports: Ports) -> Components:
        described.append(secapi_components(surroundings, ports, workers=1))
        return described[-1]

    async with temporary_state() as state, running_stack(state, plan, progress) as stack:
        kubectl = Kubectl((await find_or_build(progress)).kubectl, stack.kubeconfig)
        await noop_scans.install(kubectl, state.path)
        yield Laboratory(scale=scale, stack=stack, state=state, components=described[-1], kubectl=kubectl)
