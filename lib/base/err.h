/* SPDX-License-Identifier: GPL-2.0-or-later */
/* err.h - the one error type of the toolkit. */
#ifndef MT_BASE_ERR_H
#define MT_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define MT_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define MT_MUST_USE __attribute__((warn_unused_result))

/*
 * What went wrong, as the caller, a script or a supervisor may act on it. The
 * table in err.c gives each its stable name (printed in documents), the exit
 * status of a program that ends with it, whether the same call may succeed
 * later, and the remedy shown when nobody knows a better one.
 */
enum mt_code {
    MT_OK = 0,
    MT_ERR_FAILED,            /* anything without a more telling code */
    MT_ERR_USAGE,             /* the command line is wrong */
    MT_ERR_NOT_FOUND,         /* no such asset, job or object */
    MT_ERR_NO_FILE,           /* no such file */
    MT_ERR_UNREADABLE,        /* the file is there, reading it is not permitted */
    MT_ERR_NOT_REGULAR,       /* a directory, FIFO, socket or device */
    MT_ERR_EMPTY,             /* zero bytes */
    MT_ERR_TOO_LARGE,         /* more bytes than the policy allows */
    MT_ERR_CHANGED,           /* the file changed while it was read */
    MT_ERR_UNSUPPORTED_TYPE,  /* not a kind of file the policy accepts */
    MT_ERR_TYPE_MISMATCH,     /* the name says one kind, the bytes another */
    MT_ERR_UNSUPPORTED_CODEC, /* the container is fine, nothing in it can be decoded */
    MT_ERR_ENCRYPTED,         /* the essence is encrypted */
    MT_ERR_LIMIT,             /* pixels, frames, streams, seconds or memory over a limit */
    MT_ERR_POLICY,            /* refused by policy for another reason */
    MT_ERR_INFECTED,          /* a scanner found something */
    MT_ERR_DAMAGED,           /* the media does not decode */
    MT_ERR_TRUNCATED,         /* the end is missing */
    MT_ERR_NO_MEDIA,          /* no picture and no sound in it */
    MT_ERR_NOT_APPLICABLE,    /* nothing to do here: no video for thumbnails */
    MT_ERR_CHECKSUM,          /* stored bytes are not the bytes that were recorded */
    MT_ERR_VERIFY,            /* what was made is not what was wanted */
    MT_ERR_TIMEOUT,           /* a jailed child took too long */
    MT_ERR_CRASHED,           /* a jailed child died */
    MT_ERR_BAD_DOCUMENT,      /* a line on stdin is not a media document */
    MT_ERR_OUTSIDE_STORE,     /* a document's URL points outside the store */
    MT_ERR_BUSY,              /* a peer is busy, throttles or is unreachable */
    MT_ERR_LOCKED,            /* another process holds it */
    MT_ERR_LEASE,             /* the lease on the job is over, somebody else may have it */
    MT_ERR_NO_SPACE,          /* disk or quota full */
    MT_ERR_READ_ONLY,         /* the store or database cannot be written */
    MT_ERR_IO,                /* the local system failed; see os_errno */
    MT_ERR_CONFIG,            /* the configuration is wrong */
    MT_ERR_SCHEMA,            /* a database that is newer, older, foreign or corrupt */
    MT_ERR_UNAVAILABLE,       /* this build, machine or configuration lacks it */
    MT_ERR_CANCELLED,         /* a signal or a cancelled job */
    MT_ERR_BUG,               /* a state the code says cannot happen */
    MT_CODE_COUNT,
};

enum { MT_WORDS = 512 };

/*
 * Where in the work it failed and how the process ended that did it, as far as
 * anybody knows; -1 and "" where nobody does. What documents and jobs keep of
 * it is described as "details" in share/schema.
 */
struct mt_trace {
    int signal;                /* that ended the process */
    int exit_status;           /* with which it ended by itself, without having said why */
    int stream;                /* in the source, from 0 */
    int64_t time_us;           /* in the source, where the failure lies */
    int64_t reached_us;        /* how far the work had come */
    char last_words[MT_WORDS]; /* the end of what the process or its libraries said; printable */
};

/*
 * Filled in by the function that fails, by value: no allocation, so that
 * out-of-memory can be reported too. Meaningful only after a failure.
 */
struct mt_err {
    enum mt_code code;
    int os_errno;          /* errno, or 0 */
    char msg[512];         /* UTF-8, one line, no full stop, subject in 'quotes' */
    char hint[256];        /* the remedy; empty: the code's general one holds */
    struct mt_trace trace; /* mt_fail() and mt_fail_errno() forget it, mt_fail_in() keeps it */
};

/* Sets *err (without hint) and returns -1, so that `return mt_fail(err, ...)` reads well. */
int mt_fail(struct mt_err *err, enum mt_code code, const char *fmt, ...) MT_PRINTF(3, 4);

/*
 * As mt_fail(), remembering errno and appending its text, which stays whole
 * however long the rest is. The code follows from errno: ENOENT, ENOTDIR,
 * ENAMETOOLONG and ELOOP no_file, EACCES and EPERM unreadable, ENOSPC and EDQUOT no_space, EROFS
 * read_only, EISDIR and ENXIO not_regular, others io.
 */
int mt_fail_errno(struct mt_err *err, const char *fmt, ...) MT_PRINTF(2, 3);

/* Puts "<prefix>: " before the message as a failure passes outwards. Returns -1. */
int mt_fail_in(struct mt_err *err, const char *fmt, ...) MT_PRINTF(2, 3);

/* Adds the remedy to a failure that is on its way out. Returns -1. */
int mt_hint(struct mt_err *err, const char *fmt, ...) MT_PRINTF(2, 3);

/* Notes where in the source the failure lies; -1 for what is not known. Returns -1. */
int mt_fail_at(struct mt_err *err, int stream, int64_t time_us);

/* Keeps the end of words, printable text, as the last ones, unless there are some. Returns -1. */
int mt_fail_words(struct mt_err *err, const char *words);

/* The remedy to show: err->hint, else the code's own, else NULL. */
const char *mt_err_hint(const struct mt_err *err);

/* Stable lower-case name: "unsupported_type". */
const char *mt_code_name(enum mt_code code);

/* One line on what the code means, in plain words. */
const char *mt_code_meaning(enum mt_code code);

/* The code called name; MT_ERR_FAILED if there is none (a newer program wrote it). */
enum mt_code mt_code_by_name(const char *name);

/* The exit status of a program that ends with this code (contract: 0-11). */
int mt_code_exit_status(enum mt_code code);

/* Whether the same call may work later without anybody changing anything. */
bool mt_code_retryable(enum mt_code code);

#endif
