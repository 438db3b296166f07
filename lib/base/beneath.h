/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * beneath.h - names below a directory, without following a link.
 *
 * Whoever may write below a directory could make a part of a name a symbolic link, also in the
 * moment between a look and an open. These open what lies below root or nothing: by openat2(2)
 * with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, or part by part where the kernel lacks it. A link
 * on the way is ELOOP.
 */
#ifndef MT_BASE_BENEATH_H
#define MT_BASE_BENEATH_H

#include <stdbool.h>
#include <sys/types.h>

/* As open(2), close-on-exec, at a directory. path is relative. -1 with errno. */
int mt_open_beneath(int root, const char *path, int flags);

/*
 * Opens the directory that holds path, whose last part is copied to last. make, unless 0: creates
 * what is missing with this mode, for good if durable. -1 with errno.
 */
int mt_dir_beneath(int root, const char *path, mode_t make, bool durable, char last[256]);

#endif
