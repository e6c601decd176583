"""Scans that an operator finds running when it starts."""

import time
from uuid import UUID

import orjson

from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.scans import get_states
from secapi_core.settings import Settings
from secapi_dev.bench.live_scans import create
from secapi_dev.controlplane.kubectl import Kubectl
from secapi_dev.controlplane.servers import ControlPlane
from secapi_operator.objects import StoredScan
from secapi_operator.reconcile.decide import Delays, Nothing, decide


async def test_an_operator_has_nothing_to_do_with_them(
    control_plane: ControlPlane, kubectl: Kubectl, database_url: str
) -> None:
    await create(control_plane.admin_kubeconfig, database_url, 40)
    objects = orjson.loads(await kubectl("get", "scanrequests", "--output=json", "--namespace=default"))["items"]
    await kubectl("delete", "scanrequests", "--all", "--namespace=default", "--wait=false")
    live = [StoredScan.parse(item) for item in objects if item["metadata"]["name"].startswith("live-")]
    assert len(live) == 40

    database = Database(Settings(database_url=database_url), application="tests")
    async with database.transaction() as session:
        known = await get_states(session, [UUID(scan.uid) for scan in live])
    await database.close()
    delays = Delays(queued=0, running=0)
    steps = [decide(scan, known[UUID(scan.uid)], delays, monotonic=time.monotonic(), wall=time.time()) for scan in live]
    assert steps == [Nothing()] * 40
