/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media-ingest.c - files become assets: validated, hashed, stored, recorded. */
#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/limits.h"
#include "drivers.h"
#include "ingest/ingest.h"
#include "scanners.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct settings {
    struct mt_common common;
    int64_t max_size, pixels, side, streams, duration_us, frames, memory, timeout_us;
    int64_t jobs, settle_us, url_timeout_us;
    const char *watch, *after, *policy, *quarantine;
    bool recursive, force, thorough, allow_url, allow_private, allow_http;
    bool rescan, release, reject;
    const char *video, *audio, *image;
    int64_t scan_max_age_us, scan_timeout_us;
    const char *uploaded_by, *name, *metadata, *options, *scanner, *reason, *on_incomplete,
        *on_skipped, *on_unreachable;
};

static const struct mt_opt opts[] = {
    MT_SIZE(struct settings, max_size, 0, "max-size", "max_file_size", "refuse larger files"),
    MT_STR(struct settings, video, 0, "video-formats", "LIST", "supported_formats.video",
           "video formats to accept; default: all known"),
    MT_STR(struct settings, audio, 0, "audio-formats", "LIST", "supported_formats.audio",
           "audio formats to accept"),
    MT_STR(struct settings, image, 0, "image-formats", "LIST", "supported_formats.image",
           "image formats to accept"),
    MT_STR(struct settings, scanner, 0, "scanner", "URL", "scanning.scanner",
           "virus scanner: clamd:/path/to/socket, clamav: or none:"),
    MT_CHOICE(struct settings, on_incomplete, 0, "on-incomplete", "WHAT", mt_then_names,
              "scanning.on_incomplete", "after an incomplete scan: publish, hold or reject"),
    MT_CHOICE(struct settings, on_skipped, 0, "on-skipped", "WHAT", mt_then_names,
              "scanning.on_skipped", "without a scanner: publish, hold or reject"),
    MT_CHOICE(struct settings, on_unreachable, 0, "on-unreachable", "WHAT", mt_then_or_retry_names,
              "scanning.on_unreachable", "while clamd is away: publish, hold, reject or retry"),
    MT_DURATION(struct settings, scan_max_age_us, 0, "scan-max-age", "scanning.max_age",
                "a clean scan by older signatures is incomplete"),
    MT_DURATION(struct settings, scan_timeout_us, 0, "scan-timeout", "scanning.timeout",
                "longest scan of one file; default: by its size"),
    MT_FLAG(struct settings, recursive, 'r', "recursive", "take in the files below directories"),
    MT_INT(struct settings, jobs, 'j', "jobs", "N", 1, 64, NULL,
           "files at once; default: one for each processor"),
    MT_STR(struct settings, watch, 0, "watch", "DIR", NULL,
           "take files from DIR as they come, until stopped"),
    MT_DURATION(struct settings, settle_us, 0, "settle", NULL,
                "how long a watched file must be quiet; default 2"),
    MT_STR(struct settings, after, 0, "after", "keep|move:DIR", NULL,
           "what becomes of a watched file that is an asset"),
    MT_STR(struct settings, policy, 0, "policy", "FILE", "policy",
           "rules: what to publish, hold or reject"),
    MT_STR(struct settings, quarantine, 0, "quarantine", "DIR", NULL,
           "keep copies of refused files in DIR"),
    MT_FLAG(struct settings, allow_url, 0, "allow-url", "fetch operands that are https URLs"),
    MT_FLAG(struct settings, allow_private, 0, "allow-private",
            "fetch from addresses of private networks too"),
    MT_FLAG(struct settings, allow_http, 0, "allow-http", "fetch without TLS too"),
    MT_DURATION(struct settings, url_timeout_us, 0, "url-timeout", NULL,
                "longest time for one URL; default 1 hour"),
    MT_FLAG(struct settings, force, 'f', "force", "read files again that were taken in before"),
    MT_FLAG(struct settings, rescan, 0, "rescan", "scan assets again, even clean ones"),
    MT_FLAG(struct settings, release, 0, "release", "publish the held assets named by their ids"),
    MT_FLAG(struct settings, reject, 0, "reject", "withdraw the assets named by their ids"),
    MT_STR(struct settings, reason, 0, "reason", "TEXT", NULL,
           "why they are released or rejected, to be kept"),
    MT_STR(struct settings, uploaded_by, 0, "uploaded-by", "UUID", NULL,
           "the user these files belong to"),
    MT_STR(struct settings, name, 0, "name", "NAME", NULL,
           "file name for the bytes on standard input"),
    MT_STR(struct settings, metadata, 0, "metadata", "JSON", NULL,
           "an object to keep in metadata.user"),
    MT_STR(struct settings, options, 0, "processing-options", "JSON", NULL,
           "an object to keep for later stages"),
    MT_LIMIT_OPTS(struct settings, ),
    MT_FLAG(struct settings, thorough, 0, "thorough",
            "decode all of each file, not only its beginning and end"),
    MT_DURATION(struct settings, timeout_us, 0, "timeout", NULL,
                "longest look at one file, or without a step in a thorough look"),
    MT_DRY_RUN_OPT(struct settings),
    MT_COMMON_OPTS(struct settings),
    {0},
};

static const struct mt_example examples[] = {
    {"Take a file in and see what it is:", "media-ingest talk.mov"},
    {"Everything below a directory:", "media-ingest --recursive archive"},
    {"A list of names, whatever bytes they hold:",
     "find archive -name '*.mov' -print0 | media-ingest -0 --files-from -"},
    {"What has been held since the scanner was away is scanned now:",
     "media-status assets --status held | media-ingest --rescan"},
    {"Through the whole pipeline:",
     "media-ingest talk.mov | media-transcode -q 720p,480p | media-thumbs | media-analyze"},
    {NULL, NULL},
};

static const struct mt_cli cli = {
    .name = "media-ingest",
    .summary = "Takes files in: validated, hashed, stored and recorded, each with a document.",
    .operands = "[FILE|URL|ID|- ...]",
    .opts = opts,
    .examples = examples,
};

/* A JSON object given as text; NULL text gives NULL. */
static int parse_object(const char *option, const char *text, json_t **out, struct mt_err *err)
{
    *out = text ? mt_json_parse(option, text, strlen(text), err) : NULL;
    if (text && !*out) {
        err->code = MT_ERR_USAGE;
        return -1;
    }
    if (*out && !json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        return mt_fail(err, MT_ERR_USAGE, "%s takes a JSON object", option);
    }
    return 0;
}

/* The directory of --after=move:DIR, NULL for keep. */
static const char *done_dir(const struct settings *set)
{
    return set->after && mt_str_starts(set->after, "move:") ? set->after + strlen("move:") : NULL;
}

/* What is moved within the watched tree would come again. */
static bool is_within(const char *dir, const char *tree, bool deep)
{
    char *inner = realpath(dir, NULL);
    char *outer = realpath(tree, NULL);
    size_t n = outer ? strlen(outer) : 0;
    bool within = inner && outer && strncmp(inner, outer, n) == 0 &&
                  (inner[n] == '\0' || (deep && (inner[n] == '/' || n == 1)));

    free(inner);
    free(outer);
    return within;
}

static int check_watch(const struct settings *set, struct mt_err *err)
{
    struct stat st;
    const char *to = done_dir(set);

    if (set->after && !set->watch)
        return mt_fail(err, MT_ERR_USAGE, "--after goes with --watch only");
    if (set->after && !to && strcmp(set->after, "keep") != 0) {
        mt_fail(err, MT_ERR_USAGE, "--after takes keep or move:DIR, not '%s'", set->after);
        return mt_hint(err, "files are never deleted: move them away and delete them yourself");
    }
    if (to && (stat(to, &st) < 0 || !S_ISDIR(st.st_mode))) {
        mt_fail(err, MT_ERR_USAGE, "--after: '%s' is no directory", to);
        return mt_hint(err, "mkdir '%s'", to);
    }
    if (to && is_within(to, set->watch, set->recursive))
        return mt_fail(err, MT_ERR_USAGE, "--after: '%s' is watched itself", to);
    return 0;
}

static int check(const struct settings *set, struct mt_err *err)
{
    if (set->uploaded_by && !mt_uuid_valid(set->uploaded_by))
        return mt_fail(err, MT_ERR_USAGE, "--uploaded-by takes a UUID, not '%s'", set->uploaded_by);
    if (set->rescan + set->release + set->reject > 1)
        return mt_fail(err, MT_ERR_USAGE, "--rescan, --release and --reject exclude each other");
    if (set->reason && !set->release && !set->reject)
        return mt_fail(err, MT_ERR_USAGE, "--reason goes with --release or --reject");
    if ((set->release || set->reject) && (set->watch || set->recursive))
        return mt_fail(err, MT_ERR_USAGE,
                       "--release and --reject take the ids of assets, no files");
    return check_watch(set, err);
}

static enum mt_errand errand_of(const struct settings *set)
{
    return set->rescan    ? MT_ERRAND_RESCAN
           : set->release ? MT_ERRAND_RELEASE
           : set->reject  ? MT_ERRAND_REJECT
                          : MT_ERRAND_NONE;
}

static int run(struct mt_run *r, void *settings, struct mt_err *err)
{
    const struct settings *s = settings;
    struct mt_ingest spec = {.common = &s->common,
                             .stores = mt_stores,
                             .dbs = mt_dbs,
                             .formats = {s->video, s->audio, s->image},
                             .limits = {s->pixels, s->side, s->streams, s->duration_us, s->frames,
                                        s->memory, s->timeout_us, s->thorough},
                             .scanners = mt_scanners,
                             .scanner = s->scanner,
                             .verdicts = {mt_then_of(s->on_incomplete), mt_then_of(s->on_skipped),
                                          mt_then_of(s->on_unreachable), s->scan_max_age_us,
                                          s->scan_timeout_us},
                             .max_size = s->max_size,
                             .jobs = s->jobs,
                             .recursive = s->recursive,
                             .errand = errand_of(s),
                             .reason = s->reason,
                             .force = s->force,
                             .allow_url = s->allow_url,
                             .allow_private = s->allow_private,
                             .allow_http = s->allow_http,
                             .url_timeout_us = s->url_timeout_us,
                             .policy = s->policy,
                             .quarantine = s->quarantine,
                             .watch = s->watch,
                             .settle_us = s->settle_us,
                             .done_dir = done_dir(s),
                             .uploaded_by = s->uploaded_by,
                             .name = s->name};
    int ret = -1;

    if (check(s, err) == 0 && parse_object("--metadata", s->metadata, &spec.metadata, err) == 0 &&
        parse_object("--processing-options", s->options, &spec.options, err) == 0)
        ret = mt_ingest_run(&spec, r, err);
    json_decref(spec.metadata);
    json_decref(spec.options);
    return ret;
}

int main(int argc, char **argv)
{
    const char *state = getenv("STATE_DIRECTORY"); /* as a service nobody is there to decide */
    struct settings set = {.max_size = MT_LIMIT_FILE_BYTES,
                           MT_LIMIT_DEFAULTS,
                           .memory = 2LL << 30,
                           .url_timeout_us = 3600 * 1000000LL,
                           .settle_us = 2 * 1000000LL,
                           .timeout_us = 60 * 1000000LL,
                           .scan_max_age_us = 7 * 86400 * 1000000LL,
                           .on_incomplete = "hold",
                           .on_skipped = state && *state ? "hold" : "publish",
                           .on_unreachable = "retry"};

    return mt_main(&cli, argc, argv, &set, run);
}
