"""Watch and lists together on a real apiserver: the store follows the cluster through every way a watch can fail."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from fault_proxy import FaultProxy, count
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_operator.kube import Kube
from secapi_operator.objects import ScanKey, StoredScan
from secapi_operator.relist import KINDS, deliver, relist
from secapi_operator.store import Store
from secapi_operator.watch import Watch
from waiting import until

WATCH = "GET .*/scanrequests.*watch=true"


class Watched:
    """A store that is fed as in an operator."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.store = Store(lambda key: None)
        self.watch = Watch(KINDS, lambda item, gone: deliver(self.store, item, gone))

    def scan(self, name: str) -> StoredScan | None:
        return self.store.scans.get(self.namespace, name)

    def knows(self, *names: str) -> Callable[[], bool]:
        """A probe: the store has exactly these scans of the test's namespace."""
        return lambda: {s.name for s in self.store.scans.values() if s.namespace == self.namespace} == set(names)


@pytest.fixture
async def watched(kube: Kube, proxy: FaultProxy, namespace: str) -> AsyncIterator[Watched]:
    watched = Watched(namespace)
    await relist(kube, watched.store)
    watched.watch.restart()
    await proxy.until_watched()
    yield watched
    await watched.watch.stop()


@pytest.fixture
def create(kubectl: Kubectl, namespace: str) -> Callable[..., object]:
    async def create(*names: str) -> None:
        manifest = """
        apiVersion: secapi.dev/v1alpha1
        kind: ScanRequest
        metadata: {{name: {}, namespace: {}}}
        spec: {{targets: [{{url: "https://shop.example/"}}], scanners: [{{name: nmap}}]}}
        """
        await kubectl("create", "-f", "-", stdin="\n---\n".join(manifest.format(name, namespace) for name in names))

    return create


Create = Callable[..., asyncio.Future[None]]


async def test_the_store_follows_what_people_do(watched: Watched, create: Create, kubectl: Kubectl) -> None:
    await create("a", "b")
    await until(watched.knows("a", "b"))
    await kubectl("patch", "sr", "a", "-n", watched.namespace, "--type=merge", "-p", '{"spec":{"cancel":true}}')
    await until(lambda: (scan := watched.scan("a")) and scan.cancel)
    await kubectl("delete", "sr", "b", "-n", watched.namespace)
    await until(watched.knows("a"))


async def test_scanners_and_policies_are_followed_too(watched: Watched, kubectl: Kubectl) -> None:
    manifest = f"""
    apiVersion: secapi.dev/v1alpha1
    kind: ScanPolicy
    metadata: {{name: frozen, namespace: {watched.namespace}}}
    spec: {{maxActiveScans: 0}}
    """
    await kubectl("create", "-f", "-", stdin=manifest)
    policies = await until(lambda: watched.store.policies_of(watched.namespace))
    assert policies[0].max_active_scans == 0


async def test_what_happened_while_the_stream_was_cut_is_made_up_for(
    watched: Watched, create: Create, proxy: FaultProxy
) -> None:
    fault = proxy.fail(WATCH, 503, times=3)
    proxy.cut_watches()
    await create("late")
    await until(watched.knows("late"))
    assert fault.hit == 3


async def test_an_expired_version_makes_it_list_anew(watched: Watched, create: Create, proxy: FaultProxy) -> None:
    listed = count(proxy.requests, r"GET .*/scanrequests\?limit")
    proxy.expire_watches = 3
    proxy.cut_watches()
    await create("after-410")
    await until(watched.knows("after-410"))
    assert count(proxy.requests, r"GET .*/scanrequests\?limit") > listed


async def test_a_list_that_expires_ends_kopf_and_it_is_started_anew(
    watched: Watched, create: Create, proxy: FaultProxy
) -> None:
    proxy.expire_watches = 1
    proxy.fail(r"GET .*/scanrequests\?limit", 410, times=2)
    proxy.cut_watches()
    await create("after-restart")
    await until(watched.knows("after-restart"), within=20)
    assert await watched.watch.responds(within=1)


async def test_a_deletion_that_the_watch_missed_is_found_by_the_next_list(
    watched: Watched, create: Create, kubectl: Kubectl, kube: Kube, proxy: FaultProxy
) -> None:
    await create("ghost", "seen")
    await until(watched.knows("ghost", "seen"))
    proxy.hidden_events.add("DELETED")
    await kubectl("delete", "sr", "ghost", "-n", watched.namespace)
    await create("canary")
    await until(watched.knows("ghost", "seen", "canary"))
    await relist(kube, watched.store)
    assert watched.knows("seen", "canary")()


async def test_stopping_takes_little_time_and_writes_nothing(
    kube: Kube, proxy: FaultProxy, namespace: str, create: Create
) -> None:
    watched = Watched(namespace)
    watched.watch.restart()
    await proxy.until_watched()
    await create("one")
    await until(watched.knows("one"))
    await asyncio.wait_for(watched.watch.stop(), 2.5)
    assert not await watched.watch.responds(within=0.1)
    assert count(proxy.requests, "^(POST|PUT|PATCH|DELETE)") == 0


async def test_stopping_before_login_succeeded_takes_little_time(proxy: FaultProxy, namespace: str, kube: Kube) -> None:
    proxy.fail(".", 401, times=10_000)
    watched = Watched(namespace)
    watched.watch.restart()
    await until(lambda: proxy.requests)
    await asyncio.wait_for(watched.watch.stop(), 4.5)


def test_a_key_names_one_life_of_a_name() -> None:
    assert ScanKey("n", "a", "1") != ScanKey("n", "a", "2")
