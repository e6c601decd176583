"""P1, P5, P6, P9: operators are killed, stopped, started late, exist twice, or lose Postgres."""

import asyncio
import signal
import time
from collections import Counter
from uuid import UUID

import httpx

from lab import Lab
from secapi_core.findings import Severity
from secapi_dev.processes.state import StateDirectory
from secapi_dev.servers.migrations import migrate
from tcp_proxy import Mode
from waiting import until


async def test_a_restarted_operator_goes_on_where_the_killed_one_stopped_and_repeats_nothing(lab: Lab) -> None:
    operator = await lab.start_operator().leading()
    scans = {name: await lab.create(name) for name in ("shown", "finished", "claimed", "deleted", "unwanted")}
    jobs = {name: await lab.claim(scan) for name, scan in scans.items() if name not in ("deleted", "unwanted")}
    for name in ("shown", "finished", "claimed"):
        await lab.until_phase(name, "Running")
    await lab.finish(jobs["shown"])
    before = await lab.until_phase("shown", "Succeeded")
    for name in ("deleted", "unwanted"):
        await lab.until_phase(name, "Queued")
    operator.kill()

    await lab.finish(jobs["finished"], Severity.HIGH)
    await lab.delete("deleted")
    await lab.change("unwanted", cancel=True)
    created = await lab.create("created")
    await lab.start_operator().leading()

    await lab.until_phase("finished", "Succeeded")
    await lab.until_phase("unwanted", "Cancelled")
    await lab.until_state(scans["deleted"], "cancelled")
    await lab.finish(jobs["claimed"])
    await lab.until_phase("claimed", "Succeeded")
    await lab.run(created)
    await lab.until_phase("created", "Succeeded")
    assert await lab.status("shown") == before
    writes = await lab.writes()
    for name in ("shown", "finished", "claimed"):
        assert writes[name] == Counter({"create": 1, "update status": 2}), name
    attempts = await lab.rows("SELECT job_id FROM attempts GROUP BY job_id, attempt HAVING count(*) > 1 OR attempt > 1")
    assert attempts == []


async def test_in_a_burst_few_scans_show_anything_but_their_ends(lab: Lab) -> None:
    await lab.start_operator(interim_status_qps=0.1, interim_status_burst=2, queued_status_delay=0.5).leading()
    scans = {f"one-of-{number}": await lab.create(f"one-of-{number}") for number in range(6)}

    async def phases() -> Counter[str]:
        return Counter([(await lab.status(name))["phase"] for name in scans])

    async def some_shown() -> bool:
        return await phases() == {"Queued": 2, "Pending": 4}

    await until(some_shown)
    for scan in scans.values():
        await lab.run(scan)
    for name in scans:
        await lab.until_phase(name, "Succeeded")
    writes = await lab.writes()
    assert sum(writes[name]["update status"] for name in scans) <= len(scans) + 3


async def test_the_follower_leads_after_the_leader_was_killed_and_was_ready_all_the_time(lab: Lab) -> None:
    first = await lab.start_operator().leading()
    second = await lab.start_operator().ready()
    assert not second.said("leading")
    assert await second.metric("secapi_operator_leader") == 0
    before = await lab.create("before")
    await lab.until_planned(before)
    first.kill()
    killed_at = time.monotonic()
    after = await lab.create("after")
    await lab.until_planned(after, within=10)
    assert time.monotonic() - killed_at < 6.0
    assert await second.metric("secapi_operator_leader") == 1
    for name, scan in (("before", before), ("after", after)):
        await lab.run(scan)
        await lab.until_phase(name, "Succeeded")


async def test_a_stopped_leader_finishes_releases_and_ends_quickly(lab: Lab) -> None:
    first = await lab.start_operator().leading()
    second = await lab.start_operator().ready()
    scans = [await lab.create(f"many-{number}") for number in range(20)]
    stopped_at = time.monotonic()
    assert await first.stop(within=8) == 0
    assert time.monotonic() - stopped_at < 6.0
    await until(lambda: second.said("leading"), within=3)
    for scan in scans:
        await lab.until_planned(scan)
    assert not first.said("reconcile failed")
    assert "Traceback" not in first.log.read_text()
    assert "Traceback" not in second.log.read_text()


async def test_two_leaders_plan_everything_once_and_agree_on_every_status(lab: Lab) -> None:
    """Different Leases on purpose: only the fences of ledger and apiserver keep the two apart."""
    patience = {"lease_duration": 30.0, "renew_deadline": 20.0}
    operators = [
        await lab.start_operator(lease_name=f"{lab.namespace}-{number}", **patience).leading() for number in range(2)
    ]
    scans: dict[str, UUID] = {}
    for number in range(25):
        scans[f"twice-{number}"] = await lab.create(f"twice-{number}")
    await asyncio.gather(*(lab.run(scan, Severity.LOW) for scan in scans.values()))
    for name in scans:
        status = await lab.until_phase(name, "Succeeded")
        assert status["findings"]["low"] == 1
    assert all(not operator.said("no longer leading") for operator in operators)
    assert {row["jobs_total"] for row in await lab.rows("SELECT jobs_total FROM scans")} == {1}
    assert await lab.rows("SELECT 1 FROM attempts WHERE attempt > 1") == []


async def test_a_frozen_leader_that_wakes_up_as_a_second_one_does_no_harm(lab: Lab) -> None:
    first = await lab.start_operator().leading()
    second = await lab.start_operator().ready()
    first.signal(signal.SIGSTOP)
    scan = await lab.create("meanwhile")
    jobs = await lab.claim(scan)
    await until(lambda: second.said("leading"))
    first.signal(signal.SIGCONT)
    await until(lambda: first.said("no longer leading"))
    await lab.finish(jobs)
    await lab.until_phase("meanwhile", "Succeeded")
    assert await first.is_ready()
    assert await first.metric("secapi_operator_leader") == 0


async def test_without_postgres_the_operator_waits_and_resumes_by_itself(lab: Lab) -> None:
    operator = await lab.start_operator().leading()
    planned = await lab.create("planned")
    jobs = await lab.claim(planned)
    await lab.until_phase("planned", "Running")
    lab.database_gate.set(Mode.REFUSE)
    waiting = [await lab.create(f"waiting-{number}") for number in range(5)]
    await lab.finish(jobs)
    await until(lambda: operator.said("ledger does not answer"))
    assert await operator.is_healthy()
    assert not await operator.is_ready()
    await asyncio.sleep(2.0)
    lab.database_gate.set(Mode.FORWARD)
    await lab.until_phase("planned", "Succeeded")
    for scan in waiting:
        await lab.until_planned(scan)
    await operator.ready(within=5)
    assert operator.process.poll() is None


async def test_an_operator_that_starts_without_postgres_waits_for_it(lab: Lab) -> None:
    lab.database_gate.set(Mode.REFUSE)
    operator = await lab.start_operator().leading()
    assert not await operator.is_ready()
    scan = await lab.create("early")
    lab.database_gate.set(Mode.FORWARD)
    await lab.run(scan)
    await lab.until_phase("early", "Succeeded")


async def test_nothing_is_refused_while_the_catalogue_cannot_be_listed(lab: Lab) -> None:
    fault = lab.proxy.fail("GET .*/scanners", 503, times=10_000)
    scan = await lab.create("impatient")
    operator = lab.start_operator()
    await until(lambda: operator.said("duty failed"), within=60)
    assert not await operator.is_ready()
    assert await lab.state(scan) is None
    fault.times = 0
    await lab.run(scan)
    await lab.until_phase("impatient", "Succeeded")


async def test_an_open_scan_without_its_scan_request_is_cancelled(lab: Lab) -> None:
    operator = await lab.start_operator().leading()
    scan = await lab.create("orphan")
    await lab.until_planned(scan)
    operator.kill()
    await lab.delete("orphan")
    operator = await lab.start_operator().leading()
    await lab.until_state(scan, "cancelled")
    assert await until(lambda: operator.metric("secapi_scans_orphaned_total")) == 1


async def test_sixty_scans_and_a_kill_in_the_middle_stay_within_the_budget_of_writes(lab: Lab) -> None:
    operator = await lab.start_operator().leading()
    names = [f"budget-{number}" for number in range(60)]
    scans = [await lab.create(name, ttlSecondsAfterFinished=3) for name in names[:30]]
    await asyncio.gather(*(lab.run(scan) for scan in scans[:10]))
    operator.kill()
    scans += [await lab.create(name, ttlSecondsAfterFinished=3) for name in names[30:]]
    await lab.start_operator().leading()
    await asyncio.gather(*(lab.run(scan) for scan in scans))

    async def all_gone() -> bool:
        listed = await lab.admin.request("GET", lab.path(), kind="ScanRequest")
        return not listed["items"]

    await until(all_gone, within=30, every=0.3)
    writes = await lab.writes()
    assert set(writes) == set(names)
    assert max(sum(verbs.values()) for verbs in writes.values()) <= 4, writes
    assert {row["state"] for row in await lab.rows("SELECT state FROM scans")} == {"succeeded"}


async def test_the_probes_and_metrics_tell_what_goes_on(lab: Lab) -> None:
    operator = await lab.start_operator().leading()
    await lab.run(await lab.create("counted"), Severity.CRITICAL)
    await lab.until_phase("counted", "Succeeded")
    (serving,) = operator.said("serving probes")
    base = f"http://127.0.0.1:{serving['port']}"
    async with httpx.AsyncClient(base_url=base) as client:
        assert (await client.get("/healthz")).json() == {"ok": True}
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/metrics")).headers["content-type"].startswith("text/plain; version=")
        assert (await client.get("/elsewhere")).status_code == 404
    for sample, value in {
        "secapi_operator_leader": 1,
        r'secapi_scans_total{namespace="[^"]+",outcome="succeeded",reason="Completed"}': 1,
        r'secapi_jobs_total{namespace="[^"]+",outcome="succeeded"}': 1,
        r'secapi_scan_duration_seconds_count{outcome="succeeded"}': 1,
    }.items():
        assert await operator.metric(sample) == value, sample
    assert await operator.metric(r'secapi_kubernetes_writes_total{code="200",kind="ScanRequest",verb="PUT"}') in (
        1,
        2,
    )
    assert await operator.metric("secapi_reconcile_duration_seconds_count") >= 2
    await until(lambda: operator.metric(r'secapi_messages_published_total{queue="scan.network.normal"}'))
    waiting = await lab.create("waiting")
    await lab.until_planned(waiting)

    async def counted() -> bool:
        return await operator.metric(r'secapi_queue_jobs{pool="network",priority="normal",state="queued"}') == 1

    await until(counted)


async def test_an_operator_is_not_ready_before_somebody_has_migrated_the_database(
    lab: Lab, empty_database_url: str, server_state: StateDirectory
) -> None:
    lab.database_url = empty_database_url
    operator = lab.start_operator()

    async def told() -> bool:
        return (await operator.problem()).endswith("run secapi-migrate")

    await until(told, within=60)
    await migrate(empty_database_url, server_state)
    await operator.ready()
