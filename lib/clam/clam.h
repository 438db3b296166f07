/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clam.h - libclamav, its signatures loaded once, each file scanned in a jailed child.
 *
 * The library fails open above its limits, so the limits are raised as far as
 * they go and every alarm about them is on: files of up to MT_CLAM_WHOLE_MAX
 * bytes are scanned as a whole, larger ones in windows, several at once by
 * threads of the child. A limit on members, depth or unpacked size, an encrypted
 * part, a crash, a lack of time or memory make the scan incomplete.
 *
 * The parent of the jailed children must be single-threaded. Archives are unpacked into
 * a directory of each scan's own, which is all that the child can open.
 */
#ifndef MT_CLAM_CLAM_H
#define MT_CLAM_CLAM_H

#include "scan/scan.h"

/* The engine keeps sizes in an int and takes two from its end; more is silently cut to this. */
#define MT_CLAM_WHOLE_MAX (INT64_C(2147483645))

/* Small enough to share out among processors and to report progress by. */
#define MT_CLAM_WINDOW (INT64_C(512) << 20)

struct mt_clam;

/* Where Debian and freshclam keep the signatures. */
#define MT_CLAM_DATABASE "/var/lib/clamav"

/*
 * database: a file or directory of signatures, loaded with the first scan and
 * again when they change; NULL: MT_CLAM_DATABASE. tmp: where a directory for
 * unpacked files is made; what dead processes left there is removed.
 */
int mt_clam_open(struct mt_clam **out, const char *database, const char *tmp,
                 struct mt_err *err) MT_MUST_USE;
void mt_clam_close(struct mt_clam **clam);

/* As the slot of mt_scan_driver; wall_us must be set. */
int mt_clam_scan(struct mt_clam *clam, const struct mt_scan_request *request,
                 struct mt_scan_result *result, struct mt_err *err) MT_MUST_USE;

/* The library's version, for --version: an object. New. */
json_t *mt_clam_versions(void);

/*
 * The helper's side of a socket: lines {"name", "size", "wall_us"} with a
 * descriptor beside each, answered by any number of {"progress": bytes} and then
 * {"ok": the document's scan} or {"cancelled": true}. Anything that arrives before the answer
 * cancels the scan; a line without a descriptor is passed over. Ends when the peer closes.
 */
int mt_clam_serve(struct mt_clam *clam, int socket, struct mt_err *err) MT_MUST_USE;

#endif
