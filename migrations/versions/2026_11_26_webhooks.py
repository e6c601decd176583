"""Webhooks, what they are told, and messages about that."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE webhooks (
            id uuid NOT NULL CONSTRAINT pk_webhooks PRIMARY KEY,
            namespace text NOT NULL,
            url text NOT NULL,
            events text[] NOT NULL,
            description text NOT NULL,
            disabled_reason text,
            secret_version integer NOT NULL DEFAULT 1,
            previous_secret_until timestamptz,
            consecutive_failures integer NOT NULL DEFAULT 0,
            failing_since timestamptz,
            created_by text NOT NULL,
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT ck_webhooks_failing CHECK ((consecutive_failures > 0) = (failing_since IS NOT NULL))
        )
    """)
    op.execute("CREATE INDEX ix_webhooks_namespace_id ON webhooks (namespace, id)")
    op.execute("""
        CREATE TABLE deliveries (
            id uuid NOT NULL CONSTRAINT pk_deliveries PRIMARY KEY,
            webhook_id uuid NOT NULL CONSTRAINT fk_deliveries_webhook_id REFERENCES webhooks ON DELETE CASCADE,
            namespace text NOT NULL,
            event_type text NOT NULL,
            event_id uuid NOT NULL,
            payload jsonb NOT NULL,
            state varchar(20) NOT NULL DEFAULT 'pending'
                CONSTRAINT ck_deliveries_state CHECK (state IN ('pending', 'delivered', 'failed')),
            attempts integer NOT NULL DEFAULT 0,
            status_code integer,
            reason text,
            response text,
            not_before timestamptz NOT NULL DEFAULT now(),
            created_at timestamptz NOT NULL DEFAULT now(),
            finished_at timestamptz,
            CONSTRAINT ck_deliveries_finished CHECK ((state = 'pending') = (finished_at IS NULL))
        )
    """)
    op.execute("CREATE INDEX ix_deliveries_webhook_id_id ON deliveries (webhook_id, id)")
    op.execute("CREATE INDEX ix_deliveries_pending ON deliveries (not_before) WHERE state = 'pending'")
    op.execute("""
        ALTER TABLE outbox
            ALTER COLUMN job_id DROP NOT NULL,
            ADD COLUMN delivery_id uuid CONSTRAINT fk_outbox_delivery_id REFERENCES deliveries ON DELETE CASCADE,
            ADD CONSTRAINT ck_outbox_subject CHECK (num_nonnulls(job_id, delivery_id) = 1)
    """)
    op.execute("CREATE INDEX ix_outbox_delivery_id ON outbox (delivery_id) WHERE delivery_id IS NOT NULL")


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE job_id IS NULL")
    op.execute("""
        ALTER TABLE outbox
            DROP CONSTRAINT ck_outbox_subject,
            DROP COLUMN delivery_id,
            ALTER COLUMN job_id SET NOT NULL
    """)
    op.execute("DROP TABLE deliveries")
    op.execute("DROP TABLE webhooks")
