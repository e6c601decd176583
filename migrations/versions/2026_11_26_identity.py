"""Who people are, where they have which role, and what their keys may be used for."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE users (
            id uuid NOT NULL CONSTRAINT pk_users PRIMARY KEY,
            email text NOT NULL CONSTRAINT uq_users_email UNIQUE,
            name text NOT NULL,
            password_hash text,
            issuer text,
            subject text,
            platform_role text,
            disabled_at timestamptz,
            last_login_at timestamptz,
            credentials_changed_at timestamptz NOT NULL DEFAULT now(),
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT uq_users_issuer_subject UNIQUE (issuer, subject)
        )
    """)
    op.execute("""
        CREATE TABLE memberships (
            id uuid NOT NULL CONSTRAINT pk_memberships PRIMARY KEY,
            user_id uuid NOT NULL CONSTRAINT fk_memberships_user_id REFERENCES users ON DELETE CASCADE,
            namespace text NOT NULL,
            role text NOT NULL,
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT uq_memberships_user_id_namespace UNIQUE (user_id, namespace)
        )
    """)
    op.execute("CREATE INDEX ix_memberships_namespace_id ON memberships (namespace, id)")
    op.execute("ALTER TABLE api_keys ADD COLUMN scopes text[] NOT NULL DEFAULT '{}', ADD COLUMN created_by text")
    op.execute("CREATE INDEX ix_api_keys_namespace_id ON api_keys (namespace, id)")


def downgrade() -> None:
    op.execute("DROP INDEX ix_api_keys_namespace_id")
    op.execute("ALTER TABLE api_keys DROP COLUMN created_by, DROP COLUMN scopes")
    op.execute("DROP TABLE memberships")
    op.execute("DROP TABLE users")
