/* SPDX-License-Identifier: GPL-2.0-or-later */
/* still_heif.h - pictures of HEIF files that the demuxer does not know. Private to lib/av. */
#ifndef MT_AV_STILL_HEIF_H
#define MT_AV_STILL_HEIF_H

#include "av/input.h"
#include "av/issues.h"
#include "av/sample.h"
#include "av/walk.h"

/* A file's main picture as if a demuxer had opened it. */
struct mt_still {
    struct mt_in in; /* without io: only to be described */
    struct mt_walk walk;
    struct mt_sample sample;
};

/*
 * Decodes the main picture of the HEIC or AVIF file behind fd, all the tiles that it is put
 * together from. Tiles that do not decode go to issues. Returns 1, or 0 if the file is no such file
 * or its picture is of a kind that is not known here; -1 with MT_ERR_LIMIT, DAMAGED, TRUNCATED,
 * ENCRYPTED or UNSUPPORTED_CODEC. Free it with mt_still_free() after 1 only.
 */
int mt_still_heif(struct mt_still *still, int fd, const struct mt_av_limits *limits,
                  struct mt_issues *issues, struct mt_err *err) MT_MUST_USE;

void mt_still_free(struct mt_still *still);

/*
 * Gives a stream the turn that a HEIF file tells of its main picture, if it has none already.
 * -1: no memory.
 */
int mt_still_turn(AVStream *stream, int fd) MT_MUST_USE;

#endif
