"""API keys, and the archives that people upload to be scanned."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE api_keys (
            id uuid NOT NULL CONSTRAINT pk_api_keys PRIMARY KEY,
            name text NOT NULL,
            prefix text NOT NULL CONSTRAINT uq_api_keys_prefix UNIQUE,
            digest bytea NOT NULL,
            namespace text,
            role text NOT NULL,
            expires_at timestamptz,
            last_used_at timestamptz,
            revoked_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("""
        CREATE TABLE artifacts (
            namespace text NOT NULL,
            digest text NOT NULL,
            size bigint NOT NULL,
            media_type text NOT NULL,
            object_key text NOT NULL,
            uploaded_by text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            deleted_at timestamptz,
            CONSTRAINT pk_artifacts PRIMARY KEY (namespace, digest)
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE artifacts")
    op.execute("DROP TABLE api_keys")
