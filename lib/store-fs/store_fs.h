/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_fs.h - objects as files below one directory: "file:///srv/media".
 *
 * The key is the path below the directory. Nothing is ever reached through a
 * symbolic link inside the store, so whoever can plant one gains nothing; the
 * store's own directory may be reached through links. The URL is
 * percent-decoded; a '?' or '#' of a name is written %3F, %23.
 *
 * What is being written lies in ".tmp" of the store, each file under a lock
 * (flock) that its writer holds while it lives, also on another host over NFS;
 * sweeping removes what it can lock. Directories that became empty with the
 * last object go, the store's own stays. "lost+found" at the top is no part of
 * the store.
 *
 *   file:///dir        kept by the toolkit: directories have mode 0770, files
 *                      0640, less the umask: the group may read, and share the
 *                      store if the umask lets it write
 *   file:///dir?plain  a directory for people: modes 0777 and 0666 less the
 *                      umask, and ".tmp" goes at close when nobody needs it
 *
 * An fsync that fails is not tried again: the kernel may have dropped what it
 * could not write. The object is then discarded.
 */
#ifndef MT_STORE_FS_STORE_FS_H
#define MT_STORE_FS_STORE_FS_H

#include "store/store.h"

extern const struct mt_store_driver mt_store_fs;

#endif
