/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ebml.h - the elements that Matroska and WebM are made of (RFC 8794, RFC 9559). Private to lib/av.
 */
#ifndef MT_AV_EBML_H
#define MT_AV_EBML_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MT_EBML_SEGMENT = 0x18538067,
    MT_EBML_CLUSTER = 0x1F43B675,
    MT_EBML_TAGS = 0x1254C367,
    MT_EBML_TAG = 0x7373,
    MT_EBML_SIMPLE_TAG = 0x67C8,
    MT_EBML_CRC32 = 0xBF,
    MT_EBML_ELEMENTS = 1000000, /* more are not looked at */
};

struct mt_ebml {
    uint32_t id;
    int64_t at, body; /* offsets of the element and of its contents */
    int64_t n;        /* bytes of these; -1: not known */
};

/* The element at an offset. False when there is none. n is not held against the file's size. */
bool mt_ebml_at(int fd, int64_t at, struct mt_ebml *element);

#endif
