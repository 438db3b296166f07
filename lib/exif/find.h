/* SPDX-License-Identifier: GPL-2.0-or-later */
/* find.h - where EXIF and XMP lie in files of pictures. Private to lib/exif. */
#ifndef MT_EXIF_FIND_H
#define MT_EXIF_FIND_H

#include <stddef.h>
#include <stdint.h>

enum mt_block { MT_BLOCK_EXIF, MT_BLOCK_XMP };

enum { MT_BLOCK_MOST = 16 * 1024 * 1024, MT_PARTS_MOST = 4096 };

/* The XMP packet of the file behind fd, to be freed, and *n, its bytes; NULL if there is none. */
unsigned char *mt_xmp_find(int fd, size_t *n);

/*
 * The block of a PNG file: from eXIf or iTXt (ISO/IEC 15948, 11.3), or from the "Raw profile type"
 * texts in hexadecimal digits that ImageMagick and exiftool write. To be freed; NULL: none.
 */
unsigned char *mt_png_find(int fd, enum mt_block kind, size_t *n);

#endif
