/* SPDX-License-Identifier: GPL-2.0-or-later */
/* file.h - descriptors and files, with the loops and the fsyncs done right. */
#ifndef MT_BASE_FILE_H
#define MT_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Makes sure that descriptors 0, 1 and 2 are taken, so that no file of ours
 * becomes stdout. Those that were closed still fail when used.
 */
void mt_fds_reserve(void);

/* Closes *fd unless it is -1, and sets it to -1. Leaves errno alone. */
void mt_fd_close(int *fd);

/* Writes all n bytes; EINTR and short writes are dealt with. -1 with errno. */
int mt_write_all(int fd, const void *data, size_t n) MT_MUST_USE;

/* Reads until n bytes or end of file. Returns the number read, or -1 with errno. */
ssize_t mt_read_full(int fd, void *data, size_t n) MT_MUST_USE;

/* As mt_read_full(), but a signal after which stopped() is not 0 ends it: -1 with EINTR. */
ssize_t mt_read_unless(int fd, void *data, size_t n, int (*stopped)(void)) MT_MUST_USE;

/* As mt_read_full(), at offset, without moving the descriptor's position. */
ssize_t mt_pread_full(int fd, void *data, size_t n, int64_t offset) MT_MUST_USE;

/* Appends the whole file at path to buf. */
int mt_read_file(const char *path, struct mt_buf *buf, struct mt_err *err) MT_MUST_USE;

/*
 * Opens a file that is to be read as media: close-on-exec, without waiting for
 * a FIFO's writer; fails unless it is a regular file, with MT_ERR_NOT_REGULAR,
 * MT_ERR_NO_FILE, MT_ERR_UNREADABLE. *st is filled in. Returns the
 * descriptor, which the caller closes.
 */
int mt_open_regular(const char *path, struct stat *st, struct mt_err *err) MT_MUST_USE;

/*
 * The same for a name that was found below a directory: its first `given` bytes are the name of
 * that directory, as the user gave it; in the rest no symbolic link is followed, also if a
 * directory has become one since. A link is MT_ERR_NOT_REGULAR.
 */
int mt_open_found(const char *path, size_t given, struct stat *st, struct mt_err *err) MT_MUST_USE;

/* As open(2) for such a name, of a file or a directory. -1 with errno. */
int mt_open_below(const char *path, size_t given, int flags) MT_MUST_USE;

/*
 * Creates the directory and what is missing above it, durably, mode 0777 less
 * the umask. MT_ERR_NO_FILE when something that is no directory is in the way.
 */
int mt_mkdirs(const char *path, struct mt_err *err) MT_MUST_USE;

/*
 * fsync()s the directory at path, so that renames into it survive a power cut.
 * File systems that cannot do that to a directory (EINVAL) count as done.
 */
int mt_fsync_dir(const char *path, struct mt_err *err) MT_MUST_USE;

/* The same for a descriptor of the directory. -1 with errno. */
int mt_fsync_dirfd(int fd) MT_MUST_USE;

/*
 * Replaces the file at path by the n bytes, so that a reader sees all of the
 * old or all of the new, also after a power cut: temporary name, fsync,
 * rename, fsync of the directory. The mode is that of the older file, else 0666
 * less the umask. Temporary names begin with ".tmp-".
 */
int mt_write_file(const char *path, const void *data, size_t n, struct mt_err *err) MT_MUST_USE;

#endif
