/* SPDX-License-Identifier: GPL-2.0-or-later */
/* caption.h - the text of a film: subtitles and captions. */
#ifndef MT_AV_CAPTION_H
#define MT_AV_CAPTION_H

#include "av/av.h"

#include <stdbool.h>

enum { MT_AV_CAPTIONS_MAX = 128 };

/* One file of text that is wanted. */
struct mt_av_caption {
    int stream; /* of the source */
    /*
     * "vtt": a WebVTT file by itself; "mp4" and "mov": 3GPP timed text, "webm": WebVTT, "mkv": SRT,
     * or ASS if that is what the source has: a file of one track, for mt_av_mux(). "ass": a script
     * by itself, for mt_typeset_open().
     */
    const char *format;
    int fd; /* a new, empty, readable, writable, seekable file */
};

struct mt_av_captions {
    const struct mt_av_caption *captions;
    int n;
    bool text_file;      /* the source is a file of subtitles alone: SubRip, WebVTT or ASS */
    int64_t origin_us;   /* where the film begins on the source's clock */
    int64_t duration_us; /* of the film: nothing is shown after it; 0: not known */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
};

/*
 * Reads the streams once. Cues are put in order of time, cut to the film, and their text is made
 * valid UTF-8 without control characters; a cue without an end lasts until the next, at most 10 s.
 * Left out, and counted: cues without text, over 8 KB, without a time, or beyond the 100000th.
 *
 * The report, new: {"captions": [{"stream", "format", "codec" (of the source), "cues", "left_out",
 * "first", "last" (s), "characters" (of a script: those that it has, as numbers, at most
 * 8192)}], "errors"}. A file without cues is empty (of WebVTT: a header).
 *
 * MT_ERR_NOT_APPLICABLE for a stream that is not text; otherwise as mt_av_mux(). Call it jailed.
 */
json_t *mt_av_captions(int fd, const struct mt_av_captions *spec, struct mt_err *err);

/* Whether streams of this codec ("subrip", as libavcodec names it) are text that can be read. */
int mt_av_is_text(const char *codec);

#endif
