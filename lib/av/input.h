/* SPDX-License-Identifier: GPL-2.0-or-later */
/* input.h - opening a media file safely. Private to lib/av. */
#ifndef MT_AV_INPUT_H
#define MT_AV_INPUT_H

#include "av/av.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>

struct mt_in_io; /* the descriptor, its position, who may interrupt */

/* An opened file. The format context refuses nested opens; its AVIO reads fd with pread(). */
struct mt_in {
    AVFormatContext *format;
    AVStream
        *video; /* the main moving or still picture, never cover art unless nothing else; or NULL */
    AVStream *audio;     /* the main sound, or NULL */
    AVStream *cover;     /* attached picture, or NULL */
    int64_t size;        /* bytes of the file */
    bool image;          /* a file format of pictures: JPEG, PNG, GIF, AVIF, HEIF ... */
    int64_t pixel_limit; /* of one picture, as opening was told; 0: none */
    struct mt_in_io *io;
};

/*
 * Opens fd (which stays the caller's), reads the headers, checks the limits and picks the
 * main streams. MT_ERR_UNSUPPORTED_TYPE, EMPTY, TRUNCATED, DAMAGED, LIMIT, ENCRYPTED, NO_MEDIA,
 * UNSUPPORTED_CODEC. On failure there is nothing to close.
 */
int mt_in_open(struct mt_in *in, int fd, const struct mt_av_limits *limits,
               struct mt_err *err) MT_MUST_USE;

/*
 * The same for a file of subtitles alone: SubRip, WebVTT or ASS, told apart by how it begins. At
 * most 16 MiB. MT_ERR_UNSUPPORTED_TYPE for what is none.
 */
int mt_in_open_text(struct mt_in *in, int fd, const struct mt_av_limits *limits,
                    struct mt_err *err) MT_MUST_USE;

void mt_in_close(struct mt_in *in);

/* The first permitted decoder of the codec, or NULL. */
const AVCodec *mt_in_codec(enum AVCodecID id);

/*
 * A decoder of a permitted codec for the stream, opened, with threads threads (0: automatic;
 * call it jailed with MT_JAIL_DECODE) and the pixel limit set; packet time base filled in.
 * MT_ERR_UNSUPPORTED_CODEC. Free it with avcodec_free_context().
 */
int mt_in_decoder(AVCodecContext **out, const struct mt_in *in, const AVStream *stream, int threads,
                  struct mt_err *err) MT_MUST_USE;

/*
 * Fails with the code that fits the libraries' error av: "<what>: <their text>", the text being
 * the last error they logged where the logging is captured. Returns -1.
 */
int mt_av_fail(struct mt_err *err, int av, const char *fmt, ...) MT_PRINTF(3, 4);

/* Clockwise rotation in degrees (0, 90, 180, 270) that makes the picture upright, and whether it
 * is to be mirrored (left to right, before the rotation), from the display matrix. */
int mt_in_rotation(const AVStream *stream, int *mirrored);

/* The same from the nine numbers of a display matrix, for those that come with frames. */
int mt_matrix_rotation(const int32_t *matrix, int *mirrored);

/*
 * As mt_in_rotation(), from the frame where it carries a matrix of its own (EXIF orientation of
 * a JPEG does), else from the stream. A stream with a matrix hands it on to its frames.
 */
int mt_in_frame_rotation(const AVStream *stream, const AVFrame *frame, int *mirrored);

/* The side data of a kind that the container gave the stream, or NULL. *size: its bytes. */
const uint8_t *mt_in_side_data(const AVStream *stream, enum AVPacketSideDataType type,
                               size_t *size);

/* Gives a stream such side data, a copy, in place of what it had of the kind. -1: no memory. */
int mt_in_add_side_data(AVStream *stream, enum AVPacketSideDataType type, const void *data,
                        size_t size) MT_MUST_USE;

/* Size in square pixels after rotation. */
void mt_in_display_size(const AVStream *stream, int *w, int *h);

/* Interrupts a long read or seek when the answer is nonzero; called a few times per second at
 * most, with the figures of the last mt_in_tell(). */
void mt_in_set_progress(struct mt_in *in, const struct mt_av_progress *progress);

/*
 * Says how far the work is, which a progress callback set before learns. Fails with
 * MT_ERR_CANCELLED when it, now or earlier, asked for an end. Cheap: call it per packet.
 */
int mt_in_tell(struct mt_in *in, int64_t done_us, int64_t total_us, struct mt_err *err) MT_MUST_USE;

/* Whether reading the descriptor failed: a fault of the disk, while the libraries' EIO need not be.
 */
bool mt_in_read_failed(const struct mt_in *in);

/* How often the file asked to open another one (always refused). */
int64_t mt_in_refused_opens(const struct mt_in *in);

#endif
