/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scan.c - a daemon may say what it likes: the verdict is right, or incomplete. */
#include "scan/scan.h"
#include "../tap.h"
#include "base/clock.h"
#include "base/mem.h"
#include "scan-clamd/scan_clamd.h"
#include "scan_fake.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#define FRESH "ClamAV 1.4.6"
#define SECOND INT64_C(1000000)
#define MIB INT64_C(1048576)

static char dir[] = "/tmp/mt-scan.XXXXXX";
static char sock[64], url[80];

/* A sparse file of that size, with text at an offset (NULL: none). */
static int file_with(int64_t size, const char *text, int64_t at)
{
    char path[64];

    snprintf(path, sizeof path, "%s/file", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, size) < 0 ||
        (text && pwrite(fd, text, strlen(text), at) != (ssize_t)strlen(text)))
        exit(1);
    return fd;
}

static struct mt_scan_result scan_fd(int fd, int64_t size, int64_t wall_us, int64_t max_age_us)
{
    static const struct mt_scan_driver *const drivers[] = {&mt_scan_clamd, NULL};
    struct mt_scan_config config = {.dir = ".", .max_age_us = max_age_us};
    struct mt_scan_request request = {.fd = fd, .size = size, .name = "f", .wall_us = wall_us};
    struct mt_scan_result result = {.verdict = MT_SCAN_SKIPPED};
    struct mt_scanner *scanner = NULL;
    struct mt_err err;

    if (mt_scan_open(&scanner, url, drivers, &config, &err) < 0 ||
        mt_scan_run(scanner, &request, &result, &err) < 0)
        snprintf(result.reason, sizeof result.reason, "failed: %.99s", err.msg);
    mt_scan_close(&scanner);
    return result;
}

/* One scan of a file by such a daemon. */
static struct mt_scan_result scan_by(struct fake f, int64_t size, const char *text, int64_t at)
{
    if (!f.version)
        f.version = FRESH;
    pid_t pid = fake_start(&f, sock);
    int fd = file_with(size, text, at);
    struct mt_scan_result r = scan_fd(fd, size, 3 * SECOND, 7 * 86400 * SECOND);

    close(fd);
    fake_stop(pid);
    return r;
}

static void expect(struct mt_scan_result r, enum mt_verdict verdict, const char *text,
                   const char *name)
{
    const char *said = verdict == MT_SCAN_INFECTED ? r.signature : r.reason;

    if (!OK(r.verdict == verdict && (!text || strstr(said, text)), name))
        printf("#   got %s, signature '%s', reason '%s'\n", mt_verdict_name(r.verdict), r.signature,
               r.reason);
}

static void test_whole(void)
{
    struct fake f = {.tells = true, .fildes = "fd[9]: OK", .instream = "stream: OK"};
    struct mt_scan_result r = scan_by(f, 1000, NULL, 0);

    expect(r, MT_SCAN_CLEAN, "", "what the daemon calls OK is clean");
    OK(r.bytes_scanned == 1000 && r.bytes_total == 1000 && r.windows == 0 && r.missed == 0,
       "as a whole, all of it");
    IS_STR(r.engine, FRESH, "the engine is named");
    OK(r.database_age_s == -1, "own signatures have no age that clamd would tell");
    r = scan_by(f, 300 * MIB, NULL, 0);
    OK(r.verdict == MT_SCAN_CLEAN && r.windows == 0, "one that tells its limits is believed");
    expect(scan_by(f, 0, NULL, 0), MT_SCAN_CLEAN, "", "nothing is clean");
    f.fildes = "fd[9]: Bad.Thing FOUND";
    expect(scan_by(f, 1000, NULL, 0), MT_SCAN_INFECTED, "Bad.Thing", "found is infected");
    f.fildes = "fd[9]: Heuristics.Limits.Exceeded.MaxRecursion FOUND";
    expect(scan_by(f, 1000, NULL, 0), MT_SCAN_INCOMPLETE, "MaxRecursion", "a limit is no virus");
    f.fildes = "fd[9]: Heuristics.Encrypted.Zip FOUND";
    expect(scan_by(f, 1000, NULL, 0), MT_SCAN_INCOMPLETE, "encrypted", "nor is a password");
    f.fildes = "fd[9]: Heuristics.Limits.Exceeded.MaxFileSize FOUND";
    r = scan_by(f, 30 * MIB, NULL, 0);
    OK(r.verdict == MT_SCAN_CLEAN && r.windows == 2, "over its size, windows follow");
    expect(scan_by(f, 30 * MIB, "PK\3\4", 0), MT_SCAN_INCOMPLETE, "packed",
           "but not for an archive");
}

static void test_windows(void)
{
    struct fake f = {.fildes = "fd[9]: OK", .instream = "stream: OK"};
    int64_t border = MT_CLAMD_WINDOW;
    struct mt_scan_result r = scan_by(f, 60 * MIB, NULL, 0);

    expect(r, MT_SCAN_CLEAN, "", "windows of a daemon that keeps its limits to itself");
    OK(r.bytes_scanned == 60 * MIB && r.windows == 3 && r.missed == MT_MISS_WINDOWS,
       "all bytes, three windows, and what could not apply");
    expect(scan_by(f, 60 * MIB, NEEDLE, 0), MT_SCAN_INFECTED, "Needle", "found at the beginning");
    expect(scan_by(f, 60 * MIB, NEEDLE, border - 10), MT_SCAN_INFECTED, "Needle",
           "found across the end of a window");
    expect(scan_by(f, 60 * MIB, NEEDLE, border - MT_SCAN_OVERLAP - 10), MT_SCAN_INFECTED, "Needle",
           "found across the beginning of the next");
    expect(scan_by(f, 60 * MIB, NEEDLE, 60 * MIB - (int64_t)strlen(NEEDLE)), MT_SCAN_INFECTED,
           "Needle", "found in the last bytes");
    r = scan_by(f, border, NULL, 0);
    OK(r.verdict == MT_SCAN_CLEAN && r.windows == 0, "what fits needs no windows");
    expect(scan_by(f, 5000, "PK\3\4", 0), MT_SCAN_INCOMPLETE, "AlertExceedsMax",
           "an archive may have hidden members from it");
    expect(scan_by(f, 5000, "PK\5\6", 4900), MT_SCAN_INCOMPLETE, "packed",
           "also one that is behind something else");
    f.instream = "stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND";
    expect(scan_by(f, 60 * MIB, NULL, 0), MT_SCAN_INCOMPLETE, "MaxScanTime", "a window's limit");
    f = (struct fake){.no_fildes = true, .instream = "stream: OK"};
    r = scan_by(f, 1000, NULL, 0);
    OK(r.verdict == MT_SCAN_CLEAN && r.windows == 0 && r.missed == 0,
       "without descriptors a small file goes as one stream");
    expect(scan_by(f, 1000, NEEDLE, 5), MT_SCAN_INFECTED, "Needle", "and is looked at");
}

static void test_trouble(void)
{
    const struct fake good = {.fildes = "fd[9]: OK", .instream = "stream: OK"};
    struct fake f = good;
    char babble[3000];

    memset(babble, 'x', sizeof babble);
    babble[sizeof babble - 1] = '\0';
    f.version = "SSH-2.0-OpenSSH_9.2";
    expect(scan_by(f, 1000, NULL, 0), MT_SCAN_INCOMPLETE, "does not speak", "no clamd at all");
    f.version = babble;
    expect(scan_by(f, 1000, NULL, 0), MT_SCAN_INCOMPLETE, "no end", "an endless answer");
    f = good;
    f.fildes = "fd[9]: what do I know";
    expect(scan_by(f, 1000, NULL, 0), MT_SCAN_INCOMPLETE, "what do I know", "garbage");
    f.fildes = "OK";
    expect(scan_by(f, 1000, NULL, 0), MT_SCAN_INCOMPLETE, NULL, "a word that is not the answer");
    f.fildes = NULL;
    expect(scan_by(f, 1000, NULL, 0), MT_SCAN_INCOMPLETE, "closed", "it closes the connection");
    f.fildes = "fd[9]: Can't allocate memory ERROR";
    expect(scan_by(f, 1000, NULL, 0), MT_SCAN_INCOMPLETE, "allocate", "it reports an error");
    f.fildes = FAKE_SILENT;
    int64_t began = mt_mono_us();
    expect(scan_by(f, 1000, NULL, 0), MT_SCAN_INCOMPLETE, "in time", "it never answers");
    OK(mt_mono_us() - began < 8 * SECOND, "and is not waited for beyond the limit");
    f = good;
    f.instream = FAKE_SILENT;
    expect(scan_by(f, 60 * MIB, NULL, 0), MT_SCAN_INCOMPLETE, "in time", "silent after a window");
    f.instream = NULL;
    expect(scan_by(f, 60 * MIB, NULL, 0), MT_SCAN_INCOMPLETE, "closed", "gone after a window");
    f = good;
    f.gone_after = 30 * MIB / 2;
    struct mt_scan_result r = scan_by(f, 60 * MIB, NULL, 0);
    expect(r, MT_SCAN_INCOMPLETE, NULL, "gone within a window");
    OK(r.bytes_scanned < r.bytes_total, "and not all bytes are counted");
    f = good;
    f.limit = 10 * MIB;
    expect(scan_by(f, 60 * MIB, NULL, 0), MT_SCAN_INCOMPLETE, "size limit exceeded",
           "its limit of streams is smaller");
    unlink(sock);
    int fd = file_with(10, NULL, 0);
    expect(scan_fd(fd, 10, 0, 0), MT_SCAN_INCOMPLETE, "cannot reach", "nobody is there");
    close(fd);
}

static void test_age(void)
{
    struct fake f = {.tells = true, .fildes = "fd[9]: OK"};
    time_t made = time(NULL) - 30 * 86400;
    struct tm tm;
    char version[80];

    localtime_r(&made, &tm);
    strftime(version, sizeof version, "ClamAV 1.4.6/27801/%a %b %e %H:%M:%S %Y", &tm);
    f.version = version;
    struct mt_scan_result r = scan_by(f, 1000, NULL, 0);
    expect(r, MT_SCAN_INCOMPLETE, "30 days old", "old signatures are no proof");
    IS_STR(r.engine, "ClamAV 1.4.6/27801", "the number of the signatures is told");
    OK(llabs(r.database_age_s - 30 * 86400) < 7200, "and their age");
    f.fildes = "fd[9]: Bad.Thing FOUND";
    expect(scan_by(f, 1000, NULL, 0), MT_SCAN_INFECTED, "Bad", "what they find is found");
    made = time(NULL) - 86400;
    localtime_r(&made, &tm);
    strftime(version, sizeof version, "ClamAV 1.4.6/27801/%a %b %e %H:%M:%S %Y", &tm);
    f.fildes = "fd[9]: OK";
    expect(scan_by(f, 1000, NULL, 0), MT_SCAN_CLEAN, "", "those of yesterday will do");
}

static void test_short_file(void)
{
    struct fake f = {.version = FRESH, .fildes = "fd[9]: OK", .instream = "stream: OK"};
    pid_t pid = fake_start(&f, sock);
    int fd = file_with(40 * MIB, NULL, 0);

    lseek(fd, 77, SEEK_SET);
    expect(scan_fd(fd, 60 * MIB, 0, 0), MT_SCAN_INCOMPLETE, "shorter", "a file that lost its end");
    OK(lseek(fd, 0, SEEK_CUR) == 77, "the caller's position is its own");
    close(fd);
    fake_stop(pid);
}

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static void test_cancel(void)
{
    static const struct mt_scan_driver *const drivers[] = {&mt_scan_clamd, NULL};
    struct fake f = {.version = FRESH, .fildes = FAKE_SILENT};
    struct mt_scan_config config = {.dir = "."};
    pid_t pid = fake_start(&f, sock);
    int fd = file_with(100, NULL, 0);
    struct mt_scan_request request = {.fd = fd, .size = 100, .name = "f", .cancelled = at_once};
    struct mt_scan_result result;
    struct mt_scanner *scanner = NULL;
    struct mt_err err = {.code = MT_OK};

    OK(mt_scan_open(&scanner, url, drivers, &config, &err) == 0 &&
           mt_scan_run(scanner, &request, &result, &err) == -1 && err.code == MT_ERR_CANCELLED,
       "a scan can be cancelled");
    mt_scan_close(&scanner);
    close(fd);
    fake_stop(pid);
}

static void test_port(void)
{
    static const struct mt_scan_driver *const drivers[] = {&mt_scan_clamd, &mt_scan_none, NULL};
    struct mt_scan_config config = {.dir = "."};
    struct mt_scanner *scanner = NULL;
    struct mt_scan_result r = {.verdict = MT_SCAN_CLEAN, .database_age_s = 5}, back;
    struct mt_err err;

    OK(mt_scan_open(&scanner, "norton:", drivers, &config, &err) == -1 &&
           err.code == MT_ERR_CONFIG && !scanner,
       "an unknown scanner");
    OK(strstr(mt_err_hint(&err), "clamd:, none:") != NULL, "and which are known");
    OK(mt_scan_open(&scanner, "clamd:relative", drivers, &config, &err) == -1, "a relative socket");
    OK(mt_scan_open(&scanner, "none:x", drivers, &config, &err) == -1, "none: takes nothing");
    snprintf(r.engine, sizeof r.engine, "E");
    mt_scan_found(&r, "Heuristics.Limits.Exceeded.MaxFiles");
    mt_scan_found(&r, "Evil\033[2J");
    mt_scan_found(&r, "Heuristics.Limits.Exceeded.MaxFiles");
    expect(r, MT_SCAN_INFECTED, "Evil\\x1b", "infected stays infected, its name printable");
    r.windows = 3;
    r.missed = MT_MISS_HASH | MT_MISS_SPAN;
    json_t *json = mt_scan_to_json(&r);
    mt_scan_from_json(json, &back);
    OK(back.verdict == r.verdict && back.missed == r.missed && back.windows == 3 &&
           back.database_age_s == 5 && strcmp(back.signature, r.signature) == 0 &&
           strcmp(back.engine, "E") == 0,
       "there and back as JSON");
    json_decref(json);
    mt_scan_from_json(NULL, &back);
    OK(back.verdict == MT_SCAN_INCOMPLETE, "no result is an incomplete one");
}

static void test_plan(void)
{
    int64_t from, len, end = 0, sum = 0;
    struct mt_windows w = {5000000001, MT_CLAMD_WINDOW};
    int n = mt_windows_count(&w);
    bool joined = true;

    for (int i = 0; i < n; i++) {
        sum += mt_windows_at(&w, i, &from, &len);
        joined &= i == 0 ? from == 0 : end - from == MT_SCAN_OVERLAP;
        joined &= len > 0 && len <= w.window;
        end = from + len;
    }
    OK(joined && end == w.size && sum == w.size,
       "windows overlap, cover all, count each byte once");
    w.size = w.window;
    OK(mt_windows_count(&w) == 1, "what fits is one window");
    w.size++;
    OK(mt_windows_count(&w) == 2 && mt_windows_at(&w, 1, &from, &len) == 1, "one byte more is two");
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(sock, sizeof sock, "%s/s", dir);
    snprintf(url, sizeof url, "clamd:%s", sock);
    test_port();
    test_plan();
    test_whole();
    test_windows();
    test_trouble();
    test_age();
    test_short_file();
    test_cancel();
    char *path = mt_asprintf("rm -rf '%s'", dir);
    int ret = system(path);
    free(path);
    return tap_done() || ret;
}
