/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * multipart.h - multipart/form-data (RFC 7578, RFC 2046 section 5.1) as it arrives.
 *
 * The bytes are given in pieces of any size; how they are cut makes no
 * difference to what comes out. Nothing is kept but the headers of one part and
 * as many bytes as a delimiter has. What is before the first delimiter and after the last
 * is passed over. Lines end with CRLF; a part ends at CRLF "--" boundary.
 *
 * Everything has a limit: parts, headers of a part, bytes of them, bytes of the
 * preamble and of the epilogue. How long the content may be is the caller's business.
 */
#ifndef MT_MULTIPART_MULTIPART_H
#define MT_MULTIPART_MULTIPART_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    MT_MULTIPART_BOUNDARY_MAX = 70,   /* RFC 2046, section 5.1.1 */
    MT_MULTIPART_PARTS_MAX = 64,      /* of one message */
    MT_MULTIPART_HEADERS_MAX = 16,    /* lines of one part */
    MT_MULTIPART_HEADER_BYTES = 8192, /* of one part */
    MT_MULTIPART_OUTSIDE_MAX = 4096,  /* bytes before the first part; and after the last */
    MT_MULTIPART_NAME_MAX = 255,      /* bytes of a field's name */
    MT_MULTIPART_FILE_MAX = 1024,     /* bytes of a file name */
    MT_MULTIPART_TYPE_MAX = 255,      /* bytes of a content type */
};

/* The headers of a part. */
struct mt_part {
    char name[MT_MULTIPART_NAME_MAX + 1];
    bool has_filename;
    char filename[MT_MULTIPART_FILE_MAX + 1]; /* as sent, with its directories; UTF-8 */
    char type[MT_MULTIPART_TYPE_MAX + 1];     /* Content-Type; "" if there is none */
};

/* What is done with the parts; -1 ends it. */
struct mt_part_sink {
    int (*begin)(void *ctx, const struct mt_part *part, struct mt_err *err);
    int (*data)(void *ctx, const void *data, size_t n, struct mt_err *err); /* n > 0 */
    int (*end)(void *ctx, struct mt_err *err);
    void *ctx;
};

struct mt_multipart;

/*
 * The boundary in a Content-Type header; MT_ERR_USAGE unless it is
 * multipart/form-data with a boundary that RFC 2046 permits.
 */
int mt_multipart_boundary(const char *content_type, char boundary[MT_MULTIPART_BOUNDARY_MAX + 1],
                          struct mt_err *err) MT_MUST_USE;

/*
 * The file name in a Content-Disposition header of a message (RFC 6266; filename* wins); false
 * if there is none that can be read.
 */
bool mt_disposition_filename(const char *value, char name[MT_MULTIPART_FILE_MAX + 1]);

/* boundary: as mt_multipart_boundary() gives it. sink is copied. */
void mt_multipart_open(struct mt_multipart **out, const char *boundary,
                       const struct mt_part_sink *sink);
void mt_multipart_close(struct mt_multipart **m);

/*
 * The next n bytes. MT_ERR_BAD_DOCUMENT for what is no such message, MT_ERR_LIMIT
 * for too much of something, or what the sink said; after a failure only close is allowed.
 */
int mt_multipart_add(struct mt_multipart *m, const void *data, size_t n,
                     struct mt_err *err) MT_MUST_USE;

/* No more bytes come: MT_ERR_TRUNCATED unless the last delimiter was seen. */
int mt_multipart_end(struct mt_multipart *m, struct mt_err *err) MT_MUST_USE;

#endif
