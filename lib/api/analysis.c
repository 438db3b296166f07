/* SPDX-License-Identifier: GPL-2.0-or-later */
/* analysis.c - what an analysis has found. */
#include "api/internal.h"

#include "json/json.h"

#include <string.h>

/* Types that were asked for and could not be done, with why. New; NULL if there are none. */
static json_t *errors_of(const json_t *made)
{
    json_t *errors = json_object();
    const char *name;
    json_t *stage;

    json_object_foreach(json_object_get(made, "stages"), name, stage)
    {
        const json_t *error = mt_json_at(stage, "error");
        if (error)
            json_object_set_new(errors, name,
                                json_pack("{s:s, s:s}", "code", mt_json_str(error, "code", ""),
                                          "message", mt_json_str(error, "message", "")));
    }
    if (json_object_size(errors) > 0)
        return errors;
    json_decref(errors);
    return NULL;
}

static json_t *body_of(struct mt_api_call *call, const json_t *row, struct mt_err *err)
{
    const json_t *made = json_object_get(row, "output_results");
    json_t *found = json_object_get(made, "analysis");
    json_t *job = mt_api_job_body(call, row, false, err);
    json_t *body = json_object();

    json_object_set(body, "analysis_id", json_object_get(row, "id"));
    json_object_set(body, "status", json_object_get(job, "status"));
    json_object_set_new(body, "results",
                        json_is_object(found) ? json_incref(found) : json_object());
    json_object_set(body, "progress", json_object_get(job, "progress"));
    json_object_set(body, "asset_id", json_object_get(job, "asset_id"));
    json_object_set(body, "error", json_object_get(job, "error"));
    json_t *errors = errors_of(made);
    if (errors)
        json_object_set_new(body, "errors", errors);
    json_decref(job);
    return body;
}

int mt_api_analysis_results(struct mt_api_call *call, struct mt_err *err)
{
    json_t *row = mt_api_job_row(call, call->args[0], err);
    int ret = -1;

    if (!row)
        return -1;
    if (strcmp(mt_json_str(row, "job_type", ""), "analyze") != 0) {
        json_decref(row);
        return mt_fail(err, MT_ERR_NOT_FOUND, "there is no such analysis");
    }
    int known = mt_api_etag(call, row, "analysis", err);
    if (known == 0)
        ret = mt_http_json(call->x, 200, body_of(call, row, err), err);
    else
        ret = known < 0 ? -1 : 0;
    json_decref(row);
    return ret;
}
