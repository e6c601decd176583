"""How much work each pool has, for autoscalers: a view of its own, so that they need no right to any table."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Running jobs count: while one runs, its worker must not be taken away. Queued ones count shortly before they are
    # due, which is about what a pod takes to start; a job that backs off for minutes keeps no idle worker waiting.
    op.execute("""
        CREATE VIEW pool_load AS
        SELECT pool, count(*) AS jobs
        FROM (
            SELECT pool FROM scan_jobs WHERE state = 'running'
            UNION ALL
            SELECT pool FROM scan_jobs WHERE state = 'queued' AND not_before <= now() + interval '15 seconds'
        ) AS work
        GROUP BY pool
    """)
    op.execute("COMMENT ON VIEW pool_load IS 'Running jobs and queued ones due within 15 seconds, per pool'")
    # Roles belong to the whole server, so its administrator makes this one, perhaps later: docs/guides/migrations.md.
    op.execute("""
        DO $$
        BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'secapi_scaler') THEN
                GRANT SELECT ON pool_load TO secapi_scaler;
            END IF;
        END
        $$
    """)


def downgrade() -> None:
    op.execute("DROP VIEW pool_load")
