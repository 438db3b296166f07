/* SPDX-License-Identifier: GPL-2.0-or-later */
/* landlock.c - the jail's Landlock layer: every right handled, none granted but below a scratch
 * directory. */
#include "jail/layers.h"

#include "base/log.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Own names for what linux/landlock.h of the build machine may be too old to know. */
#define RULESET_VERSION 1U
#define FS_ABI1 ((UINT64_C(1) << 13) - 1) /* execute ... make_sym */
#define FS_REFER (UINT64_C(1) << 13)      /* ABI 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)   /* ABI 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15)  /* ABI 5 */
#define NET_TCP UINT64_C(3)               /* ABI 4: bind, connect */
#define SCOPES UINT64_C(3)                /* ABI 6: abstract unix sockets, signals */

#define BENEATH 1
#define FS_SCRATCH                                                                                 \
    (UINT64_C(1) << 1 | UINT64_C(1) << 2 |                                                         \
     UINT64_C(1) << 3 |                    /* write_file, read_file, read_dir */                   \
     UINT64_C(1) << 4 | UINT64_C(1) << 5 | /* remove_dir, remove_file */                           \
     UINT64_C(1) << 7 | UINT64_C(1) << 8)  /* make_dir, make_reg */

/* As struct landlock_path_beneath_attr. */
struct beneath {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net; /* ABI 4 */
    uint64_t scoped;             /* ABI 6 */
};

static long create(const struct ruleset *rules, size_t size, unsigned flags)
{
    return syscall(SYS_landlock_create_ruleset, rules, size, flags);
}

int mt_jail_landlock_abi(void)
{
    long abi = create(NULL, 0, RULESET_VERSION);

    return abi > 0 ? (int)abi : 0;
}

static size_t rules_of(int abi, struct ruleset *rules)
{
    *rules = (struct ruleset){.handled_access_fs = FS_ABI1};
    if (abi >= 2)
        rules->handled_access_fs |= FS_REFER;
    if (abi >= 3)
        rules->handled_access_fs |= FS_TRUNCATE;
    if (abi >= 4)
        rules->handled_access_net = NET_TCP;
    if (abi >= 5)
        rules->handled_access_fs |= FS_IOCTL_DEV;
    if (abi >= 6)
        rules->scoped = SCOPES;
    return abi >= 6   ? sizeof *rules
           : abi >= 4 ? offsetof(struct ruleset, scoped)
                      : offsetof(struct ruleset, handled_access_net);
}

static int permit(int ruleset, int abi, int scratch, struct mt_err *err)
{
    struct beneath rule = {.allowed_access = FS_SCRATCH | (abi >= 3 ? FS_TRUNCATE : 0),
                           .parent_fd = scratch};

    if (syscall(SYS_landlock_add_rule, ruleset, BENEATH, &rule, 0) < 0)
        return mt_fail_errno(err, "cannot permit a directory for temporary files");
    return 0;
}

int mt_jail_landlock(int scratch, struct mt_err *err)
{
    struct ruleset rules;
    int abi = mt_jail_landlock_abi();

    if (abi == 0 && scratch >= 0)
        return mt_fail(err, MT_ERR_UNAVAILABLE,
                       "the kernel offers no Landlock, without which archives are not unpacked");
    if (abi == 0) {
        mt_log(MT_LOG_DEBUG, "the kernel offers no Landlock: %s", strerror(errno));
        return 0;
    }
    size_t size = rules_of(abi, &rules);
    int fd = (int)create(&rules, size, 0);
    if (fd < 0)
        return mt_fail_errno(err, "cannot make a Landlock ruleset (ABI %d)", abi);
    int ret = scratch < 0 ? 0 : permit(fd, abi, scratch, err);
    if (ret == 0 && (ret = (int)syscall(SYS_landlock_restrict_self, fd, 0)) < 0)
        mt_fail_errno(err, "cannot enter the Landlock ruleset (ABI %d)", abi);
    close(fd);
    return ret;
}
