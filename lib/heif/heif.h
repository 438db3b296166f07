/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * heif.h - the items of a HEIF file: pictures, how they are put together, what lies beside them.
 *
 * HEIC and AVIF are such files (ISO/IEC 23008-12; the boxes are those of ISO/IEC 14496-12, 8.11).
 * The meta box is kept in memory and read when something is asked. It is foreign: to be called
 * in a jailed child. Nothing here decodes.
 */
#ifndef MT_HEIF_HEIF_H
#define MT_HEIF_HEIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MT_HEIF_EXTENTS = 16, /* pieces of one item */
    MT_HEIF_TILES = 1024, /* pictures that one is put together from */
};

struct mt_heif;

/* Bytes of the file. */
struct mt_heif_span {
    int64_t at, bytes;
};

struct mt_heif_item {
    char type[5];                                 /* "hvc1", "av01", "grid", "Exif", "mime", ... */
    bool sealed;                                  /* protected by a scheme of item protection */
    struct mt_heif_span extents[MT_HEIF_EXTENTS]; /* in order; may lie beyond the file's end */
    int n_extents; /* 0: nowhere in this file, or in too many pieces */
};

/* The items of the file behind fd, or NULL if it is no HEIF file or has no meta box in one piece.
 */
struct mt_heif *mt_heif_read(int fd);
void mt_heif_free(struct mt_heif **heif);

/* The number of the picture that the file is about; -1: none. */
int64_t mt_heif_primary(const struct mt_heif *heif);

/*
 * The first item of a type, of "mime" ones only that of this media type (NULL: any); -1: none.
 * Its number is for the functions below.
 */
int64_t mt_heif_find(const struct mt_heif *heif, const char *type, const char *mime);

/* What is known of an item; false if there is none of that number. */
bool mt_heif_item(const struct mt_heif *heif, int64_t id, struct mt_heif_item *item);

/* All its bytes, to be freed; NULL if they are over most, or not all there. */
unsigned char *mt_heif_load(const struct mt_heif *heif, const struct mt_heif_item *item,
                            size_t most, size_t *n);

/*
 * The items that a derived picture ("grid") is made of, in order; at most MT_HEIF_TILES numbers.
 * Returns how many, or -1 if there are more.
 */
int mt_heif_parts(const struct mt_heif *heif, int64_t id, int64_t parts[MT_HEIF_TILES]);

/*
 * The contents of the nth property (from 0) of a type ("ispe", "hvcC", "colr") that belongs to an
 * item, and *n, its bytes; NULL if there is none. Lives as long as heif.
 */
const uint8_t *mt_heif_property(const struct mt_heif *heif, int64_t id, const char *type, int nth,
                                size_t *n);

/* Size of an item in pixels, before it is turned (6.5.3). False if it is not told. */
bool mt_heif_size(const struct mt_heif *heif, int64_t id, int64_t *width, int64_t *height);

/*
 * How a picture is to be shown (6.5.10, 6.5.12): mirrored left to right if *mirrored, and then
 * turned clockwise by the degrees that are returned: 0, 90, 180 or 270.
 */
int mt_heif_turn(const struct mt_heif *heif, int64_t id, bool *mirrored);

#endif
