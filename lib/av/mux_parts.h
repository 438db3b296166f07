/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mux_parts.h - what a muxer is put together from. Private to lib/av. */
#ifndef MT_AV_MUX_PARTS_H
#define MT_AV_MUX_PARTS_H

#include "av/mux.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>

/* ---- descriptors (mux_io.c) ---- */

/* Opens size bytes from offset of fd as a file of its own: demuxers and nested opens as for any
 * foreign file. No packet is read but what the headers need; streams are not analysed. */
int mt_window_open(AVFormatContext **out, int fd, int64_t offset, int64_t size,
                   struct mt_err *err) MT_MUST_USE;
void mt_window_close(AVFormatContext **format);

/* A file that is written into a descriptor, which stays the caller's. */
struct mt_sink {
    AVFormatContext *format;
    int fd;
    int failed_errno; /* of the first write or read that failed */
};

/* A new context of that muxer, named as libavformat does; nothing is written yet. */
int mt_sink_open(struct mt_sink *sink, const char *muxer, int fd, struct mt_err *err) MT_MUST_USE;

/* Fails with the descriptor's own fault if there was one, else as mt_av_fail(). */
int mt_sink_fail(const struct mt_sink *sink, int av, struct mt_err *err);
void mt_sink_close(struct mt_sink *sink);

/* ---- what goes where (mux_formats.c) ---- */

struct mt_format {
    const char *name;    /* "mkv" */
    const char *muxer;   /* "matroska" */
    const char *codecs;  /* that it carries and players know, with commas between */
    const char *options; /* of the muxer */
    bool sound_only;
    bool hides_opus_only; /* there is no way to hide the priming of other sound */
};

/* NULL if not known. */
const struct mt_format *mt_format_find(const char *name);

/* ---- payload (mux_hash.c) ---- */

struct AVMurMur3;

struct mt_hash {
    struct AVMurMur3 *state;
    int nal_bytes; /* of the length before each NAL unit; 0: start codes; -1: no NAL units at all */
    int64_t bytes;
};

/* For packets of such a stream. */
int mt_hash_init(struct mt_hash *hash, const AVCodecParameters *par,
                 struct mt_err *err) MT_MUST_USE;
void mt_hash_add(struct mt_hash *hash, const AVPacket *packet);

/* 32 hex digits. Frees the state. */
void mt_hash_end(struct mt_hash *hash, char text[33]);

/* ---- a track, packet by packet (mux_track.c, mux_times.c) ---- */

enum { MT_REORDER_MAX = 32 };

/* Makes decoding times from presentation times. */
struct mt_order {
    int depth;                        /* places the deepest reordering spans */
    int64_t step;                     /* of the times before the first picture */
    int64_t first;                    /* the earliest presentation */
    int64_t given;                    /* times so far */
    int64_t held[MT_REORDER_MAX + 1]; /* rising */
    int n;
};

/* Learns the depth: call it for each picture in decoding order. false: too deep. */
struct mt_depth {
    int64_t last[MT_REORDER_MAX + 1];
    int n, at, depth;
};
bool mt_depth_see(struct mt_depth *depth, int64_t pts);

/* The next picture's decoding time. */
int64_t mt_order_next(struct mt_order *order, int64_t pts);

/*
 * A leaky bucket: what lies in it is what a decoder must have read ahead. The most that ever did is
 * the size of the buffer that is needed, however the track was put together.
 */
struct mt_bucket {
    double level, most; /* bits */
    int64_t last;       /* when it was looked at */
};

struct mt_reader {
    const struct mt_av_track *track;
    int index; /* for messages */
    AVFormatContext *format;
    AVStream *stream; /* of the part being read */
    int part;         /* that is open; -1: none yet */
    int64_t shift;    /* added to the part's times, in base */
    int64_t *starts;  /* of each part, the earliest presentation in its own time, in base */
    AVCodecParameters *par;
    AVRational base;
    struct mt_order order;
    struct mt_hash hash;
    AVPacket *packet; /* the next one, in base; valid when more */
    bool more;
    bool drop_lead; /* no packet that is wholly priming is wanted */
    struct mt_bucket bucket;
    int64_t in_part;             /* packets of the part so far */
    int64_t lasts, before;       /* durations of the present packet and of the one before it */
    int64_t packets, first, end; /* first: as heard or seen, after priming */
};

/* Looks at all parts and reads the first packet, of a track that goes into that format. */
int mt_reader_open(struct mt_reader *reader, const struct mt_av_track *track, int index,
                   const struct mt_format *format, struct mt_err *err) MT_MUST_USE;

/* Reads the next packet, or finds that there is no more. */
int mt_reader_next(struct mt_reader *reader, struct mt_err *err) MT_MUST_USE;
void mt_reader_close(struct mt_reader *reader);

/* "track 1 (pictures)" */
const char *mt_kind_name(enum mt_av_kind kind);
enum AVMediaType mt_kind_type(enum mt_av_kind kind);

/* ---- reading back (mux_verify.c) ---- */

/* What went in, for each track, against what comes out of the file. times[i]: presentation times
 * in base, in order of decoding, as many as packets; NULL where they are not compared. */
struct mt_written {
    enum mt_av_kind kind;
    AVRational base;
    int64_t packets, first, end;
    bool counted; /* packets come out as they went in */
    char hash[33];
};

int mt_mux_verify(int fd, const struct mt_written *written, int n, struct mt_err *err) MT_MUST_USE;

#endif
