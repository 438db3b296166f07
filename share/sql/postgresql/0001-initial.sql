-- SPDX-License-Identifier: GPL-2.0-or-later
-- 0001-initial.sql - the whole state of media-toolkit, for PostgreSQL.
--
-- The first four kinds of things (media_assets, media_variants, processing_jobs,
-- content_analysis) have the columns, types and defaults that the service's
-- specification gives them, and more columns behind those. Times keep
-- milliseconds, as all programs read and write them: a finer time could not be
-- compared with what was read. Truth values are 0 and 1, in statements that
-- SQLite takes too.

-- Who uploads and who decides. External identities are recorded when first met.
CREATE TABLE users (
    id          UUID PRIMARY KEY NOT NULL,
    name        TEXT,
    role        TEXT NOT NULL DEFAULT 'user',
    created_at  TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- One original. upload_status: pending, uploading (an intent: owner works on it),
-- processing, completed, held (waits for a review or a scan), rejected, failed.
CREATE TABLE media_assets (
    id                UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    original_filename VARCHAR(255) NOT NULL,
    content_type      VARCHAR(50) NOT NULL,
    mime_type         VARCHAR(100) NOT NULL,
    file_size         BIGINT NOT NULL,
    s3_bucket         VARCHAR(100) NOT NULL,
    s3_key            VARCHAR(500) NOT NULL,
    cdn_url           VARCHAR(1000),
    upload_status     VARCHAR(20) DEFAULT 'pending',
    upload_progress   INTEGER DEFAULT 0 CHECK (upload_progress BETWEEN 0 AND 100),
    metadata          JSONB,
    checksum          VARCHAR(64),
    uploaded_by       UUID REFERENCES users(id),
    outcome           TEXT,               -- ok, degraded
    scan              JSONB,              -- the verdict of the virus scanner
    owner             TEXT,               -- the process whose intent this is
    storage_class     TEXT,               -- where lifecycle rules have moved it
    created_at        TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at        TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_media_assets_status ON media_assets(upload_status, created_at, id);
CREATE INDEX idx_media_assets_type ON media_assets(content_type, created_at, id);
CREATE INDEX idx_media_assets_uploaded_by ON media_assets(uploaded_by);
CREATE INDEX idx_media_assets_created ON media_assets(created_at, id);
CREATE INDEX idx_media_assets_checksum ON media_assets(checksum);
-- The same bytes exist once for each user; nobody counts as one user.
CREATE UNIQUE INDEX idx_media_assets_visible ON media_assets
    (COALESCE(uploaded_by, '00000000-0000-0000-0000-000000000000'), checksum)
    WHERE upload_status IN ('completed', 'held');

-- What was made from an original. processing_status: processing (an intent), completed.
CREATE TABLE media_variants (
    id                  UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    media_asset_id      UUID REFERENCES media_assets(id) ON DELETE CASCADE,
    variant_type        VARCHAR(50) NOT NULL,
    format              VARCHAR(10) NOT NULL,
    quality             VARCHAR(20),
    resolution          VARCHAR(20),
    bitrate             VARCHAR(20),
    duration            INTEGER,
    s3_bucket           VARCHAR(100) NOT NULL,
    s3_key              VARCHAR(500) NOT NULL,
    cdn_url             VARCHAR(1000),
    file_size           BIGINT,
    processing_status   VARCHAR(20) DEFAULT 'pending',
    processing_progress INTEGER DEFAULT 0 CHECK (processing_progress BETWEEN 0 AND 100),
    recipe              TEXT,             -- hash of settings and tool version
    s3_prefix           TEXT,             -- ends with '/': all objects below it belong here
    checksum            TEXT,
    score               JSONB,
    verified            SMALLINT NOT NULL DEFAULT 0,
    details             JSONB,            -- what this kind has: timestamp, width, height ...
    owner               TEXT,
    created_at          TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at          TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (media_asset_id, s3_key)
);
CREATE INDEX idx_media_variants_asset ON media_variants(media_asset_id);
CREATE INDEX idx_media_variants_type ON media_variants(variant_type);
CREATE INDEX idx_media_variants_status ON media_variants(processing_status)
    WHERE processing_status <> 'completed';

-- Work, queued or done at once. status: pending, processing, completed, failed,
-- cancelled, dead. A queued job is claimed by a lease: every later write names
-- lease_token, which grows with each claim. A job that a program records of
-- itself has an owner and no lease. Pages have room for heartbeats and progress,
-- which touch no index.
CREATE TABLE processing_jobs (
    id               UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    media_asset_id   UUID REFERENCES media_assets(id) ON DELETE CASCADE,
    job_type         VARCHAR(50) NOT NULL,
    status           VARCHAR(20) DEFAULT 'pending',
    progress         INTEGER DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    started_at       TIMESTAMPTZ(3),
    completed_at     TIMESTAMPTZ(3),
    error_message    TEXT,
    input_parameters JSONB,
    output_results   JSONB,
    aws_job_id       VARCHAR(255),
    outcome          TEXT,                -- ok, degraded, not_applicable
    error            JSONB,               -- code, message, stage, retryable, hint
    current_step     TEXT,
    steps            JSONB,               -- [{name, status, started_at, completed_at, progress}]
    owner            TEXT,
    submitted_by     UUID REFERENCES users(id),
    parent_id        UUID REFERENCES processing_jobs(id) ON DELETE CASCADE,
    priority         INTEGER NOT NULL DEFAULT 0,
    run_after        TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    schedule         TEXT,                -- a window in which it may run
    worker_class     TEXT NOT NULL DEFAULT 'cpu',
    needs            JSONB,               -- capabilities that a worker must have
    unique_key       TEXT,
    waiting_on       INTEGER NOT NULL DEFAULT 0,  -- dependencies not yet completed
    attempts         INTEGER NOT NULL DEFAULT 0,
    max_attempts     INTEGER NOT NULL DEFAULT 5,
    timeout_s        INTEGER,
    worker           TEXT,
    lease_token      BIGINT NOT NULL DEFAULT 0,
    lease_until      TIMESTAMPTZ(3),
    heartbeat_at     TIMESTAMPTZ(3),
    cancel_requested SMALLINT NOT NULL DEFAULT 0,
    created_at       TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at       TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX idx_processing_jobs_status ON processing_jobs(status);
CREATE INDEX idx_processing_jobs_type ON processing_jobs(job_type, created_at, id);
CREATE INDEX idx_processing_jobs_asset ON processing_jobs(media_asset_id, created_at, id);
CREATE INDEX idx_processing_jobs_parent ON processing_jobs(parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX idx_processing_jobs_created ON processing_jobs(created_at, id);
CREATE INDEX idx_processing_jobs_status_created ON processing_jobs(status, created_at, id);
CREATE INDEX idx_processing_jobs_count ON processing_jobs(status, job_type, created_at, id);
-- What is ready, best first; finished jobs weigh nothing here.
CREATE INDEX idx_processing_jobs_claim
    ON processing_jobs(status, priority DESC, run_after, id)
    WHERE status = 'pending' AND waiting_on = 0;
CREATE INDEX idx_processing_jobs_claim_type
    ON processing_jobs(status, job_type, priority DESC, run_after, id)
    WHERE status = 'pending' AND waiting_on = 0;
CREATE INDEX idx_processing_jobs_lease ON processing_jobs(status, lease_until)
    WHERE status = 'processing';
-- Identical work that is still to be done is one job.
CREATE UNIQUE INDEX idx_processing_jobs_unique ON processing_jobs(unique_key)
    WHERE unique_key IS NOT NULL AND status IN ('pending', 'processing');

-- Each lease ever given, and how it ended. A release without fault keeps its
-- attempt number, so the token tells the leases apart.
CREATE TABLE job_attempts (
    job_id      UUID NOT NULL REFERENCES processing_jobs(id) ON DELETE CASCADE,
    lease_token BIGINT NOT NULL,
    attempt     INTEGER NOT NULL,
    worker      TEXT NOT NULL,
    started_at  TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    ended_at    TIMESTAMPTZ(3),
    status      TEXT,                     -- completed, failed, released, lapsed, cancelled
    stage       TEXT,
    exit_status INTEGER,
    signal      INTEGER,
    error       JSONB,
    last_words  TEXT,                     -- the end of what it said on stderr
    PRIMARY KEY (job_id, lease_token)
);

CREATE TABLE job_dependencies (
    job_id     UUID NOT NULL REFERENCES processing_jobs(id) ON DELETE CASCADE,
    depends_on UUID NOT NULL REFERENCES processing_jobs(id) ON DELETE CASCADE,
    on_failure TEXT NOT NULL DEFAULT 'cancel',  -- cancel, ignore
    PRIMARY KEY (job_id, depends_on)
);
CREATE INDEX idx_job_dependencies_on ON job_dependencies(depends_on);

-- Per job type ('' for the whole queue): paused, at most so many, only then.
CREATE TABLE queue_limits (
    job_type    TEXT PRIMARY KEY NOT NULL,
    paused      SMALLINT NOT NULL DEFAULT 0,
    max_running INTEGER,
    schedule    TEXT,
    updated_at  TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE workers (
    id           TEXT PRIMARY KEY NOT NULL,
    owner        TEXT NOT NULL,           -- host and process, as in the owner columns
    classes      JSONB,
    capabilities JSONB,
    slots        INTEGER NOT NULL DEFAULT 1,
    draining     SMALLINT NOT NULL DEFAULT 0,
    started_at   TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    heartbeat_at TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- Small facts that all machines share: when the database was last seen up,
-- who reaps, how far an import has come.
CREATE TABLE shared_state (
    name       TEXT PRIMARY KEY NOT NULL,
    value      JSONB,
    updated_at TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- The pieces into which one long encode is cut.
CREATE TABLE segments (
    id             UUID PRIMARY KEY NOT NULL,
    media_asset_id UUID NOT NULL REFERENCES media_assets(id) ON DELETE CASCADE,
    recipe         TEXT NOT NULL,
    rendition      TEXT NOT NULL,
    number         INTEGER NOT NULL,
    start_us       BIGINT NOT NULL,
    end_us         BIGINT,
    status         TEXT NOT NULL DEFAULT 'pending',
    job_id         UUID REFERENCES processing_jobs(id) ON DELETE SET NULL,
    lease_token    BIGINT,
    worker         TEXT,
    s3_key         TEXT,
    checksum       TEXT,
    file_size      BIGINT,
    frames         BIGINT,
    details        JSONB,
    created_at     TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    completed_at   TIMESTAMPTZ(3),
    UNIQUE (media_asset_id, recipe, rendition, number)
);
CREATE INDEX idx_segments_job ON segments(job_id);

-- What was found in a medium.
CREATE TABLE content_analysis (
    id               UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    media_asset_id   UUID REFERENCES media_assets(id) ON DELETE CASCADE,
    analysis_type    VARCHAR(50) NOT NULL,
    language         VARCHAR(10),
    status           VARCHAR(20) DEFAULT 'pending',
    confidence_score DECIMAL(3,2),
    results          JSONB,
    aws_job_id       VARCHAR(255),
    engine           TEXT,
    recipe           TEXT,
    outcome          TEXT,
    error            JSONB,
    job_id           UUID REFERENCES processing_jobs(id) ON DELETE SET NULL,
    created_at       TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    completed_at     TIMESTAMPTZ(3)
);
CREATE INDEX idx_content_analysis_asset ON content_analysis(media_asset_id);
CREATE INDEX idx_content_analysis_type ON content_analysis(analysis_type);
CREATE INDEX idx_content_analysis_job ON content_analysis(job_id);

-- Resumable uploads. How far one has come is the size of its file, never a column.
CREATE TABLE uploads (
    id                 UUID PRIMARY KEY NOT NULL,
    original_filename  TEXT,
    content_type       TEXT,
    upload_length      BIGINT,            -- NULL while the client has not said
    checksum           TEXT,              -- as the client promised: "sha256 <hex>"
    metadata           JSONB,
    processing_options JSONB,
    status             TEXT NOT NULL DEFAULT 'uploading',
    concat             TEXT,              -- partial, final
    parts              JSONB,             -- of a final upload: ids of the partial ones
    storage            JSONB,             -- what the store needs to go on (multipart id)
    uploaded_by        UUID REFERENCES users(id),
    media_asset_id     UUID REFERENCES media_assets(id) ON DELETE SET NULL,
    job_id             UUID REFERENCES processing_jobs(id) ON DELETE SET NULL,
    error              JSONB,
    expires_at         TIMESTAMPTZ(3),
    created_at         TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at         TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_uploads_expires ON uploads(expires_at);
CREATE INDEX idx_uploads_uploaded_by ON uploads(uploaded_by);
CREATE INDEX idx_uploads_asset ON uploads(media_asset_id);
CREATE INDEX idx_uploads_job ON uploads(job_id);

-- Answers kept for clients that repeat a request with the same Idempotency-Key.
CREATE TABLE idempotency_keys (
    user_key     TEXT NOT NULL,           -- who asks ('' for nobody) ...
    key          TEXT NOT NULL,           -- ... and what they call the request
    request_hash TEXT NOT NULL,
    status       INTEGER,                 -- NULL while the first request runs
    response     JSONB,
    created_at   TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    expires_at   TIMESTAMPTZ(3) NOT NULL,
    PRIMARY KEY (user_key, key)
);
CREATE INDEX idx_idempotency_keys_expires ON idempotency_keys(expires_at);

-- What happened, for whoever is to be told: written with the state it speaks of.
CREATE TABLE events (
    seq        BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    id         UUID NOT NULL UNIQUE,
    type       TEXT NOT NULL,             -- asset.completed, job.failed ...
    asset_id   UUID,                      -- no foreign keys: events outlive what they speak of
    job_id     UUID,
    payload    JSONB,
    created_at TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_events_job ON events(job_id, seq);
CREATE INDEX idx_events_created ON events(created_at);

CREATE TABLE event_deliveries (
    seq          BIGINT NOT NULL REFERENCES events(seq) ON DELETE CASCADE,
    sink         TEXT NOT NULL,
    status       TEXT NOT NULL DEFAULT 'pending',  -- pending, delivered, dead
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_at      TIMESTAMPTZ(3),
    last_error   TEXT,
    delivered_at TIMESTAMPTZ(3),
    PRIMARY KEY (sink, seq)
);
CREATE INDEX idx_event_deliveries_seq ON event_deliveries(seq);
CREATE INDEX idx_event_deliveries_due ON event_deliveries(next_at) WHERE status = 'pending';

CREATE TABLE audit_log (
    seq         BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    at          TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    actor       TEXT NOT NULL,            -- a user's id, or the process
    action      TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id   TEXT,
    address     TEXT,
    details     JSONB
);
CREATE INDEX idx_audit_log_object ON audit_log(object_id, seq);
CREATE INDEX idx_audit_log_at ON audit_log(at);

CREATE TABLE reviews (
    id             UUID PRIMARY KEY NOT NULL,
    media_asset_id UUID NOT NULL REFERENCES media_assets(id) ON DELETE CASCADE,
    analysis_id    UUID REFERENCES content_analysis(id) ON DELETE SET NULL,
    reason         TEXT NOT NULL,         -- moderation, scan, age, culture, copyright, policy
    flags          JSONB,
    status         TEXT NOT NULL DEFAULT 'pending',  -- pending, approved, rejected
    reviewer       UUID REFERENCES users(id),
    note           TEXT,
    created_at     TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    decided_at     TIMESTAMPTZ(3)
);
CREATE INDEX idx_reviews_status ON reviews(status, created_at);
CREATE INDEX idx_reviews_asset ON reviews(media_asset_id);
CREATE INDEX idx_reviews_analysis ON reviews(analysis_id);

CREATE TABLE consents (
    id             UUID PRIMARY KEY NOT NULL,
    user_id        UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    media_asset_id UUID REFERENCES media_assets(id) ON DELETE CASCADE,
    purpose        TEXT NOT NULL,         -- face_analysis, transcription, analytics ...
    granted        SMALLINT NOT NULL,
    source         TEXT,
    created_at     TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    withdrawn_at   TIMESTAMPTZ(3)
);
CREATE INDEX idx_consents_user ON consents(user_id, purpose);
CREATE INDEX idx_consents_asset ON consents(media_asset_id);

-- What is to happen to an asset, and when; a hold forbids it until lifted.
CREATE TABLE retention (
    id             UUID PRIMARY KEY NOT NULL,
    media_asset_id UUID NOT NULL REFERENCES media_assets(id) ON DELETE CASCADE,
    action         TEXT NOT NULL,         -- hold, tier, erase
    due_at         TIMESTAMPTZ(3),
    policy         TEXT,
    reason         TEXT,
    created_at     TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    done_at        TIMESTAMPTZ(3)
);
CREATE INDEX idx_retention_due ON retention(due_at) WHERE done_at IS NULL;
CREATE INDEX idx_retention_asset ON retention(media_asset_id);
