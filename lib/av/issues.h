/* SPDX-License-Identifier: GPL-2.0-or-later */
/* issues.h - what is wrong with a file that can still be used. Private to lib/av. */
#ifndef MT_AV_ISSUES_H
#define MT_AV_ISSUES_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The list of probe.h, with at most 64 entries. Kinds:
 *   truncated        the structure announces more bytes than there are
 *   missing_tail     packets end before the duration that the container claims
 *   missing_packets  the index lists packets that lie outside the file, or packets are
 *                    nothing but zeros
 *   corrupt_packets  the demuxer flagged them
 *   gap              a hole in the sound, or a jump of the timestamps
 *   decode_error     sampled pictures or sounds did not decode cleanly
 *   undecodable      a main stream gives no frame at all
 *   unknown_codec    a stream nobody here can decode; the others are fine
 *   checksum         a checksum inside the format does not fit
 *   reference        the file asked for another one to be opened (refused)
 *   header           the demuxer complained about the headers
 *   trailing_bytes   what follows the media belongs to something else
 */
struct mt_issues {
    json_t *list;   /* array */
    bool truncated; /* the end is missing */
    bool whole;     /* the structure tells its own length, and all of it is there */
    bool declared;  /* the file says where it ends: by a size, a count or an end mark */
};

void mt_issues_init(struct mt_issues *issues);
void mt_issues_free(struct mt_issues *issues);

/* Adds one; stream is -1 when it is about the file. */
void mt_issue(struct mt_issues *issues, const char *kind, int stream, const char *fmt, ...)
    MT_PRINTF(4, 5);

/* As mt_issue(), of what is from start_us to end_us of the film; end_us < start_us: not known. */
void mt_issue_at(struct mt_issues *issues, const char *kind, int stream, int64_t start_us,
                 int64_t end_us, const char *fmt, ...) MT_PRINTF(6, 7);

/* As mt_issue() of kind "truncated", remembering that the end is missing. */
void mt_issue_truncated(struct mt_issues *issues, const char *fmt, ...) MT_PRINTF(2, 3);

/* The detail of the first one, or "". Valid as long as issues is. */
const char *mt_issue_first(const struct mt_issues *issues);

#endif
