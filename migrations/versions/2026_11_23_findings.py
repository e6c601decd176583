"""Findings and the sightings that tie them to scans."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE severity AS ENUM ('critical', 'high', 'medium', 'low', 'info')")
    op.execute("""
        CREATE TABLE findings (
            id uuid NOT NULL CONSTRAINT pk_findings PRIMARY KEY,
            namespace text NOT NULL,
            fingerprint bytea NOT NULL,
            scanner text NOT NULL,
            rule text NOT NULL,
            target_key text NOT NULL,
            severity severity NOT NULL,
            confidence varchar(20)
                CONSTRAINT ck_findings_confidence CHECK (confidence IN ('high', 'medium', 'low')),
            state varchar(20) NOT NULL DEFAULT 'open'
                CONSTRAINT ck_findings_state
                CHECK (state IN ('open', 'confirmed', 'falsePositive', 'acceptedRisk', 'fixed')),
            title text NOT NULL,
            description text NOT NULL,
            remediation text NOT NULL,
            location jsonb NOT NULL,
            cwes integer[] NOT NULL,
            vulnerability_ids text[] NOT NULL,
            cvss_score numeric(3, 1),
            cvss_vector text NOT NULL,
            links text[] NOT NULL,
            details jsonb NOT NULL,
            content_digest bytea NOT NULL,
            first_scan_id uuid NOT NULL,
            first_seen_at timestamptz NOT NULL DEFAULT now(),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            version integer NOT NULL DEFAULT 1,
            CONSTRAINT uq_findings_namespace_fingerprint UNIQUE (namespace, fingerprint)
        )
    """)
    op.execute("CREATE INDEX ix_findings_namespace_severity ON findings (namespace, severity, id) INCLUDE (state)")

    op.execute("""
        CREATE TABLE sightings (
            finding_id uuid NOT NULL,
            scan_id uuid NOT NULL,
            job_id uuid NOT NULL,
            severity severity NOT NULL,
            is_new boolean NOT NULL,
            seen_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_sightings PRIMARY KEY (finding_id, scan_id)
        )
    """)
    op.execute("CREATE INDEX ix_sightings_scan_id_severity_finding_id ON sightings (scan_id, severity, finding_id)")


def downgrade() -> None:
    op.execute("DROP TABLE sightings")
    op.execute("DROP TABLE findings")
    op.execute("DROP TYPE severity")
