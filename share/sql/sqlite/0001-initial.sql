-- SPDX-License-Identifier: GPL-2.0-or-later
-- 0001-initial.sql - the whole state of media-toolkit, for SQLite.
--
-- Identifiers are UUID text, times RFC 3339 text in UTC with milliseconds
-- (so that their order is the order of time), truth values 0 and 1. Columns
-- declared JSON TEXT hold JSON. A default stands wherever a column has one
-- in the PostgreSQL schema.

-- Who uploads and who decides. External identities are recorded when first met.
CREATE TABLE users (
    id          TEXT PRIMARY KEY NOT NULL,
    name        TEXT,
    role        TEXT NOT NULL DEFAULT 'user',
    created_at  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

-- One original. upload_status: pending, uploading (an intent: owner works on it),
-- processing, completed, held (waits for a review or a scan), rejected, failed.
CREATE TABLE media_assets (
    id                TEXT PRIMARY KEY NOT NULL,
    original_filename TEXT NOT NULL,
    content_type      TEXT NOT NULL,
    mime_type         TEXT NOT NULL,
    file_size         INTEGER NOT NULL,
    s3_bucket         TEXT NOT NULL,
    s3_key            TEXT NOT NULL,
    cdn_url           TEXT,
    upload_status     TEXT DEFAULT 'pending',
    upload_progress   INTEGER DEFAULT 0 CHECK (upload_progress BETWEEN 0 AND 100),
    metadata          JSON TEXT,
    checksum          TEXT,
    uploaded_by       TEXT REFERENCES users(id),
    outcome           TEXT,               -- ok, degraded
    scan              JSON TEXT,          -- the verdict of the virus scanner
    owner             TEXT,               -- the process whose intent this is
    storage_class     TEXT,               -- where lifecycle rules have moved it
    created_at        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX idx_media_assets_status ON media_assets(upload_status, created_at, id);
CREATE INDEX idx_media_assets_type ON media_assets(content_type, created_at, id);
CREATE INDEX idx_media_assets_uploaded_by ON media_assets(uploaded_by);
CREATE INDEX idx_media_assets_created ON media_assets(created_at, id);
CREATE INDEX idx_media_assets_checksum ON media_assets(checksum);
-- The same bytes exist once for each user; nobody counts as one user.
CREATE UNIQUE INDEX idx_media_assets_visible ON media_assets(COALESCE(uploaded_by, ''), checksum)
    WHERE upload_status IN ('completed', 'held');

-- What was made from an original. processing_status: processing (an intent), completed.
CREATE TABLE media_variants (
    id                  TEXT PRIMARY KEY NOT NULL,
    media_asset_id      TEXT REFERENCES media_assets(id) ON DELETE CASCADE,
    variant_type        TEXT NOT NULL,
    format              TEXT NOT NULL,
    quality             TEXT,
    resolution          TEXT,
    bitrate             TEXT,
    duration            INTEGER,
    s3_bucket           TEXT NOT NULL,
    s3_key              TEXT NOT NULL,
    cdn_url             TEXT,
    file_size           INTEGER,
    processing_status   TEXT DEFAULT 'pending',
    processing_progress INTEGER DEFAULT 0 CHECK (processing_progress BETWEEN 0 AND 100),
    recipe              TEXT,             -- hash of settings and tool version
    s3_prefix           TEXT,             -- ends with '/': all objects below it belong here
    checksum            TEXT,
    score               JSON TEXT,
    verified            INTEGER NOT NULL DEFAULT 0,
    details             JSON TEXT,        -- what this kind has: timestamp, width, height ...
    owner               TEXT,
    created_at          TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at          TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    UNIQUE (media_asset_id, s3_key)
);
CREATE INDEX idx_media_variants_asset ON media_variants(media_asset_id);
CREATE INDEX idx_media_variants_type ON media_variants(variant_type);
CREATE INDEX idx_media_variants_status ON media_variants(processing_status)
    WHERE processing_status <> 'completed';

-- Work, queued or done at once. status: pending, processing, completed, failed,
-- cancelled, dead. A queued job is claimed by a lease: every later write names
-- lease_token, which grows with each claim. A job that a program records of
-- itself has an owner and no lease.
CREATE TABLE processing_jobs (
    id               TEXT PRIMARY KEY NOT NULL,
    media_asset_id   TEXT REFERENCES media_assets(id) ON DELETE CASCADE,
    job_type         TEXT NOT NULL,
    status           TEXT DEFAULT 'pending',
    progress         INTEGER DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    started_at       TEXT,
    completed_at     TEXT,
    error_message    TEXT,
    input_parameters JSON TEXT,
    output_results   JSON TEXT,
    aws_job_id       TEXT,
    outcome          TEXT,                -- ok, degraded, not_applicable
    error            JSON TEXT,           -- code, message, stage, retryable, hint
    current_step     TEXT,
    steps            JSON TEXT,           -- [{name, status, started_at, completed_at, progress}]
    owner            TEXT,
    submitted_by     TEXT REFERENCES users(id),
    parent_id        TEXT REFERENCES processing_jobs(id) ON DELETE CASCADE,
    priority         INTEGER NOT NULL DEFAULT 0,
    run_after        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    schedule         TEXT,                -- a window in which it may run
    worker_class     TEXT NOT NULL DEFAULT 'cpu',
    needs            JSON TEXT,           -- capabilities that a worker must have
    unique_key       TEXT,
    waiting_on       INTEGER NOT NULL DEFAULT 0,  -- dependencies not yet completed
    attempts         INTEGER NOT NULL DEFAULT 0,
    max_attempts     INTEGER NOT NULL DEFAULT 5,
    timeout_s        INTEGER,
    worker           TEXT,
    lease_token      INTEGER NOT NULL DEFAULT 0,
    lease_until      TEXT,
    heartbeat_at     TEXT,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    created_at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
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
    job_id      TEXT NOT NULL REFERENCES processing_jobs(id) ON DELETE CASCADE,
    lease_token INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    worker      TEXT NOT NULL,
    started_at  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    ended_at    TEXT,
    status      TEXT,                     -- completed, failed, released, lapsed, cancelled
    stage       TEXT,
    exit_status INTEGER,
    signal      INTEGER,
    error       JSON TEXT,
    last_words  TEXT,                     -- the end of what it said on stderr
    PRIMARY KEY (job_id, lease_token)
) WITHOUT ROWID;

CREATE TABLE job_dependencies (
    job_id     TEXT NOT NULL REFERENCES processing_jobs(id) ON DELETE CASCADE,
    depends_on TEXT NOT NULL REFERENCES processing_jobs(id) ON DELETE CASCADE,
    on_failure TEXT NOT NULL DEFAULT 'cancel',  -- cancel, ignore
    PRIMARY KEY (job_id, depends_on)
) WITHOUT ROWID;
CREATE INDEX idx_job_dependencies_on ON job_dependencies(depends_on);

-- Per job type ('' for the whole queue): paused, at most so many, only then.
CREATE TABLE queue_limits (
    job_type    TEXT PRIMARY KEY NOT NULL,
    paused      INTEGER NOT NULL DEFAULT 0,
    max_running INTEGER,
    schedule    TEXT,
    updated_at  TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) WITHOUT ROWID;

CREATE TABLE workers (
    id           TEXT PRIMARY KEY NOT NULL,
    owner        TEXT NOT NULL,           -- host and process, as in the owner columns
    classes      JSON TEXT,
    capabilities JSON TEXT,
    slots        INTEGER NOT NULL DEFAULT 1,
    draining     INTEGER NOT NULL DEFAULT 0,
    started_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    heartbeat_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) WITHOUT ROWID;

-- Small facts that all machines share: when the database was last seen up,
-- who reaps, how far an import has come.
CREATE TABLE shared_state (
    name       TEXT PRIMARY KEY NOT NULL,
    value      JSON TEXT,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) WITHOUT ROWID;

-- The pieces into which one long encode is cut.
CREATE TABLE segments (
    id             TEXT PRIMARY KEY NOT NULL,
    media_asset_id TEXT NOT NULL REFERENCES media_assets(id) ON DELETE CASCADE,
    recipe         TEXT NOT NULL,
    rendition      TEXT NOT NULL,
    number         INTEGER NOT NULL,
    start_us       INTEGER NOT NULL,
    end_us         INTEGER,
    status         TEXT NOT NULL DEFAULT 'pending',
    job_id         TEXT REFERENCES processing_jobs(id) ON DELETE SET NULL,
    lease_token    INTEGER,
    worker         TEXT,
    s3_key         TEXT,
    checksum       TEXT,
    file_size      INTEGER,
    frames         INTEGER,
    details        JSON TEXT,
    created_at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    completed_at   TEXT,
    UNIQUE (media_asset_id, recipe, rendition, number)
);
CREATE INDEX idx_segments_job ON segments(job_id);

-- What was found in a medium.
CREATE TABLE content_analysis (
    id               TEXT PRIMARY KEY NOT NULL,
    media_asset_id   TEXT REFERENCES media_assets(id) ON DELETE CASCADE,
    analysis_type    TEXT NOT NULL,
    language         TEXT,
    status           TEXT DEFAULT 'pending',
    confidence_score REAL,
    results          JSON TEXT,
    aws_job_id       TEXT,
    engine           TEXT,
    recipe           TEXT,
    outcome          TEXT,
    error            JSON TEXT,
    job_id           TEXT REFERENCES processing_jobs(id) ON DELETE SET NULL,
    created_at       TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    completed_at     TEXT
);
CREATE INDEX idx_content_analysis_asset ON content_analysis(media_asset_id);
CREATE INDEX idx_content_analysis_type ON content_analysis(analysis_type);
CREATE INDEX idx_content_analysis_job ON content_analysis(job_id);

-- Resumable uploads. How far one has come is the size of its file, never a column.
CREATE TABLE uploads (
    id                 TEXT PRIMARY KEY NOT NULL,
    original_filename  TEXT,
    content_type       TEXT,
    upload_length      INTEGER,           -- NULL while the client has not said
    checksum           TEXT,              -- as the client promised: "sha256 <hex>"
    metadata           JSON TEXT,
    processing_options JSON TEXT,
    status             TEXT NOT NULL DEFAULT 'uploading',
    concat             TEXT,              -- partial, final
    parts              JSON TEXT,         -- of a final upload: ids of the partial ones
    storage            JSON TEXT,         -- what the store needs to go on (multipart id)
    uploaded_by        TEXT REFERENCES users(id),
    media_asset_id     TEXT REFERENCES media_assets(id) ON DELETE SET NULL,
    job_id             TEXT REFERENCES processing_jobs(id) ON DELETE SET NULL,
    error              JSON TEXT,
    expires_at         TEXT,
    created_at         TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    updated_at         TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
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
    response     JSON TEXT,
    created_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    expires_at   TEXT NOT NULL,
    PRIMARY KEY (user_key, key)
) WITHOUT ROWID;
CREATE INDEX idx_idempotency_keys_expires ON idempotency_keys(expires_at);

-- What happened, for whoever is to be told: written with the state it speaks of.
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    type       TEXT NOT NULL,             -- asset.completed, job.failed ...
    asset_id   TEXT,                      -- no foreign keys: events outlive what they speak of
    job_id     TEXT,
    payload    JSON TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX idx_events_job ON events(job_id, seq);
CREATE INDEX idx_events_created ON events(created_at);

CREATE TABLE event_deliveries (
    seq          INTEGER NOT NULL REFERENCES events(seq) ON DELETE CASCADE,
    sink         TEXT NOT NULL,
    status       TEXT NOT NULL DEFAULT 'pending',  -- pending, delivered, dead
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_at      TEXT,
    last_error   TEXT,
    delivered_at TEXT,
    PRIMARY KEY (sink, seq)
) WITHOUT ROWID;
CREATE INDEX idx_event_deliveries_seq ON event_deliveries(seq);
CREATE INDEX idx_event_deliveries_due ON event_deliveries(next_at) WHERE status = 'pending';

CREATE TABLE audit_log (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    at          TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    actor       TEXT NOT NULL,            -- a user's id, or the process
    action      TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object_id   TEXT,
    address     TEXT,
    details     JSON TEXT
);
CREATE INDEX idx_audit_log_object ON audit_log(object_id, seq);
CREATE INDEX idx_audit_log_at ON audit_log(at);

CREATE TABLE reviews (
    id             TEXT PRIMARY KEY NOT NULL,
    media_asset_id TEXT NOT NULL REFERENCES media_assets(id) ON DELETE CASCADE,
    analysis_id    TEXT REFERENCES content_analysis(id) ON DELETE SET NULL,
    reason         TEXT NOT NULL,         -- moderation, scan, age, culture, copyright, policy
    flags          JSON TEXT,
    status         TEXT NOT NULL DEFAULT 'pending',  -- pending, approved, rejected
    reviewer       TEXT REFERENCES users(id),
    note           TEXT,
    created_at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    decided_at     TEXT
);
CREATE INDEX idx_reviews_status ON reviews(status, created_at);
CREATE INDEX idx_reviews_asset ON reviews(media_asset_id);
CREATE INDEX idx_reviews_analysis ON reviews(analysis_id);

CREATE TABLE consents (
    id             TEXT PRIMARY KEY NOT NULL,
    user_id        TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    media_asset_id TEXT REFERENCES media_assets(id) ON DELETE CASCADE,
    purpose        TEXT NOT NULL,         -- face_analysis, transcription, analytics ...
    granted        INTEGER NOT NULL,
    source         TEXT,
    created_at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    withdrawn_at   TEXT
);
CREATE INDEX idx_consents_user ON consents(user_id, purpose);
CREATE INDEX idx_consents_asset ON consents(media_asset_id);

-- What is to happen to an asset, and when; a hold forbids it until lifted.
CREATE TABLE retention (
    id             TEXT PRIMARY KEY NOT NULL,
    media_asset_id TEXT NOT NULL REFERENCES media_assets(id) ON DELETE CASCADE,
    action         TEXT NOT NULL,         -- hold, tier, erase
    due_at         TEXT,
    policy         TEXT,
    reason         TEXT,
    created_at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    done_at        TEXT
);
CREATE INDEX idx_retention_due ON retention(due_at) WHERE done_at IS NULL;
CREATE INDEX idx_retention_asset ON retention(media_asset_id);
