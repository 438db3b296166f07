/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor.c - whether this machine can do the work, and safely. */
#include "status/doctor.h"

#include "base/mem.h"
#include "cli/signals.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {"ok", "unknown", "warning", "problem"};

void mt_doctor_say(struct mt_doctor *d, const char *name, enum mt_verdict verdict,
                   const char *remedy, const char *fmt, ...)
{
    char reason[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(reason, sizeof reason, fmt, ap);
    va_end(ap);
    json_array_append_new(d->checks, json_pack("{s:s, s:s, s:o, s:o}", "name", name, "verdict",
                                               verdicts[verdict], "reason", mt_json_text(reason),
                                               "remedy", mt_json_text(remedy)));
}

static enum mt_verdict verdict_of(const json_t *check)
{
    const char *name = mt_json_str(check, "verdict", "");
    int v = MT_VERDICT_PROBLEM;

    while (v > MT_VERDICT_OK && strcmp(verdicts[v], name) != 0)
        v--;
    return (enum mt_verdict)v;
}

/* What is not known to be wrong does not count. */
static enum mt_verdict worst(const json_t *checks)
{
    enum mt_verdict all = MT_VERDICT_OK;
    size_t i;
    json_t *check;

    json_array_foreach(checks, i, check)
    {
        enum mt_verdict v = verdict_of(check);
        if (v > all && v != MT_VERDICT_UNKNOWN)
            all = v;
    }
    return all;
}

static int show(struct mt_status *s, const json_t *checks, struct mt_err *err)
{
    struct mt_table_style style = mt_status_style(s);
    size_t i;
    json_t *check;

    json_array_foreach(checks, i, check)
    {
        mt_table_status(&style, mt_json_str(check, "name", ""), mt_json_str(check, "verdict", ""),
                        NULL);
        mt_table_field(&style, "", mt_json_str(check, "reason", NULL));
        mt_table_field(&style, "  do", mt_json_str(check, "remedy", NULL));
    }
    return mt_status_check(s, err);
}

static int report(struct mt_status *s, json_t *checks, enum mt_verdict all, struct mt_err *err)
{
    if (s->table)
        return show(s, checks, err);
    json_t *body = json_pack("{s:i, s:s, s:s, s:O}", "schema", 1, "version", MT_VERSION, "verdict",
                             verdicts[all], "checks", checks);
    int ret = mt_status_print(s, body, err);
    json_decref(body);
    return ret;
}

/* Problems end the program as a wrong configuration does, warnings as a partial success. */
static void set_outcome(struct mt_outcome *outcome, enum mt_verdict all)
{
    if (all >= MT_VERDICT_WARNING)
        mt_outcome_add(outcome, MT_ERR_CONFIG);
    if (all != MT_VERDICT_PROBLEM)
        mt_outcome_add(outcome, MT_OK);
}

int mt_status_doctor(struct mt_status *s, struct mt_err *err)
{
    struct mt_doctor d = {.s = s};

    if (mt_status_no_operands(s, err) < 0)
        return -1;
    d.checks = json_array();
    mt_doctor_programs(&d);
    mt_doctor_scanner(&d);
    mt_signals_at_once(true); /* a locked database is waited for */
    mt_doctor_machine(&d);
    mt_doctor_database(&d);
    mt_doctor_replica(&d);
    mt_signals_at_once(false);
    mt_doctor_store(&d);
    mt_doctor_nginx(&d);
    mt_doctor_api(&d);
    enum mt_verdict all = worst(d.checks);
    set_outcome(&s->run->outcome, all);
    int ret = report(s, d.checks, all, err);
    json_decref(d.checks);
    return ret;
}
