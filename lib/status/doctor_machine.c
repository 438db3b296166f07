/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_machine.c - kernel, clock and disks. */
#include "status/doctor.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#define GIB (INT64_C(1) << 30)
#define OLDEST_NOW INT64_C(1767225600) /* 2026-01-01: before that this program did not exist */

enum { LANDLOCK_VERSION = 1, LEAST_INODES = 1000, LEAST_BYTES = 100 << 20, LEAST_PERCENT = 5 };

/* --- disks --- */

/* The nearest directory above path that is there. free() it. */
static char *existing(const char *path)
{
    char *at = mt_strdup(*path ? path : "/");
    struct stat st;

    while (stat(at, &st) < 0 && strcmp(at, "/") != 0 && strchr(at, '/')) {
        char *slash = strrchr(at, '/');
        slash[slash == at] = '\0';
    }
    return at;
}

void mt_doctor_space(struct mt_doctor *d, const char *name, const char *path)
{
    char *at = existing(path);
    struct statvfs fs;
    char free_text[MT_FIGURE], all_text[MT_FIGURE];

    if (statvfs(at, &fs) < 0) {
        mt_doctor_say(d, name, MT_VERDICT_UNKNOWN, NULL, "'%s': %s", at, strerror(errno));
        free(at);
        return;
    }
    int64_t left = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    int64_t all = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize;
    bool no_inodes = fs.f_files > 0 && fs.f_favail < LEAST_INODES;
    bool few_inodes = fs.f_files > 0 && fs.f_favail < fs.f_files / 100 * LEAST_PERCENT;
    bool low = left < GIB || left < all / 100 * LEAST_PERCENT;
    enum mt_verdict v = left < LEAST_BYTES || no_inodes ? MT_VERDICT_PROBLEM
                        : low || few_inodes             ? MT_VERDICT_WARNING
                                                        : MT_VERDICT_OK;
    mt_doctor_say(d, name, v,
                  v == MT_VERDICT_OK ? NULL
                  : low              ? "free some space, or move it to a larger disk"
                                     : "remove small files there: inodes run out before bytes do",
                  "%s of %s and %llu inodes are free where '%s' is", mt_show_bytes(left, free_text),
                  mt_show_bytes(all, all_text), (unsigned long long)fs.f_favail, path);
    free(at);
}

/* --- kernel --- */

static void check_landlock(struct mt_doctor *d)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);

    if (abi >= 1)
        mt_doctor_say(d, "landlock", MT_VERDICT_OK, NULL, "ABI %ld", abi);
    else
        mt_doctor_say(d, "landlock", MT_VERDICT_WARNING,
                      errno == EOPNOTSUPP
                          ? "boot with lsm=landlock,... on the kernel's command line"
                          : "use Linux 5.13 or newer; in a container, a runtime that "
                            "lets these calls through",
                      "the kernel has none (%s): decoders are kept from files by seccomp alone",
                      strerror(errno));
}

/* The file's text without its newline. free() it; NULL if there is none. */
static char *text_of(const char *path)
{
    struct mt_buf buf;
    struct mt_err ignored;

    mt_buf_init(&buf, 65536);
    if (mt_read_file(path, &buf, &ignored) < 0) {
        mt_buf_free(&buf);
        return NULL;
    }
    char *text = mt_strndup(buf.data ? buf.data : "", strcspn(buf.data ? buf.data : "", "\n"));
    mt_buf_free(&buf);
    return text;
}

static void check_seccomp(struct mt_doctor *d)
{
    char *actions = text_of("/proc/sys/kernel/seccomp/actions_avail");

    if (actions && strstr(actions, "kill_process") && strstr(actions, "errno"))
        mt_doctor_say(d, "seccomp", MT_VERDICT_OK, NULL, "%s", actions);
    else
        mt_doctor_say(d, "seccomp", MT_VERDICT_PROBLEM, "use a kernel with CONFIG_SECCOMP_FILTER",
                      "%s: foreign files would be decoded without a jail",
                      actions ? "filters cannot kill a process" : "the kernel has no filters");
    free(actions);
}

/* Only for other sandboxes around the programs: the jail does without. */
static void check_namespaces(struct mt_doctor *d)
{
    char *most = text_of("/proc/sys/user/max_user_namespaces");
    char *clone = text_of("/proc/sys/kernel/unprivileged_userns_clone");
    char *apparmor = text_of("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
    bool off = !most || strcmp(most, "0") == 0 || (clone && strcmp(clone, "0") == 0);
    bool restricted = apparmor && strcmp(apparmor, "1") == 0;

    mt_doctor_say(d, "user_namespaces", MT_VERDICT_OK, NULL,
                  "%s; the jail does not need them (it uses seccomp and Landlock)",
                  off          ? "not available"
                  : restricted ? "restricted by AppArmor"
                               : "available");
    free(apparmor);
    free(clone);
    free(most);
}

/* --- clock --- */

/* The newest time that any row bears; 0 if nobody can tell. */
static int64_t newest_row(struct mt_doctor *d)
{
    struct mt_err ignored;
    struct mt_db *db = NULL;
    int64_t us = 0;

    if (mt_db_open(&db, d->s->common->db, d->s->dbs, MT_DB_READ, &ignored) < 0)
        return 0;
    json_t *row =
        mt_db_row(db, &ignored,
                  "SELECT created_at FROM processing_jobs ORDER BY created_at DESC LIMIT 1", "");
    const char *at = json_string_value(json_object_get(row, "created_at"));
    if (!at || mt_time_parse(at, &us, &ignored) < 0)
        us = 0;
    json_decref(row);
    mt_db_close(&db);
    return us;
}

static void check_clock(struct mt_doctor *d)
{
    struct timex state = {0};
    int64_t now = mt_now_us();
    int64_t ahead_s = (newest_row(d) - now) / 1000000;
    char text[MT_TIME_TEXT];

    mt_time_text(now, text);
    if (now / 1000000 < OLDEST_NOW)
        mt_doctor_say(d, "clock", MT_VERDICT_PROBLEM, "set it: systemctl start systemd-timesyncd",
                      "%s is before this program was written", text);
    else if (ahead_s > 300)
        mt_doctor_say(d, "clock", MT_VERDICT_PROBLEM,
                      "compare the clocks of all machines that share the database",
                      "the database has a job that was made %lld s from now: this clock is behind, "
                      "or another was ahead",
                      (long long)ahead_s);
    else if (adjtimex(&state) < 0 || (state.status & STA_UNSYNC))
        mt_doctor_say(d, "clock", MT_VERDICT_WARNING,
                      "systemctl enable --now systemd-timesyncd (or chrony, ntpd)",
                      "%s, and nothing keeps it right: leases, ages and orders rest on it", text);
    else
        mt_doctor_say(d, "clock", MT_VERDICT_OK, NULL, "%s, kept right by the system", text);
}

void mt_doctor_machine(struct mt_doctor *d)
{
    check_landlock(d);
    check_seccomp(d);
    check_namespaces(d);
    check_clock(d);
    mt_doctor_space(d, "temporary_space", "/var/tmp");
}
