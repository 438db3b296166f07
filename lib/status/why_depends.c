/* SPDX-License-Identifier: GPL-2.0-or-later */
/* why_depends.c - what a job waits for, and the failure that took it along. */
#include "status/why.h"

#include "base/mem.h"
#include "catalog/job.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 100 };

json_t *mt_why_depends(struct mt_status *s, const char *id, struct mt_err *err)
{
    json_t *rows = mt_db_rows(s->db, err,
                              "SELECT d.depends_on AS job_id, j.job_type AS type, j.status,"
                              " d.on_failure, j.error AS error_json FROM job_dependencies AS d"
                              " JOIN processing_jobs AS j ON j.id = d.depends_on"
                              " WHERE d.job_id = $1 ORDER BY j.created_at, j.id LIMIT 100",
                              "s", id);
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
    {
        json_t *error = mt_json_at(row, "error_json");
        json_object_set(row, "error", json_is_object(error) ? error : json_null());
        json_object_del(row, "error_json");
    }
    return rows;
}

json_t *mt_why_root(struct mt_status *s, const json_t *error)
{
    const char *on = mt_json_str(error, "depends_on", NULL);
    struct mt_err ignored;
    json_t *root = NULL;

    for (int i = 0; on && i < CHAIN_MAX; i++) {
        json_t *job = mt_job_get(s->db, on, &ignored);
        if (!job)
            break;
        json_decref(root);
        root = job;
        on = mt_json_str(root, "error.depends_on", NULL);
    }
    return root;
}

void mt_why_blame(json_t *story, const json_t *root)
{
    const json_t *error = mt_json_at(root, "error");
    const char *retry = mt_json_str(story, "remedy", NULL);
    json_t *told = json_object();

    mt_why_cause(told, error);
    char *cause = mt_asprintf("the %s on which it depends did not succeed: %s",
                              mt_json_str(root, "job_type", "job"),
                              mt_json_str(told, "cause", mt_json_str(root, "status", "?")));
    json_object_set_new(story, "cause", mt_json_text(cause));
    free(cause);
    if (mt_json_str(told, "remedy", NULL) && retry) {
        char *remedy = mt_asprintf("%s; then: %s", mt_json_str(told, "remedy", ""), retry);
        json_object_set_new(story, "remedy", mt_json_text(remedy));
        free(remedy);
    }
    json_decref(told);
}
