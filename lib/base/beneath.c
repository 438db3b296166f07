/* SPDX-License-Identifier: GPL-2.0-or-later */
/* beneath.c - see beneath.h. */
#include "base/beneath.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* open() says ENOTDIR for a link that should have been a directory. */
static void tell_links(int dir, const char *name)
{
    struct stat st;
    int saved = errno;

    if (saved == ENOTDIR && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(st.st_mode))
        saved = ELOOP;
    errno = saved;
}

/* One name of one part. */
static int open_part(int dir, const char *name, int flags)
{
    int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        tell_links(dir, name);
    return fd;
}

int mt_dir_beneath(int root, const char *path, mode_t make, bool durable, char last[256])
{
    int dir = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    while (dir >= 0) {
        size_t n = strcspn(path, "/");
        if (n > 255) {
            errno = ENAMETOOLONG;
            break;
        }
        memcpy(last, path, n);
        last[n] = '\0';
        if (!path[n])
            return dir;
        if (make && mkdirat(dir, last, make) == 0) {
            if (durable && mt_fsync_dirfd(dir) < 0)
                break;
        } else if (make && errno != EEXIST) {
            break;
        }
        int next = open_part(dir, last, O_RDONLY | O_DIRECTORY);
        mt_fd_close(&dir);
        dir = next;
        path += n + 1;
    }
    mt_fd_close(&dir);
    return -1;
}

int mt_open_beneath(int root, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    char name[256];

    int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    /* EPERM: what some containers say to calls they do not know. */
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
        return fd;
    int dir = mt_dir_beneath(root, path, 0, false, name);
    if (dir < 0)
        return -1;
    fd = open_part(dir, name, flags);
    mt_fd_close(&dir);
    return fd;
}
