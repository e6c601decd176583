"""Scans, their jobs and attempts, and the messages and dead letters that jobs leave."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE scans (
            id uuid NOT NULL CONSTRAINT pk_scans PRIMARY KEY,
            namespace text NOT NULL,
            name text NOT NULL,
            spec jsonb NOT NULL,
            scope jsonb,
            priority varchar(20) NOT NULL
                CONSTRAINT ck_scans_priority CHECK (priority IN ('interactive', 'normal', 'bulk')),
            state varchar(20) NOT NULL
                CONSTRAINT ck_scans_state
                CHECK (state IN ('pending', 'queued', 'running', 'succeeded', 'failed', 'cancelled')),
            reason text,
            message text,
            cancel_requested_at timestamptz,
            submitted_by text,
            jobs_total integer NOT NULL DEFAULT 0,
            jobs_open integer NOT NULL DEFAULT 0,
            jobs_succeeded integer NOT NULL DEFAULT 0,
            jobs_failed integer NOT NULL DEFAULT 0,
            jobs_cancelled integer NOT NULL DEFAULT 0,
            findings_critical integer NOT NULL DEFAULT 0,
            findings_high integer NOT NULL DEFAULT 0,
            findings_medium integer NOT NULL DEFAULT 0,
            findings_low integer NOT NULL DEFAULT 0,
            findings_info integer NOT NULL DEFAULT 0,
            findings_new integer NOT NULL DEFAULT 0,
            gate_passed boolean,
            started_at timestamptz,
            completed_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            deleted_at timestamptz,
            version integer NOT NULL DEFAULT 1,
            CONSTRAINT ck_scans_jobs_open_not_negative CHECK (jobs_open >= 0),
            CONSTRAINT ck_scans_completed
                CHECK ((completed_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled')))
        ) WITH (fillfactor = 70)
    """)
    op.execute("CREATE INDEX ix_scans_created ON scans (created_at, id)")
    op.execute("CREATE INDEX ix_scans_namespace_created ON scans (namespace, created_at, id)")
    op.execute("CREATE INDEX ix_scans_active ON scans (id, namespace) WHERE completed_at IS NULL")

    op.execute("""
        CREATE TABLE scanner_specs (
            digest text NOT NULL CONSTRAINT pk_scanner_specs PRIMARY KEY,
            name text NOT NULL,
            spec jsonb NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)

    op.execute("""
        CREATE TABLE scan_jobs (
            id uuid NOT NULL CONSTRAINT pk_scan_jobs PRIMARY KEY,
            scan_id uuid NOT NULL CONSTRAINT fk_scan_jobs_scan_id REFERENCES scans ON DELETE CASCADE,
            namespace text NOT NULL,
            ordinal integer NOT NULL,
            scanner text NOT NULL,
            family text NOT NULL,
            scanner_digest text NOT NULL CONSTRAINT fk_scan_jobs_scanner_digest REFERENCES scanner_specs,
            pool text NOT NULL,
            priority varchar(20) NOT NULL
                CONSTRAINT ck_scan_jobs_priority CHECK (priority IN ('interactive', 'normal', 'bulk')),
            target jsonb NOT NULL,
            target_key text NOT NULL,
            parameters jsonb NOT NULL,
            timeout_seconds integer NOT NULL,
            max_attempts integer NOT NULL,
            state varchar(20) NOT NULL
                CONSTRAINT ck_scan_jobs_state
                CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'dead')),
            attempt integer NOT NULL DEFAULT 0,
            worker text,
            lease_until timestamptz,
            not_before timestamptz NOT NULL DEFAULT now(),
            dispatched_at timestamptz,
            cancel_requested boolean NOT NULL DEFAULT false,
            progress jsonb,
            reason text,
            message text,
            findings integer NOT NULL DEFAULT 0,
            quarantined integer NOT NULL DEFAULT 0,
            started_at timestamptz,
            finished_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT uq_scan_jobs_scan_id_ordinal UNIQUE (scan_id, ordinal),
            CONSTRAINT ck_scan_jobs_lease CHECK ((state = 'running') = (lease_until IS NOT NULL))
        ) WITH (fillfactor = 70)
    """)
    op.execute("CREATE INDEX ix_scan_jobs_queued ON scan_jobs (pool, priority, not_before) WHERE state = 'queued'")
    op.execute("CREATE INDEX ix_scan_jobs_running ON scan_jobs (lease_until) WHERE state = 'running'")

    op.execute("""
        CREATE TABLE attempts (
            job_id uuid NOT NULL CONSTRAINT fk_attempts_job_id REFERENCES scan_jobs ON DELETE CASCADE,
            attempt integer NOT NULL,
            worker text NOT NULL,
            state varchar(20) NOT NULL
                CONSTRAINT ck_attempts_state
                CHECK (state IN ('running', 'succeeded', 'failed', 'lost', 'released', 'cancelled')),
            reason text,
            message text,
            exit_code integer,
            log_tail text,
            stats jsonb,
            started_at timestamptz NOT NULL DEFAULT now(),
            finished_at timestamptz,
            CONSTRAINT pk_attempts PRIMARY KEY (job_id, attempt)
        )
    """)

    op.execute("""
        CREATE TABLE outbox (
            id bigint NOT NULL GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_outbox PRIMARY KEY,
            job_id uuid NOT NULL CONSTRAINT fk_outbox_job_id REFERENCES scan_jobs ON DELETE CASCADE,
            queue text NOT NULL,
            not_before timestamptz NOT NULL DEFAULT now(),
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX ix_outbox_not_before ON outbox (not_before, id)")
    op.execute("CREATE INDEX ix_outbox_job_id ON outbox (job_id)")

    op.execute("""
        CREATE TABLE dead_letters (
            id uuid NOT NULL CONSTRAINT pk_dead_letters PRIMARY KEY,
            job_id uuid NOT NULL
                CONSTRAINT uq_dead_letters_job_id UNIQUE
                CONSTRAINT fk_dead_letters_job_id REFERENCES scan_jobs ON DELETE CASCADE,
            scan_id uuid NOT NULL,
            namespace text NOT NULL,
            scanner text NOT NULL,
            attempts integer NOT NULL,
            reason text NOT NULL,
            message text NOT NULL,
            worker text,
            replayed_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)


def downgrade() -> None:
    for table in ("dead_letters", "outbox", "attempts", "scan_jobs", "scanner_specs", "scans"):
        op.execute(f"DROP TABLE {table}")
