/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sample.h - decoding a little, at both ends of a film. Private to lib/av. */
#ifndef MT_AV_SAMPLE_H
#define MT_AV_SAMPLE_H

#include "av/input.h"
#include "av/issues.h"
#include "av/walk.h"

struct mt_sampled {
    AVCodecContext *decoder; /* NULL: no such stream, or it could not be started */
    int64_t packets, frames, errors;
    int64_t complaints; /* errors logged while decoding */
    char first_error[200];
    bool full;      /* as much as wanted was decoded */
    AVFrame *first; /* the first frame, or NULL */
};

/* Decoders of the main streams, to be fed with the first packets of the file. */
struct mt_sample {
    const struct mt_in *in;
    bool silent; /* what does not decode cleanly is reported by somebody else */
    AVFrame *frame;
    struct mt_sampled video, audio;
};

int mt_sample_open(struct mt_sample *sample, const struct mt_in *in,
                   struct mt_err *err) MT_MUST_USE;
void mt_sample_close(struct mt_sample *sample);

/* Decodes the packet if it belongs to a main stream of which too little was decoded so far. */
void mt_sample_take(void *sample, AVPacket *packet);

/*
 * Drains the decoders, then decodes the end of the film from its last key
 * picture on, and adds what went wrong. MT_ERR_DAMAGED, or TRUNCATED when
 * issues say so, if no frame of any main stream came out at all;
 * UNSUPPORTED_CODEC if that is because this build cannot.
 */
int mt_sample_finish(struct mt_sample *sample, const struct mt_walk *walk, struct mt_issues *issues,
                     struct mt_err *err) MT_MUST_USE;

#endif
