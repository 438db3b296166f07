/* SPDX-License-Identifier: GPL-2.0-or-later */
/* icc.h - what a colour profile says of itself. Private to lib/av. */
#ifndef MT_AV_ICC_H
#define MT_AV_ICC_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/*
 * {"name": "sRGB IEC61966-2.1" or null, "version": "2.1", "space": "RGB", "bytes": n} of the n
 * bytes of a profile (ICC.1:2022: header in 7.2, name in the tag 'desc', 9.2.41), a new
 * reference; NULL when it is none.
 */
json_t *mt_icc_describe(const uint8_t *data, size_t n);

#endif
