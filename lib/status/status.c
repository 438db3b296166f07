/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status.c - what all commands share; see internal.h. */
#include "status/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "status/text.h"
#include "json/json.h"

#include <errno.h>
#include <string.h>

/* The replica, if there is one and it answers. */
static int open_db(struct mt_status *s, struct mt_err *err)
{
    struct mt_err why;

    if (s->db_read && mt_db_open(&s->db, s->db_read, s->dbs, MT_DB_READ, &why) == 0)
        return 0;
    if (s->db_read && why.code != MT_ERR_BUSY) {
        *err = why;
        return -1;
    }
    if (s->db_read)
        mt_log_err(MT_LOG_WARN, &why);
    return mt_db_open(&s->db, s->common->db, s->dbs, MT_DB_READ, err);
}

int mt_status_open(struct mt_status *s, struct mt_err *err)
{
    struct mt_err why;

    mt_signals_at_once(true); /* a locked database is waited for, and nothing is lost by not */
    if (mt_store_name(&s->store, s->common->store, s->stores, &why) < 0)
        mt_log_err(MT_LOG_WARN, &why);
    return open_db(s, err);
}

void mt_status_close(struct mt_status *s)
{
    mt_db_close(&s->db);
    mt_store_close(&s->store);
}

/* --- output --- */

int mt_status_print(struct mt_status *s, const json_t *value, struct mt_err *err)
{
    return mt_json_write(s->out, value, s->indent, err);
}

struct mt_table_style mt_status_style(const struct mt_status *s)
{
    return (struct mt_table_style){s->out, s->columns, s->common->color_on};
}

int mt_status_check(struct mt_status *s, struct mt_err *err)
{
    errno = 0;
    if (fflush(s->out) != EOF && !ferror(s->out))
        return 0;
    return mt_fail_errno(err, "cannot write to standard output");
}

/* --- inputs --- */

int mt_status_no_operands(const struct mt_status *s, struct mt_err *err)
{
    if (s->run->n_operands == 0 && !s->common->files_from)
        return 0;
    const char *what = s->run->n_operands ? s->run->operands[0] : "--files-from";
    mt_fail(err, MT_ERR_USAGE, "'%s' takes no operands, and here is '%.200s'",
            s->run->command->name, what);
    return mt_hint(err, "media-status job ID and media-status asset ID show one of them");
}

int mt_status_refuse(struct mt_status *s, const char *input, const struct mt_err *failure,
                     struct mt_err *err)
{
    mt_log_err(MT_LOG_ERROR, failure);
    mt_outcome_add(&s->run->outcome, failure->code);
    if (s->table)
        return 0;
    json_t *answer = json_object();
    json_object_set_new(answer, "schema", json_integer(MT_DOC_SCHEMA));
    json_object_set_new(answer, "input", mt_json_text(input));
    mt_doc_fail(answer, "status", failure);
    int ret = mt_status_print(s, answer, err);
    json_decref(answer);
    return ret;
}

/* All that is said about one thing comes from one state of the database. */
static json_t *get_in_transaction(struct mt_status *s, const struct mt_status_answer *answer,
                                  const char *id, struct mt_err *err)
{
    if (mt_db_begin(s->db, false, err) < 0)
        return NULL;
    json_t *value = answer->get(s, id, err);
    if (!value && err->code == MT_ERR_NOT_FOUND)
        mt_status_near(s->db, answer->kind, id, err);
    mt_db_rollback(s->db);
    return value;
}

static int answer_one(struct mt_status *s, const struct mt_status_answer *answer, const char *id,
                      struct mt_err *err)
{
    struct mt_err failure = {.code = MT_OK};
    json_t *value = get_in_transaction(s, answer, id, &failure);

    if (!value && failure.code == MT_ERR_NOT_FOUND)
        return mt_status_refuse(s, id, &failure, err);
    if (!value) {
        *err = failure;
        return -1;
    }
    mt_outcome_add(&s->run->outcome, MT_OK);
    int ret = s->table ? answer->show(s, value, err) : mt_status_print(s, value, err);
    json_decref(value);
    return ret;
}

int mt_status_each(struct mt_status *s, const struct mt_status_answer *answer, struct mt_err *err)
{
    struct mt_names names;
    const char *name;
    int n = 0;
    int ret;

    if (s->run->n_operands == 0 && !s->common->files_from) {
        mt_fail(err, MT_ERR_USAGE, "'%s' wants an id", s->run->command->name);
        return mt_hint(err, "media-status %s lists them",
                       answer->kind == MT_STATUS_ASSET ? "assets" : "jobs");
    }
    if (mt_status_open(s, err) < 0)
        return -1;
    mt_names_init(&names, s->run, s->common);
    while ((ret = mt_names_next(&names, &name, err)) == 1) {
        if (s->table && n++ > 0)
            fputc('\n', s->out);
        ret = answer_one(s, answer, name, err);
        if (ret < 0 || mt_stop_signal() || (s->common->fail_fast && s->run->outcome.failed))
            break;
    }
    mt_names_free(&names);
    return ret < 0 ? -1 : 0;
}

/* --- times --- */

static bool time_of(const char *text, int64_t *us)
{
    struct mt_err ignored;

    return text && mt_time_parse(text, us, &ignored) == 0;
}

json_t *mt_status_took(const json_t *row, const char *from, const char *to)
{
    int64_t begin;
    int64_t end = mt_now_us();

    if (!time_of(mt_json_str(row, from, NULL), &begin) ||
        (to && !time_of(mt_json_str(row, to, NULL), &end)))
        return json_null();
    return json_integer(end > begin ? (end - begin) / 1000 : 0);
}

char *mt_status_age(const char *time, char *out)
{
    int64_t us;

    *out = '\0';
    return time_of(time, &us) ? mt_text_age(us, mt_now_us(), out) : out;
}

char *mt_status_when(const char *time)
{
    char age[MT_AGE_TEXT];
    char text[MT_TIME_TEXT];
    int64_t us;

    if (!time_of(time, &us))
        return NULL;
    mt_time_text(us, text);
    return mt_asprintf("%.10s %.8s UTC, %s", text, text + 11, mt_text_age(us, mt_now_us(), age));
}

char *mt_status_ms(int64_t ms, char *out)
{
    *out = '\0';
    return ms < 0 ? out : mt_show_duration(ms * 1000, out);
}
