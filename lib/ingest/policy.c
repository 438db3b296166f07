/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy.c - see policy.h. */
#include "ingest/policy.h"

#include "base/mem.h"
#include "base/text.h"
#include "conf/rules.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Conditions are words from a set, or a figure that is to be exceeded or not reached. */
enum kind { WORDS, SIZE, TIME, NUMBER };

struct condition {
    const char *key;
    enum kind kind;
    bool above;
    const char *values; /* that WORDS may have, ',' around each; NULL: any */
};

static const struct condition conditions[] = {
    {"content_type", WORDS, false, ",video,audio,image,"},
    {"format", WORDS, false, NULL},
    {"mime_type", WORDS, false, NULL},
    {"damage", WORDS, false, ",ok,degraded,"},
    {"scan", WORDS, false, ",clean,infected,incomplete,skipped,"},
    {"larger_than", SIZE, true, NULL},
    {"smaller_than", SIZE, false, NULL},
    {"longer_than", TIME, true, NULL},
    {"shorter_than", TIME, false, NULL},
    {"more_pixels_than", NUMBER, true, NULL},
    {"fewer_pixels_than", NUMBER, false, NULL},
};
enum { N_CONDITIONS = sizeof conditions / sizeof *conditions };

static const char *const known[] = {"action",
                                    "reason",
                                    "content_type",
                                    "format",
                                    "mime_type",
                                    "damage",
                                    "scan",
                                    "larger_than",
                                    "smaller_than",
                                    "longer_than",
                                    "shorter_than",
                                    "more_pixels_than",
                                    "fewer_pixels_than",
                                    NULL};

static const char *const actions[] = {"publish", "hold", "reject"};

struct mt_policy {
    struct mt_rules rules;
    int64_t (*figures)[N_CONDITIONS]; /* of each rule; -1: it has none of that kind */
    enum mt_policy_action *action;
};

void mt_policy_free(struct mt_policy **policy)
{
    if (!*policy)
        return;
    mt_rules_free(&(*policy)->rules);
    free((*policy)->figures);
    free((*policy)->action);
    free(*policy);
    *policy = NULL;
}

/* Whether the list has the word. */
static bool has_word(const char *list, const char *word, size_t n)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        if (len == n && strncmp(list, word, n) == 0)
            return true;
        list += len + (list[len] == ',');
    }
    return false;
}

static int check_words(const struct condition *c, const char *text, struct mt_err *err)
{
    for (const char *word = text; c->values && *word;) {
        size_t n = strcspn(word, ",");
        if (!has_word(c->values + 1, word, n))
            return mt_fail(err, MT_ERR_CONFIG, "%s cannot be '%.*s'", c->key, (int)n, word);
        word += n + (word[n] == ',');
    }
    return *text ? 0 : mt_fail(err, MT_ERR_CONFIG, "%s has no value", c->key);
}

static int read_condition(const struct condition *c, const char *text, int64_t *figure,
                          struct mt_err *err)
{
    int ret;

    *figure = -1;
    if (c->kind == WORDS)
        return check_words(c, text, err);
    if (c->kind == SIZE)
        ret = mt_parse_size(c->key, text, figure, err);
    else if (c->kind == TIME)
        ret = mt_parse_duration(c->key, text, figure, err);
    else
        ret = mt_parse_int(c->key, text, 0, INT64_MAX, figure, err);
    err->code = ret < 0 ? MT_ERR_CONFIG : err->code;
    return ret;
}

static int read_rule(struct mt_policy *p, int i, struct mt_err *err)
{
    const struct mt_rule *rule = &p->rules.rules[i];
    const char *action = mt_rule_get(rule, "action");
    int a = 0;

    while (action && a < 3 && strcmp(action, actions[a]) != 0)
        a++;
    if (!action || a == 3) {
        mt_fail(err, MT_ERR_CONFIG, "%s:%d: a rule needs an action", p->rules.file, rule->line);
        return mt_hint(err, "action: publish, hold or reject");
    }
    p->action[i] = (enum mt_policy_action)a;
    for (int k = 0; k < N_CONDITIONS; k++) {
        const char *text = mt_rule_get(rule, conditions[k].key);
        p->figures[i][k] = -1;
        if (text && read_condition(&conditions[k], text, &p->figures[i][k], err) < 0)
            return mt_fail_in(err, "%s:%d", p->rules.file, rule->line);
    }
    return 0;
}

int mt_policy_load(struct mt_policy **out, const char *file, struct mt_err *err)
{
    struct mt_policy *p = mt_alloc(sizeof *p);
    int ret = 0;

    *out = NULL;
    if (mt_rules_load(&p->rules, file, "policy", known, err) < 0) {
        free(p);
        return -1;
    }
    p->figures = mt_alloc(((size_t)p->rules.n + 1) * sizeof *p->figures);
    p->action = mt_alloc(((size_t)p->rules.n + 1) * sizeof *p->action);
    for (int i = 0; i < p->rules.n && ret == 0; i++)
        ret = read_rule(p, i, err);
    if (ret < 0)
        mt_policy_free(&p);
    *out = p;
    return ret;
}

bool mt_policy_asks_scan(const struct mt_policy *policy)
{
    for (int i = 0; i < policy->rules.n; i++)
        if (mt_rule_get(&policy->rules.rules[i], "scan"))
            return true;
    return false;
}

static int64_t pixels(const json_t *metadata)
{
    int64_t most = 0;
    size_t i;
    json_t *stream;

    json_array_foreach(mt_json_at(metadata, "streams"), i, stream)
    {
        int64_t n = mt_json_int(stream, "width", 0) * mt_json_int(stream, "height", 0);
        most = n > most ? n : most;
    }
    return most;
}

static const char *word_of(const struct mt_policy_facts *f, const char *key)
{
    if (strcmp(key, "content_type") == 0)
        return f->content_type;
    if (strcmp(key, "format") == 0)
        return f->format;
    if (strcmp(key, "mime_type") == 0)
        return f->mime_type;
    if (strcmp(key, "scan") == 0)
        return f->verdict;
    return mt_json_str(f->metadata, "damage.state", "ok");
}

static int64_t figure_of(const struct mt_policy_facts *f, enum kind kind)
{
    if (kind == SIZE)
        return f->size;
    if (kind == TIME)
        return llround(json_number_value(mt_json_at(f->metadata, "duration")) * 1e6);
    return pixels(f->metadata);
}

static bool holds(const struct condition *c, const char *text, int64_t figure,
                  const struct mt_policy_facts *f)
{
    if (c->kind == WORDS) {
        const char *word = word_of(f, c->key);
        return word && has_word(text, word, strlen(word));
    }
    int64_t have = figure_of(f, c->kind);
    return c->above ? have > figure : have < figure;
}

enum mt_policy_action mt_policy_decide(const struct mt_policy *policy,
                                       const struct mt_policy_facts *facts, const char **reason,
                                       char **where)
{
    *reason = NULL;
    *where = NULL;
    for (int i = 0; i < policy->rules.n; i++) {
        const struct mt_rule *rule = &policy->rules.rules[i];
        bool all = true;
        for (int k = 0; k < N_CONDITIONS && all; k++) {
            const char *text = mt_rule_get(rule, conditions[k].key);
            all = !text || holds(&conditions[k], text, policy->figures[i][k], facts);
        }
        if (!all)
            continue;
        *reason = mt_rule_get(rule, "reason");
        *where = mt_asprintf("%s:%d", policy->rules.file, rule->line);
        return policy->action[i];
    }
    return MT_POLICY_PUBLISH;
}
