/* SPDX-License-Identifier: GPL-2.0-or-later */
/* boxes.h - the skeleton of an ISO base media file (ISO/IEC 14496-12). Private to lib/av. */
#ifndef MT_AV_BOXES_H
#define MT_AV_BOXES_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct mt_boxes {
    bool ftyp, moov, mdat, moof, meta;
    bool heif;          /* a brand of still pictures */
    bool fragmented;    /* moov announces fragments */
    bool listed;        /* their number or the length of all is told (mfra, mehd, sidx) */
    int tags;           /* entries of lists of tags */
    bool encrypted;     /* a protected sample entry, or protection data of a key system */
    char scheme[5];     /* "cenc", "cbcs" ...; empty if not told */
    int64_t empty_us;   /* the longest time for which a track shows nothing at first (elst) */
    int64_t listed_end; /* where the last segment index (sidx) says that its segments end, or 0 */
    int64_t short_by;   /* bytes that the last box has and the file has not */
    char short_box[5];  /* its type, printable */
    int64_t junk;       /* bytes at the end that are no boxes at all */
    int64_t rest;       /* bytes behind the last whole box that are too few for a header */
};

/* Walks the boxes of fd, reading headers and the movie box only; amounts are bounded. */
void mt_boxes_scan(struct mt_boxes *boxes, int fd, int64_t size);

#endif
