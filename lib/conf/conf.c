/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf.c - see conf.h. */
#include "conf/conf.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { FILE_MAX = 1 << 20, DEPTH_MAX = 8 };

static const char root[] = "media_processing";

/* Where the reading of one file has got to. */
struct reader {
    struct mt_conf *conf;
    const char *file;
    yaml_document_t doc;
    int first; /* index of this file's first value */
};

void mt_conf_init(struct mt_conf *conf)
{
    *conf = (struct mt_conf){0};
}

void mt_conf_free(struct mt_conf *conf)
{
    for (int i = 0; i < conf->n; i++) {
        free(conf->values[i].path);
        free(conf->values[i].text);
        free(conf->values[i].origin);
    }
    free(conf->values);
    mt_conf_init(conf);
}

const struct mt_conf_value *mt_conf_get(const struct mt_conf *conf, const char *path)
{
    for (int i = 0; i < conf->n; i++)
        if (strcmp(conf->values[i].path, path) == 0)
            return &conf->values[i];
    return NULL;
}

static int line_of(const yaml_node_t *node)
{
    return (int)node->start_mark.line + 1;
}

static int refuse(const struct reader *r, const yaml_node_t *node, struct mt_err *err,
                  const char *what, const char *subject)
{
    return mt_fail(err, MT_ERR_CONFIG, "%s:%d: %s '%s'", r->file, line_of(node), what, subject);
}

/*
 * Whether path is a key, or (not whole) the beginning of one. A "*" in a key stands for one
 * name of any kind.
 */
static bool fits(const char *key, const char *path, bool whole)
{
    while (*path) {
        size_t of_key = strcspn(key, ".");
        size_t of_path = strcspn(path, ".");
        bool any = of_key == 1 && *key == '*' && of_path > 0;
        if (!any && (of_key != of_path || strncmp(key, path, of_key) != 0))
            return false;
        key += of_key;
        path += of_path;
        if (*path && !*key)
            return false;
        key += *key && *path;
        path += *path != '\0';
    }
    return whole ? !*key : *key == '.';
}

static bool known(const char *path, bool whole)
{
    for (const struct mt_conf_key *k = mt_conf_keys; k->path; k++)
        if (fits(k->path, path, whole))
            return true;
    return false;
}

static int unknown(const struct reader *r, const yaml_node_t *node, const char *path,
                   struct mt_err *err)
{
    const struct mt_conf_key *best = NULL;
    int least = 4;

    for (const struct mt_conf_key *k = mt_conf_keys; k->path; k++) {
        int d = mt_text_distance(k->path, path);
        if (d < least) {
            least = d;
            best = k;
        }
    }
    refuse(r, node, err, "unknown setting", path);
    return best ? mt_hint(err, "did you mean '%s'?", best->path)
                : mt_hint(err, "media.yaml(5) lists the settings");
}

static const char *scalar(const yaml_node_t *node)
{
    const char *s = (const char *)node->data.scalar.value;
    bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    return plain && (strcmp(s, "null") == 0 || strcmp(s, "~") == 0) ? "" : s;
}

static int add(struct reader *r, const yaml_node_t *node, const char *path, const char *text,
               struct mt_err *err)
{
    struct mt_conf *conf = r->conf;

    if (!known(path, true))
        return unknown(r, node, path, err);
    for (int i = r->first; i < conf->n; i++)
        if (strcmp(conf->values[i].path, path) == 0)
            return refuse(r, node, err, "a second value for", path);
    conf->values = mt_realloc(conf->values, (size_t)conf->n + 1, sizeof *conf->values);
    conf->values[conf->n++] = (struct mt_conf_value){mt_strdup(path), mt_strdup(text),
                                                     mt_asprintf("%s:%d", r->file, line_of(node))};
    return 0;
}

static int add_list(struct reader *r, const yaml_node_t *node, const char *path, struct mt_err *err)
{
    struct mt_buf text;
    int ret = -1;

    mt_buf_init(&text, 65536);
    if (mt_buf_add(&text, "", 0, err) < 0)
        goto out;
    for (const yaml_node_item_t *i = node->data.sequence.items.start;
         i < node->data.sequence.items.top; i++) {
        const yaml_node_t *item = yaml_document_get_node(&r->doc, *i);
        if (item->type != YAML_SCALAR_NODE || strchr(scalar(item), ',')) {
            refuse(r, item, err, "a list of plain words is wanted at", path);
            goto out;
        }
        if (mt_buf_printf(&text, err, "%s%s", text.len ? "," : "", scalar(item)) < 0)
            goto out;
    }
    ret = add(r, node, path, text.data, err);
out:
    mt_buf_free(&text);
    return ret;
}

static int walk(struct reader *r, const yaml_node_t *map, const char *prefix, int depth,
                struct mt_err *err);

static int take(struct reader *r, const yaml_node_t *key, const yaml_node_t *value,
                const char *path, int depth, struct mt_err *err)
{
    switch (value->type) {
    case YAML_SCALAR_NODE:
        if (!known(path, true) && known(path, false) && !*scalar(value))
            return 0; /* an empty section */
        return add(r, key, path, scalar(value), err);
    case YAML_SEQUENCE_NODE:
        return add_list(r, value, path, err);
    case YAML_MAPPING_NODE:
        if (!known(path, false))
            return known(path, true) ? refuse(r, key, err, "a single value is wanted at", path)
                                     : unknown(r, key, path, err);
        return walk(r, value, path, depth + 1, err);
    case YAML_NO_NODE:
        break;
    }
    return refuse(r, key, err, "no value for", path);
}

static int walk(struct reader *r, const yaml_node_t *map, const char *prefix, int depth,
                struct mt_err *err)
{
    if (depth > DEPTH_MAX)
        return refuse(r, map, err, "too deep a nesting at", prefix);
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        const yaml_node_t *key = yaml_document_get_node(&r->doc, p->key);
        const yaml_node_t *value = yaml_document_get_node(&r->doc, p->value);
        if (key->type != YAML_SCALAR_NODE)
            return refuse(r, key, err, "a key must be a word in", *prefix ? prefix : root);
        char *path = mt_asprintf("%s%s%s", prefix, *prefix ? "." : "", scalar(key));
        int ret = take(r, key, value, path, depth, err);
        free(path);
        if (ret < 0)
            return -1;
    }
    return 0;
}

/* The mapping below media_processing; NULL without a failure for an empty file. */
static int find_root(struct reader *r, const yaml_node_t **map, struct mt_err *err)
{
    const yaml_node_t *top = yaml_document_get_root_node(&r->doc);

    *map = NULL;
    if (!top || (top->type == YAML_SCALAR_NODE && !*scalar(top)))
        return 0;
    if (top->type != YAML_MAPPING_NODE)
        return refuse(r, top, err, "not a mapping with the key", root);
    for (const yaml_node_pair_t *p = top->data.mapping.pairs.start; p < top->data.mapping.pairs.top;
         p++) {
        const yaml_node_t *key = yaml_document_get_node(&r->doc, p->key);
        const yaml_node_t *value = yaml_document_get_node(&r->doc, p->value);
        if (key->type != YAML_SCALAR_NODE || strcmp(scalar(key), root) != 0) {
            refuse(r, key, err, "unknown section",
                   key->type == YAML_SCALAR_NODE ? scalar(key) : "?");
            return mt_hint(err, "everything stands below '%s:'", root);
        }
        if (value->type == YAML_SCALAR_NODE && !*scalar(value))
            continue;
        if (value->type != YAML_MAPPING_NODE)
            return refuse(r, value, err, "a mapping is wanted below", root);
        *map = value;
    }
    return 0;
}

static int load(struct reader *r, const struct mt_buf *text, struct mt_err *err)
{
    yaml_parser_t parser;
    const yaml_node_t *map;

    if (!yaml_parser_initialize(&parser))
        return mt_fail(err, MT_ERR_IO, "%s: cannot set up the YAML parser", r->file);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text->data, text->len);
    int ok = yaml_parser_load(&parser, &r->doc);
    if (!ok)
        mt_fail(err, MT_ERR_CONFIG, "%s:%d: not valid YAML: %s", r->file,
                (int)parser.problem_mark.line + 1, parser.problem ? parser.problem : "unreadable");
    yaml_parser_delete(&parser);
    if (!ok)
        return -1;
    int ret = find_root(r, &map, err);
    if (ret == 0 && map)
        ret = walk(r, map, "", 0, err);
    yaml_document_delete(&r->doc);
    return ret;
}

int mt_conf_load(struct mt_conf *conf, const char *file, struct mt_err *err)
{
    struct reader r = {.conf = conf, .file = file, .first = conf->n};
    struct mt_buf text;
    int ret = -1;

    mt_buf_init(&text, FILE_MAX);
    if (mt_buf_add(&text, "", 0, err) == 0 && mt_read_file(file, &text, err) == 0)
        ret = load(&r, &text, err);
    mt_buf_free(&text);
    return ret;
}

void mt_conf_sections(const struct mt_conf *conf, const char *prefix,
                      void (*each)(void *ctx, const char *section, const char *key,
                                   const char *text),
                      void *ctx)
{
    size_t n = strlen(prefix);

    for (int i = conf->n; i-- > 0;) {
        const struct mt_conf_value *v = &conf->values[i];
        const char *section = v->path + n + 1;
        const char *dot =
            strncmp(v->path, prefix, n) == 0 && v->path[n] == '.' ? strchr(section, '.') : NULL;
        if (!dot)
            continue;
        char *name = mt_strndup(section, (size_t)(dot - section));
        each(ctx, name, dot + 1, v->text);
        free(name);
    }
}
