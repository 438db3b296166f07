-- SPDX-License-Identifier: GPL-2.0-or-later
-- 0002-sources.sql - which files of this machine are assets already.
--
-- A file is known by where it lies on its disk, its size and both of its
-- times in nanoseconds: the kernel sets the second one (ctime) at every change,
-- and no program can set it. uploaded_by is '' for nobody.
CREATE TABLE sources (
    machine        TEXT NOT NULL,
    device         INTEGER NOT NULL,
    inode          INTEGER NOT NULL,
    uploaded_by    TEXT NOT NULL DEFAULT '',
    size           INTEGER NOT NULL,
    mtime_ns       INTEGER NOT NULL,
    ctime_ns       INTEGER NOT NULL,
    media_asset_id TEXT NOT NULL REFERENCES media_assets(id) ON DELETE CASCADE,
    seen_at        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    PRIMARY KEY (machine, device, inode, uploaded_by)
) WITHOUT ROWID;
CREATE INDEX idx_sources_asset ON sources(media_asset_id);
