/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store-fs-faults.c - a store of files on disks that are full, broken or closed. */
#include "fs_help.h"

#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* Kernel calls of this process that fail from now on with the errno e. */
static int break_call(int nr, unsigned e)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | e),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {sizeof code / sizeof *code, code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
               ? -1
               : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static int put_without_fsync(void)
{
    struct mt_store *s = open_store("sync", "", true);

    if (!s || put(s, "a/k", "old") < 0 || break_call(SYS_fsync, EIO) < 0)
        return 1;
    if (put(s, "a/k", "newer") == 0 || err.code != MT_ERR_IO || !strstr(err.msg, "a/k"))
        return 2;
    if (put(s, "b/k", "newer") == 0 || err.os_errno != EIO)
        return 3;
    int64_t size = 0;
    if (mt_store_stat(s, "a/k", &size, &err) < 0 || size != 3 || count(s) != 1)
        return 4;
    mt_store_close(&s);
    return entries("sync") == 2 && entries("sync/.tmp") == 0 ? 0 : 5;
}

/* Two puts committed together; 0 when both are there. */
static int put_two(struct mt_store *s, const char *a, const char *b)
{
    struct mt_put *puts[2];
    const char *sums[2] = {NULL, NULL};

    if (mt_store_begin(s, a, &puts[0], &err) < 0 || mt_store_begin(s, b, &puts[1], &err) < 0 ||
        mt_put_write(puts[0], "one", 3, &err) < 0 || mt_put_write(puts[1], "two", 3, &err) < 0)
        return -1;
    return mt_puts_commit(puts, sums, 2, &err);
}

static int put_many_without_fsync(void)
{
    struct mt_store *s = open_store("sync2", "", true);

    if (!s || put_two(s, "a/k", "a/l") < 0 || break_call(SYS_fsync, EIO) < 0)
        return 1;
    if (put_two(s, "b/k", "c/l") == 0 || err.os_errno != EIO || !strstr(err.msg, "b/k"))
        return 2;
    if (count(s) != 2)
        return 3;
    mt_store_close(&s);
    return entries("sync2") == 2 && entries("sync2/.tmp") == 0 ? 0 : 4;
}

static int put_many_without_rename(void)
{
    struct mt_store *s = open_store("rename2", "", true);

    if (!s || put_two(s, "a/k", "a/l") < 0 || break_call(SYS_renameat, ENOSPC) < 0)
        return 1;
    if (put_two(s, "a/k", "b/c/k") == 0 || err.code != MT_ERR_NO_SPACE ||
        entries("rename2/b") != -1)
        return 2;
    mt_store_close(&s);
    return entries("rename2/.tmp") == 0 && entries("rename2/a") == 2 ? 0 : 3;
}

static int put_without_rename(void)
{
    struct mt_store *s = open_store("rename", "", true);

    if (!s || put(s, "a/k", "old") < 0 || break_call(SYS_renameat, ENOSPC) < 0)
        return 1;
    if (put(s, "a/k", "newer") == 0 || err.code != MT_ERR_NO_SPACE || !strstr(err.msg, top))
        return 2;
    if (put(s, "b/c/k", "newer") == 0 || entries("rename/b") != -1 || entries("rename/a") != 1)
        return 3;
    mt_store_close(&s);
    return entries("rename/.tmp") == 0 ? 0 : 4;
}

static int put_too_large(void)
{
    struct mt_store *s = open_store("limit", "", true);
    struct mt_put *p;
    char block[4096] = "";

    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){65536, 65536});
    if (!s || mt_store_begin(s, "a/k", &p, &err) < 0)
        return 1;
    int i = 0;
    while (i < 100 && mt_put_write(p, block, sizeof block, &err) == 0)
        i++;
    if (i != 16 || err.code != MT_ERR_IO || err.os_errno != EFBIG || !strstr(err.msg, "a/k"))
        return 2;
    err.code = MT_OK;
    if (mt_put_commit(&p, NULL, &err) == 0 || p || err.os_errno != EFBIG)
        return 3;
    int n = count(s);
    mt_store_close(&s);
    return n == 0 && entries("limit") == 1 && entries("limit/.tmp") == 0 ? 0 : 4;
}

enum { CANNOT_MOUNT = 77 };

/* A small file system of its own at name, seen by this process only. */
static int mount_small(const char *name)
{
    char *path = below(name);
    int ret = unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                      mkdir(path, 0700) < 0 || mount("mt", path, "tmpfs", 0, "size=256k") < 0
                  ? -1
                  : 0;

    free(path);
    return ret;
}

static int put_on_full_disk(void)
{
    char block[4096] = "";
    struct mt_put *p;

    if (mount_small("small") < 0)
        return CANNOT_MOUNT;
    struct mt_store *s = open_store("small/store", "", true);
    if (!s || put(s, "first", "kept") < 0 || mt_store_begin(s, "a/k", &p, &err) < 0)
        return 1;
    int i = 0;
    while (i < 100 && mt_put_write(p, block, sizeof block, &err) == 0)
        i++;
    if (i == 100 || err.code != MT_ERR_NO_SPACE || !strstr(err.msg, "a/k"))
        return 2;
    mt_put_abort(&p);
    if (count(s) != 1 || entries("small/store/.tmp") != 0 || put(s, "second", "fits") < 0)
        return 3;
    mt_store_close(&s);
    return 0;
}

static int put_on_read_only_disk(void)
{
    if (mount_small("ro") < 0)
        return CANNOT_MOUNT;
    struct mt_store *s = open_store("ro/store", "", true);
    if (!s || put(s, "a/k", "kept") < 0)
        return 1;
    char *path = below("ro");
    mt_store_close(&s);
    int r = mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY, NULL);
    free(path);
    if (r < 0)
        return CANNOT_MOUNT;
    s = open_store("ro/store", "", true);
    if (!s || put(s, "b", "x") == 0 || err.code != MT_ERR_READ_ONLY)
        return 2;
    if (mt_store_remove(s, "a/k", &err) == 0 || err.code != MT_ERR_READ_ONLY)
        return 3;
    r = mt_store_stat(s, "a/k", NULL, &err);
    mt_store_close(&s);
    return r < 0 ? 4 : 0;
}

static int put_without_permission(void)
{
    char *path = below("denied"), *inner = below("denied/store/x"), *key = below("denied/k");
    struct mt_store *s = open_store("denied", "", true), *t = NULL;
    int ret = 0;

    if (!s || put(s, "k", "x") < 0 || chmod(key, 0) < 0 || chmod(path, 0555) < 0)
        return 1;
    mt_store_close(&s);
    if (geteuid() == 0 &&
        (chmod(top, 0755) < 0 || setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
         setresuid(65534, 65534, 65534) < 0))
        return CANNOT_MOUNT;
    char *url = mt_path_to_file_url(inner);
    s = open_store("denied", "", true);
    if (!s || put(s, "l", "x") == 0 || err.code != MT_ERR_READ_ONLY || !strstr(err.msg, path))
        ret = 2;
    else if (mt_store_open(&t, url, drivers, true, &err) == 0 || err.code != MT_ERR_READ_ONLY)
        ret = 3;
    else if (mt_store_get(s, "k", &err) >= 0 || err.code != MT_ERR_UNREADABLE)
        ret = 4;
    mt_store_close(&s);
    free(url);
    free(key);
    free(inner);
    free(path);
    return ret;
}

static void in_child(int (*what)(void), const char *name)
{
    int status = status_of(spawn(what));

    if (status == CANNOT_MOUNT)
        printf("ok %d - %s # SKIP this user may not do that here\n", ++tap_count, name);
    else if (!OK(status == 0, name))
        printf("#   the child ended with %d\n", status);
}

int main(void)
{
    umask(022);
    make_top();
    in_child(put_without_fsync, "an fsync that fails: an error, the older object, nothing else");
    in_child(put_many_without_fsync, "many with an fsync that fails: an error, none of them");
    in_child(put_many_without_rename, "many without rename: an error, nothing left of them");
    in_child(put_without_rename, "a rename that fails: no directories are left either");
    in_child(put_too_large, "a file size limit: an error that stays, and nothing left");
    in_child(put_on_full_disk, "a full disk: no_space, nothing left, usable afterwards");
    in_child(put_on_read_only_disk, "a read-only file system");
    in_child(put_without_permission, "a directory without write permission");
    char *denied = below("denied");
    OK(chmod(denied, 0755) == 0, "to be removed again");
    free(denied);
    remove_top();
    return tap_done();
}
