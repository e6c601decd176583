"""A ledger with a history, made by the server itself: a million findings and a million scans in 20 namespaces.

The newest scans saw ten findings of their namespace each, the others nothing; one scan, :data:`LARGE_SCAN`, saw all
that its namespace has. Ids are numbers written as UUIDs. Neighbours in a scan are far apart in the table, as they are
after years.
"""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from secapi_dev.bench import ledger

FINDINGS = 1_000_000
SCANS = 1_000_000
NAMESPACES = 20
STEP = 2_000
LOADERS = 2
"""Connections that load at the same time: making rows is work for the server's processors."""


@dataclass(frozen=True, slots=True)
class History:
    """How many there are. Scan ``n`` was created ``n`` seconds ago."""

    findings: int = FINDINGS
    scans: int = SCANS

    @classmethod
    def scaled(cls, scale: float) -> "History":
        """A part of the usual one, in steps in which scans and their findings stay in the same namespaces."""
        steps = max(1, round(FINDINGS / STEP * scale))
        return cls(steps * STEP, steps * STEP)

    @property
    def seeing_scans(self) -> int:
        """So many of the newest scans saw something."""
        return min(self.scans, self.findings // 10)


def scan_id(number: int) -> UUID:
    """Id of a scan."""
    return UUID(f"00000000-0000-0000-0001-{number:012x}")


def finding_id(number: int) -> UUID:
    """Id of a finding."""
    return UUID(f"00000000-0000-0000-0003-{number:012x}")


_LARGE_SCAN = NAMESPACES * SCANS
LARGE_SCAN = scan_id(_LARGE_SCAN)
"""Belongs to ``team-0``, and is older than all others."""

# Nothing here must survive a crash, and half of the loading would be writing it down for that.
_FOREGO_CRASH_SAFETY = "ALTER TABLE findings SET UNLOGGED; ALTER TABLE sightings SET UNLOGGED"

_SCANS = f"""
    INSERT INTO scans (id, namespace, name, spec, scope, priority, state, jobs_total, jobs_succeeded,
                       started_at, completed_at, created_at)
    SELECT ('00000000-0000-0000-0001-' || lpad(to_hex(n), 12, '0'))::uuid, 'team-' || n % {NAMESPACES}, 'scan-' || n,
           '{{"targets": [{{"url": "https://shop.example/"}}], "scanners": [{{"name": "bandit"}}]}}', '{{}}', 'normal',
           'succeeded', 1, 1, now(), now(), now() - n * interval '1 second'
    FROM (SELECT generate_series(0, $1::integer - 1) AS n UNION ALL SELECT {_LARGE_SCAN}) AS numbers
"""  # noqa: S608 - a constant

# Severities are spread evenly over what any one scan saw.
_FINDINGS = f"""
    INSERT INTO findings (id, namespace, fingerprint, scanner, rule, target_key, severity, title, description,
                          remediation, location, cwes, vulnerability_ids, cvss_vector, links, details, content_digest,
                          first_scan_id)
    SELECT ('00000000-0000-0000-0003-' || lpad(to_hex(n), 12, '0'))::uuid, 'team-' || n % {NAMESPACES},
           sha256(n::text::bytea), 'bandit', 'B' || n % 300, 'target-' || n % 1000,
           (ARRAY['critical', 'high', 'medium', 'low', 'info'])[1 + (n / {NAMESPACES} + n / $3) % 5]::severity,
           'Possible injection through a string in function number ' || n, repeat('description ', 15), '',
           jsonb_build_object('path', 'src/module_' || n % 400 || '.py', 'startLine', n % 999), '{{89}}', '{{}}', '',
           '{{https://docs.example/B608}}', jsonb_build_object('code', repeat('cursor.execute(query) ', 14)), '',
           ('00000000-0000-0000-0001-' || lpad(to_hex(n % $3), 12, '0'))::uuid
    FROM generate_series($1::integer, $2::integer) AS n
"""  # noqa: S608 - a constant

_SIGHTINGS = f"""
    INSERT INTO sightings (finding_id, scan_id, job_id, severity, is_new)
    SELECT id, first_scan_id, first_scan_id, severity, true FROM findings WHERE id BETWEEN $1 AND $2
    UNION ALL
    SELECT id, '{LARGE_SCAN}', '{LARGE_SCAN}', severity, false FROM findings
    WHERE id BETWEEN $1 AND $2 AND namespace = 'team-0'
"""  # noqa: S608 - a constant


async def fill(url: str, history: History) -> None:
    """Make the history in an empty ledger and let the planner know of it."""
    share = history.findings // LOADERS
    async with ledger.connected(url) as connection:
        await connection.execute(_FOREGO_CRASH_SAFETY)
        await connection.execute(_SCANS, history.scans)
        async with asyncio.TaskGroup() as loaders:
            for first in range(0, history.findings, share):
                loaders.create_task(_load(url, first, first + share - 1, history.seeing_scans))
        await connection.execute("VACUUM ANALYZE")


async def _load(url: str, first: int, last: int, scans: int) -> None:
    async with ledger.connected(url) as connection:
        await connection.execute(_FINDINGS, first, last, scans)
        await connection.execute(_SIGHTINGS, finding_id(first), finding_id(last))
