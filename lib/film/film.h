/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * film.h - all that filters need the media libraries for, as a table.
 *
 * Loading FFmpeg's libraries takes 60 ms, more than a small picture takes. A program that always
 * needs them is linked with this module and uses mt_film. One that often does not (a photograph
 * is no film) calls only through a table, and gets it from lib/late when it meets a film.
 *
 * Each member is the function whose name it bears, mt_av_NAME() or mt_prober_NAME(), described
 * where that is declared.
 */
#ifndef MT_FILM_FILM_H
#define MT_FILM_FILM_H

#include "av/av.h"
#include "av/contact.h"
#include "av/covers.h"
#include "av/storyboard.h"
#include "av/teaser.h"
#include "av/texts.h"
#include "av/thumbs.h"
#include "av/waveform.h"
#include "probe/probe.h"

struct mt_film {
    const char *version; /* MT_VERSION, and */
    size_t size;         /* of this struct: a table of another build is not used */

    json_t *(*versions)(void);
    void (*log_capture)(void);
    void (*log_aloud)(void);

    int (*prober_open)(struct mt_prober **out, struct mt_err *err);
    void (*prober_close)(struct mt_prober **prober);
    json_t *(*prober_run)(struct mt_prober *prober, int fd, const char *name,
                          const struct mt_probe_limits *limits, json_t **seen, struct mt_err *err);

    bool (*can_encode)(enum mt_av_picture_format format);
    json_t *(*thumbs)(int fd, const struct mt_av_thumbs *spec, struct mt_err *err);
    json_t *(*storyboard)(int fd, const struct mt_av_storyboard *spec, struct mt_err *err);
    json_t *(*contact)(int fd, const struct mt_av_contact *spec, struct mt_err *err);
    int (*texts_open)(struct mt_av_texts **texts, const char *const lines[MT_AV_TEXT_LINES],
                      struct mt_err *err);
    void (*texts_close)(struct mt_av_texts **texts);
    json_t *(*waveform)(int fd, const struct mt_av_waveform *spec, struct mt_err *err);
    bool (*can_clip)(enum mt_av_clip clip);
    json_t *(*teaser)(int fd, const struct mt_av_teaser *spec, struct mt_err *err);
    int (*covers)(int fd, const struct mt_av_limits *limits,
                  int (*emit)(void *ctx, const void *data, size_t n, struct mt_err *err), void *ctx,
                  struct mt_err *err);
};

/* The table of the program, or of the part, that this module is linked into. */
extern const struct mt_film mt_film;

#endif
