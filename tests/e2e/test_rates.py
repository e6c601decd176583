"""Warm workers against a pod for each scan: in one run, on one cluster, asked for in the same way."""

import time
from uuid import UUID

import pytest

from burst import counted_writes, spec, submit, until_done
from release import Release, ready
from rendering import Object, manifest
from waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

PODS = 50
SCANS = 300
SCANS_OF_MANY, TARGETS = 5, 100
WATCHED = 100


async def test_warm_workers_are_faster_than_a_pod_for_each_scan(release: Release, figures: dict[str, float]) -> None:
    [worker] = await until(lambda: _warm(release), within=60, every=0.5)

    began = time.monotonic()
    await _create(release, [_trivial_job(worker, number) for number in range(PODS)])
    done = ("--for=condition=Complete", "job", "--selector=e2e=trivial", "--timeout=3m", "--request-timeout=0")
    await release.kubectl("wait", *done, "--namespace", release.namespace)
    figures["Kubernetes Jobs of one trivial pod, 1/s"] = pods = PODS / (time.monotonic() - began)
    await release.kubectl("delete", "jobs", "--namespace", release.namespace, "--selector=e2e=trivial")
    await until(lambda: _without_trivial_pods(release), within=120, every=1)

    began = time.monotonic()
    scans = await _create(release, [_scan(f"one-{number}", targets=1) for number in range(SCANS)])
    figures["of which kubectl sent, 1/s"] = SCANS / (time.monotonic() - began)
    await until_done(release, scans)
    figures["scans of one job with warm workers, 1/s"] = one = SCANS / (time.monotonic() - began)

    began = time.monotonic()
    many = await _create(release, [_scan(f"many-{number}", targets=TARGETS) for number in range(SCANS_OF_MANY)])
    await until_done(release, many)
    figures["jobs of scans of 100 with warm workers, 1/s"] = SCANS_OF_MANY * TARGETS / (time.monotonic() - began)
    assert one > pods


async def test_a_scan_costs_four_writes_at_most(release: Release, api_key: str, figures: dict[str, float]) -> None:
    async with release.api(api_key) as api, counted_writes(release) as writes:
        scans = await submit(api, release.namespace, [spec("warm", ttlSecondsAfterFinished=1)] * WATCHED)
        await until_done(release, scans)
        await until(lambda: len(writes.deleted) == WATCHED, within=120, every=0.5)
    figures["Kubernetes writes per scan, mean"] = sum(writes.values()) / WATCHED
    figures["Kubernetes writes per scan, most"] = most = max(writes.values())
    assert most <= 4


async def _warm(release: Release) -> list[Object]:
    return ready(await release.pods("worker", "warm"))


async def _without_trivial_pods(release: Release) -> bool:
    return not await release.get("pods", "--selector=e2e=trivial")


async def _create(release: Release, objects: list[Object]) -> list[UUID]:
    """Have kubectl make all of them; their uids."""
    shown = '--output=jsonpath={.metadata.uid}{"\\n"}'
    made = await release.kubectl("create", "--namespace", release.namespace, shown, "-f", "-", stdin=manifest(*objects))
    return [UUID(uid) for uid in made.split()]


def _scan(name: str, *, targets: int) -> Object:
    return {
        "apiVersion": "secapi.dev/v1alpha1",
        "kind": "ScanRequest",
        "metadata": {"name": name},
        "spec": spec("warm", targets=targets),
    }


def _trivial_job(worker: Object, number: int) -> Object:
    """A Job whose pod, of the workers' image, does nothing."""
    [container] = worker["spec"]["containers"]
    trivial = {key: container[key] for key in ("image", "imagePullPolicy", "securityContext")}
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": worker["spec"]["securityContext"],
        "containers": [{"name": "scan", "command": ["true"], **trivial}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"trivial-{number}", "labels": {"e2e": "trivial"}},
        "spec": {"template": {"metadata": {"labels": {"e2e": "trivial"}}, "spec": pod}},
    }
