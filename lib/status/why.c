/* SPDX-License-Identifier: GPL-2.0-or-later */
/* why.c - what happened to whatever the id names, and what to do about it. */
#include "status/why.h"

#include "base/err.h"
#include "catalog/asset.h"
#include "catalog/job.h"
#include "catalog/lookup.h"
#include "json/json.h"

#include <string.h>

/* What ids may name, in the order in which they are tried. */
static const struct {
    const char *what;
    const char *table;
    json_t *(*tell)(struct mt_status *s, const json_t *row, struct mt_err *err);
} kinds[] = {
    {"job", "processing_jobs", mt_why_job},
    {"asset", "media_assets", mt_why_asset},
    {"upload", "uploads", mt_why_upload},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

void mt_why_copy(json_t *to, const char *name, const json_t *from, const char *path)
{
    json_t *value = mt_json_at(from, path);

    json_object_set(to, name, value ? value : json_null());
}

void mt_why_cause(json_t *story, const json_t *error)
{
    const char *code = mt_json_str(error, "code", NULL);
    struct mt_err known;

    if (!code) {
        json_object_set_new(story, "cause", json_null());
        json_object_set_new(story, "remedy", json_null());
        json_object_set_new(story, "retryable", json_null());
        return;
    }
    mt_fail(&known, mt_code_by_name(code), "%s", "");
    const char *hint = mt_json_str(error, "hint", mt_err_hint(&known));
    json_object_set_new(story, "cause", json_string(mt_code_meaning(known.code)));
    json_object_set_new(story, "remedy",
                        mt_json_text(hint ? hint : "the message says what is wrong"));
    json_object_set_new(story, "retryable", json_boolean(mt_json_bool(error, "retryable", false)));
}

static int refuse_ambiguous(const char *id, const json_t *first, const json_t *second,
                            struct mt_err *err)
{
    mt_fail(err, MT_ERR_NOT_FOUND, "'%s' is ambiguous: %s, %s", id, mt_json_str(first, "id", ""),
            mt_json_str(second, "id", ""));
    return mt_hint(err, "give more digits");
}

/* The one row that id names, and its kind; NULL with *err. New. */
static json_t *find(struct mt_status *s, const char *id, int *kind, struct mt_err *err)
{
    json_t *found = NULL;

    for (int k = 0; k < KINDS; k++) {
        struct mt_err failure;
        json_t *row = mt_lookup(s->db, kinds[k].what, kinds[k].table, id, &failure);
        /* With a hint it is no id at all, or an ambiguous one. */
        bool over = !row && (failure.code != MT_ERR_NOT_FOUND || failure.hint[0]);
        if (over)
            *err = failure;
        else if (row && found)
            over = refuse_ambiguous(id, found, row, err) < 0;
        if (over) {
            json_decref(row);
            json_decref(found);
            return NULL;
        }
        if (row) {
            found = row;
            *kind = k;
        }
    }
    if (!found)
        mt_fail(err, MT_ERR_NOT_FOUND, "there is no job, asset or upload '%s'", id);
    return found;
}

static json_t *get(struct mt_status *s, const char *id, struct mt_err *err)
{
    int kind = 0;
    json_t *row = find(s, id, &kind, err);
    json_t *story = row ? kinds[kind].tell(s, row, err) : NULL;

    json_decref(row);
    return story;
}

int mt_status_why(struct mt_status *s, struct mt_err *err)
{
    static const struct mt_status_answer answer = {MT_STATUS_ANY, get, mt_why_show};

    return mt_status_each(s, &answer, err);
}
