/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch.c - media-status watch: what goes on, until somebody has seen enough. */
#include "status/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "catalog/job.h"
#include "cli/screen.h"
#include "cli/signals.h"
#include "status/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNNING_MAX = 200, FAILURES = 5, SAMPLES = 32, WINDOW_S = 120, COUNT_SHARE = 20 };

/* How many jobs had ended at some time. */
struct sample {
    int64_t at_us; /* mt_mono_us() */
    int64_t ended;
};

struct watch {
    struct mt_status *s;
    json_t *counts;       /* by status */
    int64_t count_due_us; /* not before; large tables are counted less often */
    struct sample samples[SAMPLES];
    int n_samples;
    json_t *running, *failures; /* rows */
    char trouble[512];          /* why what is shown is old; "" if it is not */
};

/* --- what goes on --- */

static int64_t count_of(const struct watch *w, const char *status)
{
    return mt_json_int(w->counts, status, 0);
}

static void add_sample(struct watch *w)
{
    int64_t now = mt_mono_us();

    while (w->n_samples > 0 &&
           (w->n_samples == SAMPLES || now - w->samples[0].at_us > WINDOW_S * INT64_C(1000000))) {
        w->n_samples--;
        memmove(w->samples, w->samples + 1, (size_t)w->n_samples * sizeof *w->samples);
    }
    w->samples[w->n_samples++] = (struct sample){
        now, count_of(w, "completed") + count_of(w, "failed") + count_of(w, "dead")};
}

/* Jobs a second over the last two minutes; below 0 while that is unknown. */
static double rate_of(const struct watch *w)
{
    if (w->n_samples < 2)
        return -1;
    const struct sample *first = &w->samples[0];
    const struct sample *last = &w->samples[w->n_samples - 1];
    return (double)(last->ended - first->ended) / ((double)(last->at_us - first->at_us) / 1e6);
}

/* Counting a million jobs takes its time: it may take a twentieth of ours. */
static int refresh_counts(struct watch *w, struct mt_err *err)
{
    int64_t begin = mt_mono_us();
    size_t i;
    json_t *row;

    if (w->counts && begin < w->count_due_us)
        return 0;
    json_t *rows = mt_job_counts(w->s->db, err);
    if (!rows)
        return -1;
    json_decref(w->counts);
    w->counts = json_object();
    json_array_foreach(rows, i, row)
    {
        const char *status = mt_json_str(row, "status", "pending");
        json_object_set_new(w->counts, status,
                            json_integer(count_of(w, status) + mt_json_int(row, "n", 0)));
    }
    json_decref(rows);
    w->count_due_us = mt_mono_us() + COUNT_SHARE * (mt_mono_us() - begin);
    add_sample(w);
    return 0;
}

static json_t *list(struct watch *w, const char *status, int limit, struct mt_err *err)
{
    const struct mt_job_filter filter = {.status = status};
    const struct mt_page page = {.limit = limit};
    char *next = NULL;
    json_t *rows = mt_job_list(w->s->db, &filter, &page, &next, err);

    free(next);
    return rows;
}

/* The name and length of what the job is about, into its row. */
static int add_asset(struct watch *w, json_t *row, struct mt_err *err)
{
    struct mt_err why = {.code = MT_OK};
    const char *id = mt_json_str(row, "media_asset_id", NULL);
    json_t *asset = id ? mt_db_row(w->s->db, &why,
                                   "SELECT original_filename, metadata FROM media_assets"
                                   " WHERE id = $1",
                                   "s", id)
                       : NULL;

    if (id && !asset && why.code != MT_ERR_NOT_FOUND) {
        *err = why;
        return -1;
    }
    if (asset)
        json_object_set_new(row, "asset", asset);
    return 0;
}

/* Dead and failed jobs, the newest few of both. */
static json_t *list_failures(struct watch *w, struct mt_err *err)
{
    json_t *failed = list(w, "failed", FAILURES, err);
    json_t *dead = failed ? list(w, "dead", FAILURES, err) : NULL;
    json_t *newest = dead ? json_array() : NULL;
    size_t a = 0;
    size_t b = 0;

    while (newest && json_array_size(newest) < FAILURES) {
        json_t *x = json_array_get(failed, a);
        json_t *y = json_array_get(dead, b);
        if (!x && !y)
            break;
        bool first = x && (!y || strcmp(mt_json_str(x, "created_at", ""),
                                        mt_json_str(y, "created_at", "")) >= 0);
        json_array_append(newest, first ? x : y);
        a += first;
        b += !first;
    }
    json_decref(failed);
    json_decref(dead);
    return newest;
}

static int read_all(struct watch *w, struct mt_err *err)
{
    json_t *running = NULL;
    json_t *failures = NULL;
    size_t i;
    json_t *row;
    int ret = -1;

    if (refresh_counts(w, err) < 0 || !(running = list(w, "processing", RUNNING_MAX, err)) ||
        !(failures = list_failures(w, err)))
        goto out;
    json_array_foreach(running, i, row)
    {
        if (add_asset(w, row, err) < 0)
            goto out;
    }
    json_decref(w->running);
    json_decref(w->failures);
    w->running = json_incref(running);
    w->failures = json_incref(failures);
    ret = 0;
out:
    json_decref(running);
    json_decref(failures);
    return ret;
}

/* A database that is busy for a while is no reason to end: the next look may succeed. */
static int refresh(struct watch *w, struct mt_err *err)
{
    int ret = mt_db_begin(w->s->db, false, err);

    if (ret == 0)
        ret = read_all(w, err);
    mt_db_rollback(w->s->db);
    *w->trouble = '\0';
    if (ret == 0 || (err->code != MT_ERR_LOCKED && err->code != MT_ERR_BUSY))
        return ret;
    snprintf(w->trouble, sizeof w->trouble, "%s", err->msg);
    return 0;
}

/* --- what is shown --- */

static void show_head(const struct watch *w, const struct mt_table_style *style)
{
    char now[MT_TIME_TEXT];
    char *name = mt_text_printable(mt_db_name(w->s->db), 256);

    mt_time_text(mt_now_us(), now);
    char *head = mt_asprintf("%.8s UTC  q quits  %s", now + 11, name);
    char *cut = mt_text_cut(head, style->columns);
    fprintf(style->out, "%s\n", cut);
    free(cut);
    free(head);
    free(name);
    if (*w->trouble) {
        char *trouble = mt_text_printable(w->trouble, sizeof w->trouble);
        cut = mt_text_cut(trouble, style->columns);
        fprintf(style->out, "%s\n", cut);
        free(cut);
        free(trouble);
    }
}

static void show_counts(const struct watch *w, const struct mt_table_style *style)
{
    static const struct mt_column columns[] = {
        {.title = "WAIT", .right = true, .rank = 1},    {.title = "RUN", .right = true},
        {.title = "FAILED", .right = true, .rank = 2},  {.title = "DONE", .right = true, .rank = 3},
        {.title = "PER MIN", .right = true, .rank = 4}, {.title = "LEFT", .right = true, .rank = 5},
    };
    enum { FIGURES = 6 };
    char figures[FIGURES][MT_FIGURE] = {""};
    double rate = rate_of(w);
    int64_t open = count_of(w, "pending") + count_of(w, "processing");
    const char *cells[FIGURES];
    struct mt_table table;

    snprintf(figures[0], MT_FIGURE, "%lld", (long long)count_of(w, "pending"));
    snprintf(figures[1], MT_FIGURE, "%lld", (long long)count_of(w, "processing"));
    snprintf(figures[2], MT_FIGURE, "%lld",
             (long long)(count_of(w, "failed") + count_of(w, "dead")));
    snprintf(figures[3], MT_FIGURE, "%lld", (long long)count_of(w, "completed"));
    if (rate >= 0)
        snprintf(figures[4], MT_FIGURE, "%.1f", rate * 60);
    if (rate > 0 && (double)open / rate < 1e9)
        mt_show_duration((int64_t)((double)open / rate * 1e6), figures[5]);
    for (int i = 0; i < FIGURES; i++)
        cells[i] = figures[i];
    mt_table_init(&table, columns, FIGURES);
    mt_table_add(&table, cells);
    mt_table_print(&table, style);
    mt_table_free(&table);
}

/* How long the job has run, in seconds; below 0 if that is unknown. */
static double age_of(const json_t *row)
{
    json_t *ms = mt_status_took(row, "started_at", NULL);
    double s = json_is_integer(ms) ? (double)json_integer_value(ms) / 1e3 : -1;

    json_decref(ms);
    return s;
}

static void add_running(struct mt_table *table, const json_t *row)
{
    int64_t percent = mt_json_int(row, "progress", 0);
    double age = age_of(row);
    double film = mt_json_num(row, "asset.metadata.duration", 0);
    const char *name = mt_json_str(row, "asset.original_filename",
                                   mt_json_str(row, "input_parameters.name", NULL));
    char id[9], done[16], speed[MT_FIGURE] = "", left[MT_FIGURE] = "", since[MT_FIGURE] = "";

    snprintf(id, sizeof id, "%s", mt_json_str(row, "id", ""));
    snprintf(done, sizeof done, "%lld %%", (long long)percent);
    if (age >= 0 && age < 1e9)
        mt_show_duration((int64_t)age * 1000000, since);
    if (age >= 1 && percent > 0 && film > 0)
        snprintf(speed, sizeof speed, "%.1fx", film * (double)percent / 100 / age);
    if (age >= 1 && percent > 0 && age < 1e7)
        mt_show_duration((int64_t)(age * (double)(100 - percent) / (double)percent) * 1000000,
                         left);
    const char *cells[] = {
        id,   done,  mt_json_str(row, "job_type", ""),       since,
        left, speed, mt_json_str(row, "current_step", NULL), name ? mt_path_base(name) : NULL};
    mt_table_add(table, cells);
}

static void show_running(const struct watch *w, const struct mt_table_style *style, int rows)
{
    static const struct mt_column columns[] = {
        {.title = "RUNNING"},
        {.title = "DONE", .right = true, .rank = 1},
        {.title = "TYPE", .rank = 3},
        {.title = "SINCE", .right = true, .rank = 5},
        {.title = "LEFT", .right = true, .rank = 2},
        {.title = "SPEED", .right = true, .rank = 4},
        {.title = "STEP", .least = 6, .rank = 7},
        {.title = "FILE", .least = 8, .rank = 6},
    };
    struct mt_table table;
    size_t i;
    json_t *row;

    fputc('\n', style->out);
    if (json_array_size(w->running) == 0)
        fputs("nothing runs\n", style->out);
    mt_table_init(&table, columns, 8);
    json_array_foreach(w->running, i, row)
    {
        if (table.rows < rows)
            add_running(&table, row);
    }
    mt_table_print(&table, style);
    int64_t more = count_of(w, "processing") - table.rows;
    if (more > 0 && table.rows > 0)
        fprintf(style->out, "and %lld more\n", (long long)more);
    mt_table_free(&table);
}

static void show_failures(const struct watch *w, const struct mt_table_style *style, int rows)
{
    static const struct mt_column columns[] = {{.title = "FAILED"},
                                               {.title = "WHEN", .rank = 2},
                                               {.title = "TYPE", .rank = 3},
                                               {.title = "WHY", .least = 8, .rank = 1}};
    struct mt_table table;
    size_t i;
    json_t *row;

    mt_table_init(&table, columns, 4);
    json_array_foreach(w->failures, i, row)
    {
        char id[9];
        char age[MT_AGE_TEXT];
        if (table.rows == rows)
            break;
        snprintf(id, sizeof id, "%s", mt_json_str(row, "id", ""));
        mt_status_age(mt_json_str(row, "completed_at", mt_json_str(row, "created_at", "")), age);
        mt_table_add(&table,
                     (const char *const[]){id, age, mt_json_str(row, "job_type", ""),
                                           mt_json_str(row, "error.message",
                                                       mt_json_str(row, "error_message", NULL))});
    }
    if (table.rows > 0)
        fputc('\n', style->out);
    mt_table_print(&table, style);
    mt_table_free(&table);
}

/* Of the rows, the head takes 1, counts 2, titles and empty lines 5; failures get a third of the
 * rest. */
static int draw(const struct watch *w, struct mt_err *err)
{
    char *text = NULL;
    size_t n = 0;
    int rows;
    struct mt_table_style style = mt_status_style(w->s);

    mt_screen_size(&rows, &style.columns);
    style.out = open_memstream(&text, &n);
    if (!style.out)
        return mt_fail_errno(err, "cannot make a picture of the screen");
    int rest = rows > 10 ? rows - 9 : 1;
    int below = rest / 3 < FAILURES ? rest / 3 : FAILURES;
    show_head(w, &style);
    show_counts(w, &style);
    show_running(w, &style, rest - below > 0 ? rest - below : 1);
    if (below > 0)
        show_failures(w, &style, below);
    fclose(style.out);
    int ret = mt_screen_show(text, n, err);
    free(text);
    return ret;
}

/* --- the command --- */

/* Until the next look; a resized terminal is drawn anew at once, with what is known. */
static int wait_for(const struct watch *w, int64_t until_us, bool *quit, struct mt_err *err)
{
    for (;;) {
        int64_t left = until_us - mt_mono_us();
        if (left <= 0)
            return 0;
        int key = mt_screen_key((int)(left / 1000) + 1);
        if (key == MT_KEY_END || key == 'q' || key == 'Q') {
            *quit = true;
            return 0;
        }
        if (key == MT_KEY_NONE && mt_mono_us() < until_us && draw(w, err) < 0)
            return -1;
    }
}

static int loop(struct watch *w, struct mt_err *err)
{
    bool quit = false;

    while (!quit) {
        int64_t next = mt_mono_us() + w->s->interval_us;
        if (refresh(w, err) < 0 || draw(w, err) < 0 || wait_for(w, next, &quit, err) < 0)
            return -1;
    }
    return 0;
}

int mt_status_watch(struct mt_status *s, struct mt_err *err)
{
    struct watch w = {.s = s};

    if (mt_status_no_operands(s, err) < 0)
        return -1;
    if (s->interval_us < 100000 || s->interval_us > INT64_C(3600) * 1000000) {
        mt_fail(err, MT_ERR_USAGE, "--interval is 0.1 seconds to an hour");
        return mt_hint(err, "--interval 1 looks every second");
    }
    if (mt_screen_check(mt_env_get(s->run->env, "TERM"), err) < 0 || mt_status_open(s, err) < 0)
        return -1;
    mt_signals_at_once(false);
    mt_screen_open();
    int ret = loop(&w, err);
    mt_screen_close();
    json_decref(w.counts);
    json_decref(w.running);
    json_decref(w.failures);
    return ret;
}
