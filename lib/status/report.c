/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report.c - media-status report: what was done, or what is known of one asset. */
#include "status/report.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/signals.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define DAY_US (INT64_C(24) * 3600 * 1000000)

/* --- the period --- */

/* A date stands for its whole day: the end of the period is that of the day. */
static int parse_time(const char *what, const char *text, bool end, char out[MT_TIME_TEXT],
                      struct mt_err *err)
{
    int64_t us;
    struct mt_err ignored;
    char *full = strlen(text) == 10 ? mt_asprintf("%sT00:00:00Z", text) : mt_strdup(text);
    int ret = mt_time_parse(full, &us, &ignored);

    if (ret < 0) {
        mt_fail(err, MT_ERR_USAGE, "%s takes a date or a time, not '%.100s'", what, text);
        mt_hint(err, "a date is 2026-01-31, a time 2026-01-31T14:00:00Z");
    } else {
        mt_time_text(end && strlen(text) == 10 ? us + DAY_US : us, out);
    }
    free(full);
    return ret;
}

static int parse_period(const struct mt_status_report *o, struct mt_period *period,
                        char since[MT_TIME_TEXT], char until[MT_TIME_TEXT], struct mt_err *err)
{
    *period = (struct mt_period){NULL, NULL};
    if (o->since) {
        if (parse_time("--since", o->since, false, since, err) < 0)
            return -1;
        period->since = since;
    }
    if (o->until) {
        if (parse_time("--until", o->until, true, until, err) < 0)
            return -1;
        period->until = until;
    }
    if (period->since && period->until && strcmp(since, until) >= 0) {
        mt_fail(err, MT_ERR_USAGE, "--since %.40s is not before --until %.40s", o->since, o->until);
        return mt_hint(err, "--since names the first day, --until the last");
    }
    return 0;
}

static int check_options(const struct mt_status *s, struct mt_err *err)
{
    const struct mt_status_report *o = &s->report;

    if (o->csv && o->html) {
        mt_fail(err, MT_ERR_USAGE, "--csv and --html are two forms of one report");
        return mt_hint(err, "run it twice");
    }
    if (s->common->files_from || s->run->n_operands > 1) {
        mt_fail(err, MT_ERR_USAGE, "'report' takes one asset, or none for all of them");
        return mt_hint(err, "run it once for each asset");
    }
    if (s->run->n_operands == 1 && (o->since || o->until)) {
        mt_fail(err, MT_ERR_USAGE, "--since and --until do not apply to the report on one asset");
        return mt_hint(err, "leave them out");
    }
    return 0;
}

/* --- the page --- */

/* Pictures are read if there is a store; without one the page does without. */
static struct mt_store *open_store(struct mt_status *s)
{
    struct mt_store *store = NULL;
    struct mt_err ignored;

    return mt_store_open(&store, s->common->store, s->stores, false, &ignored) < 0 ? NULL : store;
}

static int write_page(struct mt_status *s, const struct mt_buf *page, struct mt_err *err)
{
    const char *file = s->report.html;

    if (strcmp(file, "-") == 0) {
        fwrite(page->data, 1, page->len, s->out);
        return mt_status_check(s, err);
    }
    mt_signals_at_once(false);
    if (mt_write_file(file, page->data, page->len, err) < 0)
        return -1;
    json_t *answer = json_pack("{s:i, s:o, s:I}", "schema", MT_DOC_SCHEMA, "page",
                               mt_json_text(file), "file_size", (json_int_t)page->len);
    int ret = s->table ? 0 : mt_status_print(s, answer, err);
    json_decref(answer);
    return ret;
}

static int show_page(struct mt_status *s, const json_t *report, struct mt_err *err)
{
    bool one = strcmp(mt_json_str(report, "report", ""), "asset") == 0;
    struct mt_store *store = one ? open_store(s) : NULL;
    struct mt_page_text page = {.arabic = strcmp(s->report.lang, "ar") == 0};

    mt_buf_init(&page.buf, MT_PAGE_BYTES);
    int ret = mt_report_page(&page, report, store, err);
    if (ret == 0)
        ret = write_page(s, &page.buf, err);
    mt_buf_free(&page.buf);
    mt_store_close(&store);
    return ret;
}

/* --- the command --- */

static int show(struct mt_status *s, const json_t *report, struct mt_err *err)
{
    if (s->report.html)
        return show_page(s, report, err);
    if (s->report.csv)
        return mt_report_csv(s, report, err);
    return s->table ? mt_report_tables(s, report, err) : mt_status_print(s, report, err);
}

static int report_one(struct mt_status *s, const char *id, struct mt_err *err)
{
    struct mt_err failure = {.code = MT_OK};
    bool json = !s->report.csv && !s->report.html;

    if (mt_status_open(s, err) < 0 || mt_db_begin(s->db, false, err) < 0)
        return -1;
    json_t *report = mt_report_asset(s, id, &failure);
    if (!report && failure.code == MT_ERR_NOT_FOUND)
        mt_status_near(s->db, MT_STATUS_ASSET, id, &failure);
    mt_db_rollback(s->db);
    if (!report && failure.code == MT_ERR_NOT_FOUND && json)
        return mt_status_refuse(s, id, &failure, err);
    if (!report) {
        *err = failure;
        return -1;
    }
    int ret = show(s, report, err);
    json_decref(report);
    return ret;
}

int mt_status_report(struct mt_status *s, struct mt_err *err)
{
    char since[MT_TIME_TEXT];
    char until[MT_TIME_TEXT];
    struct mt_period period;

    if (check_options(s, err) < 0 || parse_period(&s->report, &period, since, until, err) < 0)
        return -1;
    if (s->run->n_operands == 1)
        return report_one(s, s->run->operands[0], err);
    if (mt_status_open(s, err) < 0)
        return -1;
    json_t *report = mt_report_all(s, &period, err);
    if (!report)
        return -1;
    int ret = show(s, report, err);
    json_decref(report);
    return ret;
}
