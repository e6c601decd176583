"""Findings on their way into the ledger: look up what is known, COPY what is not, note that all were seen.

Identity is made of namespace, target and scanner family, so two reports can share findings only if they share these
three, and an advisory lock on them lets one such report in at a time. What a lookup says therefore holds until the
commit: new findings go straight into their table by COPY, and a known one costs a lookup and one narrow row. Only
findings whose content changed are staged; they are updated at the end, in the order of their fingerprints, once the
job's row is locked. Nothing of this is visible to anybody before that lock has proved the attempt to be the owner.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from secapi_core.errors import Superseded
from secapi_core.findings import Quarantined, Severity
from secapi_core.ledger.transitions._batches import Entry
from secapi_core.ledger.transitions._copy import Row, copy_rows
from secapi_core.ledger.transitions._finding_rows import CONTENT_COLUMNS
from secapi_core.ledger.types import ClaimedJob

_COLUMNS = (
    *("id", "fingerprint", *CONTENT_COLUMNS, "content_digest"),
    *("namespace", "scanner", "target_key", "first_scan_id"),
)
_SIGHTING_COLUMNS = ("finding_id", "severity", "is_new", "scan_id", "job_id")

# A large report may take longer than what people wait for. And a plan that was made while the table was empty, and
# kept, would read all of it for every batch.
_SETTINGS = text("""
    SELECT set_config('statement_timeout', '60s', true), set_config('plan_cache_mode', 'force_custom_plan', true)
""")

_LOCK_TARGET = text("SELECT pg_advisory_xact_lock(hashtextextended(:target, 0))")

# After the wait for the lock: a successor of this attempt may have committed meanwhile.
_CHECK_OWNER = text("""
    SELECT EXISTS (
        SELECT FROM scan_jobs AS sibling
        WHERE sibling.scan_id = job.scan_id AND sibling.target_key = job.target_key AND sibling.family = job.family
          AND sibling.id <> job.id
    )
    FROM scan_jobs AS job
    WHERE id = :job_id AND attempt = :attempt AND state = 'running'
""")

KNOWN = """
    SELECT fingerprint, id, content_digest, state = 'fixed' AS fixed,
           $3 AND EXISTS (SELECT FROM sightings WHERE scan_id = $4 AND finding_id = findings.id) AS counted
    FROM findings
    WHERE namespace = $1 AND fingerprint = ANY ($2::bytea[])
"""

# Like findings, so that it refuses what findings would refuse.
_CREATE_STAGE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS changed_findings (LIKE findings INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
    ON COMMIT DELETE ROWS
"""

_UPDATE_CHANGED = text(f"""
    WITH locked AS (
        SELECT findings.id
        FROM findings JOIN changed_findings USING (id)
        ORDER BY findings.fingerprint
        FOR NO KEY UPDATE OF findings
    )
    UPDATE findings
    SET {", ".join(f"{column} = changed.{column}" for column in (*CONTENT_COLUMNS, "content_digest"))},
        state = CASE findings.state WHEN 'fixed' THEN 'open' ELSE findings.state END,
        version = findings.version + 1,
        updated_at = now()
    FROM changed_findings AS changed JOIN locked USING (id)
    WHERE findings.id = changed.id
""")  # noqa: S608 - column names are constants


@dataclass(slots=True)
class Ingest:
    """One report while it is written, and what it has brought so far.

    ``gained`` leaves out of ``seen`` what the scan had counted before. Remembers about 100 bytes a finding.
    """

    connection: "asyncpg.Connection[asyncpg.Record]"
    job: ClaimedJob
    has_siblings: bool
    quarantined: list[Quarantined]
    seen: Counter[Severity] = field(default_factory=Counter)
    gained: Counter[Severity] = field(default_factory=Counter)
    new: int = 0
    _read: int = 0
    _has_changed: bool = False
    _fingerprints: set[bytes] = field(default_factory=set)

    @classmethod
    async def begin(cls, session: AsyncSession, job: ClaimedJob, quarantined: list[Quarantined]) -> "Ingest":
        """Wait for other reports on the same target; raises Superseded if the attempt has lost its job."""
        target = "\n".join((job.namespace, job.family, job.target_key))
        await session.execute(_SETTINGS)
        await session.execute(_LOCK_TARGET, {"target": target})
        owner = {"job_id": job.id, "attempt": job.attempt}
        has_siblings = (await session.execute(_CHECK_OWNER, owner)).scalar_one_or_none()
        if has_siblings is None:
            raise Superseded(f"attempt {job.attempt} no longer owns job {job.id}")
        adapted = await (await session.connection()).get_raw_connection()
        connection = adapted.driver_connection
        assert isinstance(connection, asyncpg.Connection)  # noqa: S101 - Database makes no others
        return cls(connection, job, has_siblings, quarantined)

    async def write(self, batch: Sequence[Entry]) -> None:
        """Write a batch; the changes of known findings wait in the stage until :meth:`update_changed`."""
        job, known = self.job, await self._known(batch)
        constants = (job.namespace, job.scanner, job.target_key, job.scan_id)
        new: list[Row] = []
        changed: list[Row] = []
        sightings: list[Row] = []
        counted: set[UUID] = set()
        for fingerprint, finding, content, digest in batch:
            if fingerprint in self._fingerprints:
                continue
            self._fingerprints.add(fingerprint)
            if found := known.get(fingerprint):
                _, finding_id, known_digest, is_fixed, is_counted = found
                if is_fixed or known_digest != digest:
                    changed.append((finding_id, fingerprint, *content, digest, *constants))
                if is_counted:
                    counted.add(finding_id)
            else:
                finding_id = uuid7()
                new.append((finding_id, fingerprint, *content, digest, *constants))
            sightings.append((finding_id, finding.severity, found is None, job.scan_id, job.id))
        if refused := await self._copy("findings", new, batch) | await self._stage(changed, batch):
            sightings = [sighting for sighting in sightings if sighting[0] not in refused]
        self._read += len(batch)
        await self._see(sightings, counted)

    async def update_changed(self, session: AsyncSession) -> None:
        """Give known findings their new content and reopen the fixed ones; the caller has locked the job's row."""
        if self._has_changed:
            await session.execute(_UPDATE_CHANGED)

    async def _known(self, batch: Sequence[Entry]) -> dict[bytes, asyncpg.Record]:
        fingerprints = [entry.fingerprint for entry in batch]
        rows = await self.connection.fetch(KNOWN, self.job.namespace, fingerprints, self.has_siblings, self.job.scan_id)
        return {row[0]: row for row in rows}

    async def _stage(self, rows: list[Row], batch: Sequence[Entry]) -> set[UUID]:
        if rows and not self._has_changed:
            await self.connection.execute(_CREATE_STAGE)
            self._has_changed = True
        return await self._copy("changed_findings", rows, batch)

    async def _copy(self, table: str, rows: list[Row], batch: Sequence[Entry]) -> set[UUID]:
        """Write rows, quarantine those that Postgres refuses, and return the ids of these."""
        refused = await copy_rows(self.connection, table, _COLUMNS, rows) if rows else []
        for row, problem in refused:
            position = next(position for position, entry in enumerate(batch) if entry.fingerprint == row[1])
            self.quarantined.append(Quarantined(self._read + position, problem, repr(batch[position].finding)))
        return {row[0] for row, _ in refused}

    async def _see(self, sightings: list[Row], counted: set[UUID]) -> None:
        self.seen.update(severity for _, severity, *_ in sightings)
        gained = [sighting for sighting in sightings if sighting[0] not in counted] if counted else sightings
        if gained:
            await self.connection.copy_records_to_table("sightings", columns=_SIGHTING_COLUMNS, records=gained)
        self.gained.update(severity for _, severity, *_ in gained)
        self.new += sum(is_new for _, _, is_new, *_ in gained)
