/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - from exec to exit status, the same in every program. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/internal.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "json/json.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_PARTIAL = 3, EXIT_EPIPE = 128 + SIGPIPE };

void mt_outcome_add(struct mt_outcome *outcome, enum mt_code code)
{
    if (code == MT_OK) {
        outcome->ok++;
        return;
    }
    outcome->mixed =
        outcome->mixed ||
        (outcome->failed > 0 && mt_code_exit_status(outcome->cause) != mt_code_exit_status(code));
    outcome->cause = code;
    outcome->failed++;
}

bool mt_opt_given(const struct mt_run *r, const char *name)
{
    int at = mt_opts_find(r->opts, name, strlen(name));

    return at >= 0 && r->opts->origin[at];
}

int mt_print(const json_t *document, struct mt_err *err)
{
    return mt_json_write(stdout, document, isatty(STDOUT_FILENO), err);
}

int mt_print_line(const json_t *document, struct mt_err *err)
{
    return mt_json_write(stdout, document, false, err);
}

static int outcome_status(const struct mt_outcome *o)
{
    if (o->failed == 0)
        return 0;
    return o->ok > 0 || o->mixed ? EXIT_PARTIAL : mt_code_exit_status(o->cause);
}

static void setup_output(const struct mt_cli *cli, struct mt_common *c, const char *const *env)
{
    const char *term = mt_env_get(env, "TERM");
    bool plain = mt_env_get(env, "NO_COLOR") || !term || strcmp(term, "dumb") == 0;
    bool color = c->color && strcmp(c->color, "always") == 0;
    enum mt_log_level level = c->quiet ? MT_LOG_ERROR : MT_LOG_WARN;
    enum mt_log_format format = MT_LOG_TEXT;

    if (!c->color || strcmp(c->color, "auto") == 0) {
        c->color_on = !plain && isatty(STDOUT_FILENO);
        color = !plain && isatty(STDERR_FILENO);
    } else {
        c->color_on = color;
    }
    if (c->verbose)
        level = c->verbose > 1 ? MT_LOG_DEBUG : MT_LOG_INFO;
    if (!c->log_format && c->progress && strcmp(c->progress, "json") == 0)
        format = MT_LOG_JSON; /* one kind of line on one stream */
    if (c->log_format)
        for (int i = 0; mt_log_formats[i]; i++)
            if (strcmp(mt_log_formats[i], c->log_format) == 0)
                format = (enum mt_log_format)i;
    mt_log_setup(cli->name, format, level, color);
    mt_progress_setup(cli->name, c);
}

/* Answers what the program itself is not needed for; 1 when that was all. */
static int answer(struct mt_run *r, const struct mt_opts *opts, const struct mt_given *given,
                  const void *settings, struct mt_err *err)
{
    const struct mt_common *common = settings;

    if (given->spec)
        return mt_cli_spec(r->cli, given->spec, err) < 0 ? -1 : 1;
    if (common->print_config)
        return mt_cli_print_config(r, opts, settings, err) < 0 ? -1 : 1;
    if (r->cli->commands && !r->command) {
        mt_fail(err, MT_ERR_USAGE, "a command is missing");
        return mt_hint(err, "%s --help lists them", r->cli->name);
    }
    return 0;
}

static bool wants(const struct mt_given *given, const char *name)
{
    for (int i = 0; i < given->n; i++)
        if (strcmp(given->opt[i]->name, name) == 0)
            return true;
    return false;
}

/* --help and --version hold whatever else is wrong; 1 when that was all. */
static int answer_early(const struct mt_run *r, const struct mt_given *given, struct mt_err *err)
{
    if (wants(given, "help")) {
        mt_cli_help(r->cli, r->command);
        return 1;
    }
    if (wants(given, "version"))
        return mt_cli_version(r->cli, err) < 0 ? -1 : 1;
    return 0;
}

static int finish(const struct mt_run *r, int ret, struct mt_err *err)
{
    int status = ret < 0 ? mt_code_exit_status(err->code) : outcome_status(&r->outcome);

    if (ret < 0 && err->os_errno == EPIPE)
        return EXIT_EPIPE;
    errno = 0;
    if (fflush(stdout) == EOF || ferror(stdout)) {
        if (errno == EPIPE)
            return EXIT_EPIPE;
        if (ret == 0)
            ret = mt_fail_errno(err, "cannot write to standard output");
        status = 1;
    }
    if (mt_stop_signal())
        status = 128 + mt_stop_signal();
    if (ret < 0 && !(mt_stop_signal() && err->code == MT_ERR_CANCELLED))
        mt_log_err(MT_LOG_ERROR, err);
    mt_progress_summary(&r->outcome, status);
    return status;
}

int mt_main(const struct mt_cli *cli, int argc, char **argv, void *settings,
            int (*run)(struct mt_run *r, void *settings, struct mt_err *err))
{
    struct mt_opts opts = {.n = 0};
    struct mt_given *given = mt_alloc(sizeof *given);
    struct mt_conf conf;
    struct mt_err err = {.code = MT_OK};
    char *dir = mt_path_of_program();
    struct mt_run r = {.cli = cli,
                       .conf = &conf,
                       .opts = &opts,
                       .given = given,
                       .dir = dir,
                       .env = (const char *const *)environ};

    mt_fds_reserve();
    mt_signals_setup();
    mt_conf_init(&conf);
    mt_log_setup(cli->name, MT_LOG_TEXT, MT_LOG_WARN, false);
    int ret = mt_cli_parse(&r, argc, argv, &opts, given, &err);
    if (ret == 0)
        ret = answer_early(&r, given, &err);
    if (ret == 0)
        ret = mt_cli_resolve(&r, &conf, &opts, given, settings, &err);
    if (ret == 0) {
        setup_output(cli, settings, r.env);
        ret = answer(&r, &opts, given, settings, &err);
    }
    if (ret == 0)
        ret = run(&r, settings, &err);
    int status = finish(&r, ret > 0 ? 0 : ret, &err);
    mt_reread_free(&r);
    mt_conf_free(&conf);
    mt_opts_free(&opts);
    free(given);
    free(dir);
    return status;
}
