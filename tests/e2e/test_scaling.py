"""A pool grows with its queue, from nothing and to nothing."""

import time

import pytest

from burst import FINDINGS, spec, submit
from oracle import assert_settled
from release import Release, ready
from waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SCANS = 100
MOST = 3
SECONDS = 2


async def test_a_pool_scales_from_zero_under_a_burst_and_back(
    release: Release, api_key: str, figures: dict[str, float]
) -> None:
    async def pods() -> int:
        return len(await release.pods("worker", "burst"))

    async def no_pods() -> bool:
        return await pods() == 0

    async def one_is_ready() -> bool:
        return bool(ready(await release.pods("worker", "burst")))

    async def all_are_ready() -> bool:
        return len(ready(await release.pods("worker", "burst"))) == MOST

    assert await pods() == 0
    async with release.api(api_key) as api:
        began = time.monotonic()
        scans = await submit(api, release.namespace, [spec("burst", seconds=SECONDS)] * SCANS)
    figures["burst submitted, s"] = time.monotonic() - began

    await until(one_is_ready, within=120, every=0.5)
    figures["0 to the first ready worker, s"] = time.monotonic() - began
    await until(all_are_ready, within=120, every=0.5)
    figures["0 to three ready workers, s"] = time.monotonic() - began

    await assert_settled(release, dict.fromkeys(scans, FINDINGS), within=300)
    figures["burst of 100 scans of 2 s done, s"] = (drained := time.monotonic()) - began
    await until(no_pods, within=180, every=0.5)
    figures["done to 0 workers, s"] = time.monotonic() - drained
