/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source.h - which files of this machine are assets already.
 *
 * So that a rerun over an archive need not read it again: a file is the same as
 * before if machine, device, inode, size, time of modification and time of change
 * are. Files that were changed within two seconds before they were read are not
 * remembered, since a later change might have left the same times.
 */
#ifndef MT_CATALOG_SOURCE_H
#define MT_CATALOG_SOURCE_H

#include "base/clock.h"
#include "db/db.h"

#include <sys/stat.h>

/*
 * 1 and the id of the asset that the user (NULL: nobody) has of the file, still
 * visible; 0 if the file is not known.
 */
int mt_source_find(struct mt_db *db, const struct stat *file, const char *uploaded_by,
                   char asset[MT_UUID_TEXT], struct mt_err *err) MT_MUST_USE;

/*
 * Remembers that the file is the asset. file is from before it was read, at
 * read_us (since 1970). Nothing is done if it was changed too recently.
 */
int mt_source_remember(struct mt_db *db, const struct stat *file, int64_t read_us,
                       const char *uploaded_by, const char *asset, struct mt_err *err) MT_MUST_USE;

#endif
