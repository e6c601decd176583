"""A burst of scans ends as it should, whatever happens to the pods meanwhile."""

import time
from uuid import UUID

import pytest

from burst import FINDINGS, spec, submit, until_done
from oracle import assert_settled
from release import Release
from waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SCANS = 100


async def _submitted(release: Release, api_key: str, **options: int) -> dict[UUID, int]:
    async with release.api(api_key) as api:
        scans = await submit(api, release.namespace, [spec("warm", **options)] * SCANS)
    return dict.fromkeys(scans, FINDINGS)


async def test_no_scan_is_lost_or_doubled_though_pods_are_killed(release: Release, api_key: str) -> None:
    scans = await _submitted(release, api_key, seconds=2)

    await until_done(release, scans, share=0.1)
    [worker] = await release.pods("worker", "warm")
    await release.delete_pod(worker["metadata"]["name"], grace=0)
    await until_done(release, scans, share=0.3)
    for operator in await release.pods("operator"):
        await release.delete_pod(operator["metadata"]["name"], grace=0)
    await until_done(release, scans, share=0.6)
    [worker] = await release.pods("worker", "warm")
    await release.delete_pod(worker["metadata"]["name"])

    await assert_settled(release, scans, within=300)


async def test_no_scan_is_lost_or_doubled_though_the_release_is_upgraded(release: Release, api_key: str) -> None:
    scans = await _submitted(release, api_key, seconds=2)

    await until_done(release, scans, share=0.1)
    before = {pod["metadata"]["name"] for pod in await release.get("pods")}
    everywhere = {f"{part}.podAnnotations": {"e2e/upgrade": "1"} for part in ("api", "operator", "workers.defaults")}
    await release.upgrade(everywhere)

    await assert_settled(release, scans, within=300)
    stayed = before & {pod["metadata"]["name"] for pod in await release.get("pods")}
    assert {name.rsplit("-", 1)[0] for name in stayed} == {"secapi-postgresql", "secapi-redis"}


async def test_a_drained_pod_gives_back_what_it_cannot_finish_before_its_grace_ends(
    release: Release, api_key: str
) -> None:
    async with release.api(api_key) as api:
        scans = await submit(api, release.namespace, [spec("warm", seconds=45)] * 2)

    async def both_run() -> bool:
        return len(await release.scanning()) >= 2

    await until(both_run, within=60, every=0.5)
    [worker] = await release.pods("worker", "warm")
    began = time.monotonic()
    await release.delete_pod(worker["metadata"]["name"])

    async with release.database() as db:

        async def first_attempts() -> set[str] | None:
            rows = await db.fetch(
                "SELECT a.state FROM attempts a JOIN scan_jobs j ON j.id = a.job_id "
                "WHERE j.scan_id = ANY($1) AND a.attempt = 1",
                scans,
            )
            states = {row["state"] for row in rows}
            return None if "running" in states else states

        assert await until(first_attempts, within=60, every=0.5) == {"released"}
    # It drains for 20 s of a grace of 60 s.
    assert 15 < time.monotonic() - began < 45
    await assert_settled(release, dict.fromkeys(scans, FINDINGS), within=180)
