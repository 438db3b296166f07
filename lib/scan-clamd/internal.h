/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/scan-clamd only. */
#ifndef MT_SCAN_CLAMD_INTERNAL_H
#define MT_SCAN_CLAMD_INTERNAL_H

#include "scan/scan.h"

enum { MT_CLAMD_REPLY = 1024, MT_CLAMD_TICK_MS = 100 };

/* How long a conversation may go on, and who may end it. */
struct mt_watch {
    const struct mt_scan_request *request; /* NULL: nobody cancels */
    int64_t until;                         /* of mt_mono_us() */
};

/* A connection that never blocks; MT_ERR_BUSY when the daemon is absent. The caller closes it. */
int mt_clamd_connect(const char *path, struct mt_err *err) MT_MUST_USE;

/* 0 while the watch lets it go on; MT_ERR_CANCELLED, MT_ERR_TIMEOUT. */
int mt_watch_check(const struct mt_watch *watch, struct mt_err *err) MT_MUST_USE;

/*
 * Adds what has arrived to the reply, of which *n bytes are there. 1 when it is
 * complete (up to its NUL, or the end of the connection), 0 if more may come;
 * -1: MT_ERR_BUSY when the daemon has gone without a word, MT_ERR_FAILED when it babbles.
 */
int mt_clamd_hear(int fd, char reply[MT_CLAMD_REPLY], size_t *n, struct mt_err *err) MT_MUST_USE;

/*
 * One command ("zVERSION"), with file beside it unless -1, on a connection of its
 * own; waits for the answer, which is a string then.
 */
int mt_clamd_ask(const char *path, const char *command, int file, const struct mt_watch *watch,
                 char reply[MT_CLAMD_REPLY], struct mt_err *err) MT_MUST_USE;

/* Enters what a reply to FILDES or INSTREAM says; true if it says OK. */
bool mt_clamd_judge(const char *reply, struct mt_scan_result *result);

/*
 * Scans the file in windows, several at once. result becomes clean if all were
 * OK; its counts are set in any case.
 */
int mt_clamd_stream(const char *path, const struct mt_scan_request *request,
                    const struct mt_watch *watch, struct mt_scan_result *result,
                    struct mt_err *err) MT_MUST_USE;

#endif
