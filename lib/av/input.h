/* SPDX-License-Identifier: GPL-2.0-or-later */
/* input.h - opening a media file safely. Private to lib/av. */
#ifndef MT_AV_INPUT_H
#define MT_AV_INPUT_H

#include "av/av.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

/* An opened file. The format context refuses nested opens; its AVIO reads fd with pread(). */
struct mt_in {
    AVFormatContext *format;
    AVStream
        *video; /* the main moving or still picture, never cover art unless nothing else; or NULL */
    AVStream *audio; /* the main sound, or NULL */
    AVStream *cover; /* attached picture, or NULL */
    int64_t size;    /* bytes of the file */
};

/*
 * Opens fd (which stays the caller's), reads the headers, checks the limits and picks the
 * main streams. MT_ERR_UNSUPPORTED_TYPE, EMPTY, TRUNCATED, DAMAGED, LIMIT, ENCRYPTED, NO_MEDIA.
 */
int mt_in_open(struct mt_in *in, int fd, const struct mt_av_limits *limits,
               struct mt_err *err) MT_MUST_USE;

void mt_in_close(struct mt_in *in);

/*
 * A decoder of a permitted codec for the stream, opened, with threads threads (0: automatic;
 * call it jailed with MT_JAIL_DECODE) and the pixel limit set; packet time base filled in.
 * MT_ERR_UNSUPPORTED_CODEC. Free it with avcodec_free_context().
 */
int mt_in_decoder(AVCodecContext **out, const struct mt_in *in, const AVStream *stream, int threads,
                  struct mt_err *err) MT_MUST_USE;

/* Fails with the code that fits the libraries' error av: "<what>: <their text>". Returns -1. */
int mt_av_fail(struct mt_err *err, int av, const char *fmt, ...) MT_PRINTF(3, 4);

/* Clockwise rotation in degrees (0, 90, 180, 270) and whether it is mirrored, from the display
 * matrix. */
int mt_in_rotation(const AVStream *stream, int *mirrored);

/* Size in square pixels after rotation. */
void mt_in_display_size(const AVStream *stream, int *w, int *h);

/* Interrupts a long read or seek when the answer is nonzero. */
void mt_in_set_progress(struct mt_in *in, const struct mt_av_progress *progress);

#endif
