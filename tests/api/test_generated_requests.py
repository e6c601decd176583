"""Whatever is sent to the API, by whomever: answers are as documented, and tenants learn nothing of each other."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest

from api_harness import Api, running_api
from api_process import Server, running_server
from generated_requests import Outcome, Plan, run
from secapi_api.settings import ApiSettings, Tuning
from secapi_dev.controlplane import installation
from secapi_dev.controlplane.build import find_or_build
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.controlplane.servers import ControlPlane
from secapi_dev.ports import Ports
from secapi_dev.processes.program import running
from secapi_dev.processes.state import temporary_state
from secapi_dev.progress import Progress
from secapi_dev.servers.postgres import PostgresServer
from secapi_dev.servers.valkey import ValkeyServer
from stack_fixtures import TEMPLATE
from two_tenants import Tenant, everything_of, furnished

CATALOGUE = Path(__file__).with_name("catalogue.yaml")
SEED = int(os.environ.get("SECAPI_FUZZ_SEED") or 20_261_126)
CASES = 20_000
GUESSES = 10_000_000
# Streams of events end soon; one client may try so many passwords that some are tried: the rest gets 429; whoever has a
# broken credential is told so each time; and a Redis that is slow because the machine is busy is no outage, which
# sessions would answer with 503.
TUNING = {
    "event_duration": 0.5,
    "event_poll": 0.1,
    "event_heartbeat": 0.2,
    "catalogue_age": 1,
    "logins_per_minute": 60,
    "refused_credentials_per_minute": GUESSES,
    "redis_timeout": 5,
}


@dataclass
class World:
    """A server of the API whose every scanner, policy and user may be changed, and two tenants."""

    server: Server
    api: Api
    ours: Tenant
    theirs: Tenant
    platform_key: str
    directory: Path

    async def generated(self, caller: str, plan: Plan) -> Outcome:
        """The outcome of requests as ``ours``, ``theirs`` or ``platform``, with the ids of both tenants."""
        keys = {"ours": self.ours.key, "theirs": self.theirs.key, "platform": self.platform_key}
        us, stranger = (self.theirs, self.ours) if caller == "theirs" else (self.ours, self.theirs)
        strangers = [] if caller == "platform" else stranger.marks
        url = f"http://127.0.0.1:{self.server.port}"
        configured = plan.configuration(url, self.directory, caller, keys, [us, stranger], strangers)
        return await asyncio.to_thread(run, configured, caller)

    def defects(self) -> list[str]:
        """What the server logged that it must not."""
        return [line for line in self.server.log.read_text().splitlines() if "defect" in line or '"error"' in line]


@pytest.fixture(scope="module")
async def world(
    postgres_server: PostgresServer, valkey_server: ValkeyServer, ports: Ports, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A cluster, a database and a Redis of its own: no other test must find what is made up here."""
    directory = tmp_path_factory.mktemp("generated")
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(temporary_state())
        plane = ControlPlane.prepared(await find_or_build(Progress()), state, ports)
        await stack.enter_async_context(running(plane.etcd(), state))
        await stack.enter_async_context(running(plane.apiserver(), state))
        kubectl = Kubectl(plane.binaries.kubectl, plane.admin_kubeconfig)
        await installation.install_types(kubectl)
        await installation.install_catalogue(kubectl)
        await kubectl("apply", "-f", str(CATALOGUE))
        # The document's examples name the first one.
        for namespace in ("team-a", "team-b"):
            await kubectl("create", "namespace", namespace)
        kubeconfig = await installation.write_identity(kubectl, "secapi-api", plane.directory / "api.kubeconfig")
        settings = ApiSettings(
            database_url=await postgres_server.clone_database(TEMPLATE, "generated"),
            redis_url=valkey_server.url.removesuffix("/0") + "/1",
            api_key_pepper="a pepper for tests",
            artifact_url=directory.as_uri(),
            KUBECONFIG=str(kubeconfig),
            log_level="warning",
            tuning=Tuning(refused_credentials_per_minute=GUESSES),
        )
        api = await stack.enter_async_context(running_api(settings))
        server = await stack.enter_async_context(running_server(settings, ports, directory, **TUNING))
        ours, theirs = [await furnished(api, namespace) for namespace in ("team-a", "team-b")]
        yield World(server, api, ours, theirs, await api.key("admin", None), directory)


@pytest.mark.timeout(600)
async def test_a_tenant_is_answered_as_documented_and_never_touches_another(world: World) -> None:
    before = await everything_of(world.api, world.theirs)
    outcome = await world.generated("ours", Plan(seed=1, examples=1, sequences=6, coverage=False))
    assert not outcome.failures, outcome.told()
    assert outcome.cases.total() > 150, outcome.summary()
    assert await everything_of(world.api, world.theirs) == before
    assert world.defects() == []


@pytest.mark.long
@pytest.mark.timeout(3 * 3_600)
async def test_twenty_thousand_requests_of_everybody_are_answered_as_documented(world: World) -> None:
    outcomes: list[Outcome] = []
    for caller in cycle(["ours", "platform", "theirs"]):
        plan = Plan(seed=SEED + len(outcomes), examples=10, sequences=60)
        outcomes.append(await world.generated(caller, plan))
        print(outcomes[-1].summary(), outcomes[-1].told(), sep="\n", flush=True)  # noqa: T201 -- for who waits for it
        if len(outcomes) >= 3 and sum(outcome.cases.total() for outcome in outcomes) >= CASES:
            break
    assert [outcome.failures for outcome in outcomes if outcome.failures] == []
    assert world.defects() == []
