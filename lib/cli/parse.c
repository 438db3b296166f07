/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse.c - taking a command line apart.
 *
 * Not getopt_long(): that accepts abbreviations, so that a new option breaks
 * old scripts, and it cannot switch tables when it meets a verb.
 */
#include "cli/internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

void mt_opts_add(struct mt_opts *opts, const struct mt_opt *table)
{
    for (const struct mt_opt *o = table; o && o->name && opts->n < MT_OPTS_MAX; o++)
        opts->opt[opts->n++] = o;
}

void mt_opts_free(struct mt_opts *opts)
{
    for (int i = 0; i < opts->n; i++)
        free(opts->origin[i]);
    opts->n = 0;
    free(opts->db);
    free(opts->store);
    opts->db = opts->store = NULL;
}

int mt_opts_find(const struct mt_opts *opts, const char *name, size_t n)
{
    for (int i = 0; i < opts->n; i++)
        if (strlen(opts->opt[i]->name) == n && strncmp(opts->opt[i]->name, name, n) == 0)
            return i;
    return -1;
}

static int unknown_option(const struct mt_opts *opts, const char *name, size_t n,
                          struct mt_err *err)
{
    const char *names[MT_OPTS_MAX + 1] = {NULL};
    char *word = mt_strndup(name, n);

    for (int i = 0; i < opts->n; i++)
        names[i] = opts->opt[i]->name;
    const char *best = mt_text_nearest(word, names);
    mt_fail(err, MT_ERR_USAGE, "unknown option '--%s'", word);
    if (best)
        mt_hint(err, "did you mean '--%s'?", best);
    free(word);
    return -1;
}

static int unknown_command(const struct mt_cli *cli, const char *word, struct mt_err *err)
{
    const char *names[MT_OPTS_MAX + 1] = {NULL};
    int n = 0;

    for (const struct mt_command *c = cli->commands; c->name && n < MT_OPTS_MAX; c++)
        names[n++] = c->name;
    const char *best = mt_text_nearest(word, names);
    mt_fail(err, MT_ERR_USAGE, "unknown command '%s'", word);
    return best ? mt_hint(err, "did you mean '%s'?", best) : -1;
}

static bool takes_value(const struct mt_opt *o)
{
    return o->kind != MT_OPT_FLAG && o->kind != MT_OPT_COUNT;
}

static int give(struct mt_given *given, const struct mt_opt *o, const char *text,
                struct mt_err *err)
{
    if (given->n == MT_GIVEN_MAX)
        return mt_fail(err, MT_ERR_USAGE, "more than %d options", (int)MT_GIVEN_MAX);
    given->opt[given->n] = o;
    given->text[given->n++] = text;
    return 0;
}

/* --name, --name=value or --name value; *i moves past what was used. */
static int take_long(const struct mt_opts *opts, struct mt_given *given, char **argv, int argc,
                     int *i, struct mt_err *err)
{
    const char *name = argv[*i] + 2;
    size_t n = strcspn(name, "=");
    const char *value = name[n] ? name + n + 1 : NULL;

    if (n == strlen("cli-spec") && strncmp(name, "cli-spec", n) == 0) {
        given->spec = value ? value : "json";
        return 0;
    }
    int at = mt_opts_find(opts, name, n);
    if (at < 0)
        return unknown_option(opts, name, n, err);
    const struct mt_opt *o = opts->opt[at];
    if (!takes_value(o))
        return value ? mt_fail(err, MT_ERR_USAGE, "'--%s' takes no value", o->name)
                     : give(given, o, NULL, err);
    if (!value && *i + 1 >= argc)
        return mt_fail(err, MT_ERR_USAGE, "'--%s' needs a value: %s", o->name, o->arg);
    return give(given, o, value ? value : argv[++*i], err);
}

/* -a, -abc, -ovalue or -o value. */
static int take_short(const struct mt_opts *opts, struct mt_given *given, char **argv, int argc,
                      int *i, struct mt_err *err)
{
    for (const char *c = argv[*i] + 1; *c; c++) {
        const struct mt_opt *o = NULL;
        for (int k = 0; k < opts->n && !o; k++)
            if (opts->opt[k]->letter == *c)
                o = opts->opt[k];
        if (!o)
            return mt_fail(err, MT_ERR_USAGE, "unknown option '-%c'", *c);
        if (!takes_value(o)) {
            if (give(given, o, NULL, err) < 0)
                return -1;
            continue;
        }
        if (!c[1] && *i + 1 >= argc)
            return mt_fail(err, MT_ERR_USAGE, "'-%c' needs a value: %s", *c, o->arg);
        return give(given, o, c[1] ? c + 1 : argv[++*i], err);
    }
    return 0;
}

static int take_operand(struct mt_run *r, struct mt_opts *opts, char *word, struct mt_err *err)
{
    if (r->cli->commands && !r->command) {
        for (const struct mt_command *c = r->cli->commands; c->name; c++)
            if (strcmp(c->name, word) == 0) {
                r->command = c;
                mt_opts_add(opts, c->opts);
                return 0;
            }
        return unknown_command(r->cli, word, err);
    }
    r->operands[r->n_operands++] = word;
    return 0;
}

int mt_cli_parse(struct mt_run *r, int argc, char **argv, struct mt_opts *opts,
                 struct mt_given *given, struct mt_err *err)
{
    bool only_operands = false;

    mt_opts_add(opts, r->cli->opts);
    r->operands = argv;
    for (int i = 1; i < argc; i++) {
        int ret;
        if (only_operands || argv[i][0] != '-' || !argv[i][1]) {
            ret = take_operand(r, opts, argv[i], err);
        } else if (strcmp(argv[i], "--") == 0) {
            only_operands = true;
            continue;
        } else {
            ret = argv[i][1] == '-' ? take_long(opts, given, argv, argc, &i, err)
                                    : take_short(opts, given, argv, argc, &i, err);
        }
        if (ret < 0)
            return -1;
    }
    return 0;
}
