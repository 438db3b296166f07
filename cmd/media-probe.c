/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media-probe.c - what media files are made of, as JSON; also media-ingest's jailed helper. */
#include "av/av.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "doc/public.h"
#include "probe/probe.h"
#include "store-fs/store_fs.h"
#include "store/store.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
    struct mt_common common;
    bool serve, capabilities, thorough, public;
    int64_t max_size, pixels, side, streams, duration_us, frames, memory, timeout_us;
};

static const struct mt_opt opts[] = {
    MT_SIZE(struct settings, max_size, 0, "max-size", "max_file_size", "refuse larger files"),
    MT_INT(struct settings, pixels, 0, "max-pixels", "N", 1, INT64_MAX, "limits.pixels",
           "largest picture, width times height"),
    MT_INT(struct settings, side, 0, "max-side", "PIXELS", 1, INT32_MAX, "limits.side",
           "longest side of a picture"),
    MT_INT(struct settings, streams, 0, "max-streams", "N", 1, 100000, "limits.streams",
           "streams in one file"),
    MT_DURATION(struct settings, duration_us, 0, "max-duration", "limits.duration", "longest film"),
    MT_INT(struct settings, frames, 0, "max-frames", "N", 1, INT64_MAX, "limits.frames",
           "pictures in one stream"),
    MT_SIZE(struct settings, memory, 0, "memory", "limits.memory", "memory of the jailed process"),
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
    struct mt_run *run;
    struct mt_prober *prober;
    struct mt_store *store; /* opened when a document needs it */
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
static int describe(struct job *job, json_t *doc, int fd, const char *name, struct mt_err *err)
{
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

static enum mt_progress_unit unit(const struct settings *set)
{
    return set->thorough ? MT_UNIT_MEDIA : MT_UNIT_COUNT;
}

static int print(struct job *job, json_t *doc, struct mt_err *err)
{
    if (job->set->public)
        mt_doc_make_public(doc);
    return mt_print(doc, err);
}

/* Reports a document and counts it. */
static int deliver(struct job *job, json_t *doc, const struct mt_err *failure, struct mt_err *err)
{
    if (failure) {
        mt_doc_fail(doc, "probe", failure);
        mt_log_err(MT_LOG_ERROR, failure);
    }
    mt_outcome_add(&job->run->outcome, mt_doc_code(doc));
    mt_progress_end(failure ? "failed" : "completed", failure ? mt_code_name(failure->code) : NULL,
                    failure ? failure->msg : NULL);
    return print(job, doc, err);
}

/* The bytes on stdin as a file: stdin itself if it is one, else a nameless copy. */
static int stdin_as_file(const struct settings *set, struct mt_err *err)
{
    struct stat st;
    char chunk[65536];
    int64_t total = 0;
    ssize_t n;

    if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode))
        return dup(STDIN_FILENO);
    int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return mt_fail_errno(err, "cannot keep the bytes from standard input in /var/tmp");
    while ((n = mt_read_unless(STDIN_FILENO, chunk, sizeof chunk, mt_stop_signal)) > 0) {
        total += n;
        if (total > set->max_size || mt_write_all(fd, chunk, (size_t)n) < 0) {
            if (total > set->max_size)
                mt_fail(err, MT_ERR_TOO_LARGE, "standard input has more than %lld bytes",
                        (long long)set->max_size);
            else
                mt_fail_errno(err, "cannot keep the bytes from standard input in /var/tmp");
            close(fd);
            return -1;
        }
    }
    if (n < 0) {
        mt_fail_errno(err, "cannot read standard input");
        close(fd);
        return -1;
    }
    return fd;
}

static int probe_name(struct job *job, const char *name, struct mt_err *err)
{
    bool is_stdin = strcmp(name, "-") == 0;
    json_t *doc = mt_doc_new(is_stdin ? "stdin" : name);
    struct mt_err failure;
    struct stat st;

    mt_progress_begin(name, "probe", unit(job->set), 0);
    int fd = is_stdin ? stdin_as_file(job->set, &failure) : mt_open_regular(name, &st, &failure);
    int ret = fd < 0 ? -1 : describe(job, doc, fd, name, &failure);
    mt_fd_close(&fd);
    int done = deliver(job, doc, ret < 0 ? &failure : NULL, err);
    json_decref(doc);
    return done < 0 ? -1 : ret < 0 && job->set->common.fail_fast;
}

/* A document's file is opened only where the store has it. */
static int open_url(struct job *job, const json_t *doc, struct mt_err *err)
{
    const char *url = mt_json_str(doc, "asset.url", NULL);
    int fd = -1;

    if (!url)
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "the document has no asset.url");
    if (!job->store && mt_store_open(&job->store, job->set->common.store, stores, false, err) < 0)
        return -1;
    char *key = mt_store_key_within(job->store, url, err);
    if (key)
        fd = mt_store_get(job->store, key, err);
    free(key);
    return fd;
}

static int probe_document(struct job *job, const char *line, size_t n, struct mt_err *err)
{
    struct mt_err failure;
    json_t *doc = mt_json_parse("document", line, n, &failure);
    int ret = doc ? mt_doc_check(doc, &failure) : -1;

    if (ret < 0) {
        json_decref(doc);
        doc = json_pack("{s:i}", "schema", MT_DOC_SCHEMA);
    } else if (mt_doc_failed(doc)) {
        ret = print(job, doc, err);
        mt_outcome_add(&job->run->outcome, mt_doc_code(doc));
        json_decref(doc);
        return ret;
    }
    const char *name = mt_json_str(doc, "asset.original_filename", "?");
    mt_progress_begin(name, "probe", unit(job->set), 0);
    int fd = ret < 0 ? -1 : open_url(job, doc, &failure);
    ret = fd < 0 ? -1 : describe(job, doc, fd, name, &failure);
    mt_fd_close(&fd);
    int done = deliver(job, doc, ret < 0 ? &failure : NULL, err);
    json_decref(doc);
    return done < 0 ? -1 : ret < 0 && job->set->common.fail_fast;
}

static int probe_documents(struct job *job, struct mt_err *err)
{
    struct mt_lines lines;
    char *line;
    size_t n;
    int ret;

    mt_lines_init(&lines, STDIN_FILENO, '\n', MT_JSON_LINE_MAX);
    while ((ret = mt_lines_next(&lines, &line, &n, err)) == 1 && !mt_stop_signal()) {
        ret = n ? probe_document(job, line, n, err) : 0;
        if (ret)
            break;
    }
    mt_lines_free(&lines);
    return ret < 0 ? -1 : 0;
}

static int probe_names(struct job *job, struct mt_err *err)
{
    struct mt_names names;
    const char *name;
    int ret;

    mt_names_init(&names, job->run, &job->set->common);
    mt_progress_expect(job->run->n_operands);
    while ((ret = mt_names_next(&names, &name, err)) == 1 && !mt_stop_signal()) {
        ret = probe_name(job, name, err);
        if (ret)
            break;
    }
    mt_names_free(&names);
    return ret < 0 ? -1 : 0;
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
    struct job job = {.set = set, .run = r};
    int ret = -1;

    if (set->capabilities)
        return print_capabilities(err);
    if (!set->serve && r->n_operands == 0 && !set->common.files_from && isatty(STDIN_FILENO)) {
        mt_fail(err, MT_ERR_USAGE, "no file named");
        return mt_hint(err, "media-probe FILE ..., or pipe documents in");
    }
    if (mt_prober_open(&job.prober, err) < 0)
        return -1;
    if (set->serve)
        ret = mt_prober_serve(job.prober, STDIN_FILENO, err);
    else if (r->n_operands > 0 || set->common.files_from)
        ret = probe_names(&job, err);
    else
        ret = probe_documents(&job, err);
    mt_store_close(&job.store);
    mt_prober_close(&job.prober);
    return ret;
}

int main(int argc, char **argv)
{
    const struct mt_av_limits *l = &mt_av_default_limits;
    struct settings set = {.max_size = 5368709120,
                           .pixels = l->pixels,
                           .side = l->side_px,
                           .streams = l->streams,
                           .duration_us = l->duration_us,
                           .frames = l->frames,
                           .memory = 2LL << 30,
                           .timeout_us = 60 * 1000000LL};

    return mt_main(&cli, argc, argv, &set, run);
}
