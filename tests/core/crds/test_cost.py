"""What the rules of the resource types cost the apiserver, which checks them at every write of a status as well."""

import json
import time

from manifests import manifest
from secapi_dev.controlplane.kubectl import Kubectl

_TRIES = 5


async def test_a_hundred_targets_cost_little_more_than_one(kubectl: Kubectl) -> None:
    """A rule that compares every target with every other takes thirty times as long as all of the request besides."""
    assert await _seconds(kubectl, targets=100) < 4 * await _seconds(kubectl, targets=1)


async def _seconds(kubectl: Kubectl, *, targets: int) -> float:
    """How long one of several creations of such a request took in the apiserver, the shortest."""
    hosts = [{"host": {"address": f"host-{number}.example", "ports": "1-1024"}} for number in range(targets)]
    request = json.dumps(manifest("ScanRequest", targets=hosts))
    took = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        await kubectl("create", "--dry-run=server", "-f", "-", stdin=request)
        took.append(time.perf_counter() - began)
    return min(took)
