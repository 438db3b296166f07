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
