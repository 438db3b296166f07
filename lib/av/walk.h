/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk.h - what the packets of a file say, against what its headers say. Private to lib/av. */
#ifndef MT_AV_WALK_H
#define MT_AV_WALK_H

#include "av/input.h"
#include "av/issues.h"
#include "av/logged.h"
#include "av/rate.h"

enum {
    MT_WALK_TAIL = 600,                 /* packets kept of the end of each main stream */
    MT_WALK_SHOWN = 512,                /* pictures whose times are kept */
    MT_WALK_GAP_US = 1000 * 1000,       /* a hole in the sound that counts */
    MT_WALK_JUMP_US = 20 * 1000 * 1000, /* no hole, but timestamps that jump */
};

/* The newest packets of a stream, from a key packet on. */
struct mt_tail {
    AVPacket *packets[MT_WALK_TAIL];
    int n;
    int64_t bytes;
    bool from_start; /* nothing came before packets[0] */
    bool overflowed; /* more than fit since the last key packet; packets[] is empty then */
};

struct mt_walked {
    int64_t packets, bytes, corrupt;
    int64_t first_us, end_us; /* shown first, and the end of what is shown last; AV_NOPTS_VALUE */
    int64_t first_dts_us, last_dts_us, last_duration_us;
    int64_t gap_us, gap_at_us; /* largest hole between packets */
    int64_t hole_us;           /* all holes of the sound that are long enough to hear, together */
    int64_t corrupt_us[2], zeros_us[2]; /* from the first to the end of the last of those */
    int64_t listed, outside; /* packets in the index, and those of them beyond the file's end */
    int64_t listed_bytes;    /* of those inside */
    int64_t listed_end_us;   /* what the index says where the stream ends; AV_NOPTS_VALUE */
    int64_t zeros;           /* pictures that are nothing but zeros */
    int64_t noise;           /* bytes in packets that cannot be of this codec; not counted above */
    int64_t inside;          /* of those: between frames, and no tags */
    int64_t between;         /* bytes since the last frame that will count as inside */
    bool tagged;             /* what came since the last frame began as a tag */
    bool cut;                /* the last packet is shorter than its own header says */
};

/*
 * Takes each packet of the main streams on the way, in order; may keep a
 * reference of it.
 */
struct mt_walk {
    struct mt_in *in;
    struct mt_walked *streams; /* one for each stream there was at the beginning */
    unsigned n;
    bool complete;                  /* all packets were seen */
    bool indexed;                   /* figures are from the index, only the ends were read */
    int64_t complaints;             /* errors that the demuxer logged while it read packets */
    char complaint[MT_LOGGED_LINE]; /* the first of them */
    int av;                         /* why reading ended: AVERROR_EOF, or an error */
    struct mt_tail video, audio;
    struct mt_rate rate;             /* of all streams but attached pictures */
    int64_t shown_us[MT_WALK_SHOWN]; /* of the first pictures, in decoding order */
    int n_shown;
    void (*take)(void *ctx, AVPacket *packet);
    void *ctx;
};

/*
 * Reads all packets of in, or, where an index tells as much and the file is
 * large, those at both ends. MT_ERR_CANCELLED, MT_ERR_IO.
 */
int mt_walk(struct mt_walk *walk, struct mt_in *in, void (*take)(void *ctx, AVPacket *packet),
            void *ctx, struct mt_err *err) MT_MUST_USE;

void mt_walk_free(struct mt_walk *walk);

/*
 * The length of the film in microseconds as its packets show it, or
 * AV_NOPTS_VALUE; *source is "packets", "index" or "claimed".
 */
int64_t mt_walk_duration(const struct mt_walk *walk, const char **source);

/* The time, as packets have it, that is the beginning of the film; microseconds. */
int64_t mt_walk_origin(const struct mt_in *in);

/* Likewise of one stream. */
int64_t mt_walk_stream_duration(const struct mt_walk *walk, unsigned index);

/* Whether the pictures come at irregular times, as far as the first of them show. */
bool mt_walk_is_vfr(const struct mt_walk *walk);

/* Adds what the packets tell about damage. */
void mt_walk_judge(const struct mt_walk *walk, struct mt_issues *issues);

#endif
