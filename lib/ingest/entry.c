/* SPDX-License-Identifier: GPL-2.0-or-later */
/* entry.c - opening an input and finding out what it is. */
#include "ingest/internal.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "ingest/copy.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VERDICT_US = 3 * 1000 * 1000 }; /* how long a refusal waits for the scan */

void mt_entry_init(struct mt_entry *e, struct mt_intake *in, const char *name)
{
    bool is_stdin = strcmp(name, "-") == 0;

    *e = (struct mt_entry){.in = in, .is_stdin = is_stdin, .fd = -1, .status = "completed"};
    e->name = is_stdin ? "standard input" : name;
    e->base = is_stdin ? (in->spec->name ? in->spec->name : "stdin") : mt_path_base(name);
    e->doc = mt_doc_new(e->base);
    e->start_us = mt_mono_us();
    mt_uuid(e->id);
}

void mt_entry_free(struct mt_entry *e)
{
    mt_scanning_abort(&e->scanning);
    mt_fd_close(&e->fd);
    mt_put_abort(&e->put);
    json_decref(e->doc);
    json_decref(e->found);
    json_decref(e->metadata);
    json_decref(e->scan);
    free(e->key);
}

static void set_key(struct mt_entry *e, const char *ext)
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

/* In a dry run the bytes of stdin are kept in a file that has no name. */
static int spool(struct mt_entry *e, struct mt_err *err)
{
    char chunk[65536];
    ssize_t n;

    e->fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (e->fd < 0)
        return mt_fail_errno(err, "cannot keep standard input in /var/tmp");
    while ((n = mt_read_unless(STDIN_FILENO, chunk, sizeof chunk, mt_stop_signal)) > 0) {
        e->size += n;
        if (e->size > e->in->spec->max_size)
            return check_size(e, e->size, err);
        if (mt_write_all(e->fd, chunk, (size_t)n) < 0)
            return mt_fail_errno(err, "cannot keep standard input in /var/tmp");
    }
    return n < 0 ? mt_fail_errno(err, "cannot read standard input") : check_size(e, e->size, err);
}

static void show(int64_t bytes)
{
    mt_progress_update(bytes, 0);
}

static int open_stdin(struct mt_entry *e, struct mt_err *err)
{
    struct mt_copy copy = {.from = STDIN_FILENO,
                           .max_bytes = e->in->spec->max_size,
                           .name = e->name,
                           .progress = show,
                           .stopped = mt_stop_signal};
    char ext[16];

    if (e->in->spec->common->dry_run)
        return spool(e, err) < 0 || fstat(e->fd, &e->stat) < 0 ? -1 : 0;
    mt_path_ext(e->base, ext);
    set_key(e, ext);
    if (mt_store_begin(e->in->store, e->key, &e->put, err) < 0 ||
        mt_copy_hashed(&copy, e->put, &e->size, e->sha256, err) < 0 ||
        check_size(e, e->size, err) < 0)
        return -1;
    e->fd = fcntl(mt_put_fd(e->put), F_DUPFD_CLOEXEC, 3);
    if (e->fd < 0 || fstat(e->fd, &e->stat) < 0)
        return mt_fail_errno(err, "cannot read back what was stored");
    return 0;
}

int mt_entry_open(struct mt_entry *e, struct mt_err *err)
{
    if (e->is_stdin)
        return open_stdin(e, err);
    e->fd = mt_open_regular(e->name, &e->stat, err);
    if (e->fd < 0)
        return -1;
    if (check_size(e, e->stat.st_size, err) < 0)
        return -1;
    mt_progress_update(0, e->stat.st_size);
    return 0;
}

/*
 * A name that promises media over bytes that are something else is a type
 * mismatch: the remedy differs from that for a file that never claimed to be.
 */
static void explain_refusal(const struct mt_entry *e, const json_t *seen, struct mt_err *err)
{
    const char *mime = mt_json_str(seen, "mime_type", NULL);
    char ext[16];

    if (err->code != MT_ERR_UNSUPPORTED_TYPE || !mime)
        return;
    mt_path_ext(e->base, ext);
    if (mt_ext_known(ext, NULL) &&
        (mt_str_starts(mime, "text/") || mt_str_starts(mime, "application/")) &&
        strcmp(mime, "application/octet-stream") != 0)
        mt_fail(err, MT_ERR_TYPE_MISMATCH, "'%s' is named .%s, but its content is %s", e->name, ext,
                mime);
}

static int accept_format(struct mt_entry *e, struct mt_err *err)
{
    const char *container = mt_json_str(e->found, "metadata.container", "?");
    char ext[16];

    e->format = mt_format_of(e->found);
    if (!e->format || !mt_format_accepted(e->format, &e->in->spec->formats))
        return mt_fail(err, MT_ERR_UNSUPPORTED_TYPE, "'%s' is %s (%s), which is not accepted",
                       e->name, e->format ? e->format->name : container,
                       mt_json_str(e->found, "mime_type", "?"));
    mt_path_ext(e->base, ext);
    if (!mt_ext_known(ext, NULL) || mt_format_has_ext(e->format, ext))
        return 0;
    if (!mt_ext_known(ext, e->format->type))
        return mt_fail(err, MT_ERR_TYPE_MISMATCH, "'%s' is named .%s, but its content is %s",
                       e->name, ext, e->format->mime);
    mt_log(MT_LOG_WARN, "'%s' is named .%s, but is %s", e->name, ext, e->format->name);
    mt_json_set(e->metadata, "extension_mismatch",
                json_pack("{s:s, s:s}", "extension", ext, "format", e->format->name));
    return 0;
}

/* The prober's metadata, and what the user sent along. */
static void compose_metadata(struct mt_entry *e)
{
    const struct mt_ingest *spec = e->in->spec;
    json_t *metadata = json_object_get(e->found, "metadata");
    const json_t *name = mt_json_at(e->doc, "asset.metadata.name_base64");

    e->metadata = metadata ? json_incref(metadata) : json_object();
    if (name)
        json_object_set(e->metadata, "name_base64", (json_t *)(uintptr_t)name);
    if (spec->metadata)
        json_object_set(e->metadata, "user", spec->metadata);
    if (spec->options)
        json_object_set(e->metadata, "processing_options", spec->options);
}

int mt_entry_identify(struct mt_entry *e, struct mt_err *err)
{
    char ext[16];
    json_t *seen = NULL;

    e->found = mt_helper_ask(e->in->helper, e->fd, e->name, &seen, err);
    if (!e->found) {
        explain_refusal(e, seen, err);
        json_object_update(json_object_get(e->doc, "asset"), seen);
        json_decref(seen);
        return -1;
    }
    compose_metadata(e);
    if (accept_format(e, err) < 0)
        return -1;
    if (!e->key) {
        snprintf(ext, sizeof ext, "%.*s", (int)strcspn(e->format->extensions, " "),
                 e->format->extensions);
        set_key(e, ext);
    }
    return 0;
}

int mt_entry_scan(struct mt_entry *e, struct mt_err *err)
{
    return mt_scanning_start(&e->scanning, e->in->scanner, e->fd, e->stat.st_size, e->name,
                             e->in->spec->verdicts.wall_us, err);
}

int mt_entry_judge(struct mt_entry *e, struct mt_err *err)
{
    struct mt_scan_result result;

    if (mt_scanning_end(&e->scanning, &result, err) < 0)
        return -1;
    e->scan = mt_scan_to_json(&result);
    json_object_set(json_object_get(e->doc, "asset"), "scan", e->scan);
    return mt_verdict_apply(&e->in->spec->verdicts, e->name, &result, &e->upload_status, err);
}

void mt_entry_judge_refused(struct mt_entry *e, struct mt_err *err)
{
    struct mt_err verdict;

    if (err->code == MT_ERR_CANCELLED || !mt_scanning_await(e->scanning, VERDICT_US))
        return;
    if (mt_entry_judge(e, &verdict) < 0 && verdict.code == MT_ERR_INFECTED)
        *err = verdict;
}
