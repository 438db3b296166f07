-- SPDX-License-Identifier: GPL-2.0-or-later
-- 0006-known.sql - whether work of a key has failed before: few of many jobs have.
CREATE INDEX idx_processing_jobs_known ON processing_jobs(unique_key, completed_at)
    WHERE unique_key IS NOT NULL AND status IN ('failed', 'dead', 'cancelled');
