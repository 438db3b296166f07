/* SPDX-License-Identifier: GPL-2.0-or-later */
/* covers.h - pictures that are attached to a file, as they are. */
#ifndef MT_AV_COVERS_H
#define MT_AV_COVERS_H

#include "av/av.h"

#include <stddef.h>

enum { MT_AV_COVERS_MAX = 16, MT_AV_COVER_BYTES = 64 << 20 };

/*
 * Hands emit() the bytes of each attached picture (ID3 APIC, FLAC and Vorbis PICTURE, MP4 covr,
 * Matroska attachments), in the order of the file, the first MT_AV_COVERS_MAX; larger ones than
 * MT_AV_COVER_BYTES are left out. data is valid during the call only. How many there were;
 * MT_ERR_NOT_APPLICABLE when there are none.
 */
int mt_av_covers(int fd, const struct mt_av_limits *limits,
                 int (*emit)(void *ctx, const void *data, size_t n, struct mt_err *err), void *ctx,
                 struct mt_err *err);

#endif
