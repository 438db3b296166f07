/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media-status.c - what happened, what there is, what goes on. */
#include "cli/cli.h"
#include "drivers.h"
#include "status/status.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS = 80, LEAST_COLUMNS = 10, LIMIT = 20 };

struct settings {
    struct mt_common common;
    bool json;
    struct mt_status_filter filter;
    const char *db_read, *nginx, *clamd, *signatures, *output;
    struct mt_status_api api;
    struct mt_status_report report;
    int64_t interval_us;
};

static const char *const job_states[] = {"pending",   "processing", "completed", "failed",
                                         "cancelled", "dead",       NULL};
static const char *const asset_states[] = {"pending", "uploading", "processing", "completed",
                                           "held",    "rejected",  "failed",     NULL};
static const char *const job_types[] = {"ingest", "transcode", "thumbnail", "analyze", NULL};
static const char *const languages[] = {"en", "ar", NULL};
static const char *const asset_types[] = {"video", "audio", "image", NULL};

#define PAGE_OPTS                                                                                  \
    MT_INT(struct settings, filter.limit, 0, "limit", "N", 1, 1000000000, NULL,                    \
           "at most so many; 20 unless given"),                                                    \
        MT_STR(struct settings, filter.cursor, 0, "cursor", "TOKEN", NULL,                         \
               "go on behind a list whose last line has this as next")

static const struct mt_opt jobs_opts[] = {
    MT_CHOICE(struct settings, filter.status, 0, "status", "STATUS", job_states, NULL,
              "pending, processing, completed, failed ..."),
    MT_WORD(struct settings, filter.type, 0, "type", "TYPE", job_types, NULL,
            "ingest, transcode, thumbnail, analyze ..."),
    MT_STR(struct settings, filter.asset, 0, "asset", "ID", NULL, "jobs of this asset only"),
    PAGE_OPTS,
    {0},
};

static const struct mt_opt assets_opts[] = {
    MT_CHOICE(struct settings, filter.status, 0, "status", "STATUS", asset_states, NULL,
              "completed, held, rejected, failed, uploading ..."),
    MT_CHOICE(struct settings, filter.type, 0, "type", "TYPE", asset_types, NULL,
              "video, audio or image"),
    PAGE_OPTS,
    {0},
};

#define SIGNATURES_OPT                                                                             \
    MT_STR(struct settings, signatures, 0, "signatures", "DIR", NULL,                              \
           "where virus signatures are; /var/lib/clamav")

static const struct mt_opt doctor_opts[] = {
    MT_STR(struct settings, nginx, 0, "nginx", "FILE", NULL,
           "look at this configuration of nginx too"),
    MT_STR(struct settings, clamd, 0, "clamd", "SOCKET", NULL, "ask the clamd at this socket"),
    SIGNATURES_OPT,
    MT_STR(struct settings, api.jwks_file, 0, "jwks-file", "FILE", "api.jwks_file",
           "keys that media-api verifies tokens with"),
    MT_STR(struct settings, api.url_keys, 0, "url-keys", "FILE", "api.url_keys",
           "keys that media-api signs URLs with"),
    MT_STR(struct settings, api.uploads, 0, "uploads", "DIR", "uploads.directory",
           "where media-api collects uploads"),
    MT_STR(struct settings, api.rate_file, 0, "rate-file", "FILE", "api.rate_file",
           "where media-api keeps account of requests"),
    MT_STR(struct settings, api.listen, 0, "listen", "WHERE", "api.listen",
           "where media-api answers: unix:/path, or host:port"),
    {0},
};

static const struct mt_opt metrics_opts[] = {
    MT_STR(struct settings, output, 0, "output", "FILE", NULL,
           "replace this file, whole; default: standard output"),
    SIGNATURES_OPT,
    {0},
};

static const struct mt_opt report_opts[] = {
    MT_STR(struct settings, report.since, 0, "since", "DATE", NULL,
           "from this day or time on, in UTC"),
    MT_STR(struct settings, report.until, 0, "until", "DATE", NULL,
           "to the end of this day, or up to this time"),
    MT_FLAG(struct settings, report.csv, 0, "csv", "CSV instead of JSON or tables"),
    MT_STR(struct settings, report.html, 0, "html", "FILE", NULL,
           "a page of HTML into FILE; - is standard output"),
    MT_CHOICE(struct settings, report.lang, 0, "lang", "LANG", languages, NULL,
              "language of the page: en or ar"),
    {0},
};

static const struct mt_opt watch_opts[] = {
    MT_DURATION(struct settings, interval_us, 0, "interval", NULL,
                "look again after so long; 1 second unless given"),
    {0},
};

static const struct mt_opt opts[] = {
    MT_STR(struct settings, db_read, 0, "db-read", "URL", "db_read",
           "ask this replica of the database instead"),
    MT_FLAG(struct settings, json, 0, "json", "JSON on a terminal too, instead of tables"),
    MT_COMMON_OPTS(struct settings),
    {0},
};

static const struct mt_command commands[] = {
    {"job", "ID ...", "one job: state, progress, steps, error, results", NULL},
    {"asset", "[ID ...]", "one asset with its renditions, as its media document", NULL},
    {"jobs", "", "jobs, newest first", jobs_opts},
    {"assets", "", "assets, newest first", assets_opts},
    {"queue", "", "how many jobs wait, run and have ended", NULL},
    {"why", "ID ...", "what failed where, why, and what to run again", NULL},
    {"doctor", "", "whether this machine can do the work, safely", doctor_opts},
    {"metrics", "", "figures for Prometheus", metrics_opts},
    {"report", "[ID]", "what was done, how fast, what failed; or one asset", report_opts},
    {"watch", "", "what goes on, redrawn every second until q", watch_opts},
    {0},
};

static int (*const verbs[])(struct mt_status *s, struct mt_err *err) = {
    mt_status_job, mt_status_asset,  mt_status_jobs,    mt_status_assets, mt_status_queue,
    mt_status_why, mt_status_doctor, mt_status_metrics, mt_status_report, mt_status_watch,
};
_Static_assert(sizeof verbs / sizeof *verbs + 1 == sizeof commands / sizeof *commands,
               "each command has its function");

static const struct mt_example examples[] = {
    {"What became of a job, by the first digits of its id:", "media-status job 3f2a91c0"},
    {"An asset as the document that a pipeline would print:",
     "media-status asset 7b4e8d12 | jq .variants"},
    {"The jobs that failed lately:", "media-status jobs --status failed --limit 50"},
    {"Why a job failed, and what to do about it:", "media-status why 3f2a91c0"},
    {"Whether this machine can do the work, safely:", "media-status doctor"},
    {"Figures for the textfile collector of Prometheus:",
     "media-status metrics --output media.prom"},
    {"How much waits and what runs:", "media-status queue"},
    {"The assets that a pipeline has just made:", "media-ingest talk.mov | media-status asset"},
    {"What was done in January, as a page to open in a browser:",
     "media-status report --since 2026-01-01 --until 2026-01-31 --html report.html"},
    {NULL, NULL},
};

static const struct mt_cli cli = {
    .name = "media-status",
    .summary = "Says what there is and what happened; changes nothing.",
    .operands = "COMMAND [ID ...]",
    .opts = opts,
    .commands = commands,
    .examples = examples,
    .versions = mt_versions,
};

/* How wide the terminal is. */
static int columns(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return COLUMNS;
    return size.ws_col < LEAST_COLUMNS ? LEAST_COLUMNS : size.ws_col;
}

static int run(struct mt_run *r, void *settings, struct mt_err *err)
{
    const struct settings *set = settings;
    bool terminal = isatty(STDOUT_FILENO);
    struct mt_status s = {.run = r,
                          .common = &set->common,
                          .stores = mt_stores,
                          .dbs = mt_dbs,
                          .db_read = set->db_read,
                          .filter = set->filter,
                          .nginx = set->nginx,
                          .clamd = set->clamd,
                          .api = set->api,
                          .signatures = set->signatures,
                          .output = set->output,
                          .report = set->report,
                          .interval_us = set->interval_us,
                          .out = stdout,
                          .table = terminal && !set->json,
                          .indent = terminal,
                          .columns = terminal ? columns() : COLUMNS};
    int ret = verbs[r->command - commands](&s, err);

    mt_status_close(&s);
    return ret;
}

int main(int argc, char **argv)
{
    struct settings set = {
        .filter = {.limit = LIMIT}, .report = {.lang = "en"}, .interval_us = 1000000};

    return mt_main(&cli, argc, argv, &set, run);
}
