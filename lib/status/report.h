/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - the parts of the report: figures, and the forms they are shown in.
 *
 * The figures are one JSON object (share/schema/report.json); tables, CSV and
 * the page are made of it, so that all of them say the same.
 */
#ifndef MT_STATUS_REPORT_H
#define MT_STATUS_REPORT_H

#include "base/buf.h"
#include "status/internal.h"

#include <jansson.h>
#include <stdint.h>

enum {
    MT_REPORT_USERS = 50,                /* those with the most jobs; the rest is "other" */
    MT_PAGE_BYTES = 2 * 1000 * 1000 - 1, /* of a page, pictures and all */
    MT_PAGE_PICTURES = 1200 * 1000,      /* of it for pictures, encoded */
    MT_PLOT_POINTS = 720,                /* of a curve; longer ones keep each stretch's extremes */
};

/* The period that a report is about; NULL: without end. Times as in the database. */
struct mt_period {
    const char *since; /* from then on */
    const char *until; /* up to, without it */
};

/* The figures of all that was created in the period. New. */
json_t *mt_report_all(struct mt_status *s, const struct mt_period *period, struct mt_err *err);

/* What is recorded of one asset: document, jobs, what happens when in it. New. */
json_t *mt_report_asset(struct mt_status *s, const char *id, struct mt_err *err);

/* The forms. */
int mt_report_tables(struct mt_status *s, const json_t *report, struct mt_err *err) MT_MUST_USE;
int mt_report_csv(struct mt_status *s, const json_t *report, struct mt_err *err) MT_MUST_USE;

/* --- the page --- */

/*
 * A page being written. What does not fit fails at the end with MT_ERR_LIMIT,
 * so that writing needs no checks on the way.
 */
struct mt_page_text {
    struct mt_buf buf;
    struct mt_err failure;
    bool failed;
    bool arabic; /* the words are Arabic and the page runs from right to left */
};

/* The whole page of either kind of report, into page->buf; store may be NULL: no pictures. */
int mt_report_page(struct mt_page_text *page, const json_t *report, struct mt_store *store,
                   struct mt_err *err) MT_MUST_USE;

/* The body of each kind. */
void mt_page_all(struct mt_page_text *page, const json_t *report);
void mt_page_asset(struct mt_page_text *page, const json_t *report, struct mt_store *store);

/* The pictures of an asset as data URIs, as many as fit; see MT_PAGE_PICTURES. */
void mt_page_pictures(struct mt_page_text *page, const json_t *document, struct mt_store *store);

/* Adds markup; %s must be no foreign text. */
void mt_page_add(struct mt_page_text *page, const char *fmt, ...) MT_PRINTF(2, 3);

/* Adds foreign text, so that it is text and nothing else, whatever it holds. */
void mt_page_text(struct mt_page_text *page, const char *text);

/* A word in the language of the page; those that the list does not have stay as they are. */
const char *mt_page_word(const struct mt_page_text *page, const char *word);

/* "<section><h2>title</h2>", and its end. */
void mt_page_open(struct mt_page_text *page, const char *title);
void mt_page_close(struct mt_page_text *page);

/* One figure with its label, large. */
void mt_page_figure(struct mt_page_text *page, const char *label, const char *value);

/* A note in small print. */
void mt_page_note(struct mt_page_text *page, const char *word);

/* --- plots --- */

/* Days as stacked bars: what went well, and what failed. */
void mt_plot_days(struct mt_page_text *page, const json_t *days);

/* One bar of a list of them, with its text; most is the longest bar's value. */
struct mt_bar {
    const char *name; /* foreign text */
    const char *text; /* of the figure */
    double value;
    double most;
    const char *color; /* a class of the style sheet */
};
void mt_plot_bars_open(struct mt_page_text *page);
void mt_plot_bar(struct mt_page_text *page, const struct mt_bar *bar);
void mt_plot_bars_close(struct mt_page_text *page);

/* How long each stage takes, from p50 over p90 to p99, on a logarithmic axis. */
void mt_plot_durations(struct mt_page_text *page, const json_t *stages);

/* What happens when: one lane for each kind, all on one axis of seconds. */
void mt_plot_lanes(struct mt_page_text *page, const json_t *lanes, double seconds);

/* A figure over the film's time: {"step_s", "values": [...]}; unit is markup. */
void mt_plot_curve(struct mt_page_text *page, const json_t *curve, double seconds,
                   const char *unit);

#endif
