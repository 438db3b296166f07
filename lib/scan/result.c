/* SPDX-License-Identifier: GPL-2.0-or-later */
/* result.c - what a scan comes to, from names to the document. */
#include "scan/scan.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {
    [MT_SCAN_SKIPPED] = "skipped",
    [MT_SCAN_CLEAN] = "clean",
    [MT_SCAN_INFECTED] = "infected",
    [MT_SCAN_INCOMPLETE] = "incomplete",
};

static const char *const kinds[] = {"file_hash", "container_structure", "file_offset", "long_span"};

enum { VERDICTS = sizeof verdicts / sizeof *verdicts, KINDS = sizeof kinds / sizeof *kinds };

const char *mt_verdict_name(enum mt_verdict verdict)
{
    return verdicts[verdict];
}

/* Printable, and cut to fit. */
static void set_text(char *out, size_t size, const char *text)
{
    char *shown = mt_text_printable(text, size - 1);

    snprintf(out, size, "%s", shown);
    free(shown);
}

void mt_scan_incomplete(struct mt_scan_result *result, const char *fmt, ...)
{
    char text[sizeof result->reason];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    result->verdict = MT_SCAN_INCOMPLETE;
    set_text(result->reason, sizeof result->reason, text);
}

void mt_scan_found(struct mt_scan_result *result, const char *name)
{
    if (result->verdict == MT_SCAN_INFECTED)
        return;
    if (mt_str_starts(name, "Heuristics.Limits.Exceeded")) {
        mt_scan_incomplete(result, "the engine met a limit: %s", name);
    } else if (mt_str_starts(name, "Heuristics.Encrypted")) {
        mt_scan_incomplete(result, "a part is encrypted: %s", name);
    } else {
        result->verdict = MT_SCAN_INFECTED;
        result->reason[0] = '\0';
        set_text(result->signature, sizeof result->signature, name);
    }
}

json_t *mt_scan_to_json(const struct mt_scan_result *r)
{
    json_t *scan = json_pack("{s:s, s:o, s:o, s:I, s:I}", "verdict", verdicts[r->verdict], "engine",
                             r->engine[0] ? mt_json_text(r->engine) : json_null(), "database_age_s",
                             r->database_age_s < 0 ? json_null() : json_integer(r->database_age_s),
                             "bytes_scanned", (json_int_t)r->bytes_scanned, "bytes_total",
                             (json_int_t)r->bytes_total);

    if (r->verdict == MT_SCAN_INFECTED)
        json_object_set_new(scan, "signature", mt_json_text(r->signature));
    if (r->verdict == MT_SCAN_INCOMPLETE)
        json_object_set_new(scan, "reason", mt_json_text(r->reason));
    if (r->windows)
        json_object_set_new(scan, "windows", json_integer(r->windows));
    if (r->missed) {
        json_t *list = json_array();
        for (unsigned i = 0; i < KINDS; i++)
            if (r->missed & 1U << i)
                json_array_append_new(list, json_string(kinds[i]));
        json_object_set_new(scan, "not_applicable", list);
    }
    return scan;
}

static unsigned missed_of(const json_t *list)
{
    unsigned missed = 0;
    size_t n;
    json_t *kind;

    json_array_foreach(list, n, kind) for (unsigned i = 0; i < KINDS;
                                           i++) if (json_is_string(kind) &&
                                                    strcmp(json_string_value(kind), kinds[i]) == 0)
        missed |= 1U << i;
    return missed;
}

void mt_scan_from_json(const json_t *scan, struct mt_scan_result *r)
{
    const char *verdict = mt_json_str(scan, "verdict", "");

    *r = (struct mt_scan_result){
        .verdict = MT_SCAN_INCOMPLETE,
        .database_age_s = mt_json_int(scan, "database_age_s", -1),
        .bytes_scanned = mt_json_int(scan, "bytes_scanned", 0),
        .bytes_total = mt_json_int(scan, "bytes_total", 0),
        .windows = (int)mt_json_int(scan, "windows", 0),
        .missed = missed_of(mt_json_at(scan, "not_applicable")),
    };
    for (int i = 0; i < VERDICTS; i++)
        if (strcmp(verdict, verdicts[i]) == 0)
            r->verdict = (enum mt_verdict)i;
    set_text(r->engine, sizeof r->engine, mt_json_str(scan, "engine", ""));
    set_text(r->signature, sizeof r->signature, mt_json_str(scan, "signature", ""));
    set_text(r->reason, sizeof r->reason, mt_json_str(scan, "reason", ""));
}
