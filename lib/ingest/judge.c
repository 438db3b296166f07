/* SPDX-License-Identifier: GPL-2.0-or-later */
/* judge.c - see judge.h. */
#include "ingest/judge.h"

#include "base/mem.h"
#include "ingest/policy.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

int mt_judge_scan(struct mt_entry *e, const struct mt_scan_result *result, struct mt_err *err)
{
    const char *status = NULL;

    if (mt_verdict_apply(&e->in->spec->verdicts, e->name, result, &status, err) < 0)
        return -1;
    if (strcmp(status, "held") == 0)
        e->publish_as = "held";
    return 0;
}

static const char *mime_of(const struct mt_entry *e)
{
    return e->format ? e->format->mime : mt_json_str(e->found, "mime_type", NULL);
}

static void hold(struct mt_entry *e, const char *reason, const char *where)
{
    e->publish_as = "held";
    json_object_set_new(e->metadata, "policy",
                        json_pack("{s:s, s:o, s:o}", "action", "hold", "reason",
                                  reason ? mt_json_text(reason) : json_null(), "rule",
                                  mt_json_text(where)));
    free(e->note);
    e->note = mt_asprintf("'%s' is held back by %s%s%s", e->name, where, reason ? ": " : "",
                          reason ? reason : "");
}

int mt_judge_policy(struct mt_entry *e, struct mt_err *err)
{
    struct mt_policy_facts facts = {.content_type = mt_json_str(e->found, "content_type", "video"),
                                    .format = e->format ? e->format->name : NULL,
                                    .mime_type = mime_of(e),
                                    .size = e->size > 0 ? e->size : e->stat.st_size,
                                    .metadata = e->metadata,
                                    .verdict = mt_json_str(e->scan, "verdict", "skipped")};
    const char *reason;
    char *where;
    int ret = 0;

    if (!e->in->policy)
        return 0;
    enum mt_policy_action action = mt_policy_decide(e->in->policy, &facts, &reason, &where);
    if (action == MT_POLICY_HOLD)
        hold(e, reason, where);
    else if (action == MT_POLICY_REJECT)
        ret = mt_fail(err, MT_ERR_POLICY, "'%s' is refused by %s: %s", e->name, where,
                      reason ? reason : "no reason is given there");
    free(where);
    return ret;
}
