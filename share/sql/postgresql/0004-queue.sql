-- SPDX-License-Identifier: GPL-2.0-or-later
-- 0004-queue.sql - ready jobs in lanes of one class, type and priority.
--
-- A claim looks at the head of each lane; what stands behind it, and lanes that
-- are paused or meant for other workers, cost nothing.
CREATE INDEX idx_processing_jobs_lane
    ON processing_jobs(worker_class, job_type, priority, run_after, id)
    WHERE status = 'pending' AND waiting_on = 0;
DROP INDEX idx_processing_jobs_claim;
DROP INDEX idx_processing_jobs_claim_type;

-- Whether identical work was completed before.
CREATE INDEX idx_processing_jobs_done ON processing_jobs(unique_key, completed_at)
    WHERE unique_key IS NOT NULL AND status = 'completed';
-- What is old enough to be pruned.
CREATE INDEX idx_processing_jobs_ended ON processing_jobs(status, completed_at)
    WHERE completed_at IS NOT NULL;

-- Workers that have nothing to do listen. Once for each statement, not for each
-- row: many jobs are submitted by one.
CREATE FUNCTION media_jobs_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM fresh WHERE status = 'pending' AND waiting_on = 0 LIMIT 1;
    IF FOUND THEN
        PERFORM pg_notify('media_jobs', '');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER media_jobs_submitted AFTER INSERT ON processing_jobs
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION media_jobs_wake();

CREATE FUNCTION media_jobs_wake_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('media_jobs', '');
    RETURN NULL;
END $$;
CREATE TRIGGER media_jobs_ready AFTER UPDATE OF status, waiting_on ON processing_jobs FOR EACH ROW
    WHEN (NEW.status = 'pending' AND NEW.waiting_on = 0
          AND (OLD.status IS DISTINCT FROM NEW.status OR OLD.waiting_on <> NEW.waiting_on))
    EXECUTE FUNCTION media_jobs_wake_row();
