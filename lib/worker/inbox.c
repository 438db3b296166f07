/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inbox.c - see inbox.h. */
#include "worker/inbox.h"

#include "base/text.h"
#include "worker/link.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 256 * 1024 };

void mt_inbox_init(struct mt_inbox *inbox)
{
    *inbox = (struct mt_inbox){0};
    mt_buf_init(&inbox->buf, (size_t)MT_JSON_LINE_MAX + READ_BYTES);
}

void mt_inbox_free(struct mt_inbox *inbox)
{
    mt_buf_free(&inbox->buf);
    json_decref(inbox->waiting);
    json_decref(inbox->last);
    free(inbox->data);
    mt_inbox_init(inbox);
}

static ssize_t result_of_read(ssize_t n, struct mt_err *err)
{
    if (n >= 0)
        return n;
    if (errno == EAGAIN || errno == EINTR)
        return 1;
    return mt_fail_errno(err, "cannot read from the worker");
}

ssize_t mt_inbox_fill(struct mt_inbox *inbox, int fd, struct mt_err *err)
{
    struct mt_buf *buf = &inbox->buf;

    if (inbox->waiting && inbox->have < inbox->want) {
        ssize_t n = read(fd, inbox->data + inbox->have, inbox->want - inbox->have);
        inbox->have += n > 0 ? (size_t)n : 0;
        return result_of_read(n, err);
    }
    mt_buf_consume(buf, inbox->used);
    inbox->used = 0;
    if (mt_buf_reserve(buf, READ_BYTES, err) < 0)
        return mt_fail(err, MT_ERR_CRASHED, "the worker sent a line of more than %d bytes",
                       MT_JSON_LINE_MAX);
    ssize_t n = read(fd, buf->data + buf->len, READ_BYTES);
    buf->len += n > 0 ? (size_t)n : 0;
    buf->data[buf->len] = '\0';
    return result_of_read(n, err);
}

/* Prepares for what follows the line; the member that announces it is taken off. */
static int expect_attachment(struct mt_inbox *inbox, json_t *line, struct mt_err *err)
{
    json_t *member = json_object_get(line, MT_WORKER_ATTACHED);
    json_int_t n = json_integer_value(member);

    inbox->want = inbox->have = 0;
    if (!member)
        return 0;
    if (n <= 0 || (uint64_t)n > MT_WORKER_ATTACHED_MAX)
        return mt_fail(err, MT_ERR_CRASHED, "the worker announced an impossible attachment");
    json_object_del(line, MT_WORKER_ATTACHED);
    inbox->data = malloc((size_t)n);
    if (!inbox->data)
        return mt_fail(err, MT_ERR_LIMIT, "no memory for %lld bytes of a worker", (long long)n);
    inbox->want = (size_t)n;
    return 0;
}

static int parse(struct mt_inbox *inbox, const char *text, size_t n, struct mt_err *err)
{
    json_t *line = mt_json_parse("line", text, n, err);

    if (!json_is_object(line)) {
        json_decref(line);
        return mt_fail(err, MT_ERR_CRASHED, "the worker sent what is not JSON");
    }
    if (json_object_get(line, MT_WORKER_END)) {
        inbox->last = line;
        inbox->ended = true;
        return 0;
    }
    inbox->waiting = line;
    return expect_attachment(inbox, line, err);
}

/* Takes one line out of the bytes: 1, or 0 if none is complete. */
static int take_line(struct mt_inbox *inbox, struct mt_err *err)
{
    const char *from = inbox->buf.data + inbox->used;
    size_t n = inbox->buf.len - inbox->used;
    const char *end = n > inbox->seen ? memchr(from + inbox->seen, '\n', n - inbox->seen) : NULL;

    if (!end)
        inbox->seen = n;
    if ((end ? (size_t)(end - from) : n) > MT_JSON_LINE_MAX)
        return mt_fail(err, MT_ERR_CRASHED, "the worker sent a line of more than %d bytes",
                       MT_JSON_LINE_MAX);
    if (!end)
        return 0;
    inbox->seen = 0;
    inbox->used += (size_t)(end - from) + 1;
    return parse(inbox, from, (size_t)(end - from), err) < 0 ? -1 : 1;
}

/* Moves to the attachment what was read together with its line. */
static void fill_attachment(struct mt_inbox *inbox)
{
    size_t there = inbox->buf.len - inbox->used;
    size_t n = inbox->want - inbox->have;

    n = n < there ? n : there;
    if (n)
        memcpy(inbox->data + inbox->have, inbox->buf.data + inbox->used, n);
    inbox->have += n;
    inbox->used += n;
}

int mt_inbox_next(struct mt_inbox *inbox, struct mt_inbox_line *line, struct mt_err *err)
{
    if (inbox->ended || (!inbox->waiting && inbox->used == inbox->buf.len))
        return 0;
    if (!inbox->waiting) {
        int got = take_line(inbox, err);
        if (got <= 0 || inbox->ended)
            return got < 0 ? -1 : 0;
    }
    fill_attachment(inbox);
    if (inbox->have < inbox->want)
        return 0;
    *line = (struct mt_inbox_line){inbox->waiting, inbox->data, inbox->want};
    inbox->waiting = NULL;
    inbox->data = NULL;
    return 1;
}

void mt_inbox_done(struct mt_inbox_line *line)
{
    json_decref(line->value);
    free(line->data);
    *line = (struct mt_inbox_line){0};
}

static void copy_text(const json_t *line, const char *name, char *out, size_t size)
{
    char *clean = mt_text_printable(mt_json_str(line, name, ""), size - 1);

    memcpy(out, clean, strlen(clean) + 1);
    free(clean);
}

int mt_inbox_result(const struct mt_inbox *inbox, struct mt_err *err)
{
    const char *code = mt_json_str(inbox->last, MT_WORKER_END, "");

    if (strcmp(code, mt_code_name(MT_OK)) == 0)
        return 0;
    mt_err_from_json(inbox->last, err);
    err->code = mt_code_by_name(code);
    err->os_errno = (int)mt_json_int(inbox->last, "errno", 0);
    copy_text(inbox->last, "message", err->msg, sizeof err->msg);
    copy_text(inbox->last, "hint", err->hint, sizeof err->hint);
    return -1;
}
