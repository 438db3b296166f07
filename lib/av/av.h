/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * av.h - what all users of the media libraries share.
 *
 * lib/av is the only module that includes FFmpeg's headers; no type of theirs
 * appears in its public headers. Every function that reads media takes a
 * read-only descriptor of a regular file, reads it with pread() (so that one
 * file may be read by several at once) and opens nothing else: demuxers,
 * decoders and protocols come from explicit lists, nested opens are refused.
 * All of them parse foreign bytes and are to be called in a jailed child.
 */
#ifndef MT_AV_AV_H
#define MT_AV_AV_H

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

/* Ceilings, checked before anything is decoded. 0: none. */
struct mt_av_limits {
    int64_t pixels;      /* of one picture, width times height */
    int64_t side_px;     /* of one picture */
    int64_t streams;     /* of all kinds */
    int64_t duration_us; /* as the container claims it */
    int64_t frames;      /* of one stream of pictures, as far as the container says */
};

/* What the specification's service accepts by default: 100 MP, 16384, 100, 24 h, 10^7. */
extern const struct mt_av_limits mt_av_default_limits;

/*
 * How a long operation tells how far it is: microseconds of media done and in
 * total (0: unknown). A nonzero answer stops it with MT_ERR_CANCELLED.
 */
struct mt_av_progress {
    int (*tell)(void *ctx, int64_t done_us, int64_t total_us);
    void *ctx;
};

/* {"ffmpeg": "5.1.9-0+deb12u1", "libavformat": "59.27.100", ...}, a new reference. */
json_t *mt_av_versions(void);

/*
 * Whether the libraries have what the programs use: {"encoder": {NAME: bool},
 * "decoder": {...}, "filter": {...}}. New.
 */
json_t *mt_av_capabilities(void);

/*
 * Takes over the libraries' logging for this process: nothing is printed;
 * errors are counted and the last lines kept for mt_av_log_take(). Call once
 * before anything else here.
 */
void mt_av_log_capture(void);

/* From now on, writes the errors to stderr too: for a child whose stderr is kept as its last words.
 */
void mt_av_log_aloud(void);

/* Errors logged since the last call, and the last of their lines (at most 8, each cleaned), or
 * NULL. New. */
int64_t mt_av_log_take(json_t **lines);

#endif
