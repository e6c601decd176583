"""Who did what: a trail that only grows."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE audit_events (
            id uuid NOT NULL CONSTRAINT pk_audit_events PRIMARY KEY,
            at timestamptz NOT NULL DEFAULT now(),
            actor text NOT NULL,
            actor_name text NOT NULL,
            action text NOT NULL,
            namespace text,
            kind text NOT NULL,
            subject text NOT NULL,
            request_id text NOT NULL,
            before jsonb,
            after jsonb
        )
    """)
    op.execute("CREATE INDEX ix_audit_events_namespace_id ON audit_events (namespace, id)")
    op.execute("CREATE INDEX ix_audit_events_subject_id ON audit_events (subject, id)")
    # Also against the owner: whoever wants to rewrite history has to drop the trigger first, which shows.
    op.execute("""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END
        $$
    """)
    op.execute("""
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)


def downgrade() -> None:
    op.execute("DROP TABLE audit_events")
    op.execute("DROP FUNCTION refuse_change")
