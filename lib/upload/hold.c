/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hold.c - one writer, who lets go when another one wants to write. */
#include "upload/internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WRITER = 0, WISH = 1, PAUSE_MS = 5 };

/* Tries to lock one byte, or unlocks it. -1 with errno: EAGAIN or EACCES when another has it. */
static int lock(int fd, short type, off_t byte)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return fcntl(fd, F_OFD_SETLK, &l);
}

bool mt_upload_wanted(int fd)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = WISH, .l_len = 1};

    return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

static bool is_held(void)
{
    return errno == EAGAIN || errno == EACCES;
}

/* The wish is a lock too: those who come later wait for it, and ask the next writer. */
static int wait_for(int fd, int patience_ms)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    int64_t until = mt_mono_us() + patience_ms * INT64_C(1000);
    bool wished = false;
    int ret;

    while ((ret = lock(fd, F_WRLCK, WRITER)) < 0 && is_held() && mt_mono_us() < until) {
        if (!wished)
            wished = lock(fd, F_WRLCK, WISH) == 0;
        nanosleep(&pause, NULL);
    }
    if (wished && lock(fd, F_UNLCK, WISH) < 0)
        ret = -1;
    return ret;
}

int mt_upload_hold(int fd, int patience_ms, struct mt_err *err)
{
    if (wait_for(fd, patience_ms) == 0)
        return 0;
    if (!is_held())
        return mt_fail_errno(err, "cannot lock an upload");
    mt_fail(err, MT_ERR_LOCKED, "another request writes to this upload and does not end");
    return mt_hint(err, "try again in a few seconds");
}

int mt_upload_open_held(struct mt_uploads *area, const char *id, int patience_ms,
                        struct mt_err *err)
{
    struct stat st;
    int fd = openat(area->dirfd, id, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return mt_fail(err, MT_ERR_NOT_FOUND, "the bytes of the upload '%s' are gone", id);
    if (fd < 0)
        return mt_fail_errno(err, "cannot open the upload '%s' in '%s'", id, area->dir);
    if (mt_upload_hold(fd, patience_ms, err) < 0)
        goto fail;
    if (fstat(fd, &st) < 0) {
        mt_fail_errno(err, "cannot look at the upload '%s'", id);
        goto fail;
    }
    if (st.st_nlink == 0) { /* removed while we waited */
        mt_fail(err, MT_ERR_NOT_FOUND, "the bytes of the upload '%s' are gone", id);
        goto fail;
    }
    return fd;
fail:
    mt_fd_close(&fd);
    return -1;
}
