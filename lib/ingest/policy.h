/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.h - what is published, held back or refused, by rules of the user's.
 *
 * The file is described in media-policy.yaml(5). The first rule whose conditions
 * all hold decides; if there is none, the file is published.
 */
#ifndef MT_INGEST_POLICY_H
#define MT_INGEST_POLICY_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct mt_policy;

enum mt_policy_action { MT_POLICY_PUBLISH, MT_POLICY_HOLD, MT_POLICY_REJECT };

/* MT_ERR_NO_FILE, or MT_ERR_CONFIG with file and line. */
int mt_policy_load(struct mt_policy **out, const char *file, struct mt_err *err) MT_MUST_USE;
void mt_policy_free(struct mt_policy **policy);

/* Whether a rule asks for the verdict of the scan, which is not known from the beginning. */
bool mt_policy_asks_scan(const struct mt_policy *policy);

/* What is known of a file. Lends everything. */
struct mt_policy_facts {
    const char *content_type, *format, *mime_type;
    int64_t size;
    const json_t *metadata;
    const char *verdict; /* clean, infected, incomplete, skipped */
};

/* *reason and *where ("FILE:LINE") are the deciding rule's: reason is NULL if it has none. free()
 * where. */
enum mt_policy_action mt_policy_decide(const struct mt_policy *policy,
                                       const struct mt_policy_facts *facts, const char **reason,
                                       char **where);

#endif
