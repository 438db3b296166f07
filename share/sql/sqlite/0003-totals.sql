-- SPDX-License-Identifier: GPL-2.0-or-later
-- 0003-totals.sql - what was done and what is stored, counted as it happens.
--
-- Metrics are asked for every few seconds and may not read a million rows.
-- Counters must never fall, so they cannot be counted from rows that retention
-- erases. Triggers keep both, in the transaction of the change itself.

-- The schema is not trusted, so triggers may not take JSON apart: the length of the
-- media has a column of its own, the code of an error is cut out of its text.
ALTER TABLE media_assets ADD COLUMN duration_ms INTEGER;
UPDATE media_assets SET duration_ms = CAST(ROUND(1000 * json_extract(metadata, '$.duration')) AS INTEGER)
    WHERE json_valid(metadata);

-- Every end that a job came to. A job that is tried again ends more than once.
CREATE TABLE job_totals (
    job_type TEXT NOT NULL,
    status   TEXT NOT NULL,               -- completed, failed, cancelled, dead
    outcome  TEXT NOT NULL,               -- ok, degraded, not_applicable; '' for none
    code     TEXT NOT NULL,               -- of its error; '' for none
    le_s     INTEGER NOT NULL,            -- it took at most so many seconds; 0: more than a day, -1: unknown
    n        INTEGER NOT NULL,
    took_ms  INTEGER NOT NULL,            -- sum
    media_ms INTEGER NOT NULL,            -- sum of how long the media last
    PRIMARY KEY (job_type, status, outcome, code, le_s)
) WITHOUT ROWID;

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
                 CASE WHEN instr(j.error, '"code":"') > 0
                      THEN substr(j.error, instr(j.error, '"code":"') + 8,
                                  instr(substr(j.error, instr(j.error, '"code":"') + 8), '"') - 1)
                      ELSE '' END AS code,
                 MAX(0, CAST(ROUND((julianday(j.completed_at) - julianday(j.started_at)) * 86400000) AS INTEGER))
                     AS took_ms,
                 COALESCE(a.duration_ms, 0) AS media_ms
          FROM processing_jobs j LEFT JOIN media_assets a ON a.id = j.media_asset_id);

INSERT INTO job_totals
    SELECT job_type, status, outcome, code, le_s, count(*), SUM(COALESCE(took_ms, 0)), SUM(media_ms)
    FROM job_ends WHERE status IN ('completed', 'failed', 'cancelled', 'dead')
    GROUP BY job_type, status, outcome, code, le_s;

CREATE TRIGGER job_totals_ended AFTER UPDATE OF status ON processing_jobs
WHEN NEW.status IN ('completed', 'failed', 'cancelled', 'dead') AND NEW.status IS NOT OLD.status
BEGIN
    INSERT INTO job_totals
        SELECT job_type, status, outcome, code, le_s, 1, COALESCE(took_ms, 0), media_ms
        FROM job_ends WHERE id = NEW.id
        ON CONFLICT DO UPDATE SET n = n + 1, took_ms = took_ms + excluded.took_ms,
            media_ms = media_ms + excluded.media_ms;
END;

CREATE TRIGGER job_totals_recorded AFTER INSERT ON processing_jobs
WHEN NEW.status IN ('completed', 'failed', 'cancelled', 'dead')
BEGIN
    INSERT INTO job_totals
        SELECT job_type, status, outcome, code, le_s, 1, COALESCE(took_ms, 0), media_ms
        FROM job_ends WHERE id = NEW.id
        ON CONFLICT DO UPDATE SET n = n + 1, took_ms = took_ms + excluded.took_ms,
            media_ms = media_ms + excluded.media_ms;
END;

-- What there is at this moment: originals and what was made of them.
CREATE TABLE stored_totals (
    kind   TEXT NOT NULL,                 -- original, or the variant_type
    type   TEXT NOT NULL,                 -- content_type of originals, format of variants
    status TEXT NOT NULL,
    class  TEXT NOT NULL,                 -- storage class; 'standard' unless it was moved
    n      INTEGER NOT NULL,
    bytes  INTEGER NOT NULL,
    PRIMARY KEY (kind, type, status, class)
) WITHOUT ROWID;

INSERT INTO stored_totals
    SELECT 'original', content_type, COALESCE(upload_status, ''), COALESCE(storage_class, 'standard'),
           count(*), SUM(file_size)
    FROM media_assets GROUP BY 2, 3, 4;
INSERT INTO stored_totals
    SELECT variant_type, format, COALESCE(processing_status, ''), 'standard', count(*),
           SUM(COALESCE(file_size, 0))
    FROM media_variants GROUP BY 1, 2, 3;

CREATE TRIGGER stored_totals_asset_in AFTER INSERT ON media_assets
BEGIN
    INSERT INTO stored_totals VALUES ('original', NEW.content_type, COALESCE(NEW.upload_status, ''),
        COALESCE(NEW.storage_class, 'standard'), 1, NEW.file_size)
        ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER stored_totals_asset_out AFTER DELETE ON media_assets
BEGIN
    UPDATE stored_totals SET n = n - 1, bytes = bytes - OLD.file_size
        WHERE kind = 'original' AND type = OLD.content_type AND status = COALESCE(OLD.upload_status, '')
          AND class = COALESCE(OLD.storage_class, 'standard');
END;

CREATE TRIGGER stored_totals_asset_moved
AFTER UPDATE OF content_type, upload_status, storage_class, file_size ON media_assets
BEGIN
    UPDATE stored_totals SET n = n - 1, bytes = bytes - OLD.file_size
        WHERE kind = 'original' AND type = OLD.content_type AND status = COALESCE(OLD.upload_status, '')
          AND class = COALESCE(OLD.storage_class, 'standard');
    INSERT INTO stored_totals VALUES ('original', NEW.content_type, COALESCE(NEW.upload_status, ''),
        COALESCE(NEW.storage_class, 'standard'), 1, NEW.file_size)
        ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER stored_totals_variant_in AFTER INSERT ON media_variants
BEGIN
    INSERT INTO stored_totals VALUES (NEW.variant_type, NEW.format, COALESCE(NEW.processing_status, ''),
        'standard', 1, COALESCE(NEW.file_size, 0))
        ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER stored_totals_variant_out AFTER DELETE ON media_variants
BEGIN
    UPDATE stored_totals SET n = n - 1, bytes = bytes - COALESCE(OLD.file_size, 0)
        WHERE kind = OLD.variant_type AND type = OLD.format
          AND status = COALESCE(OLD.processing_status, '') AND class = 'standard';
END;

CREATE TRIGGER stored_totals_variant_moved
AFTER UPDATE OF variant_type, format, processing_status, file_size ON media_variants
BEGIN
    UPDATE stored_totals SET n = n - 1, bytes = bytes - COALESCE(OLD.file_size, 0)
        WHERE kind = OLD.variant_type AND type = OLD.format
          AND status = COALESCE(OLD.processing_status, '') AND class = 'standard';
    INSERT INTO stored_totals VALUES (NEW.variant_type, NEW.format, COALESCE(NEW.processing_status, ''),
        'standard', 1, COALESCE(NEW.file_size, 0))
        ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END;
