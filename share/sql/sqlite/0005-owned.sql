-- SPDX-License-Identifier: GPL-2.0-or-later
-- 0005-owned.sql - what belongs to one user, newest first, among the jobs and assets of all.
CREATE INDEX idx_processing_jobs_submitted
    ON processing_jobs(submitted_by, created_at, id) WHERE submitted_by IS NOT NULL;
DROP INDEX idx_media_assets_uploaded_by;
CREATE INDEX idx_media_assets_uploaded_by ON media_assets(uploaded_by, created_at, id);
