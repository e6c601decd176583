"""Row-level security: what a transaction of the API sees is what it says it works for (docs/decisions/0018)."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# A transaction says it with the setting secapi.namespaces: names separated by commas, or "*"; else it sees nothing.
# Sub-selects, so that the setting is read once for a statement and not for each row.
_SETTING = "current_setting('secapi.namespaces', true)"


def _visible(namespace: str) -> str:
    return f"(SELECT {_SETTING}) = '*' OR {namespace} = ANY ((SELECT string_to_array({_SETTING}, ','))::text[])"


# A scalar sub-select is looked up by its key for each row; of EXISTS the planner may make a read of the whole table.
_POLICIES = {
    **dict.fromkeys(
        (
            "api_keys",
            "artifacts",
            "audit_events",
            "dead_letters",
            "deliveries",
            "findings",
            "memberships",
            "scan_jobs",
            "scans",
            "webhooks",
        ),
        _visible("namespace"),
    ),
    "attempts": "(SELECT true FROM scan_jobs WHERE id = job_id)",
    "sightings": "(SELECT true FROM scans WHERE id = scan_id)",
}

# What the routes do, and no more: the trail only grows, the plan is the operator's. Messages hold nothing but ids, and
# the API reads none but the number that an insertion returns.
_RIGHTS = {
    "api_keys": "SELECT, INSERT, UPDATE",
    "artifacts": "SELECT, INSERT, UPDATE",
    "attempts": "SELECT",
    "audit_events": "SELECT, INSERT",
    "dead_letters": "SELECT, UPDATE, DELETE",
    "deliveries": "SELECT, INSERT, DELETE",
    "findings": "SELECT, UPDATE",
    "idempotency_keys": "SELECT, INSERT, UPDATE, DELETE",
    "memberships": "SELECT, INSERT, UPDATE, DELETE",
    "outbox": "INSERT, SELECT (id)",
    "scan_jobs": "SELECT, UPDATE",
    "scans": "SELECT, INSERT, UPDATE",
    "users": "SELECT, INSERT, UPDATE",
    "webhooks": "SELECT, INSERT, UPDATE, DELETE",
}


def upgrade() -> None:
    # Roles belong to the whole server: its administrator may have made this one, or another installation.
    op.execute("""
        DO $$
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'secapi_api') THEN
                CREATE ROLE secapi_api NOLOGIN;
                GRANT secapi_api TO CURRENT_USER;
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE insufficient_privilege USING MESSAGE = format(
                    'there is no role secapi_api, and %1$I may not make it; have an administrator run: '
                    'CREATE ROLE secapi_api; GRANT secapi_api TO %1$I', current_user);
        END
        $$
    """)
    for table, visible in _POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ({visible})")
    for table, rights in _RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO secapi_api")
    # Pages of sightings are found by severity, and Postgres does not vouch for comparisons of enums: under a policy
    # they may not go to the index. Beside a view's conditions they may. The API finds the view by the table's name: a
    # schema that is called as the role is comes first in its search path.
    op.execute("CREATE SCHEMA secapi_api")
    visible = _visible("(SELECT namespace FROM scans WHERE id = scan_id)")
    op.execute(f"CREATE VIEW secapi_api.sightings AS SELECT * FROM sightings WHERE {visible}")  # noqa: S608 - constants
    op.execute("GRANT USAGE ON SCHEMA secapi_api TO secapi_api")
    op.execute("GRANT SELECT ON secapi_api.sightings TO secapi_api")


def downgrade() -> None:
    # The role stays: another database of this server may need it.
    op.execute("DROP SCHEMA secapi_api CASCADE")
    for table in _RIGHTS:
        op.execute(f"REVOKE ALL ON {table} FROM secapi_api")
    for table in _POLICIES:
        op.execute(f"DROP POLICY tenants ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
