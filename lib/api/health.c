/* SPDX-License-Identifier: GPL-2.0-or-later */
/* health.c - what is said of the service itself. */
#include "api/internal.h"

#include "base/mem.h"
#include "queue/queue.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* The process answers; nothing else is asked. */
int mt_api_health(struct mt_api_call *call, struct mt_err *err)
{
    mt_http_add(call->x, "Cache-Control", "no-store");
    return mt_http_json(call->x, 200, json_pack("{s:s}", "status", "ok"), err);
}

/* It can do its work: database and store are there. Details are for logs, not for everybody. */
int mt_api_ready(struct mt_api_call *call, struct mt_err *err)
{
    struct mt_db *db = mt_api_db(call, err);
    json_t *row = db ? mt_db_row(db, err, "SELECT 1 AS one", "") : NULL;
    struct mt_err store_err = {.code = MT_OK};
    bool store = mt_api_store(call, false, &store_err) != NULL;
    bool database = row != NULL;

    json_decref(row);
    call->db_failed = !database;
    mt_http_add(call->x, "Cache-Control", "no-store");
    json_t *checks = json_pack("{s:s, s:s}", "database", database ? "ok" : "unreachable", "store",
                               store ? "ok" : "unreachable");
    if (database && store)
        return mt_http_json(call->x, 200,
                            json_pack("{s:s, s:o}", "status", "ready", "checks", checks), err);
    mt_http_add(call->x, "Retry-After", "2");
    return mt_http_problem(call->x, "unavailable", json_pack("{s:o}", "checks", checks), err,
                           "a part of the service is away");
}

int mt_api_queue(struct mt_api_call *call, struct mt_err *err)
{
    struct mt_db *db = mt_api_db(call, err);
    json_t *depth = db ? mt_queue_depth(db, err) : NULL;

    return depth ? mt_http_json(call->x, 200, depth, err) : -1;
}

int mt_api_document(struct mt_api_call *call, struct mt_err *err)
{
    mt_http_add(call->x, "Cache-Control", "public, max-age=300");
    return mt_http_json(call->x, 200, mt_api_openapi(), err);
}

/* What the type of a problem document leads to. */
int mt_api_problem_page(struct mt_api_call *call, struct mt_err *err)
{
    const struct mt_http_problem_kind *kind = mt_http_problem_find(call->args[0]);

    if (!kind)
        return mt_fail(err, MT_ERR_NOT_FOUND, "there is no such problem");
    return mt_http_json(call->x, 200,
                        json_pack("{s:s+, s:s, s:i, s:s}", "type", MT_HTTP_PROBLEMS, kind->name,
                                  "title", kind->title, "status", kind->status, "description",
                                  kind->meaning),
                        err);
}
