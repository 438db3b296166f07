/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * texts.h - the subtitles of a film on their way into its renditions and beside them.
 *
 * MP4 and MOV take them as timed text, Matroska as SubRip, or ASS where the source has that.
 * Browsers show neither: beside MP4 and WebM each is a WebVTT file, a variant of the type
 * "caption". Pictures of text cannot be carried so.
 */
#ifndef MT_TRANSCODE_TEXTS_H
#define MT_TRANSCODE_TEXTS_H

#include "av/mux.h"

#include <jansson.h>
#include <stdbool.h>

enum { MT_TEXTS_MOST = 32, MT_TEXT_FILES_MOST = 4 * MT_TEXTS_MOST };

/* A stream of text of the source. */
struct mt_text {
    int stream;
    const char *codec, *language, *title; /* lent by the document */
    unsigned disposition;                 /* of enum mt_av_disposition */
    char name[48];                        /* "subtitles-ara-forced": of the file beside */
    bool beside;                          /* that file is still to be made */
    json_t *made;                         /* its entry, if it was there already */
};

struct mt_texts {
    struct mt_text list[MT_TEXTS_MOST];
    int n;
    struct mt_text_file {
        int text;           /* index in list */
        const char *format; /* as struct mt_av_caption has it */
        int fd;
        int64_t cues;
    } files[MT_TEXT_FILES_MOST];
    int n_files;
};

/*
 * The streams of text of a probed film that are wanted: "all", "none", or languages with commas
 * between ("ar,en", "ara"; "und" is a stream without one). left_out gets what cannot be carried.
 */
void mt_texts_find(struct mt_texts *texts, const json_t *doc, const char *wanted, json_t *left_out);

/* Does without a stream: it is in the pictures already. */
void mt_texts_drop(struct mt_texts *texts, int stream);

/* Whether the words are such. MT_ERR_USAGE. */
int mt_texts_check(const char *wanted, struct mt_err *err) MT_MUST_USE;

/*
 * Adds those in which there is something to read as tracks of a file of that format, and their
 * parts; how many.
 */
int mt_texts_add(const struct mt_texts *texts, const char *format, struct mt_av_part parts[],
                 struct mt_av_track tracks[], int most);

/* Closes the files and forgets the list. */
void mt_texts_free(struct mt_texts *texts);

struct mt_work;

/* Finds out which files beside the work's renditions are still to be made. */
int mt_texts_plan(struct mt_work *work, struct mt_err *err) MT_MUST_USE;

/*
 * Writes the files that the renditions under way need, on the time line of a film that begins at
 *origin_us of the source's clock, and those beside them. Text that cannot be read is left out, and
 * the report says so.
 */
int mt_texts_make(struct mt_work *work, int64_t origin_us, int64_t duration_us,
                  struct mt_err *err) MT_MUST_USE;

/* Publishes those beside the renditions, and adds them and those that were there to the document.
 */
int mt_texts_publish(struct mt_work *work, struct mt_err *err) MT_MUST_USE;

#endif
