/* SPDX-License-Identifier: GPL-2.0-or-later */
/* header.h - the lines before a part, for lib/multipart only. */
#ifndef MT_MULTIPART_HEADER_H
#define MT_MULTIPART_HEADER_H

#include "multipart/multipart.h"

/*
 * One line without its CRLF. Content-Disposition and Content-Type are kept, others passed
 * over; MT_ERR_BAD_DOCUMENT for what is no header, for one of those twice, and for a
 * transfer encoding that changes bytes.
 */
int mt_part_header(struct mt_part *part, const char *line, struct mt_err *err) MT_MUST_USE;

#endif
