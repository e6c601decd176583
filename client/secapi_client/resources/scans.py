"""``/v1/scans``."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from secapi_client.connection import Body, Connection
from secapi_client.models.findings import ScanFinding
from secapi_client.models.pages import Page
from secapi_client.models.scans import RerunScan, Scan, ScanJob, ScanSummary, SubmittedScan
from secapi_client.models.specs import ScanSpec
from secapi_client.models.words import Phase, Severity
from secapi_client.resources.following import Progress, follow
from secapi_client.retries import RETRIED, Retries


class Scans:
    """Runs of scanners over targets."""

    def __init__(self, connection: Connection) -> None:
        """Use ``connection``."""
        self._connection = connection

    def submit(
        self, namespace: str, spec: ScanSpec, *, name: str | None = None, idempotency_key: str | None = None
    ) -> SubmittedScan:
        """Submit a scan.

        Safe to send again, because it always carries an ``Idempotency-Key``: the same key with the same scan gives the
        scan that there is already. Without one of your own, it is made up for this call and its retries.
        """
        body = {"namespace": namespace, "spec": spec} | ({"name": name} if name else {})
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        answer = self._connection.send("POST", "/v1/scans", body=Body(body), headers=headers, repeatable=True)
        return self._connection.read(SubmittedScan, answer)

    def list(
        self,
        *,
        namespace: str | None = None,
        phases: Sequence[Phase] = (),
        scanner: str | None = None,
        target: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[ScanSummary]:
        """Newest first; without a namespace, of all that the key may see. ``since`` has a time zone."""
        parameters = {
            "namespace": namespace,
            "phase": _repeated(phases),
            "scanner": scanner,
            "target": target,
            "since": since.isoformat() if since else None,
        }
        return self._connection.items("/v1/scans", ScanSummary, parameters, limit)

    def get(self, scan_id: UUID) -> Scan:
        """One scan."""
        return self._connection.get(f"/v1/scans/{scan_id}", Scan)

    def jobs(self, scan_id: UUID) -> Sequence[ScanJob]:
        """The scan's jobs in the order of its plan; none before it is planned."""
        return self._connection.get(f"/v1/scans/{scan_id}/jobs", Page[ScanJob]).items

    def findings(
        self,
        scan_id: UUID,
        *,
        severities: Sequence[Severity] = (),
        scanner: str | None = None,
        only_new: bool = False,
        limit: int | None = None,
    ) -> Iterator[ScanFinding]:
        """What the scan found so far, worst first."""
        parameters = {"severity": _repeated(severities), "scanner": scanner, "onlyNew": only_new}
        return self._connection.items(f"/v1/scans/{scan_id}/findings", ScanFinding, parameters, limit)

    def rerun(self, scan_id: UUID, *, idempotency_key: str | None = None) -> RerunScan:
        """Submit what the scan was asked for as a new scan; ``idempotency_key`` as in :meth:`submit`."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        answer = self._connection.send("POST", f"/v1/scans/{scan_id}/rerun", headers=headers, repeatable=True)
        return self._connection.read(RerunScan, answer)

    def cancel(self, scan_id: UUID) -> Scan:
        """Stop the scan; one that has ended stays as it is."""
        answer = self._connection.send("POST", f"/v1/scans/{scan_id}/cancel", repeatable=True)
        return self._connection.read(Scan, answer)

    def delete(self, scan_id: UUID) -> Scan | None:
        """Delete the scan; its findings stay. One that still runs is cancelled and answered: delete it later."""
        answer = self._connection.delete(f"/v1/scans/{scan_id}")
        return self._connection.read(Scan, answer) if answer is not None else None

    def follow(self, scan_id: UUID, *, patience: float = 300.0, accepted: bool = False) -> Iterator[Progress]:
        """What there is to see of the scan, whenever it changes, until it has ended.

        The server may be away for ``patience`` seconds, for instance while it is upgraded. Say that the scan is
        ``accepted`` if ``submit`` answered it: then it also may not be there yet, because the server accepts scans
        while its database is away.
        """
        patient = replace(self._connection.retries, attempts=sys.maxsize, budget=patience)
        if accepted:
            self._look(scan_id, replace(patient, statuses=RETRIED | {404}))
        return follow(lambda: self._look(scan_id, patient))

    def wait(self, scan_id: UUID, *, patience: float = 300.0, accepted: bool = False) -> Scan:
        """The scan, once it has ended; as :meth:`follow`."""
        *_, last = self.follow(scan_id, patience=patience, accepted=accepted)
        return last.scan

    def _look(self, scan_id: UUID, retries: Retries) -> Progress:
        # In this order: the jobs of a scan that has ended do not change any more.
        scan = self._connection.get(f"/v1/scans/{scan_id}", Scan, retries=retries)
        jobs = self._connection.get(f"/v1/scans/{scan_id}/jobs", Page[ScanJob], retries=retries)
        return Progress(scan, tuple(jobs.items))


def _repeated(words: Sequence[str]) -> Sequence[str] | None:
    """For a parameter that may be repeated; None leaves it out."""
    return [str(word) for word in words] or None
