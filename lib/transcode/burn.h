/* SPDX-License-Identifier: GPL-2.0-or-later */
/* burn.h - subtitles that become part of the pictures. */
#ifndef MT_TRANSCODE_BURN_H
#define MT_TRANSCODE_BURN_H

#include "fonts/fonts.h"
#include "typeset/typeset.h"

#include <jansson.h>

/* What is to be burnt in, as the option has it. */
struct mt_burn_in {
    const char *which; /* a language, the number of a stream, or a file; NULL: nothing */
    int fd;            /* of the file; -1: a stream of the source */
    char identity[24]; /* of the file's content, for the recipe */
};

/*
 * Reads the option: with a dot or slash in it a file, which is opened and stays open. MT_ERR_USAGE
 * when there is no such file.
 */
int mt_burn_in_parse(struct mt_burn_in *burn, const char *which, struct mt_err *err) MT_MUST_USE;

/* The stream of a probed film that is meant. MT_ERR_USAGE, with what there is, if there is none. */
int mt_burn_in_stream(const struct mt_burn_in *burn, const json_t *doc, int *stream,
                      struct mt_err *err) MT_MUST_USE;

/* A text and the fonts that it is written with. */
struct mt_burning {
    struct mt_typeset_text text; /* text.script is NULL when nothing is to be written */
    struct mt_font fonts[MT_TYPESET_FONTS];
};

struct mt_work;

/* Extracts the text, in a jail, and finds fonts, on the time line of mt_texts_make(). */
int mt_burning_open(struct mt_burning *burning, struct mt_work *work, int64_t origin_us,
                    int64_t duration_us, struct mt_err *err) MT_MUST_USE;
void mt_burning_close(struct mt_burning *burning);

#endif
