/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/cli only. */
#ifndef MT_CLI_INTERNAL_H
#define MT_CLI_INTERNAL_H

#include "cli/cli.h"

enum { MT_OPTS_MAX = 96, MT_GIVEN_MAX = 1024 };

/* The options that hold for this run, and where each value came from. */
struct mt_opts {
    const struct mt_opt *opt[MT_OPTS_MAX];
    char *origin[MT_OPTS_MAX]; /* NULL: the default */
    int n;
    char *db, *store;    /* URLs that were made because nobody gave one; the settings point here */
    const char *profile; /* see mt_cli.sections; lent */
};

/* A command line taken apart, nothing applied yet. */
struct mt_given {
    const struct mt_opt *opt[MT_GIVEN_MAX];
    const char *text[MT_GIVEN_MAX];
    int n;
    const char *spec; /* --cli-spec=WHAT */
};

/*
 * Takes argv apart into *given; operands are moved to the front of argv and
 * counted in r. Finds the command. MT_ERR_USAGE with did-you-mean.
 */
int mt_cli_parse(struct mt_run *r, int argc, char **argv, struct mt_opts *opts,
                 struct mt_given *given, struct mt_err *err) MT_MUST_USE;

void mt_opts_add(struct mt_opts *opts, const struct mt_opt *table);
void mt_opts_free(struct mt_opts *opts);
int mt_opts_find(const struct mt_opts *opts, const char *name, size_t n);

/* Stores text as the option's value. what names it in messages: "--count". */
int mt_opt_store(const struct mt_opt *opt, const char *what, const char *text, void *settings,
                 struct mt_err *err) MT_MUST_USE;

/* The value as JSON, for --print-config. New. */
json_t *mt_opt_value(const struct mt_opt *opt, const void *settings);

/*
 * Loads the configuration and gives every option its value: configuration,
 * then environment, then command line; then the defaults of db and store.
 */
int mt_cli_resolve(struct mt_run *r, struct mt_conf *conf, struct mt_opts *opts,
                   const struct mt_given *given, void *settings, struct mt_err *err) MT_MUST_USE;

void mt_reread_free(struct mt_run *r);

/* Text of --help, --version and --cli-spec, to stdout. */
void mt_cli_help(const struct mt_cli *cli, const struct mt_command *command);
int mt_cli_version(const struct mt_cli *cli, struct mt_err *err) MT_MUST_USE;
int mt_cli_spec(const struct mt_cli *cli, const char *what, struct mt_err *err) MT_MUST_USE;
int mt_cli_print_config(const struct mt_run *r, const struct mt_opts *opts, const void *settings,
                        struct mt_err *err) MT_MUST_USE;

#endif
