"""P6: the apiserver is slow, refuses, conflicts, answers nothing or forgets; no work is lost or repeated."""

from collections import Counter

import pytest

from fault_proxy import Cut
from lab import Lab
from operator_process import OperatorProcess
from waiting import until

STATUS = "PUT .*/status"


@pytest.fixture
def lab(shared_lab: Lab, operator: OperatorProcess) -> Lab:
    """One operator for all tests here; each has a scan of its own name."""
    return shared_lab


@pytest.mark.parametrize("fault", [429, 500, 503, 403, Cut.BEFORE])
async def test_a_status_that_cannot_be_written_is_written_later(lab: Lab, fault: int | Cut) -> None:
    name = f"late-{fault}".lower().replace(".", "-")
    lab.proxy.fail(f"PUT .*/{name}/status", fault, times=8, retry_after=0)
    await lab.run(await lab.create(name))
    await lab.until_phase(name, "Succeeded", within=30)
    assert (await lab.writes())[name] == Counter({"create": 1, "update status": 1})


async def test_a_write_whose_answer_was_lost_is_not_repeated(lab: Lab) -> None:
    lab.proxy.fail("PUT .*/unanswered/status", Cut.AFTER)
    scan = await lab.create("unanswered")
    await lab.run(scan)
    status = await lab.until_phase("unanswered", "Succeeded")
    await until(lambda: lab.operators[0].metric(r'secapi_kubernetes_writes_total{code="409"'))
    assert await lab.status("unanswered") == status


async def test_a_status_is_derived_again_when_the_object_changed_meanwhile(lab: Lab) -> None:
    lab.proxy.fail("PUT .*/contended/status", 503, times=4)
    scan = await lab.create("contended")
    jobs = await lab.claim(scan)
    await until(lambda: any("/contended/status" in line for line in lab.proxy.requests))
    await lab.kubectl("label", "scanrequest", "contended", "-n", lab.namespace, "touched=yes")
    await lab.until_phase("contended", "Running")
    await lab.finish(jobs)
    await lab.until_phase("contended", "Succeeded")


async def test_a_scan_created_while_watches_are_refused_is_planned(lab: Lab) -> None:
    await lab.proxy.until_watched()
    fault = lab.proxy.fail("watch=true", 503, times=6)
    lab.proxy.cut_watches()
    scan = await lab.create("unwatched")
    await lab.run(scan)
    await lab.until_phase("unwatched", "Succeeded")
    assert fault.hit


async def test_expired_watches_repeat_nothing(lab: Lab) -> None:
    scan = await lab.create("before-410")
    jobs = await lab.claim(scan)
    await lab.until_phase("before-410", "Running")
    await lab.proxy.until_watched()
    lab.proxy.expire_watches = 3
    lab.proxy.cut_watches()
    later = await lab.create("after-410")
    await lab.run(later)
    await lab.finish(jobs)
    await lab.until_phase("after-410", "Succeeded")
    await lab.until_phase("before-410", "Succeeded")
    writes = await lab.writes()
    assert writes["before-410"] == Counter({"create": 1, "update status": 2})
    assert len(await lab.rows("SELECT 1 FROM attempts WHERE job_id = :id", id=jobs[0].id)) == 1


async def test_a_deletion_that_the_watch_missed_still_cancels(lab: Lab) -> None:
    scan = await lab.create("ghost")
    await lab.until_planned(scan)
    lab.proxy.hidden_events.add("DELETED")
    try:
        await lab.delete("ghost")
        await lab.until_state(scan, "cancelled", within=20)
    finally:
        lab.proxy.hidden_events.clear()


async def test_an_expired_object_is_deleted_though_the_first_tries_fail(lab: Lab) -> None:
    lab.proxy.fail("DELETE .*/stubborn", 500, times=2)
    lab.proxy.fail("DELETE .*/stubborn", Cut.AFTER)
    await lab.run(await lab.create("stubborn", ttlSecondsAfterFinished=0))

    async def gone() -> bool:
        return not await lab.exists("stubborn")

    await until(gone)
