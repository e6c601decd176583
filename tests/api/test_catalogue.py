"""The catalogue as the API plans with it: fresh where it matters, old rather than absent."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import yaml

from secapi_api.errors import KubernetesUnavailable
from secapi_api.kube.catalogue import Catalogues
from secapi_api.kube.client import KubernetesClient
from secapi_core.crds.scanrequest import ScannerUse, ScanRequestSpec, Target
from secapi_core.errors import Rejected
from secapi_core.failures import FailureReason
from secapi_core.planning import PlatformLimits
from secapi_dev.controlplane.kubectl import Kubectl
from tcp_proxy import Mode, TcpProxy
from waiting import until

LIMITS = PlatformLimits()


def spec(scanner: str) -> ScanRequestSpec:
    return ScanRequestSpec(targets=[Target(url="https://shop.example/")], scanners=[ScannerUse(name=scanner)])


def scanner(name: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "secapi.dev/v1alpha1",
            "kind": "Scanner",
            "metadata": {"name": name},
            "spec": {
                "title": name,
                "targetTypes": ["url"],
                "pool": "network",
                "command": "true",
                "output": {"format": "sarif", "source": "stdout"},
            },
        }
    )


@pytest.fixture
async def catalogues(kubernetes: KubernetesClient) -> AsyncIterator[Catalogues]:
    """Never read again because of its age."""
    catalogues = Catalogues(kubernetes, age=600)
    yield catalogues
    await catalogues.close()


async def test_a_plan_is_made_from_the_clusters_scanners(catalogues: Catalogues, namespace: str) -> None:
    plan = await catalogues.plan(namespace, spec("web"), LIMITS)
    assert [(job.scanner, job.parameters) for job in plan.jobs] == [("web", {"depth": 2})]


async def test_a_scanner_added_a_moment_ago_is_not_refused(
    catalogues: Catalogues, kubectl: Kubectl, namespace: str
) -> None:
    await catalogues.current()
    await kubectl("apply", "-f", "-", stdin=scanner(f"new-{namespace}"))

    async def planned() -> bool:
        # The catalogue in memory counts as fresh for a second.
        try:
            await catalogues.plan(namespace, spec(f"new-{namespace}"), LIMITS)
        except Rejected:
            return False
        return True

    await until(planned, within=5)


async def test_an_unknown_scanner_is_refused_with_its_field(catalogues: Catalogues, namespace: str) -> None:
    with pytest.raises(Rejected) as caught:
        await catalogues.plan(namespace, spec("nothing"), LIMITS)
    assert (caught.value.failure.reason, caught.value.pointer) == (FailureReason.UNKNOWN_SCANNER, "/scanners/0/name")


async def test_a_policy_holds_in_its_own_namespace_only(
    catalogues: Catalogues, kubectl: Kubectl, namespace: str
) -> None:
    policy = {
        "apiVersion": "secapi.dev/v1alpha1",
        "kind": "ScanPolicy",
        "metadata": {"name": "narrow", "namespace": namespace},
        "spec": {"scanners": ["source"]},
    }
    await kubectl("apply", "-f", "-", stdin=yaml.safe_dump(policy))
    with pytest.raises(Rejected) as caught:
        await catalogues.plan(namespace, spec("web"), LIMITS)
    assert caught.value.failure.reason is FailureReason.SCANNER_FORBIDDEN
    assert (await catalogues.plan("default", spec("web"), LIMITS)).jobs


async def test_while_the_apiserver_is_down_the_catalogue_in_memory_is_used(
    outage_kubernetes: KubernetesClient, apiserver_outage: TcpProxy, namespace: str
) -> None:
    catalogues = Catalogues(outage_kubernetes, age=0)
    await catalogues.current()
    apiserver_outage.set(Mode.REFUSE)
    assert (await catalogues.plan(namespace, spec("web"), LIMITS)).jobs
    with pytest.raises(Rejected):
        await catalogues.plan(namespace, spec("nothing"), LIMITS)
    await catalogues.close()


async def test_a_catalogue_that_was_never_read_is_a_typed_error(
    outage_kubernetes: KubernetesClient, apiserver_outage: TcpProxy
) -> None:
    apiserver_outage.set(Mode.REFUSE)
    catalogues = Catalogues(outage_kubernetes, age=0)
    with pytest.raises(KubernetesUnavailable):
        await catalogues.current()
    await catalogues.close()


async def test_requests_that_come_together_read_once(
    kubernetes: KubernetesClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths: list[str] = []
    send = kubernetes.request

    async def counted(method: str, path: str, **options: object) -> dict[str, object]:
        paths.append(path)
        return await send(method, path, **options)  # type: ignore[arg-type]  # passed through as they came

    monkeypatch.setattr(kubernetes, "request", counted)
    catalogues = Catalogues(kubernetes, age=600)
    await asyncio.gather(*(catalogues.current() for _ in range(50)))
    assert len(paths) == 2
    await catalogues.close()
