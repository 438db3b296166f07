/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_scan.c - whether files are scanned for viruses, and by signatures of when. */
#include "status/doctor.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "proc/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEAD = 512, PATIENCE_MS = 5000, DAY_S = 86400, OLD_DAYS = 7, USELESS_DAYS = 30 };

/* --- signatures --- */

const char *mt_signature_dir(const struct mt_status *s)
{
    return s->signatures ? s->signatures : "/var/lib/clamav";
}

/* Seconds since 1970 at which the file was built: the last field of its head, else its own date. */
static int64_t built(int dir, const char *name)
{
    char head[HEAD + 1] = "";
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int64_t when = -1;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        mt_fd_close(&fd);
        return -1;
    }
    ssize_t n = mt_read_full(fd, head, HEAD);
    mt_fd_close(&fd);
    head[n > 0 ? n : 0] = '\0';
    char *last = mt_str_starts(head, "ClamAV-VDB:") ? strrchr(head, ':') : NULL;
    if (last)
        when = strtoll(last + 1, NULL, 10);
    return when > 0 ? when : st.st_mtim.tv_sec;
}

static bool is_signatures(const char *name)
{
    static const char *const ends[] = {".cvd", ".cld", ".hdb", ".ndb", ".ldb", ".hsb", ".cud"};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (mt_str_ends(name, ends[i]))
            return true;
    return false;
}

int64_t mt_signature_age(const char *dir)
{
    DIR *open = opendir(dir);
    struct dirent *entry;
    int64_t newest = -1;

    while (open && (entry = readdir(open))) {
        int64_t when = is_signatures(entry->d_name) ? built(dirfd(open), entry->d_name) : -1;
        newest = when > newest ? when : newest;
    }
    if (open)
        closedir(open);
    int64_t age = mt_now_us() / 1000000 - newest;
    return newest < 0 ? -1 : age > 0 ? age : 0;
}

static void check_signatures(struct mt_doctor *d)
{
    const char *dir = mt_signature_dir(d->s);
    int64_t age = mt_signature_age(dir);

    if (age < 0)
        mt_doctor_say(d, "signatures", MT_VERDICT_WARNING,
                      "apt install clamav-freshclam, and let it run once",
                      "there are none in '%s': no file can be found infected", dir);
    else if (age > USELESS_DAYS * DAY_S)
        mt_doctor_say(d, "signatures", MT_VERDICT_PROBLEM,
                      "systemctl restart clamav-freshclam, and see its log",
                      "those in '%s' are %lld days old", dir, (long long)(age / DAY_S));
    else if (age > OLD_DAYS * DAY_S)
        mt_doctor_say(d, "signatures", MT_VERDICT_WARNING,
                      "systemctl status clamav-freshclam: do updates arrive?",
                      "those in '%s' are %lld days old", dir, (long long)(age / DAY_S));
    else
        mt_doctor_say(d, "signatures", MT_VERDICT_OK, NULL, "those in '%s' are %lld h old", dir,
                      (long long)(age / 3600));
}

/* --- clamd --- */

/* Its answer to one command, or -1 with errno. */
static int ask(const char *path, const char *command, char *answer, size_t size)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int ret = -1;

    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
        send(fd, command, strlen(command) + 1, MSG_NOSIGNAL) > 0) {
        ssize_t n = poll(&wait, 1, PATIENCE_MS) == 1 ? read(fd, answer, size - 1) : 0;
        answer[n > 0 ? n : 0] = '\0';
        ret = n > 0 ? 0 : -1;
        errno = n > 0 ? 0 : ETIMEDOUT;
    }
    int saved = errno;
    mt_fd_close(&fd);
    errno = saved;
    return ret;
}

static bool check_clamd(struct mt_doctor *d, const char *path)
{
    char answer[256];
    struct stat st;

    if (stat(path, &st) < 0)
        return false;
    if (ask(path, "zVERSION", answer, sizeof answer) == 0) {
        char *shown = mt_text_printable(answer, 120);
        mt_doctor_say(d, "scanner", MT_VERDICT_OK, NULL, "clamd at '%s' answers: %s", path, shown);
        free(shown);
    } else {
        mt_doctor_say(d, "scanner", MT_VERDICT_PROBLEM,
                      errno == EACCES ? "let this user into the group clamav"
                                      : "systemctl restart clamav-daemon",
                      "clamd at '%s' does not answer: %s", path, strerror(errno));
    }
    return true;
}

/* MaxFileSize of clamd's configuration: above it clamd says clean and has not looked. */
static void check_limits(struct mt_doctor *d)
{
    struct mt_buf buf;
    struct mt_err ignored;

    mt_buf_init(&buf, 1 << 20);
    if (mt_read_file("/etc/clamav/clamd.conf", &buf, &ignored) == 0 && buf.data) {
        bool alerts =
            strstr(buf.data, "\nAlertExceedsMax true") || strstr(buf.data, "\nAlertExceedsMax yes");
        if (alerts)
            mt_doctor_say(d, "scanner_limits", MT_VERDICT_OK, NULL,
                          "clamd says when a file exceeds its limits");
        else
            mt_doctor_say(d, "scanner_limits", MT_VERDICT_WARNING,
                          "put AlertExceedsMax yes into /etc/clamav/clamd.conf",
                          "clamd calls files above its limits clean (media-ingest counts the bytes "
                          "and calls such scans incomplete)");
    }
    mt_buf_free(&buf);
}

void mt_doctor_scanner(struct mt_doctor *d)
{
    static const char *const sockets[] = {"/run/clamav/clamd.ctl", "/run/clamd.scan/clamd.sock"};
    char *helper = mt_sibling(d->s->run->dir, "media-scan");
    bool daemon = false;

    if (d->s->clamd)
        daemon = check_clamd(d, d->s->clamd);
    for (size_t i = 0; i < sizeof sockets / sizeof *sockets && !daemon; i++)
        daemon = check_clamd(d, sockets[i]);
    if (daemon)
        check_limits(d);
    else if (helper)
        mt_doctor_say(d, "scanner", MT_VERDICT_OK, NULL,
                      "media-scan (libclamav) is there; no clamd");
    else
        mt_doctor_say(d, "scanner", MT_VERDICT_WARNING,
                      "apt install clamav-daemon, or install media-scan",
                      "there is neither a clamd nor media-scan: files are taken in unscanned");
    check_signatures(d);
    free(helper);
}
