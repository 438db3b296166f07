/* SPDX-License-Identifier: GPL-2.0-or-later */
/* landlock.c - the jail's Landlock layer: every right handled, none granted but below a scratch
 * directory. */
#include "jail/layers.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
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

static int permit(int ruleset, int fd, uint64_t access)
{
    struct beneath rule = {.allowed_access = access, .parent_fd = fd};

    return (int)syscall(SYS_landlock_add_rule, ruleset, BENEATH, &rule, 0);
}

static int permit_scratch(int ruleset, int abi, int scratch, struct mt_err *err)
{
    if (permit(ruleset, scratch, FS_SCRATCH | (abi >= 3 ? FS_TRUNCATE : 0)) < 0)
        return mt_fail_errno(err, "cannot permit a directory for temporary files");
    return 0;
}

static int enter(int ruleset, int abi, struct mt_err *err)
{
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        return mt_fail_errno(err, "cannot enter the Landlock ruleset (ABI %d)", abi);
    return 0;
}

static int make_ruleset(int abi, const struct ruleset *rules, size_t size, struct mt_err *err)
{
    int fd = (int)create(rules, size, 0);

    return fd < 0 ? mt_fail_errno(err, "cannot make a Landlock ruleset (ABI %d)", abi) : fd;
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
    int fd = make_ruleset(abi, &rules, size, err);
    if (fd < 0)
        return -1;
    int ret = scratch < 0 ? 0 : permit_scratch(fd, abi, scratch, err);
    if (ret == 0)
        ret = enter(fd, abi, err);
    close(fd);
    return ret;
}

/* What belongs to the system: programs, libraries, and what those read to start. */
static const char *const system_paths[] = {
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/opt",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/fonts",
    "/etc/mime.types",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/filesystems",
    "/proc/sys/vm",
    "/proc/self",
    "/sys/devices/system",
    NULL,
};

/* What names and certificates are looked up in. */
static const char *const network_paths[] = {
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/ca-certificates",
    "/etc/pki",
    "/etc/protocols",
    "/run/systemd/resolve",
    NULL,
};

static const char *const devices[] = {"/dev/null",   "/dev/zero",    "/dev/full",
                                      "/dev/random", "/dev/urandom", NULL};

/* Rights that make sense for a file that is no directory; others the kernel refuses. */
#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_WRITE (UINT64_C(1) << 1)
#define FS_READ (UINT64_C(1) << 2)
#define FS_LIST (UINT64_C(1) << 3)

static int permit_path(int ruleset, const char *path, uint64_t access, struct mt_err *err)
{
    struct stat st;
    int ret = 0;
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0)
        return 0;
    if (fstat(fd, &st) < 0 || permit(ruleset, fd, access | (S_ISDIR(st.st_mode) ? FS_LIST : 0)) < 0)
        ret = mt_fail_errno(err, "cannot permit '%s' in a Landlock ruleset", path);
    close(fd);
    return ret;
}

static int permit_paths(int ruleset, const char *const *paths, uint64_t access, struct mt_err *err)
{
    int ret = 0;

    for (; paths && *paths && ret == 0; paths++)
        ret = permit_path(ruleset, *paths, access, err);
    return ret;
}

int mt_jail_landlock_program(const struct mt_jail_program *program, struct mt_err *err)
{
    struct ruleset rules;
    int abi = mt_jail_landlock_abi();

    if (abi == 0) {
        mt_log(MT_LOG_DEBUG, "the kernel offers no Landlock: %s", strerror(errno));
        return 0;
    }
    size_t size = rules_of(abi, &rules);
    if (program->network)
        rules.handled_access_net = 0;
    int fd = make_ruleset(abi, &rules, size, err);
    if (fd < 0)
        return -1;
    int ret = permit_paths(fd, system_paths, FS_READ | FS_EXECUTE, err);
    if (ret == 0)
        ret = permit_paths(fd, program->readable, FS_READ | FS_EXECUTE, err);
    if (ret == 0)
        ret = permit_paths(fd, devices, FS_READ | FS_WRITE, err);
    if (ret == 0 && program->network)
        ret = permit_paths(fd, network_paths, FS_READ, err);
    if (ret == 0 && program->limits.scratch_fd >= 0)
        ret = permit_scratch(fd, abi, program->limits.scratch_fd, err);
    if (ret == 0)
        ret = enter(fd, abi, err);
    close(fd);
    return ret;
}
