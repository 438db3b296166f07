/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sniff.h - what kind of file the bytes say it is.
 *
 * libmagic looks first. Its answer is corrected where version 5.44 is wrong or
 * vague for media: MPEG audio is claimed only where frames follow each other,
 * with or without an ID3 tag before them (libmagic takes two bytes for an
 * answer); transport streams, FLAC and AAC behind ID3, CAF, WavPack, TTA, IVF
 * and Y4M are found; playlists and manifests, which could make a player open
 * other files, are named as such. Names are registered ones where there are any:
 * audio/aac, audio/aiff, audio/mp4, audio/opus, audio/wav, video/mp2t.
 *
 * What a container holds is not looked at: a .mka is video/x-matroska too.
 */
#ifndef MT_SNIFF_SNIFF_H
#define MT_SNIFF_SNIFF_H

#include "base/err.h"

#include <stdbool.h>

struct mt_sniff; /* a loaded magic database */

struct mt_sniff_type {
    char mime[100]; /* "video/mp4"; "application/octet-stream" if nothing matched */
    char text[160]; /* "ISO Media, MP4 v2 [ISO 14496-14]": what it is called, printable ASCII */
};

/* Loads the database; before entering a jail. MT_ERR_UNAVAILABLE when it is not installed. */
int mt_sniff_open(struct mt_sniff **out, struct mt_err *err) MT_MUST_USE;
void mt_sniff_close(struct mt_sniff **sniff);

/*
 * The type of the first MiB of fd, read with pread() from offset 0 (and 64 KiB
 * behind an ID3 tag); the position stays. Parses foreign bytes: call it jailed.
 */
int mt_sniff_fd(struct mt_sniff *sniff, int fd, struct mt_sniff_type *type,
                struct mt_err *err) MT_MUST_USE;

/*
 * Whether a type that mt_sniff_fd() gave is sound, moving or still picture. Not SVG, playlists,
 * documents, archives, programs, nor application/octet-stream.
 */
bool mt_sniff_is_media(const char *mime);

#endif
