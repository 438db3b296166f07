/* SPDX-License-Identifier: GPL-2.0-or-later */
/* caption_parts.h - cues, and files of them. Private to lib/av. */
#ifndef MT_AV_CAPTION_PARTS_H
#define MT_AV_CAPTION_PARTS_H

#include "av/caption.h"
#include "av/mux_parts.h"

struct mt_cue {
    int64_t start_us, end_us; /* of the film; end < 0: until the next */
    int64_t order;            /* as read */
    char *ass;                /* an event of libavcodec: "0,0,Default,,0,0,0,,text" */
};

struct mt_cues {
    struct mt_cue *list;
    int n, room;
    int64_t left_out;
};

/* A track of text that is being read. */
struct mt_reading {
    AVStream *stream;
    AVCodecContext *decoder;
    int64_t origin_us; /* where the film begins on the source's clock */
    struct mt_cues cues;
    int64_t errors;
};

/* Where a packet lies in the film; false when it has no time that can be. length_us may be 0. */
bool mt_reading_time(const struct mt_reading *r, const AVPacket *packet, int64_t *at_us,
                     int64_t *length_us);

/* Keeps what a packet of the stream says. */
void mt_reading_take(struct mt_reading *r, const AVPacket *packet);

/* Takes an event; false if it is left out. */
bool mt_cues_add(struct mt_cues *cues, int64_t start_us, int64_t end_us, const char *ass);

/* Puts them in order and cuts them to the film. */
void mt_cues_finish(struct mt_cues *cues, int64_t duration_us);
void mt_cues_free(struct mt_cues *cues);

/* The different characters of all of them, sorted; a new array of numbers. */
json_t *mt_cues_characters(const struct mt_cues *cues);

/* What is said, with \n between lines, without styles. New; free() it. */
char *mt_cue_text(const struct mt_cue *cue);

/* Writes the cues into fd. header: of ASS, as a decoder has it, or NULL. */
int mt_cues_write(const struct mt_cues *cues, const char *format, enum AVCodecID codec,
                  const uint8_t *header, int header_size, int fd, struct mt_err *err) MT_MUST_USE;

#endif
