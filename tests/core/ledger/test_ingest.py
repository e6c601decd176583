"""What happens to findings that are new, known, changed, repeated or impossible to store."""

from dataclasses import replace
from typing import Any

import pytest

from ledger_factories import (
    claimed,
    execute,
    fetch,
    finish,
    make_finding,
    make_findings,
    make_scan,
    planned_scan,
    running_job,
)
from secapi_core.findings import Confidence, Finding, Location, Quarantined, Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.types import IngestCounts

FULL = Finding(
    rule="B602",
    title="Shell injection",
    severity=Severity.CRITICAL,
    location=Location(path="src/a.py", start_line=3, end_line=4),
    anchor="call()",
    description="Bad.",
    remediation="Do not.",
    confidence=Confidence.MEDIUM,
    cwes=(78,),
    vulnerability_ids=("CVE-2026-1", "GHSA-x"),
    cvss_score=9.8,
    cvss_vector="CVSS:3.1/AV:N",
    references=("https://docs.example/B602",),
    details={"a": [1, None, "x"]},
)


async def scan_again(database: Database, findings: list[tuple[bytes, Finding]], **job: Any) -> IngestCounts:
    return await finish(database, await running_job(database, **job), findings)


async def test_every_field_of_a_finding_is_stored(database: Database) -> None:
    job = await running_job(database)

    await finish(database, job, [(b"f" * 32, FULL)])

    (row,) = await fetch(database, "SELECT * FROM findings")
    assert (row.namespace, row.scanner, row.target_key) == ("team-a", "bandit", "url:https://shop.example:443/0")
    assert (bytes(row.fingerprint), row.rule, row.title, row.severity) == (
        b"f" * 32,
        "B602",
        "Shell injection",
        "critical",
    )
    assert (row.confidence, row.description, row.remediation) == ("medium", "Bad.", "Do not.")
    assert row.location == {"path": "src/a.py", "startLine": 3, "endLine": 4}
    assert (row.cwes, row.vulnerability_ids, row.links) == ([78], ["CVE-2026-1", "GHSA-x"], list(FULL.references))
    assert (float(row.cvss_score), row.cvss_vector, row.details) == (9.8, "CVSS:3.1/AV:N", {"a": [1, None, "x"]})
    assert (row.state, row.version, row.first_scan_id) == ("open", 1, job.scan_id)
    assert row.first_seen_at == row.created_at == row.updated_at


async def test_a_known_finding_only_gets_another_sighting(database: Database) -> None:
    findings = make_findings(range(5))
    await scan_again(database, findings)
    before = await fetch(database, "SELECT * FROM findings ORDER BY id")

    counts = await scan_again(database, findings)

    assert (counts.seen, counts.new) == (5, 0)
    assert await fetch(database, "SELECT * FROM findings ORDER BY id") == before
    sightings = await fetch(database, "SELECT is_new, count(*), count(DISTINCT finding_id) FROM sightings GROUP BY 1")
    assert sorted(map(tuple, sightings)) == [(False, 5, 5), (True, 5, 5)]


async def test_a_scan_with_new_and_known_findings_tells_them_apart(database: Database) -> None:
    await scan_again(database, make_findings(range(5)))

    counts = await scan_again(database, make_findings(range(3, 9)))

    assert (counts.seen, counts.new) == (6, 4)
    assert await fetch(database, "SELECT findings_new, findings_high FROM scans ORDER BY created_at") == [
        (5, 5),
        (4, 6),
    ]


async def test_a_finding_whose_content_changed_is_updated(database: Database) -> None:
    await scan_again(database, make_findings(range(3)))
    ((identity, first_scan),) = await fetch(database, "SELECT id, first_scan_id FROM findings WHERE rule = 'B001'")
    changed = make_findings(range(3))
    changed[1] = (changed[1][0], replace(changed[1][1], severity=Severity.LOW, title="Not so bad"))

    counts = await scan_again(database, changed)

    assert counts.by_severity[Severity.LOW] == 1
    (row,) = await fetch(database, "SELECT * FROM findings WHERE rule = 'B001'")
    assert (row.id, row.first_scan_id, row.severity, row.title, row.version) == (
        identity,
        first_scan,
        "low",
        "Not so bad",
        2,
    )
    assert await fetch(database, "SELECT version FROM findings WHERE rule <> 'B001'") == [(1,), (1,)]


@pytest.mark.parametrize("state", ["open", "confirmed", "falsePositive", "acceptedRisk"])
async def test_triage_survives_another_sighting(database: Database, state: str) -> None:
    await scan_again(database, make_findings([1]))
    await execute(database, "UPDATE findings SET state = :state", state=state)

    await scan_again(database, make_findings([1]))
    await scan_again(database, make_findings([1], title="Said differently"))

    assert await fetch(database, "SELECT state, title FROM findings") == [(state, "Said differently")]


async def test_a_fixed_finding_that_is_seen_again_is_open(database: Database) -> None:
    await scan_again(database, make_findings(range(2)))
    await execute(database, "UPDATE findings SET state = 'fixed'")

    counts = await scan_again(database, make_findings([1]))

    assert (counts.seen, counts.new) == (1, 0)
    assert await fetch(database, "SELECT rule, state FROM findings ORDER BY rule") == [
        ("B000", "fixed"),
        ("B001", "open"),
    ]


async def test_a_namespace_does_not_know_the_findings_of_another(database: Database) -> None:
    await scan_again(database, make_findings(range(2)), scan=make_scan("team-a"))

    counts = await scan_again(database, make_findings(range(2)), scan=make_scan("team-b"))

    assert counts.new == 2
    assert await fetch(database, "SELECT namespace, count(*) FROM findings GROUP BY 1 ORDER BY 1") == [
        ("team-a", 2),
        ("team-b", 2),
    ]


async def test_a_finding_that_a_report_repeats_counts_once(database: Database) -> None:
    findings = make_findings([1, 2, 1, 1, 2])

    counts = await scan_again(database, findings)

    assert (counts.seen, counts.new) == (2, 2)


async def test_a_finding_repeated_in_a_later_batch_counts_once(database: Database) -> None:
    counts = await scan_again(database, make_findings([*range(2_500), *range(2_500)]))

    assert (counts.seen, counts.new) == (2_500, 2_500)


async def test_a_finding_that_two_jobs_of_a_scan_report_counts_once_for_the_scan(database: Database) -> None:
    # Two scanners of one family on one target: a tool with its own rules and with the customer's.
    job_ids = await planned_scan(database, 2, target_key="url:https://shop.example:443/")
    first, second = [await claimed(database, job_id) for job_id in job_ids]

    await finish(database, first, make_findings(range(4)))
    counts = await finish(database, second, make_findings(range(2, 7)))

    assert (counts.seen, counts.new) == (5, 3)
    assert await fetch(database, "SELECT findings_high, findings_new FROM scans") == [(7, 7)]
    assert await fetch(database, "SELECT findings FROM scan_jobs ORDER BY ordinal") == [(4,), (5,)]
    assert await fetch(database, "SELECT count(*) FROM sightings") == [(7,)]


async def test_what_a_hostile_report_says_is_stored_in_a_bounded_form(database: Database) -> None:
    nested: list[Any] = []
    for _ in range(2_000):
        nested = [nested]
    hostile = [
        (b"1" * 32, make_finding(1, title="nul \0 and \ud800", details={"\0": "\0", "deep": nested})),
        (b"2" * 32, make_finding(2, title="x" * 10_000, details={"size": "y" * 100_000})),
        (b"3" * 32, make_finding(3, details={"number": float("nan"), "big": 10**5_000, 4: {5}})),
    ]

    counts = await scan_again(database, hostile)

    assert (counts.seen, counts.quarantined) == (3, 0)
    titles = await fetch(database, "SELECT title, details FROM findings ORDER BY fingerprint")
    assert titles[0].title == "nul \N{REPLACEMENT CHARACTER} and ?"
    assert titles[0].details["\N{REPLACEMENT CHARACTER}"] == "\N{REPLACEMENT CHARACTER}"
    assert titles[1].details == {"omitted": "100011 bytes"}
    assert titles[2].details["number"] is None


def spoiled(number: int, **values: Any) -> tuple[bytes, Finding]:
    """A finding that no parser can make, because it goes round the type's own checks."""
    ((fingerprint, finding),) = make_findings([number])
    for name, value in values.items():
        object.__setattr__(finding, name, value)
    return fingerprint, finding


@pytest.mark.parametrize(
    "values",
    [
        {"title": "a\0b"},  # refused by the server
        {"title": "a\ud800b"},  # refused by the driver
        {"cwes": (2**40,)},
        {"cvss_score": 1e9},
        {"confidence": "unheard of"},
        {"vulnerability_ids": None},
    ],
)
async def test_a_row_that_cannot_be_stored_is_quarantined_and_the_rest_is_kept(
    database: Database, values: dict[str, Any]
) -> None:
    findings = make_findings(range(100))
    findings[37] = spoiled(37, **values)
    quarantined: list[Quarantined] = []

    counts = await finish(database, await running_job(database), findings, quarantined)

    assert (counts.seen, counts.new, counts.quarantined) == (99, 99, 1)
    (entry,) = quarantined
    assert entry.position == 37
    assert entry.problem
    assert await fetch(database, "SELECT count(*), (SELECT count(*) FROM sightings) FROM findings") == [(99, 99)]
    assert await fetch(database, "SELECT state, quarantined FROM scan_jobs") == [("succeeded", 1)]


async def test_a_change_that_cannot_be_stored_is_quarantined(database: Database) -> None:
    await scan_again(database, make_findings(range(10)))
    findings = make_findings(range(10), title="Said differently")
    findings[3] = spoiled(3, confidence="unheard of")
    quarantined: list[Quarantined] = []

    counts = await finish(database, await running_job(database), findings, quarantined)

    assert (counts.seen, counts.new, counts.quarantined) == (9, 0, 1)
    assert quarantined[0].position == 3
    ((changed,),) = await fetch(database, "SELECT count(*) FROM findings WHERE title = 'Said differently'")
    assert changed == 9


async def test_several_bad_rows_are_all_found(database: Database) -> None:
    findings = make_findings(range(64))
    for number in (0, 1, 31, 63):
        findings[number] = spoiled(number, title="\0")
    quarantined: list[Quarantined] = []

    counts = await finish(database, await running_job(database), findings, quarantined)

    assert counts.seen == 60
    assert [entry.position for entry in quarantined] == [0, 1, 31, 63]


async def test_connections_can_be_used_again_after_changes_were_staged(database: Database) -> None:
    await scan_again(database, make_findings(range(3)))
    for round_ in range(3):
        await scan_again(database, make_findings(range(3), title=f"Round {round_}"))

    assert await fetch(database, "SELECT DISTINCT title, version FROM findings") == [("Round 2", 4)]
