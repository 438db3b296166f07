/* SPDX-License-Identifier: GPL-2.0-or-later */
/* contact.h - a film on one page, for people. */
#ifndef MT_AV_CONTACT_H
#define MT_AV_CONTACT_H

#include "av/storyboard.h"
#include "av/texts.h"

struct mt_av_contact {
    int columns, rows;         /* pictures, spread evenly over the film */
    int tile_px;               /* the longer side of one */
    struct mt_av_texts *texts; /* its lines go above the pictures; NULL: nothing is written */
    enum mt_av_picture_format format;
    int quality; /* 1-100 */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
    int (*emit)(void *ctx, const struct mt_av_sheet *sheet, struct mt_err *err);
    void *ctx;
};

/*
 * One sheet: the lines, then the pictures with their times, on black with gaps. Pictures are
 * chosen as tiles are, see mt_av_storyboard(); a short film has fewer, and rows that would be empty
 * are left out. The report, new: {"tiles", "notes"}. Fails as mt_av_storyboard() does;
 * MT_ERR_USAGE also when the page would be larger than 16384 pixels a side.
 */
json_t *mt_av_contact(int fd, const struct mt_av_contact *spec, struct mt_err *err);

#endif
