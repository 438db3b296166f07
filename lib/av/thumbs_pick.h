/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thumbs_pick.h - one frame at a time out of a film, by seeking. Private to lib/av.
 *
 * The cost is that of the frames asked for, not of the film's length: the index
 * names the key frames, and one that is near enough is decoded alone. Where
 * seeking fails or means nothing the film is decoded from its beginning, once,
 * if the times asked for do not go back.
 */
#ifndef MT_AV_THUMBS_PICK_H
#define MT_AV_THUMBS_PICK_H

#include "av/film.h"

struct mt_picker {
    struct mt_in in;
    AVStream *stream; /* the pictures; the cover when there is nothing else */
    struct mt_film film;
    bool cover;
    bool rough;      /* without loop filters: for pictures that will be much smaller */
    bool cover_only; /* the film's own pictures are not looked at */
    bool linear;     /* no seeking: only forwards */
    int64_t damaged; /* packets and frames that did not decode well */

    int fd;
    struct mt_av_limits limits;
    const struct mt_av_progress *progress;
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame;   /* on screen */
    AVFrame *ahead;   /* the one after it, when it had to be decoded to know */
    int64_t pos_us;   /* of frame; INT64_MIN: none */
    int64_t ahead_us; /* of ahead; INT64_MIN: none */
    int64_t key_us;   /* where decoding last began */
    bool running;     /* the decoder can go on after frame */
    bool ended;       /* it has given its last frame */
    bool tainted;     /* something that later frames refer to did not decode */
    int64_t logged;   /* errors that the libraries had logged at the last frame */
    bool sparse;      /* a seek landed where the one before did */
};

/* Opens the file and its decoder. MT_ERR_NOT_APPLICABLE without a picture. */
int mt_picker_open(struct mt_picker *p, int fd, const struct mt_av_limits *limits,
                   const struct mt_av_progress *progress, struct mt_err *err) MT_MUST_USE;

/* The same for pictures that will be much smaller: rough is set. */
int mt_picker_open_rough(struct mt_picker *p, int fd, const struct mt_av_limits *limits,
                         const struct mt_av_progress *progress, struct mt_err *err) MT_MUST_USE;

/* The same for the attached cover alone; MT_ERR_NOT_APPLICABLE without one. */
int mt_picker_open_cover(struct mt_picker *p, int fd, const struct mt_av_limits *limits,
                         const struct mt_av_progress *progress, struct mt_err *err) MT_MUST_USE;

void mt_picker_close(struct mt_picker *p);

/*
 * The frame on screen at wanted_us (the first or last one when it lies outside
 * the film), or a key frame at most tolerance_us away. *frame and *time_us are
 * valid until the next call. 0: found; 1: nothing decodes there, or it lies
 * behind a picker that cannot go back; -1: failed for good.
 */
int mt_picker_at(struct mt_picker *p, int64_t wanted_us, int64_t tolerance_us,
                 const AVFrame **frame, int64_t *time_us, struct mt_err *err) MT_MUST_USE;

#endif
