"""Indexes for lists of artifacts."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_artifacts_created ON artifacts (created_at, digest, namespace)")
    op.execute("CREATE INDEX ix_artifacts_namespace_created ON artifacts (namespace, created_at, digest)")


def downgrade() -> None:
    op.execute("DROP INDEX ix_artifacts_namespace_created")
    op.execute("DROP INDEX ix_artifacts_created")
