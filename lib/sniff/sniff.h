/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff.h - what kind of file the bytes say it is (libmagic). */
#ifndef MT_SNIFF_SNIFF_H
#define MT_SNIFF_SNIFF_H

#include "base/err.h"

struct mt_sniff; /* a loaded magic database */

struct mt_sniff_type {
    char mime[100]; /* "video/mp4"; "application/octet-stream" if nothing matched */
    char text[160]; /* "ISO Media, MP4 v2 [ISO 14496-14]": what libmagic says, printable ASCII */
};

/* Loads the database; before entering a jail. MT_ERR_UNAVAILABLE when it is not installed. */
int mt_sniff_open(struct mt_sniff **out, struct mt_err *err) MT_MUST_USE;
void mt_sniff_close(struct mt_sniff **sniff);

/*
 * The type of the first bytes of fd, read with pread() from offset 0; the
 * position stays. Parses foreign bytes: call it jailed.
 */
int mt_sniff_fd(struct mt_sniff *sniff, int fd, struct mt_sniff_type *type,
                struct mt_err *err) MT_MUST_USE;

#endif
