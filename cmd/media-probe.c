/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media-probe.c - what media files are made of, as JSON; also media-ingest's jailed helper. */
#include "av/av.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/limits.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "doc/public.h"
#include "each/each.h"
#include "probe/probe.h"
#include "store-fs/store_fs.h"
#include "store/store.h"
#include "json/json.h"

#include <sys/stat.h>
#include <unistd.h>

struct settings {
    struct mt_common common;
    bool serve, capabilities, thorough, public;
    int64_t max_size, pixels, side, streams, duration_us, frames, memory, timeout_us;
};

static const struct mt_opt opts[] = {
    MT_SIZE(struct settings, max_size, 0, "max-size", "max_file_size", "refuse larger files"),
    MT_LIMIT_OPTS(struct settings, ),
    MT_DURATION(struct settings, timeout_us, 0, "timeout", NULL,
                "longest work on one file, or without a step in a thorough look"),
    MT_FLAG(struct settings, thorough, 0, "thorough",
            "decode all of each file, not only its beginning and end"),
    MT_FLAG(struct settings, public, 0, "public",
            "leave out places, serial numbers, comments and whose it is"),
    MT_FLAG(struct settings, serve, 0, "serve", "answer media-ingest on a socket at stdin"),
    MT_FLAG(struct settings, capabilities, 0, "capabilities",
            "say which codecs and filters are here, and exit"),
    MT_COMMON_OPTS(struct settings),
    {0},
};

static const struct mt_example examples[] = {
    {"What is in a file:", "media-probe talk.mov"},
    {"How long are they, in seconds:", "media-probe *.mp4 | jq .asset.metadata.duration"},
    {"Is every picture and sound of it whole:",
     "media-probe --thorough talk.mov | jq .asset.metadata.damage"},
    {"What may be shown to anybody:", "media-probe --public photo.jpg"},
    {"Bytes from a pipe:", "curl -s https://example.org/a.mp3 | media-probe -"},
    {NULL, NULL},
};

static const struct mt_cli cli = {
    .name = "media-probe",
    .summary = "Says what media files are made of, and what is wrong with them.",
    .operands = "[FILE ...]",
    .opts = opts,
    .examples = examples,
    .versions = mt_av_versions,
};

static const struct mt_store_driver *const stores[] = {&mt_store_fs, NULL};

struct job {
    const struct settings *set;
    struct mt_prober *prober;
};

static int check_size(const struct settings *set, const char *name, const struct stat *st,
                      struct mt_err *err)
{
    char have[MT_FIGURE], most[MT_FIGURE];

    if (st->st_size == 0)
        return mt_fail(err, MT_ERR_EMPTY, "'%s' is empty", name);
    if (st->st_size > set->max_size)
        return mt_fail(err, MT_ERR_TOO_LARGE, "'%s' has %s, more than %s", name,
                       mt_show_bytes(st->st_size, have), mt_show_bytes(set->max_size, most));
    return 0;
}

static int show_progress(void *ctx, int64_t done_us, int64_t total_us)
{
    (void)ctx;
    mt_progress_update(done_us, total_us);
    return mt_stop_signal() != 0;
}

/* Looks at the file behind fd and puts what it finds into the document's asset. */
static int describe(void *ctx, json_t *doc, int fd, const char *name, struct mt_err *err)
{
    struct job *job = ctx;
    const struct settings *s = job->set;
    struct mt_probe_limits limits = {
        .av = {s->pixels, s->side, s->streams, s->duration_us, s->frames},
        .memory_bytes = s->memory,
        .wall_us = s->timeout_us,
        .thorough = s->thorough,
        .progress = {show_progress, NULL}};
    json_t *asset = json_object_get(doc, "asset");
    json_t *seen = NULL;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return mt_fail_errno(err, "cannot stat '%s'", name);
    json_object_set_new(asset, "file_size", json_integer(st.st_size));
    if (check_size(s, name, &st, err) < 0)
        return -1;
    json_t *found = mt_prober_run(job->prober, fd, name, &limits, &seen, err);
    json_t *known = found ? found : seen;
    json_t *metadata = json_object_get(found, "metadata");
    if (known)
        json_object_set(asset, "mime_type", json_object_get(known, "mime_type"));
    if (metadata) {
        json_object_update_missing(metadata, json_object_get(asset, "metadata"));
        json_object_set(asset, "content_type", json_object_get(found, "content_type"));
        json_object_set(asset, "metadata", metadata);
    }
    json_decref(found);
    json_decref(seen);
    return metadata ? 0 : -1;
}

static void make_public(void *ctx, json_t *doc)
{
    const struct job *job = ctx;

    if (job->set->public)
        mt_doc_make_public(doc);
}

static int print_capabilities(struct mt_err *err)
{
    json_t *all = mt_av_capabilities();
    int ret = mt_print(all, err);

    json_decref(all);
    return ret;
}

static int run(struct mt_run *r, void *settings, struct mt_err *err)
{
    const struct settings *set = settings;
    struct job job = {.set = set};
    struct mt_each each = {.stage = "probe",
                           .common = &set->common,
                           .stores = stores,
                           .unit = set->thorough ? MT_UNIT_MEDIA : MT_UNIT_COUNT,
                           .stdin_most = set->max_size,
                           .look = describe,
                           .before_print = make_public,
                           .ctx = &job};

    if (set->capabilities)
        return print_capabilities(err);
    if (mt_prober_open(&job.prober, err) < 0)
        return -1;
    int ret =
        set->serve ? mt_prober_serve(job.prober, STDIN_FILENO, err) : mt_each_run(&each, r, err);
    mt_prober_close(&job.prober);
    return ret;
}

int main(int argc, char **argv)
{
    struct settings set = {.max_size = MT_LIMIT_FILE_BYTES,
                           MT_LIMIT_DEFAULTS,
                           .memory = 2LL << 30,
                           .timeout_us = 60 * 1000000LL};

    return mt_main(&cli, argc, argv, &set, run);
}
