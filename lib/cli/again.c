/* SPDX-License-Identifier: GPL-2.0-or-later */
/* again.c - the command line that does the same once more. */
#include "cli/internal.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 65536 };

/* Of the options that all programs have, those that say on what it works. */
static bool matters(const struct mt_opt *o)
{
    return !o->common || strcmp(o->name, "db") == 0 || strcmp(o->name, "store") == 0 ||
           strcmp(o->name, "config") == 0;
}

static const char *text_of_flag(const struct mt_given *given, const struct mt_opt *o)
{
    const char *text = NULL;

    for (int i = 0; i < given->n; i++)
        if (given->opt[i] == o)
            text = given->text[i];
    return text;
}

/* What the option was set to, as text; NULL for a flag of the command line. */
static const char *text_of(const struct mt_run *r, const struct mt_opt *o, const char *origin)
{
    static const char environment[] = "environment ";

    if (strcmp(origin, "command line") == 0)
        return text_of_flag(r->given, o);
    if (mt_str_starts(origin, environment))
        return mt_env_get(r->env, origin + sizeof environment - 1);
    const struct mt_conf_value *v = o->key ? mt_conf_get(r->conf, o->key) : NULL;
    return v ? v->text : NULL;
}

static bool is_yes(const char *text)
{
    static const char *const words[] = {"1", "true", "yes", "on"};

    for (size_t i = 0; text && i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return !text;
}

static void add(json_t *command, const struct mt_run *r, const struct mt_opt *o, const char *origin)
{
    const char *text = text_of(r, o, origin);
    char *word = NULL;
    char path[PATH_MAX];

    if (text && strcmp(o->name, "config") == 0 && realpath(text, path))
        text = path;
    if (o->common && strcmp(origin, "command line") != 0)
        return;
    if (o->kind == MT_OPT_FLAG && is_yes(text))
        word = mt_asprintf("--%s", o->name);
    else if (o->kind != MT_OPT_FLAG && text && strlen(text) <= TEXT_MAX)
        word = mt_asprintf("--%s=%s", o->name, text);
    if (word)
        json_array_append_new(command, mt_json_text(word));
    free(word);
}

json_t *mt_run_command(const struct mt_run *r)
{
    json_t *command = json_pack("[s]", r->cli->name);

    if (r->command)
        json_array_append_new(command, json_string(r->command->name));
    for (int i = 0; i < r->opts->n; i++)
        if (r->opts->origin[i] && matters(r->opts->opt[i]))
            add(command, r, r->opts->opt[i], r->opts->origin[i]);
    return command;
}
