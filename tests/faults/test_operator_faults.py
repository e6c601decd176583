"""P1, P6 and P9: the operator dies, restarts and exists twice; every scan still ends once, with few writes."""

import json
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from oracle import assert_settled
from running_stack import BIN, NAMESPACE, RunningStack, eventually, noop_spec

SCANS = 200
WRITES_PER_SCAN = 4


async def test_two_hundred_scans_cost_at_most_four_writes_each_though_the_operator_restarts(
    stack: RunningStack,
) -> None:
    names = [f"budget-{number}" for number in range(SCANS)]
    manifests = [
        {
            "apiVersion": "secapi.dev/v1alpha1",
            "kind": "ScanRequest",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": noop_spec(findings=1, seconds=0, targets=1),
        }
        for name in names
    ]
    await stack.kubectl("create", "-f", "-", stdin="\n---\n".join(json.dumps(m) for m in manifests[: SCANS // 2]))
    os.kill(stack.pid("operator"), signal.SIGKILL)
    await stack.kubectl("create", "-f", "-", stdin="\n---\n".join(json.dumps(m) for m in manifests[SCANS // 2 :]))

    async def finished() -> bool:
        out = await stack.kubectl(
            "get",
            "scanrequests",
            "-n",
            NAMESPACE,
            "-o",
            r'jsonpath={range .items[*]}{.metadata.name} {.status.phase}{"\n"}{end}',
        )
        phases = dict(line.split(" ", 1) for line in out.splitlines() if line.startswith("budget-"))
        return len(phases) == SCANS and set(phases.values()) == {"Succeeded"}

    await eventually(finished, within=120, what=f"{SCANS} ScanRequests Succeeded", every=1)
    writes = _writes(stack, names)
    assert len(writes) == SCANS
    assert max(writes.values()) <= WRITES_PER_SCAN, {n: w for n, w in writes.items() if w > WRITES_PER_SCAN}


async def test_scans_end_once_though_the_operator_is_killed_between_them(stack: RunningStack) -> None:
    scans = {}
    for _ in range(2):
        scans[await stack.submit(findings=2, targets=3)] = 6
        os.kill(stack.pid("operator"), signal.SIGKILL)
        scans[await stack.submit(findings=2, targets=3)] = 6
        await eventually(_restarted(stack), within=60, what="the operator is back")
    await assert_settled(stack, scans)


async def test_two_operators_at_once_run_no_job_twice(stack: RunningStack, tmp_path: Path) -> None:
    """The second takes another Lease on purpose: both lead, and only the ledger's fence keeps them apart."""
    with _second_operator(stack, tmp_path / "second.log") as log:

        async def leads() -> bool:
            return '"leading"' in log.read_text()

        await eventually(leads, within=30, what="the second operator leads as well")
        scans = {await stack.submit(findings=2, targets=2): 4 for _ in range(30)}
        await assert_settled(stack, scans)
    async with stack.database() as db:
        repeated = await db.fetchval(
            "SELECT count(*) FROM attempts a JOIN scan_jobs j ON j.id = a.job_id "
            "WHERE j.scan_id = ANY($1) AND a.attempt > 1",
            list(scans),
        )
    assert repeated == 0


@contextmanager
def _second_operator(stack: RunningStack, log: Path) -> Iterator[Path]:
    """A second operator process beside the stack's, which must still be alive when the block ends."""
    environment = _environment(stack.pid("operator")) | {
        "SECAPI_OPERATOR_PROBE_PORT": "0",
        "SECAPI_OPERATOR_LEASE_NAME": "secapi-operator-second",
    }
    with log.open("wb") as output:
        second = subprocess.Popen([BIN / "secapi-operator"], env=environment, stdout=output, stderr=output)
        try:
            yield log
            assert second.poll() is None, log.read_text()[-2000:]
        finally:
            second.terminate()
            second.wait(20)


def _restarted(stack: RunningStack) -> Callable[[], Awaitable[bool]]:
    before = stack.pid("operator")

    async def probe() -> bool:
        return stack.pid("operator") != before or _alive(before)

    return probe


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _environment(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(pair.decode().split("=", 1) for pair in pairs if b"=" in pair)


def _writes(stack: RunningStack, names: list[str]) -> dict[str, int]:
    """Writes on each named ScanRequest by the apiserver's own audit log, whoever made them."""
    counts = dict.fromkeys(names, 0)
    for path in stack.directory.rglob("audit*.log"):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            target = event.get("objectRef", {})
            if target.get("resource") == "scanrequests" and target.get("name") in counts:
                counts[target["name"]] += 1
    return counts
