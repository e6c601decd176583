"""How many scans a second SecAPI sustains with a backlog always waiting, and what each costs.

From the first POST to the last terminal state, with everything (API, operator, worker, Postgres, Valkey, etcd,
kube-apiserver and this client) on this machine's cores.
"""

import time

from secapi_dev.bench import writes
from secapi_dev.bench.laboratory import Figures, Laboratory
from secapi_dev.bench.load import Connection, drive
from secapi_dev.bench.noop_scans import Scan, finished, submit
from secapi_dev.bench.processes import cpu_seconds

SCANS = 600
CLIENTS = 16


async def measure(lab: Laboratory) -> Figures:
    """Scans a second, processor time per scan by part of the stack, and Kubernetes writes where the log is at hand."""
    scans: list[Scan] = []

    async def send(api: Connection) -> None:
        scans.append(await submit(api))

    async with lab.clients(CLIENTS) as connections, lab.ledger() as ledger:
        used_before, began = cpu_seconds(lab.pids), time.perf_counter()
        accepted = await drive(connections, send, count=SCANS)
        await finished(ledger, scans)
        seconds, used = time.perf_counter() - began, cpu_seconds(lab.pids)
    each = {part: round((used[part] - used_before[part]) / SCANS * 1000, 2) for part in used}
    return {
        "accepted_per_second": round(accepted.per_second, 1),
        "scans_per_second": round(SCANS / seconds, 1),
        "cpu_per_scan_ms": round(sum(each.values()), 1),
        **{f"cpu_per_scan_{part}_ms": milliseconds for part, milliseconds in each.items()},
        **(await writes.measure(lab.audit_log, [scan.name for scan in scans]) if lab.audit_log.exists() else {}),
    }
