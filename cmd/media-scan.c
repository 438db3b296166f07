/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media-scan.c - whether media files are infected; also media-ingest's jailed helper. */
#include "base/clock.h"
#include "base/log.h"
#include "clam/clam.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "each/each.h"
#include "scan/scan.h"
#include "scanners.h"
#include "store-fs/store_fs.h"
#include "store/store.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct settings {
    struct mt_common common;
    bool serve;
    const char *scanner, *database;
    int64_t max_age_us, timeout_us;
};

static const struct mt_opt opts[] = {
    MT_STR(struct settings, scanner, 0, "scanner", "URL", "scanning.scanner",
           "clamd:/socket or clamav:[/database]; default: what is there"),
    MT_DURATION(struct settings, max_age_us, 0, "scan-max-age", "scanning.max_age",
                "a clean scan by older signatures is incomplete"),
    MT_DURATION(struct settings, timeout_us, 0, "scan-timeout", "scanning.timeout",
                "longest scan of one file; default: by its size"),
    MT_FLAG(struct settings, serve, 0, "serve", "answer another program on a socket at stdin"),
    MT_STR(struct settings, database, 0, "database", "PATH", NULL, "signatures that --serve uses"),
    MT_COMMON_OPTS(struct settings),
    {0},
};

static const struct mt_example examples[] = {
    {"Is anything known to be in it:", "media-scan talk.mov | jq -r .asset.scan.verdict"},
    {"Without a daemon, by the library:", "media-scan --scanner clamav: *.mp4"},
    {NULL, NULL},
};

static const struct mt_cli cli = {
    .name = "media-scan",
    .summary = "Says whether files are infected, and how much of them was looked at.",
    .operands = "[FILE ...]",
    .opts = opts,
    .examples = examples,
    .versions = mt_clam_versions,
};

static const struct mt_store_driver *const stores[] = {&mt_store_fs, NULL};

struct job {
    const struct settings *set;
    struct mt_scanner *scanner;
};

static bool stopped(void *ctx)
{
    (void)ctx;
    mt_progress_poll();
    return mt_stop_signal() != 0;
}

static void show(void *ctx, int64_t bytes)
{
    (void)ctx;
    mt_progress_update(bytes, 0);
}

/* Scans what is behind fd and puts the verdict into the document. */
static int scan(void *ctx, json_t *doc, int fd, const char *name, struct mt_err *err)
{
    struct job *job = ctx;
    json_t *asset = json_object_get(doc, "asset");
    int64_t began = mt_mono_us();
    struct mt_scan_result result;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return mt_fail_errno(err, "cannot stat '%s'", name);
    struct mt_scan_request request = {.fd = fd,
                                      .size = st.st_size,
                                      .name = name,
                                      .wall_us = job->set->timeout_us,
                                      .cancelled = stopped,
                                      .progress = show};
    mt_progress_update(0, st.st_size);
    if (mt_scan_run(job->scanner, &request, &result, err) < 0)
        return -1;
    if (!json_object_get(asset, "content_type"))
        json_object_set_new(asset, "content_type", json_null());
    json_object_set_new(asset, "file_size", json_integer(st.st_size));
    json_object_set_new(asset, "scan", mt_scan_to_json(&result));
    if (result.verdict == MT_SCAN_INFECTED)
        return mt_fail(err, MT_ERR_INFECTED, "'%s' is infected: %s", name, result.signature);
    if (result.unreachable)
        return mt_fail(err, MT_ERR_BUSY, "'%s' was not scanned: %s", name, result.reason);
    if (result.verdict == MT_SCAN_INCOMPLETE)
        mt_log(MT_LOG_WARN, "'%s' was not scanned completely: %s", name, result.reason);
    mt_doc_set_stage(doc, "scan", result.verdict == MT_SCAN_CLEAN ? "completed" : "degraded", NULL,
                     (mt_mono_us() - began) / 1000);
    return 0;
}

static int serve(const struct settings *set, struct mt_err *err)
{
    const char *tmp = getenv("TMPDIR");
    struct mt_clam *clam = NULL;

    if (mt_clam_open(&clam, set->database, tmp && *tmp ? tmp : "/var/tmp", err) < 0)
        return -1;
    int ret = mt_clam_serve(clam, STDIN_FILENO, err);
    mt_clam_close(&clam);
    return ret;
}

static int run(struct mt_run *r, void *settings, struct mt_err *err)
{
    const struct settings *set = settings;
    struct job job = {.set = set};
    struct mt_scan_config config = {.dir = r->dir, .max_age_us = set->max_age_us};
    struct mt_each each = {.stage = "scan",
                           .common = &set->common,
                           .stores = stores,
                           .unit = MT_UNIT_BYTES,
                           .look = scan,
                           .ctx = &job};
    int ret = -1;

    if (set->serve)
        return serve(set, err);
    if (mt_scan_open(&job.scanner, set->scanner, mt_scanners, &config, err) < 0)
        return -1;
    if (strcmp(mt_scan_scheme(job.scanner), "none") == 0) {
        mt_fail(err, MT_ERR_UNAVAILABLE, "there is no virus scanner");
        mt_hint(err, "install clamav-daemon, or give --scanner");
    } else {
        ret = mt_each_run(&each, r, err);
    }
    mt_scan_close(&job.scanner);
    return ret;
}

int main(int argc, char **argv)
{
    struct settings set = {.max_age_us = 7 * 86400 * 1000000LL};

    return mt_main(&cli, argc, argv, &set, run);
}
