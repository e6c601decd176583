"""The trace that a job goes on with."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE scan_jobs ADD COLUMN traceparent text")


def downgrade() -> None:
    op.execute("ALTER TABLE scan_jobs DROP COLUMN traceparent")
