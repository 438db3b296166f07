/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment_parts.h - what the segment engine is put together from. Private to lib/av. */
#ifndef MT_AV_SEGMENT_PARTS_H
#define MT_AV_SEGMENT_PARTS_H

#include "av/segment.h"
#include "av/transcode_parts.h"

/* ---- decoding (segment_reader.c) ---- */

/* MT_ERR_NOT_APPLICABLE for what has no moving picture. */
int mt_in_check_film(const struct mt_in *in, struct mt_err *err) MT_MUST_USE;

/* Sums up the times of pictures, one after the other, beginning with MT_TIMES_HASH. */
#define MT_TIMES_HASH 2166136261U
uint32_t mt_times_hash(uint32_t hash, int64_t pts);

/* The pictures of a source, one after the other, with times that rise. */
struct mt_feed {
    struct mt_in in;
    AVCodecContext *decoder;
    struct mt_stamps stamps;
    struct mt_clock clock;
    AVPacket *packet;
    AVFrame *frame;
    int64_t errors;  /* failures of demuxer and decoder */
    int64_t access;  /* packets before the one of this DTS are dropped; AV_NOPTS_VALUE: none */
    int64_t wanted;  /* pictures before this time need not come out; AV_NOPTS_VALUE: all */
    int64_t last_us; /* how far packets were read */
    int row;         /* failures without a picture between them */
    bool unreadable; /* the file cannot be read to its end */
    bool draining, ended;
};

/*
 * Opens the source, and its decoder with so many threads. Refuses what has no moving
 * picture with MT_ERR_NOT_APPLICABLE.
 */
int mt_feed_open(struct mt_feed *reader, int fd, const struct mt_av_limits *limits, int threads,
                 struct mt_err *err) MT_MUST_USE;

/* Goes on with the video packet of that DTS, from wherever the format can find it. */
int mt_feed_seek(struct mt_feed *reader, int64_t access, struct mt_err *err) MT_MUST_USE;

/*
 * Goes, forwards or back, to a key frame from which the picture of that time (of the stream) can
 * be decoded; times after a jump are the container's, as if the file began there.
 * MT_ERR_VERIFY when there is none that can be found.
 */
int mt_feed_jump(struct mt_feed *reader, int64_t pts, struct mt_err *err) MT_MUST_USE;

/* 1 and the next picture in reader->frame, its pts in the stream's time base; 0 at the end; -1. */
int mt_feed_next(struct mt_feed *reader, struct mt_err *err) MT_MUST_USE;

/* How long the picture just read lasts, in the stream's time base. */
int64_t mt_feed_duration(const struct mt_feed *reader);

void mt_feed_close(struct mt_feed *reader);

/* ---- other picture rates (segment_ticks.c) ---- */

/* The rate of a rendition whose pictures do not keep the source's times; 0/1: they do. */
AVRational mt_ticks_rate(const json_t *plan, const struct mt_av_rendition *rendition);

/* The first tick that shows the picture of that time: the one within half a tick, or a later one.
 */
int64_t mt_tick_at(int64_t pts, AVRational base, AVRational rate);

/* ---- bit rates (segment_share.c) ---- */

/* What a source spends on its pictures, from half second to half second. Zero it before use. */
struct mt_spent {
    int64_t *bytes; /* free() it */
    int64_t room, from_us;
};

void mt_spent_add(struct mt_spent *spent, int64_t us, int size);
int64_t mt_spent_between(const struct mt_spent *spent, int64_t from_us, int64_t to_us);

/*
 * What a segment of the plan gets of the average bit rate: 1 is as much as the mean of all, most
 * is the highest that is permitted. Over the film the mean is 1.
 */
double mt_segment_share(const json_t *plan, const json_t *segment, double most);

/* ---- fragments (segment_file.c) ---- */

/* Fragmented MP4 of one stream of pictures, appended to a file. */
struct mt_fragments {
    AVFormatContext *format;
    int fd;
    int64_t offset, pos; /* where it begins, where it goes on */
    int64_t shift;       /* added to all times; see there */
    int64_t bytes;       /* of the packets */
    bool started;
    int failed_errno;
};

/* The extradata of codec is complete. */
int mt_fragments_open(struct mt_fragments *out, int fd, const AVCodecContext *codec,
                      const struct mt_light *light, struct mt_err *err) MT_MUST_USE;

/* Takes a packet with times in base (emptied). */
int mt_fragments_write(struct mt_fragments *out, AVPacket *packet, AVRational base,
                       struct mt_err *err) MT_MUST_USE;
int mt_fragments_finish(struct mt_fragments *out, struct mt_err *err) MT_MUST_USE;
void mt_fragments_close(struct mt_fragments *out);

/* ---- scores (segment_score.c) ---- */

enum { MT_WORST = 5 };

/* A filter that tells how alike two pictures are, fed with one of each. */
struct mt_likeness {
    AVFilterGraph *graph; /* NULL: not asked for */
    AVFilterContext *in[2], *sink;
    double sum; /* of all so far */
    int64_t frames;
};

/*
 * Compares what an encoder was given with what its packets decode to; and, if asked, that,
 * enlarged, with what the encoder of the largest rendition was given, so that renditions can be
 * compared with each other.
 */
struct mt_score {
    AVCodecContext *decoder;
    struct mt_likeness own, common;
    struct mt_kept { /* given to the encoder, not seen again yet; in order of time */
        AVFrame *frame, *largest;
    } * kept;
    int n_kept, room;
    AVFrame *frame, *measured;
    AVRational base;
    int n_worst;
    struct mt_worst {
        int64_t pts;
        double value;
    } worst[MT_WORST]; /* least first */
};

/* largest: of the largest rendition; NULL: compare at its own size only. */
int mt_score_open(struct mt_score *score, const AVCodecContext *encoder,
                  const struct mt_size *largest, struct mt_err *err) MT_MUST_USE;

/* A picture on its way into the encoder, and the largest rendition's or NULL; they stay as they
 * are. */
int mt_score_keep(struct mt_score *score, const AVFrame *frame, const AVFrame *largest,
                  struct mt_err *err) MT_MUST_USE;

/* A packet that came out, which stays as it is, or NULL at the end. MT_ERR_VERIFY. */
int mt_score_take(struct mt_score *score, const AVPacket *packet, struct mt_err *err) MT_MUST_USE;

/* {"sum", "worst", "common" (the sum; absent if not asked for)}, new. */
json_t *mt_score_report(const struct mt_score *score);
void mt_score_close(struct mt_score *score);

/* ---- a rendition on its way through a run (segment_lane.c) ---- */

/* What all lanes of a run have in common; all is lent. */
struct mt_lane_film {
    const json_t *plan;
    const struct mt_look *look;
    AVRational base; /* of the film's times */
    const char *preset;
    int threads;
    bool score;
    const struct mt_size *largest; /* NULL: no common scores */
    AVPacket *packet;
};

struct mt_lane {
    const struct mt_av_rendition *rendition;
    const struct mt_lane_film *film;
    struct mt_video video;
    struct mt_fragments file;
    struct mt_score score;
    struct mt_typeset *burn; /* writes into it; NULL */
    AVFrame *frame;          /* the picture that is next */
    AVFrame *largest;        /* the same in the largest rendition, for common scores; or NULL */
    AVRational rate;         /* of ticks of its own; 0/1: none */
    AVFrame *kept;           /* what the next tick shows */
    int64_t next_tick;       /* that nothing shows yet */
};

/* Begins a segment, which the plan describes. */
int mt_lane_open(struct mt_lane *lane, const struct mt_lane_film *film, struct mt_size size,
                 const json_t *segment, struct mt_err *err) MT_MUST_USE;

/* Encodes lane->frame, which is empty afterwards. */
int mt_lane_send(struct mt_lane *lane, struct mt_err *err) MT_MUST_USE;

/* Ends the segment at the time end, or, INT64_MAX, so long after the beginning of its last picture.
 */
int mt_lane_finish(struct mt_lane *lane, int64_t end, int64_t last_duration,
                   struct mt_err *err) MT_MUST_USE;
void mt_lane_close(struct mt_lane *lane);

#endif
