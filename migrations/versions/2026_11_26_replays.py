"""Which scan replayed a dead letter, and indexes for lists of letters and for statistics."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE dead_letters ADD COLUMN replay_scan_id uuid")
    op.execute("CREATE INDEX ix_dead_letters_namespace_id ON dead_letters (namespace, id)")
    op.execute("CREATE INDEX ix_dead_letters_open ON dead_letters (namespace, scanner) WHERE replayed_at IS NULL")
    op.execute("CREATE INDEX ix_findings_namespace_first_seen ON findings (namespace, first_seen_at, severity)")


def downgrade() -> None:
    op.execute("DROP INDEX ix_findings_namespace_first_seen")
    op.execute("DROP INDEX ix_dead_letters_open")
    op.execute("DROP INDEX ix_dead_letters_namespace_id")
    op.execute("ALTER TABLE dead_letters DROP COLUMN replay_scan_id")
