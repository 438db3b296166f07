/* SPDX-License-Identifier: GPL-2.0-or-later */
/* err.c - see err.h. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The exit statuses, the same in every program. */
enum {
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 4,
    EXIT_TEMPORARY = 5,
    EXIT_REJECTED = 6,
    EXIT_DAMAGED = 7,
    EXIT_CONFIG = 10,
    EXIT_LOCKED = 11,
};

static const struct {
    const char *name;
    int exit_status;
    const char *meaning;
    const char *hint;
} codes[MT_CODE_COUNT] = {
    [MT_OK] = {"ok", 0, "it worked", NULL},
    [MT_ERR_FAILED] = {"failed", EXIT_FAILED, "it did not work; the message says why", NULL},
    [MT_ERR_USAGE] = {"usage", EXIT_USAGE, "the command line is wrong", "see --help"},
    [MT_ERR_NOT_FOUND] = {"not_found", EXIT_NOT_FOUND, "there is no such asset, job or object",
                          "media-status jobs lists what there is"},
    [MT_ERR_NO_FILE] = {"no_such_file", EXIT_NOT_FOUND, "there is no such file",
                        "check the name; it may have been moved meanwhile"},
    [MT_ERR_UNREADABLE] = {"unreadable", EXIT_FAILED, "reading the file is not permitted",
                           "check owner and mode with ls -l, or run as a user who may read it"},
    [MT_ERR_NOT_REGULAR] = {"not_a_regular_file", EXIT_REJECTED,
                            "it is a directory, FIFO, socket or device, not a file",
                            "name a regular file, or pipe the bytes in with -"},
    [MT_ERR_EMPTY] = {"empty_file", EXIT_REJECTED, "the file has no bytes",
                      "the copy or upload that made it has probably failed: fetch it again"},
    [MT_ERR_TOO_LARGE] = {"too_large", EXIT_REJECTED, "the file has more bytes than allowed",
                          "raise --max-size or media_processing.max_file_size"},
    [MT_ERR_CHANGED] = {"source_changed", EXIT_TEMPORARY, "the file changed while it was read",
                        "wait until whatever writes it has finished, then try again"},
    [MT_ERR_UNSUPPORTED_TYPE] = {"unsupported_type", EXIT_REJECTED,
                                 "it is not a kind of file that is accepted",
                                 "media_processing.supported_formats lists what is accepted"},
    [MT_ERR_TYPE_MISMATCH] = {"type_mismatch", EXIT_REJECTED,
                              "its name says one kind of file, its bytes another",
                              "rename it after its content"},
    [MT_ERR_UNSUPPORTED_CODEC] =
        {"unsupported_codec", EXIT_REJECTED, "nothing in the file can be decoded by this build",
         "convert it with the program that made it, or use a newer FFmpeg"},
    [MT_ERR_ENCRYPTED] =
        {"encrypted", EXIT_REJECTED,
         "picture or sound are encrypted, so nobody without the key can decode them",
         "export the file without copy protection"},
    [MT_ERR_LIMIT] =
        {"limit_exceeded", EXIT_REJECTED,
         "it has or needs more pixels, frames, streams, seconds or memory than a limit allows",
         "if you trust the file, raise the limit that the message names"},
    [MT_ERR_POLICY] = {"policy", EXIT_REJECTED, "a rule of this installation refuses it",
                       "the message names the rule; who set it up can change it"},
    [MT_ERR_INFECTED] = {"infected", EXIT_REJECTED, "the virus scanner found something",
                         "do not open the file; ask its sender for another copy"},
    [MT_ERR_DAMAGED] = {"damaged", EXIT_DAMAGED,
                        "the file is damaged: its picture or sound does not decode",
                        "fetch the file again from its source; compare checksums"},
    [MT_ERR_TRUNCATED] = {"truncated", EXIT_DAMAGED, "the end of the file is missing",
                          "the transfer was probably interrupted: fetch the file again"},
    [MT_ERR_NO_MEDIA] = {"no_decodable_stream", EXIT_DAMAGED,
                         "there is no picture and no sound in it that decodes",
                         "the file is damaged or not media: fetch it again from its source"},
    [MT_ERR_NOT_APPLICABLE] = {"not_applicable", 0, "there is nothing to do for this file", NULL},
    [MT_ERR_CHECKSUM] = {"checksum_mismatch", EXIT_DAMAGED,
                         "the bytes are not those that were recorded",
                         "restore the object from a backup, then check the disk"},
    [MT_ERR_VERIFY] = {"verification_failed", EXIT_FAILED,
                       "what was made is not what was wanted, and was discarded",
                       "run again with -v; if it repeats, the source is probably damaged"},
    [MT_ERR_TIMEOUT] = {"timeout", EXIT_FAILED, "it took longer than allowed and was stopped",
                        "raise --timeout if the machine is slow or the file very long"},
    [MT_ERR_CRASHED] = {"worker_crashed", EXIT_FAILED,
                        "the process that worked on it died before it had finished",
                        "run it again; if it repeats, keep the file for a bug report"},
    [MT_ERR_BAD_DOCUMENT] = {"bad_document", EXIT_FAILED,
                             "a line on standard input is not a media document",
                             "feed the output of media-ingest, one JSON object per line"},
    [MT_ERR_OUTSIDE_STORE] = {"outside_store", EXIT_REJECTED,
                              "a document names a file outside the store",
                              "ingest the file first, or name it as an operand"},
    [MT_ERR_BUSY] = {"busy", EXIT_TEMPORARY,
                     "a server or disk that it needs is busy or out of reach", "try again later"},
    [MT_ERR_LOCKED] = {"locked", EXIT_LOCKED, "another process holds it at this moment",
                       "wait for the other process, or find it with fuser"},
    [MT_ERR_LEASE] = {"lease_lost", EXIT_FAILED,
                      "the lease on the job is over; somebody else may have it",
                      "stop working on the job; nothing of this attempt is used"},
    [MT_ERR_NO_SPACE] = {"no_space", EXIT_FAILED, "disk or quota is full",
                         "free some space, then run the same command again"},
    [MT_ERR_READ_ONLY] = {"read_only", EXIT_FAILED, "the store or database cannot be written",
                          "mount it read-write, or choose another with --store or --db"},
    [MT_ERR_IO] = {"io", EXIT_FAILED, "the operating system failed to read or write",
                   "look for disk errors with dmesg"},
    [MT_ERR_CONFIG] = {"configuration", EXIT_CONFIG, "the configuration is wrong",
                       "--print-config shows each value and where it comes from"},
    [MT_ERR_SCHEMA] = {"schema", EXIT_CONFIG, "the database is newer, older, foreign or corrupt",
                       "media-status doctor says which, and what to do"},
    [MT_ERR_UNAVAILABLE] = {"unavailable", EXIT_CONFIG,
                            "this build or machine lacks what was asked for",
                            "media-status doctor lists what is here and what is missing"},
    [MT_ERR_CANCELLED] = {"cancelled", EXIT_FAILED, "it was stopped on request",
                          "run the same command again to go on"},
    [MT_ERR_BUG] = {"internal", EXIT_FAILED, "there is a fault in this program",
                    "please report it with the command that led here"},
};

/* Where s may be cut so that at most max bytes and no part of a UTF-8 character stay. */
static size_t cut(const char *s, size_t max)
{
    size_t n = strnlen(s, max + 1);

    if (n <= max)
        return n;
    for (n = max; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80;)
        n--;
    return n;
}

/* Formats into all of out's size bytes or, if that is too long, up to a whole character. */
static void format(char *out, size_t size, const char *fmt, va_list ap)
{
    int n = vsnprintf(out, size, fmt, ap);

    if (n >= 0 && (size_t)n >= size)
        out[cut(out, size - 2)] = '\0';
}

static void set(struct mt_err *err, enum mt_code code, int os_errno, const char *fmt, va_list ap)
{
    err->code = code;
    err->os_errno = os_errno;
    err->hint[0] = '\0';
    err->trace = (struct mt_trace){
        .signal = -1, .exit_status = -1, .stream = -1, .time_us = -1, .reached_us = -1};
    format(err->msg, sizeof err->msg, fmt, ap);
}

int mt_fail(struct mt_err *err, enum mt_code code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set(err, code, 0, fmt, ap);
    va_end(ap);
    return -1;
}

static enum mt_code code_of_errno(int e)
{
    switch (e) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
        return MT_ERR_NO_FILE;
    case EACCES:
    case EPERM:
        return MT_ERR_UNREADABLE;
    case ENOSPC:
    case EDQUOT:
        return MT_ERR_NO_SPACE;
    case EROFS:
        return MT_ERR_READ_ONLY;
    case EINTR: /* seen only where a signal was to end the wait */
        return MT_ERR_CANCELLED;
    case EISDIR:
    case ENXIO:
        return MT_ERR_NOT_REGULAR;
    default:
        return MT_ERR_IO;
    }
}

/* Where the remedy is another than that of the code. */
static int hint_of_errno(struct mt_err *err, int e)
{
    switch (e) {
    case EMFILE:
    case ENFILE:
        return mt_hint(err, "raise the limit on open files with ulimit -n");
    case EBADF:
        return mt_hint(err, "standard input or output was closed by what started the program");
    case ENOMEM:
    case EAGAIN:
        return mt_hint(err, "memory or processes are used up, see free and ulimit -a; try again");
    case EFBIG:
        return mt_hint(err, "raise the limit on file sizes with ulimit -f");
    default:
        return -1;
    }
}

int mt_fail_errno(struct mt_err *err, const char *fmt, ...)
{
    int saved = errno;
    va_list ap;

    va_start(ap, fmt);
    set(err, code_of_errno(saved), saved, fmt, ap);
    va_end(ap);

    const char *why = strerror(saved);
    size_t max = sizeof err->msg - sizeof "...: " - strlen(why);
    size_t n = cut(err->msg, max);
    snprintf(err->msg + n, sizeof err->msg - n, "%s: %s", err->msg[n] ? "..." : "", why);
    return hint_of_errno(err, saved);
}

int mt_fail_in(struct mt_err *err, const char *fmt, ...)
{
    char inner[sizeof err->msg];
    va_list ap;

    memcpy(inner, err->msg, sizeof inner);
    va_start(ap, fmt);
    format(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);

    size_t n = strlen(err->msg);
    if (n + sizeof ": " < sizeof err->msg)
        snprintf(err->msg + n, sizeof err->msg - n, ": %.*s",
                 (int)cut(inner, sizeof err->msg - n - sizeof ": "), inner);
    return -1;
}

int mt_hint(struct mt_err *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    format(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
    return -1;
}

int mt_fail_at(struct mt_err *err, int stream, int64_t time_us)
{
    err->trace.stream = stream;
    err->trace.time_us = time_us;
    return -1;
}

int mt_fail_words(struct mt_err *err, const char *words)
{
    char *out = err->trace.last_words;
    size_t n = strlen(words);
    const char *tail = words + (n >= MT_WORDS ? n - MT_WORDS + 1 : 0);

    while (((unsigned char)*tail & 0xc0) == 0x80)
        tail++;
    if (!out[0])
        memcpy(out, tail, strlen(tail) + 1);
    return -1;
}

const char *mt_err_hint(const struct mt_err *err)
{
    return err->hint[0] ? err->hint : codes[err->code].hint;
}

const char *mt_code_name(enum mt_code code)
{
    return codes[code].name;
}

const char *mt_code_meaning(enum mt_code code)
{
    return codes[code].meaning;
}

enum mt_code mt_code_by_name(const char *name)
{
    for (int i = 0; i < MT_CODE_COUNT; i++)
        if (strcmp(codes[i].name, name) == 0)
            return (enum mt_code)i;
    return MT_ERR_FAILED;
}

int mt_code_exit_status(enum mt_code code)
{
    return codes[code].exit_status;
}

bool mt_code_retryable(enum mt_code code)
{
    int status = codes[code].exit_status;

    return status == EXIT_TEMPORARY || status == EXIT_LOCKED;
}
