/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * append.c - bytes come in, are hashed, and are on the disk before anybody says so.
 *
 * Writing back is started a window at a time and waited for one window later:
 * the disk is busy all the time, little is dirty, and the fdatasync() at the end
 * is short, which is what somebody who takes the upload over waits for.
 */
#include "upload/internal.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM = 256 << 10, WINDOW = 8 << 20 };

struct chunk {
    struct mt_upload *up;
    const struct mt_upload_source *source;
    const struct mt_upload_checksum *want;
    struct mt_checksum *sum;   /* or NULL */
    struct mt_running *before; /* state of the hash when it began, if it may be dropped */
    int64_t from;
    int64_t paced;     /* writing back was started up to here */
    int64_t looked_us; /* when we last asked whether somebody else wants the upload */
    char *data;
};

/* --- the hash --- */

/* Forgets a state that claims more bytes than there are. */
static int resume_hash(struct mt_upload *up, struct mt_err *err)
{
    struct mt_err ignored;

    if (up->hash && mt_running_count(up->hash) <= up->durable)
        return 0;
    mt_running_close(&up->hash);
    if (mt_running_open(&up->hash, err) < 0)
        return -1;
    if (mt_running_restore(up->hash, up->mark.hash, &ignored) == 0 &&
        mt_running_count(up->hash) <= up->durable)
        return 0;
    mt_running_close(&up->hash);
    return mt_running_open(&up->hash, err);
}

int mt_upload_catch_up(struct mt_upload *up, struct mt_err *err)
{
    char *data = NULL;
    int ret = -1;

    if (resume_hash(up, err) < 0)
        return -1;
    if (mt_running_count(up->hash) == up->durable)
        return 0;
    data = mt_realloc(NULL, ROOM, 1);
    while (mt_running_count(up->hash) < up->durable) {
        int64_t at = mt_running_count(up->hash);
        size_t want = up->durable - at < ROOM ? (size_t)(up->durable - at) : ROOM;
        ssize_t n = mt_pread_full(up->fd, data, want, at);

        if (n != (ssize_t)want) {
            mt_fail_errno(err, "cannot read back the upload '%s'", up->id);
            goto out;
        }
        mt_running_add(up->hash, data, want);
    }
    ret = 0;
out:
    free(data);
    return ret;
}

/* --- writing --- */

/* Adds what could be written, and says how much that was. -1 with errno when it was not all. */
static int write_some(struct chunk *c, size_t n, size_t *written)
{
    struct mt_upload *up = c->up;

    for (*written = 0; *written < n;) {
        ssize_t w = pwrite(up->fd, c->data + *written, n - *written, up->offset);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0) {
            errno = w == 0 ? ENOSPC : errno;
            return -1;
        }
        *written += (size_t)w;
        up->offset += w;
    }
    return 0;
}

/* Makes what was written safe. What a failed fdatasync() leaves is not known, and is cut off. */
static int make_durable(struct mt_upload *up, struct mt_err *err)
{
    if (up->offset == up->durable)
        return 0;
    if (fdatasync(up->fd) == 0) {
        up->durable = up->offset;
        return 0;
    }
    mt_fail_errno(err, "cannot make the upload '%s' durable", up->id);
    if (ftruncate(up->fd, up->durable) < 0)
        return -1;
    up->offset = up->durable;
    return -1;
}

static int keep_mark(struct mt_upload *up, struct mt_err *err)
{
    if (make_durable(up, err) < 0)
        return -1;
    mt_running_save(up->hash, up->mark.hash);
    return mt_upload_mark_write(up->state_fd, &up->mark, false, err);
}

static int pace(struct chunk *c, struct mt_err *err)
{
    struct mt_upload *up = c->up;

    if (up->offset - c->paced < WINDOW)
        return 0;
    if (c->paced > c->from) /* a hint, whose failure fdatasync() will tell */
        (void)sync_file_range(up->fd, c->paced - WINDOW, WINDOW,
                              SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                  SYNC_FILE_RANGE_WAIT_AFTER);
    (void)sync_file_range(up->fd, c->paced, up->offset - c->paced, SYNC_FILE_RANGE_WRITE);
    c->paced = up->offset;
    if (!c->want && up->offset - up->durable >= MT_UPLOAD_MARK)
        return keep_mark(up, err);
    return 0;
}

static int still_ours(struct chunk *c, struct mt_err *err)
{
    int64_t now = mt_mono_us();

    if (now - c->looked_us < MT_UPLOAD_NOTICE_MS * INT64_C(1000))
        return 0;
    c->looked_us = now;
    if (!mt_upload_wanted(c->up->fd))
        return 0;
    return mt_fail(err, MT_ERR_LOCKED, "a newer request has taken over the upload '%s'", c->up->id);
}

static int take_in(struct chunk *c, size_t n, struct mt_err *err)
{
    struct mt_upload *up = c->up;
    int64_t room = up->ceiling - up->offset;
    size_t fits = room < (int64_t)n ? (size_t)(room > 0 ? room : 0) : n;
    size_t written = 0;
    int status = write_some(c, fits, &written);
    int saved = errno;

    mt_running_add(up->hash, c->data, written);
    if (c->sum && mt_checksum_add(c->sum, c->data, written, err) < 0)
        return -1;
    if (status < 0) {
        errno = saved;
        return mt_fail_errno(err, "cannot write to the upload '%s'", up->id);
    }
    if (fits < n)
        return mt_fail(err, MT_ERR_TOO_LARGE, "more bytes came than the %lld %s",
                       (long long)up->ceiling,
                       up->length >= 0 ? "that were announced" : "that are allowed");
    return pace(c, err);
}

static int pump(struct chunk *c, struct mt_err *err)
{
    for (;;) {
        ssize_t n = c->source->read(c->source->ctx, c->data, ROOM, MT_UPLOAD_NOTICE_MS, err);

        if (n == 0)
            return 0;
        if (n != MT_UPLOAD_LATER && (n < 0 || take_in(c, (size_t)n, err) < 0))
            return -1;
        if (still_ours(c, err) < 0)
            return -1;
    }
}

/* --- chunks with a checksum --- */

/* Where it begins is on the disk before its first byte can be. */
static int begin_checked(struct chunk *c, struct mt_err *err)
{
    struct mt_upload *up = c->up;

    if (mt_checksum_open(&c->sum, c->want->algorithm, err) < 0)
        return -1;
    mt_running_save(up->hash, up->mark.hash);
    if (mt_running_open(&c->before, err) < 0 ||
        mt_running_restore(c->before, up->mark.hash, err) < 0)
        return -1;
    up->mark.guard = up->durable;
    return mt_upload_mark_write(up->state_fd, &up->mark, true, err);
}

static int lift_guard(struct mt_upload *up, struct mt_err *err)
{
    up->mark.guard = -1;
    mt_running_save(up->hash, up->mark.hash);
    return mt_upload_mark_write(up->state_fd, &up->mark, true, err);
}

/* If the cut fails the guard stays, and the next who comes cuts. */
static int drop(struct chunk *c)
{
    struct mt_upload *up = c->up;
    struct mt_err ignored;

    mt_running_close(&up->hash);
    up->hash = c->before;
    c->before = NULL;
    up->offset = up->durable = c->from;
    if (ftruncate(up->fd, c->from) < 0 || fdatasync(up->fd) < 0)
        return -1;
    return lift_guard(up, &ignored);
}

static int judge(struct chunk *c, struct mt_err *err)
{
    unsigned char raw[MT_CHECKSUM_MAX];
    size_t n;

    if (mt_checksum_end(c->sum, raw, &n, err) < 0)
        return -1;
    if (n == c->want->size && memcmp(raw, c->want->raw, n) == 0)
        return 0;
    return mt_fail(err, MT_ERR_CHECKSUM, "the %s of the chunk is not the one that was announced",
                   c->want->algorithm);
}

static int append_checked(struct chunk *c, struct mt_err *err)
{
    struct mt_upload *up = c->up;

    if (begin_checked(c, err) < 0)
        return -1;
    if (pump(c, err) == 0 && judge(c, err) == 0 && make_durable(up, err) == 0)
        return lift_guard(up, err);
    if (drop(c) < 0)
        mt_hint(err, "the chunk will be dropped when the upload is next opened");
    return -1;
}

/* --- all others --- */

/* Whatever ended it, what came is kept; if that fails too, that is the worse news. */
static int append_plain(struct chunk *c, struct mt_err *err)
{
    struct mt_err worse;
    int ret = pump(c, err);

    if (make_durable(c->up, &worse) < 0) {
        *err = worse;
        ret = -1;
    }
    return ret;
}

int mt_upload_append(struct mt_upload *up, const struct mt_upload_source *source,
                     const struct mt_upload_checksum *want, struct mt_err *err)
{
    struct chunk c = {
        .up = up, .source = source, .want = want, .from = up->durable, .paced = up->durable};
    int ret;

    if (strcmp(mt_upload_status(up->row), "uploading") != 0)
        return mt_fail(err, MT_ERR_USAGE, "the upload '%s' is complete or has ended", up->id);
    if (mt_upload_catch_up(up, err) < 0)
        return -1;
    c.data = mt_realloc(NULL, ROOM, 1);
    ret = want ? append_checked(&c, err) : append_plain(&c, err);
    mt_running_close(&c.before);
    mt_checksum_close(&c.sum);
    free(c.data);
    return ret;
}
