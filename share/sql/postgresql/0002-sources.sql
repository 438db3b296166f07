-- SPDX-License-Identifier: GPL-2.0-or-later
-- 0002-sources.sql - which files of this machine are assets already.
--
-- A file is known by where it lies on its disk, its size and both of its
-- times in nanoseconds: the kernel sets the second one (ctime) at every change,
-- and no program can set it. uploaded_by is '' for nobody.
CREATE TABLE sources (
    machine        TEXT NOT NULL,
    device         BIGINT NOT NULL,
    inode          BIGINT NOT NULL,
    uploaded_by    TEXT NOT NULL DEFAULT '',
    size           BIGINT NOT NULL,
    mtime_ns       BIGINT NOT NULL,
    ctime_ns       BIGINT NOT NULL,
    media_asset_id UUID NOT NULL REFERENCES media_assets(id) ON DELETE CASCADE,
    seen_at        TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (machine, device, inode, uploaded_by)
);
CREATE INDEX idx_sources_asset ON sources(media_asset_id);
