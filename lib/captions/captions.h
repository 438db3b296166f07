/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * captions.h - from what was said and when to captions that people can read.
 *
 * Shaping follows what broadcasters and streaming services ask for: at most two lines of 42
 * characters, breaks where phrases end, in Arabic as in English, enough time to read, and a pause
 * between captions. Characters are what readers take for one: marks count with their letters,
 * and no line ends between them.
 */
#ifndef MT_CAPTIONS_CAPTIONS_H
#define MT_CAPTIONS_CAPTIONS_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

struct mt_caption_rules {
    int line_chars; /* of one line at most: 42 */
    int lines;      /* 1 or 2 */
    double cps;     /* characters a second that people read: 17 */
    double min_s;   /* shortest time on the screen where the next one leaves it: 1 s */
    double max_s;   /* longest: 7 s */
    double gap_s;   /* between two captions: 0.08 s, two frames of 25 a second */
};

extern const struct mt_caption_rules mt_caption_rules_usual;

/*
 * Captions of what was said, [{"start", "end", "text", "language", "words" [{"text", "start_s",
 * "end_s"}]}] (lent; a transcription's "timestamps"), in any order: [{"start", "end", "lines" [1 or
 * 2 texts], "language"}], by time, none overlapping another, the order of words kept and none lost.
 * Where a cue is parted, words say when; without them time is shared out by length. Controls of
 * direction are taken out, blanks are made one. Of an Arabic text , ; ? after an Arabic letter
 * become the Arabic marks. A text that is shaped already stays as it is. New.
 */
json_t *mt_captions_shape(const json_t *said, const struct mt_caption_rules *rules);

/* Names of the formats, and what files of them are called: "vtt", "srt", "ttml", "txt"; NULL ends.
 */
extern const char *const mt_caption_formats[];

/*
 * Writes shaped captions (lent) into buf: WebVTT, SubRip, TTML of the profile IMSC1.1 Text, or the
 * plain text, a caption a line. language: of the whole, or NULL.
 *
 * Lines of right-to-left languages are in logical order. All but plain text isolate what is in
 * Latin letters within them (U+2068, U+2069; Unicode annex 9), and begin with U+200F if their
 * first letter is not one of those languages', so that every player puts them the right way
 * round.
 */
int mt_captions_write(const json_t *captions, const char *format, const char *language,
                      struct mt_buf *buf, struct mt_err *err) MT_MUST_USE;

#endif
