"""Promise P10 in the database itself: what the API may see of the ledger, whatever its statements say."""

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger_factories import dead_letter, fetch, finish, make_findings, make_scan, running_job
from secapi_core.ledger.database import Database
from secapi_core.ledger.restricted import RestrictedDatabase
from secapi_core.ledger.transitions.api_keys import create_api_key
from secapi_core.ledger.transitions.artifacts import record_artifact
from secapi_core.ledger.transitions.audit import NewAuditEvent, record_event
from secapi_core.ledger.transitions.users import create_membership, create_user
from secapi_core.settings import Settings
from secapi_dev.servers.postgres import PostgresServer
from webhook_factories import make_webhook, pinged

TENANTS = ("team-a", "team-b")

NO_TENANTS = {
    "idempotency_keys": "hashes, and the id of a scan that only the scan's own tenant finds",
    "outbox": "ids, which the API may add and not read",
}
"""Tables that lead to a tenant's and need no policy, and why."""

TABLES = """
    WITH RECURSIVE tenants AS (
        SELECT attrelid AS id FROM pg_attribute
        WHERE attname IN ('namespace', 'scan_id', 'job_id', 'finding_id') AND NOT attisdropped
        UNION
        SELECT conrelid FROM pg_constraint JOIN tenants ON confrelid = tenants.id WHERE contype = 'f'
    )
    SELECT relname FROM pg_class JOIN tenants ON oid = tenants.id
    WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
"""
"""Tables whose rows are a tenant's: they name a namespace, or something that is in one."""


@pytest.fixture
async def restricted(postgres_server: PostgresServer, database_url: str) -> AsyncIterator[RestrictedDatabase]:
    """The test's ledger as the API has it, with one connection for everybody."""
    address = postgres_server.api_url(database_url.rpartition("/")[2])
    made = RestrictedDatabase(Settings(database_url=address, database_pool_size=1), application="tests")
    yield made
    await made.close()


@pytest.fixture
async def tenants(database: Database) -> None:
    """Two namespaces with a row in every table that has tenants' rows."""
    for number, namespace in enumerate(TENANTS):
        await dead_letter(database, scan=make_scan(namespace))
        await finish(database, await running_job(database, scan=make_scan(namespace)), make_findings([number]))
        async with database.transaction() as session:
            await create_api_key(session, name="ci", namespace=namespace, role="viewer", pepper=b"pepper")
            user = await create_user(
                session, email=f"{namespace}@example.com", name="x", password_hash=None, platform_role=None
            )
            assert user is not None
            await create_membership(session, user_id=user, namespace=namespace, role="viewer")
            await record_artifact(
                session,
                namespace=namespace,
                digest="sha256:x",
                size=1,
                media_type="application/x-tar",
                object_key=namespace,
                uploaded_by="key:x",
            )
            await record_event(session, event(namespace))
        await pinged(database, await make_webhook(database, namespace))


def event(namespace: str) -> NewAuditEvent:
    return NewAuditEvent(
        actor="key:x", actor_name="x", action="do", kind="x", subject="x", namespace=namespace, request_id="x"
    )


async def rows(database: RestrictedDatabase, table: str, namespaces: Collection[str] | None) -> set[str]:
    """Every row that is seen without a condition."""
    async with database.seeing(namespaces, writing=False) as session:
        found = await session.scalars(text(f"SELECT to_jsonb(seen)::text FROM {table} AS seen"))  # noqa: S608 - a table's name
        return set(found)


async def setting(database: RestrictedDatabase) -> str | None:
    """What a transaction finds that was opened for nobody."""
    async with database.transaction() as session:
        found: str | None = await session.scalar(text("SELECT current_setting('secapi.namespaces', true)"))
        return found


async def tenant_tables(database: Database) -> set[str]:
    return {name for (name,) in await fetch(database, TABLES)} - NO_TENANTS.keys()


HELD = """
    SELECT relname FROM pg_class
    WHERE relrowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)
"""


async def test_every_table_with_rows_of_tenants_has_a_policy(database: Database) -> None:
    assert {name for (name,) in await fetch(database, HELD)} == await tenant_tables(database)


@pytest.mark.usefixtures("tenants")
async def test_without_a_condition_a_tenant_sees_its_own_rows_of_every_table(
    database: Database, restricted: RestrictedDatabase
) -> None:
    for table in await tenant_tables(database):
        ours, theirs = [await rows(restricted, table, [namespace]) for namespace in TENANTS]
        assert ours, table
        assert theirs, table
        assert not ours & theirs, table
        assert await rows(restricted, table, TENANTS) == ours | theirs == await rows(restricted, table, None)
        assert await rows(restricted, table, []) == await rows(restricted, table, ["another"]) == set()


@pytest.mark.usefixtures("tenants")
async def test_a_transaction_that_was_opened_for_nobody_sees_no_tenant(
    database: Database, restricted: RestrictedDatabase
) -> None:
    for table in await tenant_tables(database):
        async with restricted.transaction() as session:
            assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608 - a table's name


@pytest.mark.usefixtures("tenants")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE scans SET deleted_at = now()",
        "UPDATE scan_jobs SET cancel_requested = true",
        "UPDATE findings SET state = 'fixed'",
        "UPDATE api_keys SET revoked_at = now()",
        "DELETE FROM memberships",
        "DELETE FROM dead_letters",
        "UPDATE webhooks SET url = 'https://elsewhere.example/'",
        "DELETE FROM deliveries",
    ],
)
async def test_a_change_without_a_condition_is_of_a_tenants_own_rows(
    database: Database, restricted: RestrictedDatabase, change: str
) -> None:
    table = change.removeprefix("UPDATE ").removeprefix("DELETE FROM ").split()[0]
    theirs = await rows(restricted, table, ["team-b"])
    async with restricted.seeing(["team-a"]) as session:
        assert (await session.execute(text(f"{change} RETURNING namespace"))).scalars().all()

    assert await rows(restricted, table, ["team-b"]) == theirs


async def test_a_row_of_another_tenant_cannot_be_written(restricted: RestrictedDatabase) -> None:
    async with restricted.seeing(["team-a"]) as session:
        await record_event(session, event("team-a"))
        with pytest.raises(DBAPIError, match="violates row-level security policy"):
            await record_event(session, event("team-b"))


@pytest.mark.usefixtures("tenants")
async def test_a_row_cannot_be_given_to_another_tenant(restricted: RestrictedDatabase) -> None:
    async with restricted.seeing(["team-a"]) as session:
        with pytest.raises(DBAPIError, match="violates row-level security policy"):
            await session.execute(text("UPDATE scans SET namespace = 'team-b'"))


@pytest.mark.usefixtures("tenants")
async def test_what_cannot_be_the_name_of_a_namespace_shows_nothing(restricted: RestrictedDatabase) -> None:
    for name in ("*", "team-a,team-b", "x'; SET LOCAL secapi.namespaces = '*", ""):
        assert await rows(restricted, "scans", [name]) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE scans DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenants ON scans",
        "DROP TABLE scans",
        "SET ROLE secapi",
        "UPDATE audit_events SET actor = 'nobody'",
        "DELETE FROM scans",
        "SELECT * FROM public.sightings",
        "SELECT * FROM outbox",
        "SELECT * FROM pool_load",
        "SELECT * FROM alembic_version",
    ],
)
async def test_the_api_may_not_do_what_no_route_does(restricted: RestrictedDatabase, statement: str) -> None:
    async with restricted.seeing(None) as session:
        with pytest.raises(DBAPIError, match=r"must be owner|permission denied"):
            await session.execute(text(statement))


async def test_a_transaction_that_reads_changes_nothing(restricted: RestrictedDatabase) -> None:
    async with restricted.seeing(["team-a"], writing=False) as session:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await record_event(session, event("team-a"))


async def test_a_connection_carries_nothing_to_the_next_transaction(restricted: RestrictedDatabase) -> None:
    async with restricted.seeing(["team-a"]) as session:
        await session.execute(text("SELECT 1"))
    assert not await setting(restricted)


async def test_a_connection_carries_nothing_on_after_an_error(restricted: RestrictedDatabase) -> None:
    with pytest.raises(DBAPIError, match="division by zero"):
        async with restricted.seeing(["team-a"]) as session:
            await session.execute(text("SELECT 1 / 0"))
    assert not await setting(restricted)


async def test_a_connection_carries_nothing_on_from_a_transaction_that_asked_nothing(
    restricted: RestrictedDatabase,
) -> None:
    async with restricted.seeing(["team-a"]) as session:
        await session.connection()
    assert not await setting(restricted)


@pytest.mark.parametrize("turns", range(12))
async def test_a_connection_carries_nothing_on_after_a_cancellation(restricted: RestrictedDatabase, turns: int) -> None:
    async def ask() -> None:
        async with restricted.seeing(["team-a"]) as session:
            await session.execute(text("SELECT pg_sleep(10)"))

    assert not await setting(restricted)  # The connection is there.
    asking = asyncio.create_task(ask())
    for _ in range(turns):
        # As far as it comes in so many turns of the loop: before, in or after BEGIN.
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert not await setting(restricted)
    assert await rows(restricted, "scans", ["team-b"]) == set()


async def test_transactions_side_by_side_see_each_their_own(
    postgres_server: PostgresServer, database_url: str, tenants: None
) -> None:
    address = postgres_server.api_url(database_url.rpartition("/")[2])
    wide = RestrictedDatabase(Settings(database_url=address, database_pool_size=4), application="tests")
    try:
        seen = await asyncio.gather(*(rows(wide, "findings", [TENANTS[n % 2]]) for n in range(40)))
    finally:
        await wide.close()
    assert {len(found) for found in seen} == {1}
    assert len(set.union(*seen[::2])) == len(set.union(*seen[1::2])) == 1
