-- SPDX-License-Identifier: GPL-2.0-or-later
-- 0003-totals.sql - what was done and what is stored, counted as it happens.
--
-- Metrics are asked for every few seconds and may not read a million rows.
-- Counters must never fall, so they cannot be counted from rows that retention
-- erases. Triggers keep both, in the transaction of the change itself.
--
-- A counter kept in one row would make all transactions that end a job wait for
-- each other, and two that touch two counters in different order would deadlock.
-- So a key may have several rows: a transaction adds to one that nobody else
-- holds, or makes a new one. It never waits, and there are never more rows than
-- there were transactions at one time. Readers sum.

ALTER TABLE media_assets ADD COLUMN duration_ms BIGINT;
UPDATE media_assets SET duration_ms = ROUND(1000 * CAST(metadata ->> 'duration' AS NUMERIC))
    WHERE jsonb_typeof(metadata -> 'duration') = 'number';

-- Every end that a job came to. A job that is tried again ends more than once.
CREATE TABLE job_totals (
    job_type TEXT NOT NULL,
    status   TEXT NOT NULL,               -- completed, failed, cancelled, dead
    outcome  TEXT NOT NULL,               -- ok, degraded, not_applicable; '' for none
    code     TEXT NOT NULL,               -- of its error; '' for none
    le_s     INTEGER NOT NULL,            -- it took at most so many seconds; 0: more than a day, -1: unknown
    n        BIGINT NOT NULL,
    took_ms  BIGINT NOT NULL,             -- sum
    media_ms BIGINT NOT NULL              -- sum of how long the media last
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX idx_job_totals ON job_totals(job_type, status, outcome, code, le_s);

CREATE VIEW job_ends AS
    SELECT id, job_type, status, outcome, code, took_ms, media_ms,
           CASE WHEN took_ms IS NULL THEN -1
                WHEN took_ms <= 1000 THEN 1
                WHEN took_ms <= 5000 THEN 5
                WHEN took_ms <= 15000 THEN 15
                WHEN took_ms <= 60000 THEN 60
                WHEN took_ms <= 300000 THEN 300
                WHEN took_ms <= 900000 THEN 900
                WHEN took_ms <= 3600000 THEN 3600
                WHEN took_ms <= 14400000 THEN 14400
                WHEN took_ms <= 86400000 THEN 86400
                ELSE 0 END AS le_s
    FROM (SELECT j.id, j.job_type, j.status, COALESCE(j.outcome, '') AS outcome,
                 COALESCE(j.error ->> 'code', '') AS code,
                 GREATEST(0, CAST(ROUND(EXTRACT(EPOCH FROM j.completed_at - j.started_at) * 1000) AS BIGINT))
                     + CASE WHEN j.completed_at IS NULL OR j.started_at IS NULL THEN NULL ELSE 0 END
                     AS took_ms,
                 COALESCE(a.duration_ms, 0) AS media_ms
          FROM processing_jobs j LEFT JOIN media_assets a ON a.id = j.media_asset_id) AS ends;

INSERT INTO job_totals
    SELECT job_type, status, outcome, code, le_s, count(*), SUM(COALESCE(took_ms, 0)), SUM(media_ms)
    FROM job_ends WHERE status IN ('completed', 'failed', 'cancelled', 'dead')
    GROUP BY job_type, status, outcome, code, le_s;

CREATE FUNCTION job_totals_count() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    e job_ends%ROWTYPE;
BEGIN
    SELECT * INTO e FROM job_ends WHERE id = NEW.id;
    UPDATE job_totals SET n = n + 1, took_ms = took_ms + COALESCE(e.took_ms, 0),
            media_ms = media_ms + e.media_ms
        WHERE ctid = (SELECT ctid FROM job_totals
            WHERE job_type = e.job_type AND status = e.status AND outcome = e.outcome
              AND code = e.code AND le_s = e.le_s
            LIMIT 1 FOR UPDATE SKIP LOCKED);
    IF NOT FOUND THEN
        INSERT INTO job_totals VALUES
            (e.job_type, e.status, e.outcome, e.code, e.le_s, 1, COALESCE(e.took_ms, 0), e.media_ms);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER job_totals_ended AFTER UPDATE OF status ON processing_jobs FOR EACH ROW
    WHEN (NEW.status IN ('completed', 'failed', 'cancelled', 'dead')
          AND NEW.status IS DISTINCT FROM OLD.status)
    EXECUTE FUNCTION job_totals_count();

CREATE TRIGGER job_totals_recorded AFTER INSERT ON processing_jobs FOR EACH ROW
    WHEN (NEW.status IN ('completed', 'failed', 'cancelled', 'dead'))
    EXECUTE FUNCTION job_totals_count();

-- What there is at this moment: originals and what was made of them. One row of
-- a key may be below zero where another is above it.
CREATE TABLE stored_totals (
    kind   TEXT NOT NULL,                 -- original, or the variant_type
    type   TEXT NOT NULL,                 -- content_type of originals, format of variants
    status TEXT NOT NULL,
    class  TEXT NOT NULL,                 -- storage class; 'standard' unless it was moved
    n      BIGINT NOT NULL,
    bytes  BIGINT NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX idx_stored_totals ON stored_totals(kind, type, status, class);

INSERT INTO stored_totals
    SELECT 'original', content_type, COALESCE(upload_status, ''), COALESCE(storage_class, 'standard'),
           count(*), SUM(file_size)
    FROM media_assets GROUP BY 2, 3, 4;
INSERT INTO stored_totals
    SELECT variant_type, format, COALESCE(processing_status, ''), 'standard', count(*),
           SUM(COALESCE(file_size, 0))
    FROM media_variants GROUP BY 1, 2, 3;

CREATE FUNCTION stored_totals_add(k TEXT, t TEXT, s TEXT, c TEXT, more BIGINT, size BIGINT)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stored_totals SET n = n + more, bytes = bytes + size
        WHERE ctid = (SELECT ctid FROM stored_totals
            WHERE kind = k AND type = t AND status = s AND class = c
            LIMIT 1 FOR UPDATE SKIP LOCKED);
    IF NOT FOUND THEN
        INSERT INTO stored_totals VALUES (k, t, s, c, more, size);
    END IF;
END $$;

CREATE FUNCTION stored_totals_asset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM stored_totals_add('original', OLD.content_type, COALESCE(OLD.upload_status, ''),
            COALESCE(OLD.storage_class, 'standard'), -1, -OLD.file_size);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM stored_totals_add('original', NEW.content_type, COALESCE(NEW.upload_status, ''),
            COALESCE(NEW.storage_class, 'standard'), 1, NEW.file_size);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER stored_totals_asset_in_or_out AFTER INSERT OR DELETE ON media_assets
    FOR EACH ROW EXECUTE FUNCTION stored_totals_asset();
CREATE TRIGGER stored_totals_asset_moved
    AFTER UPDATE OF content_type, upload_status, storage_class, file_size ON media_assets
    FOR EACH ROW EXECUTE FUNCTION stored_totals_asset();

CREATE FUNCTION stored_totals_variant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM stored_totals_add(OLD.variant_type, OLD.format, COALESCE(OLD.processing_status, ''),
            'standard', -1, -COALESCE(OLD.file_size, 0));
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM stored_totals_add(NEW.variant_type, NEW.format, COALESCE(NEW.processing_status, ''),
            'standard', 1, COALESCE(NEW.file_size, 0));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER stored_totals_variant_in_or_out AFTER INSERT OR DELETE ON media_variants
    FOR EACH ROW EXECUTE FUNCTION stored_totals_variant();
CREATE TRIGGER stored_totals_variant_moved
    AFTER UPDATE OF variant_type, format, processing_status, file_size ON media_variants
    FOR EACH ROW EXECUTE FUNCTION stored_totals_variant();
