"""Leader election on a real apiserver: one leader at a time, quick take-over, no work after the Lease is lost."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from fault_proxy import Cut, FaultProxy
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_operator.kube import Kube
from secapi_operator.leader import Leader
from secapi_operator.settings import OperatorSettings, Tuning
from waiting import until

numbers = itertools.count()


class Candidate:
    """A process that only leads; ``leading`` says whether its work runs."""

    def __init__(self, kube: Kube, settings: OperatorSettings, identity: str) -> None:
        self.leading = asyncio.Event()
        self.stop = asyncio.Event()
        self.terms = 0
        self._leader = Leader(kube, settings, identity=identity)

    async def run(self) -> None:
        await self._leader.run(self._work, self.stop)

    async def _work(self) -> None:
        self.terms += 1
        self.leading.set()
        try:
            await self.stop.wait()
        finally:
            self.leading.clear()


Candidates = Callable[[str], Awaitable[Candidate]]


@pytest.fixture
def settings(tuning: Tuning) -> OperatorSettings:
    name = f"election-{next(numbers)}"
    return OperatorSettings(
        database_url="postgresql://unused",
        redis_url="redis://unused",
        tuning=tuning.model_copy(update={"lease_name": name}),
    )


@pytest.fixture
async def candidate(kube: Kube, settings: OperatorSettings) -> AsyncIterator[Candidates]:
    async with AsyncExitStack() as stack:

        async def start(identity: str) -> Candidate:
            return await stack.enter_async_context(running(Candidate(kube, settings, identity)))

        yield start


@asynccontextmanager
async def running(candidate: Candidate) -> AsyncIterator[Candidate]:
    task = asyncio.create_task(candidate.run())
    try:
        yield candidate
    finally:
        candidate.stop.set()
        with suppress(asyncio.CancelledError):
            await task


async def test_one_of_two_leads_and_the_other_follows_at_once_when_it_stops(candidate: Candidates) -> None:
    first = await candidate("first")
    await asyncio.wait_for(first.leading.wait(), 5)
    second = await candidate("second")
    await asyncio.sleep(1.0)
    assert not second.leading.is_set()
    started_at = time.monotonic()
    first.stop.set()
    await asyncio.wait_for(second.leading.wait(), 5)
    assert time.monotonic() - started_at < 1.0, "a released Lease must not be waited out"


async def test_a_lease_that_its_holder_does_not_renew_is_taken(
    candidate: Candidates, kubectl: Kubectl, settings: OperatorSettings
) -> None:
    manifest = f"""
    apiVersion: coordination.k8s.io/v1
    kind: Lease
    metadata: {{name: {settings.tuning.lease_name}, namespace: secapi-system}}
    spec: {{holderIdentity: killed, leaseDurationSeconds: 2, renewTime: "2036-01-01T00:00:00.000000Z"}}
    """
    await kubectl("create", "-f", "-", stdin=manifest)
    started_at = time.monotonic()
    follower = await candidate("follower")
    await asyncio.wait_for(follower.leading.wait(), 10)
    assert 1.9 < time.monotonic() - started_at < 4.0


async def test_a_leader_cut_off_from_the_apiserver_stops_before_another_may_start(
    candidate: Candidates, proxy: FaultProxy, settings: OperatorSettings
) -> None:
    leader = await candidate("leader")
    await asyncio.wait_for(leader.leading.wait(), 5)
    cut = proxy.fail("/leases/", Cut.BEFORE, times=10_000)
    started_at = time.monotonic()
    await until(lambda: not leader.leading.is_set())
    assert time.monotonic() - started_at < settings.tuning.lease_duration
    cut.times = 0
    await asyncio.wait_for(leader.leading.wait(), 5)
    assert leader.terms == 2


async def test_a_leader_rides_out_a_short_outage(candidate: Candidates, proxy: FaultProxy) -> None:
    leader = await candidate("leader")
    await asyncio.wait_for(leader.leading.wait(), 5)
    fault = proxy.fail("/leases/", 503, times=4)
    await until(lambda: fault.hit == 4)
    await asyncio.sleep(0.5)
    assert leader.leading.is_set()
    assert leader.terms == 1


async def test_a_leader_whose_lease_was_taken_stops_at_its_next_renewal(
    candidate: Candidates, kubectl: Kubectl, settings: OperatorSettings
) -> None:
    leader = await candidate("leader")
    await asyncio.wait_for(leader.leading.wait(), 5)
    patch = '{"spec": {"holderIdentity": "usurper"}}'
    await kubectl("patch", "lease", settings.tuning.lease_name, "-n", "secapi-system", "--type=merge", "-p", patch)
    await until(lambda: not leader.leading.is_set(), within=1.5)


async def test_a_renewal_whose_answer_was_lost_does_not_end_the_term(candidate: Candidates, proxy: FaultProxy) -> None:
    leader = await candidate("leader")
    await asyncio.wait_for(leader.leading.wait(), 5)
    fault = proxy.fail("PUT .*/leases/", Cut.AFTER)
    await until(lambda: fault.hit)
    await asyncio.sleep(1.0)
    assert leader.terms == 1
    assert leader.leading.is_set()


async def test_an_error_of_the_work_is_raised_after_the_release(
    kube: Kube, settings: OperatorSettings, kubectl: Kubectl
) -> None:
    async def fail() -> None:
        raise ValueError("defect")

    with pytest.raises(ValueError, match="defect"):
        await Leader(kube, settings, identity="broken").run(fail, asyncio.Event())
    holder = await kubectl(
        "get", "lease", settings.tuning.lease_name, "-n", "secapi-system", "-o", "jsonpath={.spec.holderIdentity}"
    )
    assert holder == ""
