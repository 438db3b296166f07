/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules.h - a list of rules from a YAML file.
 *
 * The file holds one mapping with one key, below which stands a sequence of
 * mappings from words to single values or lists of them. What the words mean is the caller's.
 */
#ifndef MT_CONF_RULES_H
#define MT_CONF_RULES_H

#include "base/err.h"

struct mt_rule_item {
    char *key;
    char *text; /* a list with ',' between its items */
    int line;
};

struct mt_rule {
    int line;
    struct mt_rule_item *items;
    int n;
};

struct mt_rules {
    char *file;
    struct mt_rule *rules;
    int n;
};

/*
 * Loads the rules below the key top; known lists the words they may use (ends with NULL).
 * MT_ERR_NO_FILE; MT_ERR_CONFIG with file and line, and the nearest known word. On
 * failure there is nothing to free.
 */
int mt_rules_load(struct mt_rules *rules, const char *file, const char *top,
                  const char *const known[], struct mt_err *err) MT_MUST_USE;
void mt_rules_free(struct mt_rules *rules);

/* The text of the rule's item, or NULL. */
const char *mt_rule_get(const struct mt_rule *rule, const char *key);

#endif
