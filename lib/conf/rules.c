/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules.c - see rules.h. */
#include "conf/rules.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { FILE_MAX = 1 << 20, RULES_MAX = 1000 };

struct reader {
    struct mt_rules *out;
    const char *top;
    const char *const *known;
    yaml_document_t doc;
};

void mt_rules_free(struct mt_rules *rules)
{
    for (int i = 0; i < rules->n; i++) {
        for (int k = 0; k < rules->rules[i].n; k++) {
            free(rules->rules[i].items[k].key);
            free(rules->rules[i].items[k].text);
        }
        free(rules->rules[i].items);
    }
    free(rules->rules);
    free(rules->file);
    *rules = (struct mt_rules){.n = 0};
}

const char *mt_rule_get(const struct mt_rule *rule, const char *key)
{
    for (int i = 0; i < rule->n; i++)
        if (strcmp(rule->items[i].key, key) == 0)
            return rule->items[i].text;
    return NULL;
}

static int line_of(const yaml_node_t *node)
{
    return (int)node->start_mark.line + 1;
}

static int refuse(const struct reader *r, const yaml_node_t *node, struct mt_err *err,
                  const char *what)
{
    return mt_fail(err, MT_ERR_CONFIG, "%s:%d: %s", r->out->file, line_of(node), what);
}

static const char *scalar(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static int check_key(const struct reader *r, const struct mt_rule *rule, const yaml_node_t *key,
                     struct mt_err *err)
{
    const char *best = NULL;
    int least = 4;

    if (key->type != YAML_SCALAR_NODE)
        return refuse(r, key, err, "a key must be a word");
    if (mt_rule_get(rule, scalar(key)))
        return mt_fail(err, MT_ERR_CONFIG, "%s:%d: a second value for '%s'", r->out->file,
                       line_of(key), scalar(key));
    for (int i = 0; r->known[i]; i++) {
        int d = mt_text_distance(r->known[i], scalar(key));
        if (d == 0)
            return 0;
        if (d < least) {
            least = d;
            best = r->known[i];
        }
    }
    mt_fail(err, MT_ERR_CONFIG, "%s:%d: unknown word '%s'", r->out->file, line_of(key),
            scalar(key));
    return best ? mt_hint(err, "did you mean '%s'?", best) : -1;
}

/* The value as text; NULL with *err. free() it. */
static char *value_text(struct reader *r, const yaml_node_t *value, struct mt_err *err)
{
    char *text = mt_strdup("");

    if (value->type == YAML_SCALAR_NODE) {
        free(text);
        return mt_strdup(scalar(value));
    }
    if (value->type != YAML_SEQUENCE_NODE) {
        refuse(r, value, err, "a value or a list of values is wanted");
        free(text);
        return NULL;
    }
    for (const yaml_node_item_t *i = value->data.sequence.items.start;
         i < value->data.sequence.items.top; i++) {
        const yaml_node_t *item = yaml_document_get_node(&r->doc, *i);
        if (item->type != YAML_SCALAR_NODE || strchr(scalar(item), ',')) {
            refuse(r, item, err, "a list of plain words is wanted");
            free(text);
            return NULL;
        }
        char *longer = mt_asprintf("%s%s%s", text, *text ? "," : "", scalar(item));
        free(text);
        text = longer;
    }
    return text;
}

static int add_rule(struct reader *r, const yaml_node_t *map, struct mt_err *err)
{
    struct mt_rules *out = r->out;

    if (map->type != YAML_MAPPING_NODE)
        return refuse(r, map, err, "a rule is a mapping: '- action: hold'");
    if (out->n == RULES_MAX)
        return refuse(r, map, err, "too many rules");
    out->rules = mt_realloc(out->rules, (size_t)out->n + 1, sizeof *out->rules);
    struct mt_rule *rule = &out->rules[out->n++];
    *rule = (struct mt_rule){.line = line_of(map)};
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        const yaml_node_t *key = yaml_document_get_node(&r->doc, p->key);
        if (check_key(r, rule, key, err) < 0)
            return -1;
        char *text = value_text(r, yaml_document_get_node(&r->doc, p->value), err);
        if (!text)
            return -1;
        rule->items = mt_realloc(rule->items, (size_t)rule->n + 1, sizeof *rule->items);
        rule->items[rule->n++] = (struct mt_rule_item){mt_strdup(scalar(key)), text, line_of(key)};
    }
    return 0;
}

static int add_rules(struct reader *r, struct mt_err *err)
{
    const yaml_node_t *top = yaml_document_get_root_node(&r->doc);
    const yaml_node_pair_t *p;

    if (!top)
        return mt_fail(err, MT_ERR_CONFIG, "%s: the file is empty", r->out->file);
    if (top->type != YAML_MAPPING_NODE)
        return refuse(r, top, err, "not a mapping");
    p = top->data.mapping.pairs.start;
    const yaml_node_t *key =
        p < top->data.mapping.pairs.top ? yaml_document_get_node(&r->doc, p->key) : NULL;
    if (!key || key->type != YAML_SCALAR_NODE || strcmp(scalar(key), r->top) != 0 ||
        p + 1 != top->data.mapping.pairs.top)
        return mt_fail(err, MT_ERR_CONFIG, "%s:%d: '%s:' is wanted, and nothing else beside it",
                       r->out->file, line_of(key ? key : top), r->top);
    const yaml_node_t *list = yaml_document_get_node(&r->doc, p->value);
    if (list->type != YAML_SEQUENCE_NODE)
        return refuse(r, list, err, "a list of rules is wanted");
    for (const yaml_node_item_t *i = list->data.sequence.items.start;
         i < list->data.sequence.items.top; i++)
        if (add_rule(r, yaml_document_get_node(&r->doc, *i), err) < 0)
            return -1;
    return 0;
}

static int load(struct reader *r, const struct mt_buf *text, struct mt_err *err)
{
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser))
        return mt_fail(err, MT_ERR_IO, "%s: cannot set up the YAML parser", r->out->file);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text->data, text->len);
    int ok = yaml_parser_load(&parser, &r->doc);
    if (!ok)
        mt_fail(err, MT_ERR_CONFIG, "%s:%d: not valid YAML: %s", r->out->file,
                (int)parser.problem_mark.line + 1, parser.problem ? parser.problem : "unreadable");
    yaml_parser_delete(&parser);
    if (!ok)
        return -1;
    int ret = add_rules(r, err);
    yaml_document_delete(&r->doc);
    return ret;
}

int mt_rules_load(struct mt_rules *rules, const char *file, const char *top,
                  const char *const known[], struct mt_err *err)
{
    struct reader r = {.out = rules, .top = top, .known = known};
    struct mt_buf text;
    int ret = -1;

    *rules = (struct mt_rules){.file = mt_strdup(file)};
    mt_buf_init(&text, FILE_MAX);
    if (mt_buf_add(&text, "", 0, err) == 0 && mt_read_file(file, &text, err) == 0)
        ret = load(&r, &text, err);
    mt_buf_free(&text);
    if (ret < 0)
        mt_rules_free(rules);
    return ret;
}
