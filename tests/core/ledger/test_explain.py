"""No statement on a hot road reads a whole table, however long the history grows.

Each transition and query is called as it is in life; the statements it sends are caught on their way and explained
with the very parameters they had.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from large_ledger import OPEN, SCAN, fill
from ledger_factories import BROKEN, CRASHED, REPORT, UNWANTED, make_database
from secapi_core.findings import Severity
from secapi_core.ledger.database import Database
from secapi_core.ledger.queries.active import count_active, open_scan_ids
from secapi_core.ledger.queries.artifacts import get_artifact, get_artifacts, list_artifacts
from secapi_core.ledger.queries.changes import Mark, changed_jobs, changed_scans
from secapi_core.ledger.queries.dead_letters import DeadLetterFilter, list_dead_letters
from secapi_core.ledger.queries.findings import list_scan_findings
from secapi_core.ledger.queries.gauges import dead_letters, delivery_age, findings_by_severity_and_state, outbox
from secapi_core.ledger.queries.jobs import list_jobs
from secapi_core.ledger.queries.queues import queue_depths, queued_due_by_queue
from secapi_core.ledger.queries.scans import ScanFilter, get_scan, get_states, list_scans
from secapi_core.ledger.queries.stats import count_days, get_standing
from secapi_core.ledger.queries.users import known_subject, known_user
from secapi_core.ledger.queries.webhooks import list_deliveries
from secapi_core.ledger.restricted import RestrictedDatabase
from secapi_core.ledger.states import ScanState
from secapi_core.ledger.transitions._ingest import KNOWN
from secapi_core.ledger.transitions.cancel import cancel_scan
from secapi_core.ledger.transitions.claim import claim_job
from secapi_core.ledger.transitions.deliveries import claim_delivery, forget_deliveries, postpone_delivery
from secapi_core.ledger.transitions.dispatch import mark_dispatched, next_due, redispatch, take_outbox
from secapi_core.ledger.transitions.fail import fail_job
from secapi_core.ledger.transitions.heartbeat import extend_lease
from secapi_core.ledger.transitions.reap import reap_expired
from secapi_core.ledger.transitions.release import release_job
from secapi_core.ledger.transitions.users import link_user
from secapi_core.ledger.types import OutboxItem
from secapi_core.messages import DELIVERIES, RUN_JOB
from secapi_core.paging import encode_cursor
from secapi_core.settings import Settings
from secapi_dev.servers.postgres import PostgresServer

LARGE = {
    "scans",
    "scan_jobs",
    "attempts",
    "dead_letters",
    "findings",
    "sightings",
    "users",
    "artifacts",
    "deliveries",
}

QUEUED = UUID(f"00000000-0000-0000-0002-{1:012x}")
RUNNING = UUID(f"00000000-0000-0000-0002-{OPEN + 1:012x}")
WEBHOOK = UUID(f"00000000-0000-0000-0006-{7:012x}")
DELIVERY = UUID(f"00000000-0000-0000-0007-{7:012x}")
USER = UUID(f"00000000-0000-0000-0005-{7:012x}")
OTHER = UUID(f"00000000-0000-0000-0001-{OPEN + 2:012x}")
MINUTE = timedelta(minutes=1)
FINDING = encode_cursor("medium", f"00000000-0000-0000-0003-{50_000:012x}")
LETTER = encode_cursor(f"00000000-0000-0000-0004-{50_000:012x}")
DIGEST = f"sha256:{7:064x}"
UPLOAD = encode_cursor("2026-11-22T12:00:00+00:00", DIGEST, "team-7")
YESTERDAY = encode_cursor("2026-11-22T12:00:00+00:00", str(SCAN))


@pytest.fixture(scope="module")
async def database(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    """One ledger with a long history for all of these tests; none of them commits."""
    url = await postgres_server.clone_database("template", "explained")
    await fill(url)
    made = make_database(url, connections=1)
    yield made
    await made.close()
    await postgres_server.drop_database("explained")


@pytest.fixture(scope="module")
async def restricted(postgres_server: PostgresServer, database: Database) -> AsyncIterator[RestrictedDatabase]:
    """The same ledger as the API sees it."""
    settings = Settings(database_url=postgres_server.api_url("explained"), database_pool_size=1)
    made = RestrictedDatabase(settings, application="tests")
    yield made
    await made.close()


@dataclass
class Caught:
    """Statements with their parameters, in order."""

    statements: list[tuple[str, Any]] = field(default_factory=list)

    def __call__(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith("SAVEPOINT"):
            self.statements.append((statement, parameters))


@contextmanager
def caught(database: Database) -> Iterator[Caught]:
    listener = Caught()
    event.listen(database.engine.sync_engine, "before_cursor_execute", listener)
    try:
        yield listener
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", listener)


def whole_reads(plan: dict[str, Any]) -> Iterator[str]:
    """Large tables that ``plan`` reads from beginning to end."""
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in LARGE:
        yield plan["Relation Name"]
    for part in plan.get("Plans", []):
        yield from whole_reads(part)


def indexes(plan: dict[str, Any]) -> Iterator[str]:
    """Indexes that ``plan`` reads."""
    if "Index Name" in plan:
        yield plan["Index Name"]
    for part in plan.get("Plans", []):
        yield from indexes(part)


async def explain(session: AsyncSession, statement: str, parameters: Any = ()) -> dict[str, Any]:
    connection = (await (await session.connection()).get_raw_connection()).driver_connection
    assert connection is not None
    explained = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters)
    (plan,) = explained if isinstance(explained, list) else orjson.loads(explained)
    root: dict[str, Any] = plan["Plan"]
    return root


async def whole_reads_of(session: AsyncSession, statement: str, parameters: Any) -> list[str]:
    return list(whole_reads(await explain(session, statement, parameters)))


Call = Callable[[AsyncSession], Awaitable[object]]

HOT: dict[str, Call] = {
    "a scan": lambda s: get_scan(s, SCAN, ["team-0"]),
    "states of scans": lambda s: get_states(s, [SCAN, OTHER]),
    "scans of a namespace": lambda s: list_scans(s, ScanFilter(namespaces=["team-7"]), None, 50),
    "later scans of a namespace": lambda s: list_scans(s, ScanFilter(namespaces=["team-7"]), YESTERDAY, 50),
    "all scans": lambda s: list_scans(s, ScanFilter(), None, 50),
    "later ones of all scans": lambda s: list_scans(s, ScanFilter(), YESTERDAY, 50),
    "scans of a scanner": lambda s: list_scans(s, ScanFilter(namespaces=["team-7"], scanner="bandit"), None, 50),
    "scans by state": lambda s: list_scans(
        s, ScanFilter(namespaces=["team-7"], states=[ScanState.SUCCEEDED]), None, 50
    ),
    "jobs of a scan": lambda s: list_jobs(s, SCAN),
    "scans that changed": lambda s: changed_scans(s, {SCAN: Mark(), OTHER: Mark()}),
    "jobs that changed": lambda s: changed_jobs(s, {SCAN: b"", OTHER: b"\x02"}),
    "findings of a scan": lambda s: list_scan_findings(s, SCAN, limit=50),
    "later findings of a scan": lambda s: list_scan_findings(s, SCAN, cursor=FINDING, limit=50),
    "bad findings of a scan": lambda s: list_scan_findings(s, SCAN, severities=[Severity.HIGH], limit=50),
    "dead letters of a namespace": lambda s: list_dead_letters(s, DeadLetterFilter(namespaces=["team-7"]), None, 50),
    "later dead letters of a namespace": lambda s: list_dead_letters(
        s, DeadLetterFilter(namespaces=["team-7"]), LETTER, 50
    ),
    "open dead letters of a namespace": lambda s: list_dead_letters(
        s, DeadLetterFilter(namespaces=["team-7"], replayed=False), None, 50
    ),
    "all dead letters": lambda s: list_dead_letters(s, DeadLetterFilter(), None, 50),
    "dead letters for metrics": dead_letters,
    "an artifact": lambda s: get_artifact(s, "team-7", DIGEST),
    "artifacts of a scan": lambda s: get_artifacts(s, "team-7", [DIGEST, "sha256:none"]),
    "artifacts of a namespace": lambda s: list_artifacts(s, ["team-7"], None, 50),
    "later artifacts of a namespace": lambda s: list_artifacts(s, ["team-7"], UPLOAD, 50),
    "all artifacts": lambda s: list_artifacts(s, None, None, 50),
    "later ones of all artifacts": lambda s: list_artifacts(s, None, UPLOAD, 50),
    "days of a namespace": lambda s: count_days(s, ["team-7"], 90),
    "days of some namespaces": lambda s: count_days(s, ["team-7", "team-8"], 90),
    "days everywhere": lambda s: count_days(s, None, 30),
    "a namespace's standing": lambda s: get_standing(s, ["team-7"], 90),
    "some namespaces' standing": lambda s: get_standing(s, ["team-7", "team-8"], 90),
    "everybody's standing": lambda s: get_standing(s, None, 30),
    "active scans": lambda s: count_active(s, "team-7"),
    "open scans": lambda s: open_scan_ids(s, SCAN, 200),
    "queue depths": queue_depths,
    "due jobs": queued_due_by_queue,
    "the outbox's age": outbox,
    "findings by severity and state": findings_by_severity_and_state,
    "a user": lambda s: known_user(s, USER),
    "a user by subject": lambda s: known_subject(s, "https://id.example", "subject-7"),
    "link a user": lambda s: link_user(s, email="7@example.com", issuer="https://id.example", subject="new"),
    "claim": lambda s: claim_job(s, QUEUED, worker="worker-1", lease_seconds=60),
    "heartbeat": lambda s: extend_lease(s, RUNNING, 1, lease_seconds=60, progress={"x": 1}),
    "fail and settle": lambda s: fail_job(s, RUNNING, 1, BROKEN, REPORT),
    "fail and try again": lambda s: fail_job(s, RUNNING, 1, CRASHED, REPORT),
    "release": lambda s: release_job(s, RUNNING, 1),
    "cancel a queued scan": lambda s: cancel_scan(s, SCAN, UNWANTED),
    "cancel a running scan": lambda s: cancel_scan(s, OTHER, UNWANTED),
    "reap": lambda s: reap_expired(s, limit=5),
    "take the outbox": lambda s: take_outbox(s, 100),
    "mark messages": lambda s: mark_dispatched(
        s, [OutboxItem(1, RUN_JOB, QUEUED, "q"), OutboxItem(2, RUN_JOB, RUNNING, "q")]
    ),
    "the next message": next_due,
    "redispatch deliveries": lambda s: redispatch(s, DELIVERIES, missing=10, older_than=MINUTE),
    "deliveries of a webhook": lambda s: list_deliveries(s, WEBHOOK, state=None, event=None, cursor=None, limit=50),
    "claim a delivery": lambda s: claim_delivery(s, DELIVERY, lease_seconds=60),
    "put a delivery off": lambda s: postpone_delivery(s, DELIVERY, webhooks=[WEBHOOK], namespaces=["team-8"]),
    "forget deliveries": lambda s: forget_deliveries(s, older_than=MINUTE, limit=1_000),
    "the age of deliveries": delivery_age,
    "redispatch": lambda s: redispatch(s, "scan.pool-1.normal", missing=10, older_than=MINUTE),
}


OTHERS = {
    *("dead letters for metrics", "queue depths", "due jobs", "the outbox's age", "findings by severity and state"),
    *("open scans", "claim", "heartbeat", "fail and settle", "fail and try again", "release", "reap"),
    *("take the outbox", "mark messages", "the next message", "redispatch", "redispatch deliveries"),
    *("claim a delivery", "put a delivery off", "forget deliveries", "the age of deliveries"),
}
"""What the operator and the workers do, and not the API."""


@pytest.mark.parametrize("name", HOT)
async def test_no_hot_statement_reads_a_whole_table(database: Database, name: str) -> None:
    async with database.transaction() as session:
        await session.connection()
        savepoint = await session.begin_nested()
        with caught(database) as statements:
            await HOT[name](session)
        await savepoint.rollback()

        assert statements.statements
        for statement, parameters in statements.statements:
            assert await whole_reads_of(session, statement, parameters) == [], statement


@pytest.mark.parametrize("namespaces", [["team-7"], None], ids=["a tenant", "everybody"])
@pytest.mark.parametrize("name", [name for name in HOT if name not in OTHERS])
async def test_row_level_security_makes_no_statement_of_the_api_read_a_whole_table(
    restricted: RestrictedDatabase, name: str, namespaces: list[str] | None
) -> None:
    async with restricted.seeing(namespaces) as session:
        savepoint = await session.begin_nested()
        with caught(restricted) as statements:
            await HOT[name](session)
        await savepoint.rollback()

        assert statements.statements
        for statement, parameters in statements.statements:
            assert await whole_reads_of(session, statement, parameters) == [], statement


async def test_row_level_security_lets_a_page_of_findings_begin_where_the_cursor_says(
    restricted: RestrictedDatabase,
) -> None:
    async with restricted.seeing(["team-0"]) as session:
        with caught(restricted) as statements:
            await list_scan_findings(session, SCAN, cursor=FINDING, limit=50)
        plan = await explain(session, *statements.statements[0])
    assert "ROW(severity, finding_id) > " in orjson.dumps(plan).decode()


async def test_looking_up_findings_does_not_read_a_whole_table(database: Database) -> None:
    fingerprints = [sha256(str(number).encode()).digest() for number in range(2_000)]
    async with database.transaction() as session:
        assert await whole_reads_of(session, KNOWN, ("team-7", fingerprints, True, SCAN)) == []


@pytest.mark.parametrize("pools", ["", " WHERE pool IN ('pool-1', 'pool-2')"])
async def test_autoscalers_read_only_jobs_that_have_not_ended(database: Database, pools: str) -> None:
    async with database.transaction() as session:
        plan = await explain(session, f"SELECT coalesce(sum(jobs), 0) FROM pool_load{pools}")  # noqa: S608 - as above
        assert set(indexes(plan)) == {"ix_scan_jobs_queued", "ix_scan_jobs_running"}
        assert list(whole_reads(plan)) == []


@pytest.mark.parametrize(
    ("namespaces", "index"), [(["team-7"], "ix_scans_namespace_created"), (None, "ix_scans_created")]
)
async def test_statistics_read_only_the_scans_of_their_namespaces_and_days(
    database: Database, namespaces: list[str] | None, index: str
) -> None:
    async with database.transaction() as session:
        with caught(database) as statements:
            await count_days(session, namespaces, 30)
            await get_standing(session, namespaces, 30)
        days, standing = [set(indexes(await explain(session, *caught))) for caught in statements.statements]

    assert days == {index, "ix_findings_namespace_first_seen"}
    assert standing == {index, "ix_scans_active", "ix_dead_letters_open", "ix_findings_namespace_severity"}


async def test_a_whole_read_would_be_noticed(database: Database) -> None:
    async with database.transaction() as session:
        assert await whole_reads_of(session, "SELECT * FROM scans WHERE name = $1", ("x",)) == ["scans"]
