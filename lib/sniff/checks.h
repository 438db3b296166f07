/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checks.h - own looks at the bytes, where libmagic does not see or sees too much. */
#ifndef MT_SNIFF_CHECKS_H
#define MT_SNIFF_CHECKS_H

#include "sniff/sniff.h"

#include <stddef.h>
#include <stdint.h>

struct mt_sniff_bytes {
    const unsigned char *p;
    size_t n;
    bool whole; /* the file has no more */
};

struct mt_sniff_found {
    const char *mime, *text; /* NULL: nothing found */
};

/* Formats known by a fixed beginning, and transport streams. */
struct mt_sniff_found mt_sniff_binary(const struct mt_sniff_bytes *bytes);

/* Playlists, manifests and session descriptions: text that names other files. */
struct mt_sniff_found mt_sniff_playlist(const struct mt_sniff_bytes *bytes);

/* Elementary audio at or shortly after the beginning: MPEG layers I-III, ADTS, FLAC. */
struct mt_sniff_found mt_sniff_audio(const struct mt_sniff_bytes *bytes);

/* Bytes of the ID3v2 tag at the beginning with its header and footer; 0 if there is none. */
int64_t mt_sniff_id3(const struct mt_sniff_bytes *bytes);

#endif
