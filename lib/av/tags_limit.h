/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tags_limit.h - files that are mostly tags. Private to lib/av. */
#ifndef MT_AV_TAGS_LIMIT_H
#define MT_AV_TAGS_LIMIT_H

#include "base/err.h"

#include <stdint.h>

enum {
    MT_TAGS_MOST = 4096,       /* in one file */
    MT_TAGS_GROUPS_MOST = 500, /* elements of type Tag in a Matroska file, for the same reason */
};

/*
 * MT_ERR_LIMIT when the file of a kind that demuxer reads has more tags than that. The libraries
 * keep tags in a list that they search for each new one: 100,000 of them, a megabyte of
 * file, take minutes. Counts in Matroska, ISO files, FLAC, Ogg, RIFF, and ID3v2 before anything.
 */
int mt_tags_check(const char *demuxer, int fd, int64_t size, struct mt_err *err) MT_MUST_USE;

#endif
