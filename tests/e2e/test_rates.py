"""Warm workers against the way of others, a pod for each scan, in one run on one cluster."""

import time

import pytest

from burst import counted_writes, spec, submit, until_done
from release import Release, ready
from rendering import Object, manifest
from waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

JOBS = 50
SCANS = 300
SCANS_OF_MANY, TARGETS = 5, 100


async def test_warm_workers_are_faster_than_a_pod_for_each_scan(
    release: Release, api_key: str, figures: dict[str, float]
) -> None:
    pods = await _pods_per_second(release)
    async with release.api(api_key) as api, counted_writes(release) as writes:
        began = time.monotonic()
        scans = await submit(api, release.namespace, [spec("warm", ttlSecondsAfterFinished=1)] * SCANS)
        await until_done(release, scans)
        scans_per_second = SCANS / (time.monotonic() - began)
        await until(lambda: len(writes.deleted) == SCANS, within=120, every=0.5)
        most, mean = max(writes.values()), sum(writes.values()) / SCANS

        began = time.monotonic()
        many = await submit(api, release.namespace, [spec("warm", targets=TARGETS)] * SCANS_OF_MANY)
        await until_done(release, many)
        jobs_per_second = SCANS_OF_MANY * TARGETS / (time.monotonic() - began)

    figures["Kubernetes Jobs of one trivial pod, 1/s"] = pods
    figures["scans of one job with warm workers, 1/s"] = scans_per_second
    figures["jobs of scans of 100 with warm workers, 1/s"] = jobs_per_second
    figures["Kubernetes writes per scan, mean"] = mean
    figures["Kubernetes writes per scan, most"] = most
    assert most <= 4
    assert scans_per_second > pods


async def _pods_per_second(release: Release) -> float:
    """Trivial Kubernetes Jobs, each with a pod of the workers' image, made at once."""

    async def warm() -> list[Object]:
        return ready(await release.pods("worker", "warm"))

    [worker] = await until(warm, within=60, every=0.5)
    [container] = worker["spec"]["containers"]
    trivial = {key: container[key] for key in ("image", "imagePullPolicy", "securityContext")}
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": worker["spec"]["securityContext"],
        "containers": [{"name": "scan", "command": ["true"], **trivial}],
    }
    jobs = [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": f"trivial-{number}", "namespace": release.namespace, "labels": {"e2e": "trivial"}},
            "spec": {"template": {"spec": pod}},
        }
        for number in range(JOBS)
    ]
    began = time.monotonic()
    await release.kubectl("create", "-f", "-", stdin=manifest(*jobs))

    async def all_done() -> bool:
        found = await release.get("jobs", "--selector=e2e=trivial")
        return len(found) == JOBS and all(job["status"].get("succeeded") for job in found)

    await until(all_done, within=180, every=0.2)
    rate = JOBS / (time.monotonic() - began)
    await release.kubectl("delete", "jobs", "--namespace", release.namespace, "--selector=e2e=trivial")
    return rate
