/* SPDX-License-Identifier: GPL-2.0-or-later */
/* issues.c - what is wrong with a file that can still be used. */
#include "av/issues.h"

#include "json/json.h"

#include <stdio.h>

enum { ISSUES_MOST = 64, DETAIL_MOST = 400 };

void mt_issues_init(struct mt_issues *issues)
{
    *issues = (struct mt_issues){.list = json_array()};
}

void mt_issues_free(struct mt_issues *issues)
{
    json_decref(issues->list);
    *issues = (struct mt_issues){0};
}

/* NULL when the list is full. */
static json_t *add(struct mt_issues *issues, const char *kind, int stream, const char *detail)
{
    if (json_array_size(issues->list) >= ISSUES_MOST)
        return NULL;
    json_t *issue = json_object();
    json_object_set_new(issue, "kind", json_string(kind));
    json_object_set_new(issue, "stream", stream < 0 ? json_null() : json_integer(stream));
    json_object_set_new(issue, "detail", mt_json_text(detail));
    json_array_append_new(issues->list, issue);
    return issue;
}

void mt_issue(struct mt_issues *issues, const char *kind, int stream, const char *fmt, ...)
{
    char detail[DETAIL_MOST];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    add(issues, kind, stream, detail);
}

void mt_issue_at(struct mt_issues *issues, const char *kind, int stream, int64_t start_us,
                 int64_t end_us, const char *fmt, ...)
{
    char detail[DETAIL_MOST];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    json_t *issue = add(issues, kind, stream, detail);
    if (!issue || end_us < start_us)
        return;
    json_object_set_new(issue, "start_s", mt_json_real((double)start_us / 1e6, 3));
    json_object_set_new(issue, "end_s", mt_json_real((double)end_us / 1e6, 3));
}

void mt_issue_truncated(struct mt_issues *issues, const char *fmt, ...)
{
    char detail[DETAIL_MOST];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    add(issues, "truncated", -1, detail);
    issues->truncated = true;
}

const char *mt_issue_first(const struct mt_issues *issues)
{
    return mt_json_str(json_array_get(issues->list, 0), "detail", "");
}
