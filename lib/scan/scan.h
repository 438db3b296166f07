/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan.h - whether a file carries something known to be malicious, whatever looks.
 *
 * Engines say "OK" to bytes they never looked at: beyond a size limit, inside an
 * archive with too many members, with signatures from last year. Here that is a
 * verdict of its own, "incomplete". There are three verdicts and no fourth;
 * "skipped" is the absence of one, given by the driver none: alone.
 *
 * A file that the engine cannot take as a whole is scanned in windows that
 * overlap by MT_SCAN_OVERLAP bytes. That is clean if every byte was in one, and
 * the result then lists the kinds of signature that could not apply. The
 * overlap is far above what an unbroken pattern of a ClamAV database can be (a
 * line holds at most 32 KiB of it).
 *
 * A handle belongs to one thread at a time, which need not be the one that opened it.
 */
#ifndef MT_SCAN_SCAN_H
#define MT_SCAN_SCAN_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MT_SCAN_OVERLAP (INT64_C(1) << 20)

struct mt_scanner;

enum mt_verdict { MT_SCAN_SKIPPED, MT_SCAN_CLEAN, MT_SCAN_INFECTED, MT_SCAN_INCOMPLETE };

/* Kinds of signature that do not apply to windows; the document's names in comments. */
enum {
    MT_MISS_HASH = 1,      /* file_hash: checksums of the whole file */
    MT_MISS_STRUCTURE = 2, /* container_structure: members, sections, attachments of a type */
    MT_MISS_OFFSET = 4,    /* file_offset: patterns at a place counted from either end */
    MT_MISS_SPAN = 8,      /* long_span: parts further apart than a window or its overlap */
    MT_MISS_WINDOWS = 15,
};

struct mt_scan_result {
    enum mt_verdict verdict;
    char engine[96];        /* "ClamAV 1.4.6/27801"; "" if unknown */
    char signature[160];    /* what was found; infected only */
    char reason[320];       /* why incomplete, one line */
    int64_t database_age_s; /* since the newest signatures were made; -1: unknown */
    int64_t bytes_scanned;  /* of the file, each counted once */
    int64_t bytes_total;
    bool unreachable; /* incomplete, as there was nobody to scan it: worth trying later */
    int windows;      /* how many were needed; 0: scanned as a whole */
    unsigned missed;  /* MT_MISS_ bits */
};

/* What is scanned. All is lent, until mt_scan_run() returns. */
struct mt_scan_request {
    int fd;           /* a regular file; neither read from nor moved: it is opened anew */
    int64_t size;     /* its bytes; more than these are not looked at */
    const char *name; /* for messages */
    int64_t wall_us;  /* after which the verdict is incomplete; 0: two minutes and 1 s per MB */
    bool (*cancelled)(void *ctx);               /* asked about every 100 ms; may be NULL */
    void (*progress)(void *ctx, int64_t bytes); /* bytes scanned so far; may be NULL */
    void *ctx;
};

struct mt_scan_config {
    const char *dir;    /* where this program lies, for helpers */
    int64_t max_age_us; /* older signatures leave a clean file incomplete; 0: any will do */
};

/*
 * One way of scanning. A driver is a const table, its state in the priv_size
 * zeroed bytes that open() is given. All slots are required.
 */
struct mt_scan_driver {
    const char *scheme; /* "clamd" in clamd:/run/clamav/clamd.ctl */
    const char *help;   /* one line for --help and doctor */
    size_t priv_size;

    /*
     * Whether this machine offers it without configuration; what open() then
     * needs after the scheme's colon goes into rest. Takes a second at most.
     */
    bool (*detect)(const struct mt_scan_config *config, char *rest, size_t size);

    /*
     * rest: what follows the colon. A peer or database that is missing is no
     * failure here but an incomplete scan later. On failure close() is not called.
     */
    int (*open)(void *priv, const char *rest, const struct mt_scan_config *config,
                struct mt_err *err);
    void (*close)(void *priv);

    /*
     * Fills in result, whose bytes_total and age -1 are set already. request->fd
     * is a read-only description of its own, wall_us is set. -1 with *err when
     * nothing came of it: the dispatcher makes it an incomplete scan with that
     * reason (MT_ERR_CANCELLED apart) and keeps what result has.
     */
    int (*scan)(void *priv, const struct mt_scan_request *request, struct mt_scan_result *result,
                struct mt_err *err);
};

/* Scans nothing and says so: "skipped". */
extern const struct mt_scan_driver mt_scan_none;

/*
 * Opens the scanner that url names, with one of drivers (ends with NULL); url
 * NULL: the first of drivers that detects itself. *out goes to mt_scan_close();
 * NULL on failure. MT_ERR_CONFIG for an unknown scheme or a malformed URL.
 */
int mt_scan_open(struct mt_scanner **out, const char *url,
                 const struct mt_scan_driver *const drivers[], const struct mt_scan_config *config,
                 struct mt_err *err) MT_MUST_USE;
void mt_scan_close(struct mt_scanner **scanner);

/* The scheme of the driver: "clamd", "clamav", "none". */
const char *mt_scan_scheme(const struct mt_scanner *scanner);

/* Scans; result is always filled in. The only failure is MT_ERR_CANCELLED. */
int mt_scan_run(struct mt_scanner *scanner, const struct mt_scan_request *request,
                struct mt_scan_result *result, struct mt_err *err) MT_MUST_USE;

const char *mt_verdict_name(enum mt_verdict verdict);

/* The result as the document's asset.scan. New. */
json_t *mt_scan_to_json(const struct mt_scan_result *result);

/* The reverse, as far as members are there; what is missing or strange becomes incomplete. */
void mt_scan_from_json(const json_t *scan, struct mt_scan_result *result);

/* For drivers: the reason, printable and cut to fit; the verdict becomes incomplete. */
void mt_scan_incomplete(struct mt_scan_result *result, const char *fmt, ...) MT_PRINTF(2, 3);

/*
 * For drivers: enters a name that the engine reported. Names of limits and of
 * encrypted parts (Heuristics.Limits.Exceeded.*, Heuristics.Encrypted.*) make
 * it incomplete, others infected. Infected stays infected whatever follows.
 */
void mt_scan_found(struct mt_scan_result *result, const char *name);

/*
 * For drivers: whether the file holds compressed members or documents, which
 * windows would not look into: by its first bytes, or a ZIP directory at its end.
 */
bool mt_scan_is_archive(int fd, int64_t size);

/* For drivers: a file cut into windows of equal size, which overlap. */
struct mt_windows {
    int64_t size, window;
};
int mt_windows_count(const struct mt_windows *w);

/* Window i begins at *from and has *len bytes; returns how many of them no earlier one had. */
int64_t mt_windows_at(const struct mt_windows *w, int i, int64_t *from, int64_t *len);

#endif
