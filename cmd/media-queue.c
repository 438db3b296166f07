/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media-queue.c - jobs: submitted, leased, worked on, ended. */
#include "cli/cli.h"
#include "drivers.h"
#include "work/commands.h"

#define SECONDS(n) (INT64_C(1000000) * (n))

struct settings {
    struct mt_common common;
    struct mt_work work;
    const char *profile;
};

static const char *const ends[] = {"completed", "failed", "cancelled", NULL};
static const char *const outcomes[] = {"ok", "degraded", "not_applicable", NULL};
static const char *const types[] = {"ingest", "transcode", "thumbnail", "analyze", NULL};
static const char *const classes[] = {"cpu", "gpu", "io", NULL};
static const char *const final_states[] = {"completed", "failed", "cancelled", "dead", NULL};

#define JOB_OPTS                                                                                   \
    MT_STR(struct settings, work.job.asset, 0, "asset", "ID", NULL, "the asset that it is about"), \
        MT_STR(struct settings, work.job.parameters, 0, "parameters", "JSON", NULL,                \
               "an object for its handler"),                                                       \
        MT_INT(struct settings, work.job.priority, 0, "priority", "N", -100, 100, NULL,            \
               "higher is first; 0 unless given"),                                                 \
        MT_WORD(struct settings, work.job.class, 0, "class", "CLASS", classes, NULL,               \
                "which workers take it: cpu, gpu, io ..."),                                        \
        MT_STR(struct settings, work.job.needs, 0, "needs", "LIST", NULL,                          \
               "what a worker must have, with commas between"),                                    \
        MT_STR(struct settings, work.job.unique, 0, "unique", "KEY", NULL,                         \
               "identical work: one job of this key at a time"),                                   \
        MT_FLAG(struct settings, work.job.unless_done, 0, "unless-done",                           \
                "nor again when --unique was completed before"),                                   \
        MT_DURATION(struct settings, work.job.timeout_us, 0, "timeout", NULL,                      \
                    "the longest that one attempt may take"),                                      \
        MT_INT(struct settings, work.job.attempts, 0, "max-attempts", "N", 1, 100, NULL,           \
               "then it is dead; 5 unless given"),                                                 \
        MT_STR(struct settings, work.job.parent, 0, "parent", "ID", NULL, "the job it is part of")

#define LEASE_OPT                                                                                  \
    MT_DURATION(struct settings, work.lease_us, 0, "lease", "queue.lease",                         \
                "how long a lease lasts; 60 seconds unless given")
#define BACKOFF_OPTS                                                                               \
    MT_DURATION(struct settings, work.backoff_us, 0, "backoff", "queue.backoff",                   \
                "wait after the first failure; 10 seconds"),                                       \
        MT_DURATION(struct settings, work.backoff_max_us, 0, "backoff-max", "queue.backoff_max",   \
                    "longest wait between attempts; an hour")
#define TOKEN_OPT                                                                                  \
    MT_INT(struct settings, work.token, 0, "token", "N", 1, INT64_MAX, NULL,                       \
           "of the lease; default: MEDIA_LEASE_TOKEN")
#define FILTER_OPTS                                                                                \
    MT_LIST(struct settings, work.filter.types, 0, "types", "LIST", types, NULL,                   \
            "jobs of these types only"),                                                           \
        MT_LIST(struct settings, work.filter.classes, 0, "class", "LIST", classes, NULL,           \
                "jobs of these classes only"),                                                     \
        MT_STR(struct settings, work.filter.has, 0, "has", "LIST", NULL,                           \
               "what this worker has, for jobs that need it")
#define WORKER_OPT(help)                                                                           \
    MT_STR(struct settings, work.filter.worker, 0, "worker", "NAME", NULL, help)

static const struct mt_opt submit_opts[] = {
    JOB_OPTS,
    MT_FLAG(struct settings, work.job.unless_known, 0, "unless-known",
            "nor again when --unique has ended before, in any way"),
    MT_DURATION(struct settings, work.job.delay_us, 0, "delay", NULL,
                "not before so long from now"),
    MT_STR(struct settings, work.job.schedule, 0, "schedule", "WINDOW", NULL,
           "start only then: 22:00-06:00"),
    MT_STR(struct settings, work.job.after, 0, "after", "ID,...", NULL,
           "when these jobs are completed"),
    MT_FLAG(struct settings, work.job.after_any, 0, "even-if-failed",
            "with --after: also when they have failed"),
    MT_FLAG(struct settings, work.atomic, 0, "atomic", "all lines of the input or none"),
    {0},
};

static const struct mt_opt claim_opts[] = {
    FILTER_OPTS,
    WORKER_OPT("what to call this worker"),
    MT_INT(struct settings, work.count, 0, "count", "N", 1, 1000, NULL, "jobs at most; 1"),
    LEASE_OPT,
    {0},
};

static const struct mt_opt heartbeat_opts[] = {TOKEN_OPT, LEASE_OPT, {0}};
static const struct mt_opt release_opts[] = {TOKEN_OPT, {0}};

static const struct mt_opt progress_opts[] = {
    TOKEN_OPT,
    MT_INT(struct settings, work.percent, 0, "percent", "N", 0, 100, NULL, "how far it is"),
    MT_STR(struct settings, work.step, 0, "step", "NAME", NULL, "what goes on"),
    {0},
};

static const struct mt_opt finish_opts[] = {
    TOKEN_OPT,
    MT_CHOICE(struct settings, work.end.status, 0, "status", "STATUS", ends, NULL,
              "completed, failed or cancelled"),
    MT_INT(struct settings, work.end.exit_status, 0, "exit-status", "N", 0, 255, NULL,
           "of what did it: 5, 11 and signals are retried"),
    MT_CHOICE(struct settings, work.end.outcome, 0, "outcome", "WORD", outcomes, NULL,
              "ok, degraded or not_applicable"),
    MT_STR(struct settings, work.end.results, 0, "results", "JSON", NULL, "what came of it"),
    MT_STR(struct settings, work.end.error, 0, "error", "TEXT", NULL, "why it failed"),
    BACKOFF_OPTS,
    {0},
};

static const struct mt_opt reap_opts[] = {
    MT_FLAG(struct settings, work.wait, 0, "wait", "until it is proven that nobody renews"),
    LEASE_OPT,
    {0},
};

static const struct mt_opt prune_opts[] = {
    MT_DURATION(struct settings, work.older_us, 0, "older", NULL,
                "ended longer ago than this; 30 days"),
    MT_LIST(struct settings, work.states, 0, "states", "LIST", final_states, NULL,
            "in these states; completed,cancelled"),
    MT_DRY_RUN_OPT(struct settings),
    {0},
};

static const struct mt_opt drain_opts[] = {
    WORKER_OPT("this worker instead of a type"),
    {0},
};

static const struct mt_opt limit_opts[] = {
    MT_INT(struct settings, work.max_running, 0, "max-running", "N", 0, 1000000, NULL,
           "at once on all machines; 0: no limit"),
    MT_STR(struct settings, work.window, 0, "schedule", "WINDOW", NULL,
           "start them only then; '': always"),
    {0},
};

static const struct mt_opt depth_opts[] = {
    MT_FLAG(struct settings, work.json, 0, "json", "as one line, also on a terminal"),
    {0},
};

#define GRACE_OPT                                                                                  \
    MT_DURATION(struct settings, work.grace_us, 0, "grace", NULL,                                  \
                "from being asked to stop to being killed; 5 seconds")

static const struct mt_opt work_opts[] = {
    FILTER_OPTS,
    WORKER_OPT("what to call this worker"),
    MT_INT(struct settings, work.count, 'j', "jobs", "N", 1, 1000, "processing.concurrent_jobs",
           "how many at once; 1"),
    MT_STR(struct settings, work.handlers, 0, "handlers", "DIR", "queue.handlers",
           "where the handlers are"),
    MT_FLAG(struct settings, work.once, 0, "once", "claim once, and end when that is done"),
    MT_FLAG(struct settings, work.until_empty, 0, "until-empty", "end when nothing is ready"),
    LEASE_OPT,
    MT_DURATION(struct settings, work.heartbeat_us, 0, "heartbeat", "queue.heartbeat",
                "how often leases are renewed; 15 seconds"),
    GRACE_OPT,
    MT_DURATION(struct settings, work.poll_us, 0, "poll", NULL,
                "how often to look for new jobs; a second"),
    BACKOFF_OPTS,
    MT_STR(struct settings, profile, 0, "profile", "NAME", NULL,
           "settings below workers.NAME win over the others"),
    {0},
};

static const struct mt_opt run_opts[] = {
    MT_WORD(struct settings, work.type, 0, "type", "TYPE", types, NULL,
            "of the new job; run unless given"),
    MT_STR(struct settings, work.claim_id, 0, "id", "ID", NULL, "a job that waits, instead"),
    JOB_OPTS,
    LEASE_OPT,
    GRACE_OPT,
    {0},
};

static const struct mt_opt migrate_opts[] = {
    MT_FLAG(struct settings, work.force, 0, "force", "though jobs are running"),
    {0},
};

static const struct mt_opt opts[] = {
    MT_COMMON_OPTS(struct settings),
    {0},
};

static const struct mt_command commands[] = {
    {"submit", "[TYPE]", "add a job, or jobs from JSON lines on the input", submit_opts},
    {"claim", "", "lease the best jobs that are ready, and print them", claim_opts},
    {"heartbeat", "[ID]", "renew a lease", heartbeat_opts},
    {"progress", "[ID]", "record how far a job is", progress_opts},
    {"finish", "[ID]", "end an attempt, or many from JSON lines", finish_opts},
    {"release", "[ID]", "give a job back as if it had not been claimed", release_opts},
    {"retry", "ID ...", "try failed, dead or cancelled jobs again", NULL},
    {"cancel", "ID ...", "cancel jobs, with all that depends on them", NULL},
    {"reap", "", "take back the leases that nobody renews", reap_opts},
    {"prune", "", "delete jobs that ended long ago", prune_opts},
    {"pause", "[TYPE ...]", "start no more jobs of a type, or none at all", NULL},
    {"resume", "[TYPE ...]", "start them again", NULL},
    {"drain", "[TYPE ...]", "pause, and wait until none runs", drain_opts},
    {"limit", "[TYPE ...]", "so many at once, or only at some hours", limit_opts},
    {"work", "", "claim jobs and run their handlers, as a service", work_opts},
    {"run", "-- COMMAND ...", "run a command as a job, under a lease", run_opts},
    {"depth", "", "how much waits and runs, for auto-scalers", depth_opts},
    {"migrate-db", "FROM TO", "copy a database to a PostgreSQL server, and compare", migrate_opts},
    {0},
};

static int (*const verbs[])(struct mt_work *w, struct mt_err *err) = {
    mt_work_submit,  mt_work_claim,  mt_work_heartbeat,  mt_work_progress, mt_work_finish,
    mt_work_release, mt_work_retry,  mt_work_cancel,     mt_work_reap,     mt_work_prune,
    mt_work_pause,   mt_work_resume, mt_work_drain,      mt_work_limit,    mt_work_work,
    mt_work_run,     mt_work_depth,  mt_work_migrate_db,
};
_Static_assert(sizeof verbs / sizeof *verbs + 1 == sizeof commands / sizeof *commands,
               "each command has its function");

static const struct mt_example examples[] = {
    {"A job, and what waits now:",
     "media-queue submit transcode --priority 5 && media-queue depth"},
    {"The same work twice is one job:",
     "media-queue submit thumbnail --unique a1b2-30s --parameters '{\"count\": 10}'"},
    {"Ten jobs at once, from lines:",
     "seq 10 | jq -c '{type: \"analyze\", parameters: {n: .}}' | media-queue submit"},
    {"By hand: lease one, and say how it ended:",
     "media-queue claim | jq -c '{job_id, token: .lease.token}' | media-queue finish"},
    {"Do what there is to be done with handlers of your own, two at once:",
     "mkdir -p jobs && cp /bin/true jobs/cleanup && media-queue work --handlers jobs -j2 --once"},
    {"Any command as a job, once at a time on all machines:",
     "media-queue run --unique backup -- cp -r archive copy"},
    {"No transcoding for now, and two at once afterwards:",
     "media-queue pause transcode && media-queue limit transcode --max-running 2"},
    {"Forget what was completed a month ago:", "media-queue prune --older 720h --dry-run"},
    {NULL, NULL},
};

static const struct mt_cli cli = {
    .name = "media-queue",
    .summary = "Keeps the jobs: submits, leases, supervises and ends them.",
    .operands = "COMMAND [OPERAND ...]",
    .opts = opts,
    .commands = commands,
    .examples = examples,
    .versions = mt_versions,
    .sections = "workers",
};

static const struct settings defaults = {.work = {.lease_us = SECONDS(60),
                                                  .backoff_us = SECONDS(10),
                                                  .backoff_max_us = SECONDS(3600),
                                                  .count = 1,
                                                  .end = {.exit_status = -1},
                                                  .percent = -1,
                                                  .max_running = -1,
                                                  .older_us = SECONDS(30 * 86400),
                                                  .states = "completed,cancelled",
                                                  .type = "run",
                                                  .poll_us = SECONDS(1),
                                                  .grace_us = SECONDS(5)}};

static int reread(struct mt_run *r, struct mt_work *fresh, struct mt_err *err)
{
    struct settings set = defaults;

    if (mt_run_reread(r, &set, err) < 0)
        return -1;
    *fresh = set.work;
    return 0;
}

static int run(struct mt_run *r, void *settings, struct mt_err *err)
{
    struct settings *set = settings;
    struct mt_work *w = &set->work;

    w->run = r;
    w->common = &set->common;
    w->dbs = mt_dbs;
    w->reread = reread;
    int ret = verbs[r->command - commands](w, err);
    mt_work_close(w);
    return ret;
}

int main(int argc, char **argv)
{
    struct settings set = defaults;
    int status = mt_main(&cli, argc, argv, &set, run);
    return status == 0 ? set.work.exit_status : status;
}
