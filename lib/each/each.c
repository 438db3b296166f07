/* SPDX-License-Identifier: GPL-2.0-or-later */
/* each.c - see each.h. */
#include "each/each.h"

#include "base/file.h"
#include "base/log.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct loop {
    const struct mt_each *each;
    struct mt_run *run;
    struct mt_store *store; /* opened when a document needs it */
};

static int print(struct loop *l, json_t *doc, struct mt_err *err)
{
    if (l->each->before_print)
        l->each->before_print(l->each->ctx, doc);
    return mt_print(doc, err);
}

/* Reports a document and counts it. 1: the run ends here. */
static int deliver(struct loop *l, json_t *doc, const struct mt_err *failure, struct mt_err *err)
{
    if (failure) {
        mt_doc_fail(doc, l->each->stage, failure);
        mt_log_err(MT_LOG_ERROR, failure);
    }
    mt_outcome_add(&l->run->outcome, mt_doc_code(doc));
    mt_progress_end(failure ? "failed" : "completed", failure ? mt_code_name(failure->code) : NULL,
                    failure ? failure->msg : NULL);
    if (print(l, doc, err) < 0)
        return -1;
    return failure && l->each->common->fail_fast;
}

/* Looks at what was opened (fd is -1 and failure says why if it was not) and delivers doc. */
static int look(struct loop *l, json_t *doc, int fd, const char *name, struct mt_err *failure,
                struct mt_err *err)
{
    int ret = fd < 0 ? -1 : l->each->look(l->each->ctx, doc, fd, name, failure);

    mt_fd_close(&fd);
    return deliver(l, doc, ret < 0 ? failure : NULL, err);
}

static int keep_bytes(int fd, int64_t most, struct mt_err *err)
{
    char chunk[65536];
    int64_t total = 0;
    ssize_t n;

    while ((n = mt_read_unless(STDIN_FILENO, chunk, sizeof chunk, mt_stop_signal)) > 0) {
        total += n;
        if (total > most)
            return mt_fail(err, MT_ERR_TOO_LARGE, "standard input has more than %lld bytes",
                           (long long)most);
        if (mt_write_all(fd, chunk, (size_t)n) < 0)
            return mt_fail_errno(err, "cannot keep the bytes from standard input in /var/tmp");
    }
    return n < 0 ? mt_fail_errno(err, "cannot read standard input") : 0;
}

/* The bytes on stdin as a file: stdin itself if it is one, else a nameless copy. */
static int stdin_as_file(int64_t most, struct mt_err *err)
{
    struct stat st;

    if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode))
        return dup(STDIN_FILENO);
    int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return mt_fail_errno(err, "cannot keep the bytes from standard input in /var/tmp");
    if (keep_bytes(fd, most, err) < 0)
        mt_fd_close(&fd);
    return fd;
}

static int look_at_name(struct loop *l, const char *name, struct mt_err *err)
{
    bool is_stdin = l->each->stdin_most > 0 && strcmp(name, "-") == 0;
    json_t *doc = mt_doc_new(is_stdin ? "stdin" : name);
    struct mt_err failure;
    struct stat st;

    mt_progress_begin(name, l->each->stage, l->each->unit, 0);
    int fd = is_stdin ? stdin_as_file(l->each->stdin_most, &failure)
                      : mt_open_regular(name, &st, &failure);
    int ret = look(l, doc, fd, name, &failure, err);
    json_decref(doc);
    return ret;
}

/* A document's file is opened only where the store has it. */
static int open_url(struct loop *l, const json_t *doc, struct mt_err *err)
{
    const char *url = mt_json_str(doc, "asset.url", NULL);
    int fd = -1;

    if (!url)
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "the document has no asset.url");
    if (!l->store &&
        mt_store_open(&l->store, l->each->common->store, l->each->stores, false, err) < 0)
        return -1;
    char *key = mt_store_key_within(l->store, url, err);
    if (key)
        fd = mt_store_get(l->store, key, err);
    free(key);
    return fd;
}

static int look_at_document(struct loop *l, const char *line, size_t n, struct mt_err *err)
{
    struct mt_err failure;
    json_t *doc = mt_json_parse("document", line, n, &failure);
    int ret = doc ? mt_doc_check(doc, &failure) : -1;

    if (ret < 0) {
        json_decref(doc);
        doc = json_pack("{s:i}", "schema", MT_DOC_SCHEMA);
    } else if (mt_doc_failed(doc)) {
        ret = print(l, doc, err);
        mt_outcome_add(&l->run->outcome, mt_doc_code(doc));
        json_decref(doc);
        return ret;
    }
    const char *name = mt_json_str(doc, "asset.original_filename", "?");
    mt_progress_begin(name, l->each->stage, l->each->unit, 0);
    int fd = ret < 0 ? -1 : open_url(l, doc, &failure);
    ret = look(l, doc, fd, name, &failure, err);
    json_decref(doc);
    return ret;
}

static int all_documents(struct loop *l, struct mt_err *err)
{
    struct mt_lines lines;
    char *line;
    size_t n;
    int ret = 0;

    mt_lines_init(&lines, STDIN_FILENO, '\n', MT_JSON_LINE_MAX);
    while (!mt_stop_signal() && (ret = mt_lines_next(&lines, &line, &n, err)) == 1)
        if (n && (ret = look_at_document(l, line, n, err)) != 0)
            break;
    mt_lines_free(&lines);
    return ret < 0 ? -1 : 0;
}

static int all_names(struct loop *l, struct mt_err *err)
{
    struct mt_names names;
    const char *name;
    int ret = 0;

    mt_names_init(&names, l->run, l->each->common);
    mt_progress_expect(l->run->n_operands);
    while (!mt_stop_signal() && (ret = mt_names_next(&names, &name, err)) == 1)
        if ((ret = look_at_name(l, name, err)) != 0)
            break;
    mt_names_free(&names);
    return ret < 0 ? -1 : 0;
}

int mt_each_run(const struct mt_each *each, struct mt_run *r, struct mt_err *err)
{
    struct loop l = {.each = each, .run = r};
    bool named = r->n_operands > 0 || each->common->files_from;

    if (!named && isatty(STDIN_FILENO)) {
        mt_fail(err, MT_ERR_USAGE, "no file named");
        return mt_hint(err, "media-%s FILE ..., or pipe documents in", each->stage);
    }
    int ret = named ? all_names(&l, err) : all_documents(&l, err);
    mt_store_close(&l.store);
    return ret;
}
