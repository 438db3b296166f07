/* SPDX-License-Identifier: GPL-2.0-or-later */
/* help.c - what the table says, for people and for scripts. */
#include "cli/internal.h"

#include "base/mem.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void option_line(const struct mt_opt *o)
{
    char letter[8] = "   ";
    char left[64];

    if (o->letter)
        snprintf(letter, sizeof letter, "-%c,", o->letter);
    snprintf(left, sizeof left, "%s --%s%s%s", letter, o->name, o->arg ? "=" : "",
             o->arg ? o->arg : "");
    fprintf(stdout, strlen(left) > 26 ? "  %s\n%30s%s\n" : "  %-26s  %s%s\n", left, "", o->help);
}

static void option_group(const struct mt_opt *table, bool common, const char *title)
{
    bool any = false;

    for (const struct mt_opt *o = table; o && o->name; o++) {
        if (o->common != common)
            continue;
        if (!any)
            fprintf(stdout, "\n%s:\n", title);
        any = true;
        option_line(o);
    }
}

void mt_cli_help(const struct mt_cli *cli, const struct mt_command *command)
{
    const char *operands = command         ? command->operands
                           : cli->commands ? "COMMAND ..."
                                           : cli->operands;

    fprintf(stdout, "Usage: %s [OPTION ...]%s%s%s%s\n\n", cli->name, command ? " " : "",
            command ? command->name : "", *operands ? " " : "", operands);
    fprintf(stdout, "%s\n", command ? command->help : cli->summary);
    if (!command && cli->examples) {
        fprintf(stdout, "\nExamples:\n");
        for (const struct mt_example *e = cli->examples; e->text; e++)
            fprintf(stdout, "  %s\n    %s\n", e->text, e->command);
    }
    if (!command && cli->commands) {
        fprintf(stdout, "\nCommands:\n");
        for (const struct mt_command *c = cli->commands; c->name; c++) {
            char left[64];
            snprintf(left, sizeof left, "%s%s%s", c->name, *c->operands ? " " : "", c->operands);
            fprintf(stdout, "  %-26s  %s\n", left, c->help);
        }
    }
    if (command)
        option_group(command->opts, false, "Options");
    option_group(cli->opts, false, command ? "More options" : "Options");
    option_group(cli->opts, true, "Common options");
    fprintf(stdout, "\nThe manual: man %s\n", cli->name);
}

int mt_cli_version(const struct mt_cli *cli, struct mt_err *err)
{
    json_t *libs = cli->versions ? cli->versions() : json_object();
    const char *name;
    json_t *version;
    int ret = 0;

    if (isatty(STDOUT_FILENO)) {
        fprintf(stdout, "%s %s\n", cli->name, MT_VERSION);
        json_object_foreach(libs, name, version)
            fprintf(stdout, "  %s %s\n", name, json_string_value(version));
    } else {
        json_t *all = json_pack("{s:s, s:s, s:O}", "name", cli->name, "version", MT_VERSION,
                                "libraries", libs);
        ret = mt_json_write(stdout, all, false, err);
        json_decref(all);
    }
    json_decref(libs);
    return ret;
}

static json_t *spec_options(const struct mt_opt *table)
{
    static const char *const kinds[] = {"flag", "count",    "text",  "integer",
                                        "size", "duration", "choice"};
    json_t *all = json_array();

    for (const struct mt_opt *o = table; o && o->name; o++) {
        char letter[2] = {o->letter, '\0'};
        json_t *row =
            json_pack("{s:s, s:s?, s:s?, s:s, s:s?, s:b, s:s}", "name", o->name, "letter",
                      o->letter ? letter : NULL, "argument", o->arg, "kind", kinds[o->kind], "key",
                      o->key, "common", o->common, "help", o->help);
        json_object_set_new(row, "list", json_boolean(o->list));
        if (o->choices) {
            json_t *choices = json_array();
            for (const char *const *c = o->choices; *c; c++)
                json_array_append_new(choices, json_string(*c));
            json_object_set_new(row, "choices", choices);
        }
        json_array_append_new(all, row);
    }
    return all;
}

int mt_cli_spec(const struct mt_cli *cli, const char *what, struct mt_err *err)
{
    json_t *commands = json_array();
    json_t *examples = json_array();

    if (strcmp(what, "json") != 0) {
        json_decref(commands);
        json_decref(examples);
        return mt_fail(err, MT_ERR_USAGE, "--cli-spec takes json, not '%s'", what);
    }
    for (const struct mt_command *c = cli->commands; c && c->name; c++)
        json_array_append_new(commands, json_pack("{s:s, s:s, s:s, s:o}", "name", c->name,
                                                  "operands", c->operands, "summary", c->help,
                                                  "options", spec_options(c->opts)));
    for (const struct mt_example *e = cli->examples; e && e->text; e++)
        json_array_append_new(examples,
                              json_pack("{s:s, s:s}", "text", e->text, "command", e->command));
    json_t *all = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "name", cli->name, "summary",
                            cli->summary, "operands", cli->operands, "commands", commands,
                            "options", spec_options(cli->opts), "examples", examples);
    int ret = mt_json_write(stdout, all, false, err);
    json_decref(all);
    return ret;
}

int mt_cli_print_config(const struct mt_run *r, const struct mt_opts *opts, const void *settings,
                        struct mt_err *err)
{
    static const char *const skip[] = {"help", "version", "print-config"};
    json_t *all = json_object();

    (void)r;
    for (int i = 0; i < opts->n; i++) {
        const struct mt_opt *o = opts->opt[i];
        bool skipped = false;
        for (size_t k = 0; k < sizeof skip / sizeof *skip; k++)
            skipped = skipped || strcmp(o->name, skip[k]) == 0;
        if (skipped)
            continue;
        json_object_set_new(all, o->name,
                            json_pack("{s:o, s:s}", "value", mt_opt_value(o, settings), "origin",
                                      opts->origin[i] ? opts->origin[i] : "default"));
    }
    int ret = mt_json_write(stdout, all, isatty(STDOUT_FILENO), err);
    json_decref(all);
    return ret;
}
