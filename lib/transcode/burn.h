/* SPDX-License-Identifier: GPL-2.0-or-later */
/* burn.h - subtitles that become part of the pictures. */
#ifndef MT_TRANSCODE_BURN_H
#define MT_TRANSCODE_BURN_H

#include "fonts/fonts.h"
#include "store/store.h"
#include "transcode/ledger.h"
#include "typeset/typeset.h"

#include <jansson.h>
#include <stdbool.h>

/* What is to be burnt in, as the option has it. */
struct mt_burn_in {
    const char *which; /* a language, the number of a stream, or a file; NULL: nothing */
    bool file;         /* it is a file, here or brought by mt_burn_in_fetch() */
    int fd;            /* of the file; -1: not here, or a stream of the source */
    char identity[24]; /* of the file's content, for the recipe */
};

/* "work:" and the identity: a file that who distributes a film has put beside its segments. */
#define MT_BURN_IN_WORK "work:"

/*
 * Reads the option: with a dot or slash in it a file, which is opened and stays open, or one that
 * is to be fetched. MT_ERR_USAGE when there is no such file.
 */
int mt_burn_in_parse(struct mt_burn_in *burn, const char *which, struct mt_err *err) MT_MUST_USE;

/* The stream of a probed film that is meant. MT_ERR_USAGE, with what there is, if there is none. */
int mt_burn_in_stream(const struct mt_burn_in *burn, const json_t *doc, int *stream,
                      struct mt_err *err) MT_MUST_USE;

/*
 * The file travels as an object below {asset}/.work/{work}/, which is removed with the work: put
 * there by who has it, got by who has only its identity (MT_ERR_CHECKSUM when it is another one).
 * Both do nothing when there is nothing to do.
 */
int mt_burn_in_send(const struct mt_burn_in *burn, struct mt_store *store, const char *asset,
                    const char *work, struct mt_err *err) MT_MUST_USE;
int mt_burn_in_fetch(struct mt_burn_in *burn, struct mt_store *store, const char *asset,
                     const char *work, struct mt_err *err) MT_MUST_USE;

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

/*
 * Other fonts make other pictures, so the plan of a film that many machines make names them
 * ("fonts"): the first sets them, which forgets all segments, the others fail with MT_ERR_BUSY
 * if theirs differ.
 */
int mt_burning_agree(const struct mt_burning *burning, struct mt_ledger *ledger, bool first,
                     struct mt_err *err) MT_MUST_USE;

#endif
