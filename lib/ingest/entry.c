/* SPDX-License-Identifier: GPL-2.0-or-later */
/* entry.c - opening an input and finding out what it is. */
#include "ingest/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "ingest/copy.h"
#include "ingest/fetch.h"
#include "ingest/judge.h"
#include "ingest/policy.h"
#include "ingest/quarantine.h"
#include "ingest/review.h"
#include "net/address.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LARGE = 32 << 20,
    VERDICT_US = 3 * 1000 * 1000, /* how long a refusal waits for the scan */
};

struct mt_entry *mt_entry_new(struct mt_intake *in, const char *name)
{
    bool is_stdin = strcmp(name, "-") == 0;
    struct mt_entry *e = mt_alloc(sizeof *e);

    e->in = in;
    e->is_url = mt_url_looks_like(name);
    e->is_stream = is_stdin || e->is_url;
    e->fd = -1;
    e->status = "completed";
    e->publish_as = "completed";
    const char *called = in->spec->name; /* what comes from standard input */
    e->name = mt_strdup(!is_stdin ? name : called ? called : "standard input");
    e->base = mt_strdup(!is_stdin ? mt_path_base(name) : called ? called : "stdin");
    e->doc = mt_doc_new(e->base);
    e->start_us = mt_mono_us();
    e->begun_us = mt_now_us();
    mt_uuid(e->id);
    return e;
}

void mt_entry_free(struct mt_entry **entry)
{
    struct mt_entry *e = *entry;

    if (!e)
        return;
    mt_scanning_abort(&e->scanning);
    mt_fd_close(&e->fd);
    mt_put_abort(&e->put);
    mt_job_drop(&e->job);
    json_decref(e->doc);
    json_decref(e->found);
    json_decref(e->metadata);
    json_decref(e->scan);
    json_decref(e->row);
    free(e->note);
    free(e->key);
    free(e->base);
    free(e->name);
    free(e);
    *entry = NULL;
}

void mt_entry_fail(struct mt_entry *e, const struct mt_err *failure)
{
    if (e->failed)
        return;
    e->failed = true;
    e->failure = *failure;
}

/* Where the input is; NULL for standard input. What follows a '?' may be a secret. free() it. */
static char *place_of(const struct mt_entry *e)
{
    if (e->is_url)
        return mt_strndup(e->name, strcspn(e->name, "?#"));
    if (e->is_stream)
        return NULL;
    char *cwd = e->name[0] == '/' ? NULL : getcwd(NULL, 0);
    char *path = cwd ? mt_path_join(cwd, e->name) : mt_strdup(e->name);
    free(cwd);
    return path;
}

json_t *mt_entry_input(const struct mt_entry *e)
{
    char *path = place_of(e);
    json_t *input = json_pack("{s:o, s:o, s:o}", "name", mt_json_text(e->is_url ? path : e->name),
                              "path", mt_json_text(path), "command", mt_run_command(e->in->run));

    if (path && !mt_utf8_valid(path, strlen(path))) {
        char *bytes = mt_base64(path, strlen(path));
        json_object_set_new(input, "path_base64", json_string(bytes));
        free(bytes);
    }
    if (e->is_url && strcmp(path, e->name) != 0)
        json_object_set_new(input, "path_cut", json_true());
    free(path);
    return input;
}

void mt_entry_set_key(struct mt_entry *e, const char *ext)
{
    free(e->key);
    e->key = mt_asprintf("%s/original%s%s", e->id, *ext ? "." : "", ext);
}

static int check_size(const struct mt_entry *e, int64_t size, struct mt_err *err)
{
    char have[MT_FIGURE], most[MT_FIGURE];

    if (size == 0)
        return mt_fail(err, MT_ERR_EMPTY, "'%s' is empty", e->name);
    if (size > e->in->spec->max_size)
        return mt_fail(err, MT_ERR_TOO_LARGE, "'%s' has %s, more than the permitted %s", e->name,
                       mt_show_bytes(size, have), mt_show_bytes(e->in->spec->max_size, most));
    return 0;
}

/* In a dry run the bytes of a stream are kept in a file that has no name. */
static int spool(struct mt_entry *e, int from, struct mt_err *err)
{
    char chunk[65536];
    ssize_t n;

    e->fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (e->fd < 0)
        return mt_fail_errno(err, "cannot keep '%s' in /var/tmp", e->name);
    while ((n = mt_read_unless(from, chunk, sizeof chunk, mt_stop_signal)) > 0) {
        e->size += n;
        if (e->size > e->in->spec->max_size)
            return check_size(e, e->size, err);
        if (mt_write_all(e->fd, chunk, (size_t)n) < 0)
            return mt_fail_errno(err, "cannot keep '%s' in /var/tmp", e->name);
    }
    return n < 0 ? mt_fail_errno(err, "cannot read '%s'", e->name) : 0;
}

static void count(void *ctx, int64_t bytes)
{
    struct mt_entry *e = ctx;

    e->done_bytes = bytes;
}

/* Copies and hashes from a descriptor into an object of the asset-to-be. */
static int store_bytes(struct mt_entry *e, int from, int64_t expected, struct mt_err *err)
{
    struct mt_copy copy = {.from = from,
                           .max_bytes = e->in->spec->max_size,
                           .expected = expected,
                           .name = e->name,
                           .progress = count,
                           .stopped = mt_stop_signal,
                           .ctx = e};

    if (mt_store_begin(e->in->store, e->key, &e->put, err) < 0)
        return -1;
    return mt_copy_hashed(&copy, e->put, &e->size, e->sha256, err);
}

/* The bytes of a stream, stored (or spooled) before anybody can look at them. */
static int take_stream(struct mt_entry *e, int from, struct mt_err *err)
{
    char ext[16];

    if (e->in->spec->common->dry_run)
        return spool(e, from, err);
    mt_path_ext(e->base, ext);
    mt_entry_set_key(e, ext);
    if (store_bytes(e, from, -1, err) < 0)
        return -1;
    e->fd = fcntl(mt_put_fd(e->put), F_DUPFD_CLOEXEC, 3);
    return e->fd < 0 ? mt_fail_errno(err, "cannot read back what was stored") : 0;
}

static int take_url(struct mt_entry *e, struct mt_err *err)
{
    const struct mt_ingest *spec = e->in->spec;
    struct mt_fetch_rules rules = {.allow_private = spec->allow_private,
                                   .allow_http = spec->allow_http,
                                   .max_bytes = spec->max_size,
                                   .wall_us = spec->url_timeout_us};
    struct mt_fetch *fetch = NULL;

    if (!spec->allow_url) {
        mt_fail(err, MT_ERR_POLICY, "'%s' is a URL, which is not fetched without permission",
                e->name);
        return mt_hint(err, "--allow-url permits it");
    }
    if (mt_fetch_open(&fetch, e->name, &rules, err) < 0)
        return -1;
    free(e->base);
    e->base = mt_strdup(mt_fetch_name(fetch));
    json_decref(e->doc);
    e->doc = mt_doc_new(e->base);
    int ret = take_stream(e, mt_fetch_fd(fetch), err);
    if (ret < 0)
        mt_fetch_close(&fetch);
    else if (mt_fetch_end(&fetch, err) < 0)
        ret = mt_fail_in(err, "'%s'", e->name);
    return ret;
}

static int open_stream(struct mt_entry *e, struct mt_err *err)
{
    int ret = e->is_url ? take_url(e, err) : take_stream(e, STDIN_FILENO, err);

    if (ret < 0)
        return -1;
    if (fstat(e->fd, &e->stat) < 0)
        return mt_fail_errno(err, "cannot read back '%s'", e->name);
    return check_size(e, e->stat.st_size, err);
}

int mt_entry_open(struct mt_entry *e, struct mt_err *err)
{
    if (e->is_stream)
        return open_stream(e, err);
    e->fd = e->given ? mt_open_found(e->name, e->given, &e->stat, err)
                     : mt_open_regular(e->name, &e->stat, err);
    if (e->fd < 0 && err->code == MT_ERR_NOT_REGULAR && S_ISDIR(e->stat.st_mode))
        return mt_hint(err, "name a regular file; --recursive takes in the files below it");
    if (e->fd < 0)
        return -1;
    if (check_size(e, e->stat.st_size, err) < 0)
        return -1;
    e->total_bytes = e->stat.st_size;
    return 0;
}

/* A file that is being written to is not what was probed. */
static int check_unchanged(const struct mt_entry *e, struct mt_err *err)
{
    struct stat now;

    if (fstat(e->fd, &now) < 0)
        return mt_fail_errno(err, "cannot stat '%s'", e->name);
    if (now.st_size != e->stat.st_size || now.st_mtim.tv_sec != e->stat.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != e->stat.st_mtim.tv_nsec || e->size != e->stat.st_size)
        return mt_fail(err, MT_ERR_CHANGED, "'%s' changed while it was read", e->name);
    return 0;
}

/*
 * A large file is copied while the helper looks at it, if its name promises that
 * it will be accepted. Through a descriptor of our own: the helper moves the
 * position of the one it is given.
 */
static int store_meanwhile(struct mt_entry *e, struct mt_helper *helper, struct mt_err *err)
{
    char path[64], ext[16];
    int ret = 0;

    mt_path_ext(e->base, ext);
    if (e->is_stream || e->in->spec->common->dry_run || e->stat.st_size < LARGE ||
        !mt_ext_known(ext, NULL))
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", e->fd);
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return 0;
    mt_entry_set_key(e, ext);
    mt_helper_begin(helper, e->fd, e->name);
    ret = store_bytes(e, from, e->stat.st_size, err);
    mt_fd_close(&from);
    return ret;
}

/* What keeps it from being accepted tells more than what kept it from being stored. */
static int identify(struct mt_entry *e, struct mt_helper *helper, struct mt_err *err)
{
    struct mt_err unstored;
    int stored = store_meanwhile(e, helper, &unstored);

    if (mt_entry_identify(e, helper, err) < 0)
        return -1;
    if (stored < 0)
        *err = unstored;
    return stored;
}

static int store(struct mt_entry *e, struct mt_err *err)
{
    if (e->in->spec->common->dry_run)
        return 0;
    if (!e->put && store_bytes(e, e->fd, e->stat.st_size, err) < 0)
        return -1;
    return e->is_stream ? 0 : check_unchanged(e, err);
}

/* Waits for the verdict of the scan and judges by it. */
static int judge_scan(struct mt_entry *e, struct mt_err *err)
{
    struct mt_scan_result result;

    if (mt_scanning_end(&e->scanning, &result, err) < 0)
        return -1;
    e->scan = mt_scan_to_json(&result);
    json_object_set(json_object_get(e->doc, "asset"), "scan", e->scan);
    return mt_judge_scan(e, &result, err);
}

/* Refused for another reason: if the scan finds soon that it is infected, that is the one to give.
 */
static void judge_refused(struct mt_entry *e, struct mt_err *err)
{
    struct mt_err verdict;

    if (!e->scanning || err->code == MT_ERR_CANCELLED ||
        !mt_scanning_await(e->scanning, VERDICT_US))
        return;
    if (judge_scan(e, &verdict) < 0 && verdict.code == MT_ERR_INFECTED)
        *err = verdict;
}

static int take(struct mt_entry *e, struct mt_helper *helper, struct mt_err *err)
{
    bool late = e->in->policy && mt_policy_asks_scan(e->in->policy);

    if (identify(e, helper, err) < 0)
        return -1;
    if (!late && mt_judge_policy(e, err) < 0)
        return -1;
    if (store(e, err) < 0 || judge_scan(e, err) < 0)
        return -1;
    return late ? mt_judge_policy(e, err) : 0;
}

static int work(struct mt_entry *e, const struct mt_hands *hands, struct mt_err *err)
{
    if (mt_stop_signal())
        return mt_fail(err, MT_ERR_CANCELLED, "stopped before '%s' was read", e->name);
    if (mt_entry_open(e, err) < 0 ||
        mt_scanning_start(&e->scanning, hands->scanner, e->fd, e->stat.st_size, e->name,
                          e->in->spec->verdicts.wall_us, err) < 0)
        return -1;
    if (take(e, hands->helper, err) == 0)
        return 0;
    judge_refused(e, err);
    return -1;
}

/* A copy of what was refused, where the user wants one. */
static void quarantine(struct mt_entry *e)
{
    const char *dir = e->in->spec->quarantine;
    char now[MT_TIME_TEXT];
    struct mt_err err;

    if (!dir || e->fd < 0 || e->in->spec->common->dry_run || !mt_quarantine_takes(e->failure.code))
        return;
    json_t *about = json_pack("{s:o, s:s, s:o}", "name", mt_json_text(e->name), "time",
                              mt_time_text(mt_now_us(), now), "error", mt_err_to_json(&e->failure));
    if (mt_quarantine(dir, e->fd, about, &err) < 0) {
        free(e->note);
        e->note = mt_asprintf("'%s': %s", e->name, err.msg);
    }
    json_decref(about);
}

void mt_entry_work(struct mt_entry *e, const struct mt_hands *hands)
{
    struct mt_err err;

    e->start_us = mt_mono_us();
    e->begun_us = mt_now_us();
    int ret = e->rescans ? mt_review_scan(e, hands, &err) : work(e, hands, &err);
    if (ret < 0) {
        mt_entry_fail(e, &err);
        quarantine(e);
        mt_fd_close(&e->fd);
    }
    mt_scanning_abort(&e->scanning);
}
