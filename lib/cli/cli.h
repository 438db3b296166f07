/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli.h - command lines described by one table, and what all programs do alike.
 *
 * A program is a settings struct with its defaults, a table that names its
 * options, and a run function; mt_main() does the rest: descriptors, signals,
 * arguments, environment, configuration, logging, the exit status. --help, the
 * man page check and the completions all come from the same table.
 */
#ifndef MT_CLI_CLI_H
#define MT_CLI_CLI_H

#include "base/err.h"
#include "conf/conf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mt_opt_kind {
    MT_OPT_FLAG,
    MT_OPT_COUNT, /* a flag that may be repeated: -vv */
    MT_OPT_STR,
    MT_OPT_INT,
    MT_OPT_SIZE,     /* bytes, with suffix */
    MT_OPT_DURATION, /* microseconds, from seconds or h:mm:ss */
    MT_OPT_CHOICE,
};

struct mt_opt {
    const char *name; /* long name, without dashes */
    char letter;      /* short name, or 0 */
    bool common;      /* one that all programs have */
    enum mt_opt_kind kind;
    size_t offset;              /* of the target field in the settings struct */
    const char *arg;            /* placeholder in the help; NULL for a flag */
    const char *const *choices; /* NULL-terminated; of MT_OPT_CHOICE all, of MT_OPT_STR some */
    bool list;                  /* of MT_OPT_STR: several of them, with commas between */
    int64_t min, max;           /* inclusive; MT_OPT_INT only */
    const char *key;            /* path in the configuration, or NULL */
    const char *help;           /* lower case, no full stop, at most 56 columns */
};

/* A verb, for programs that have several: media-status job ID. */
struct mt_command {
    const char *name;
    const char *operands;
    const char *help;
    const struct mt_opt *opts; /* its own options besides the program's; NULL: none */
};

struct mt_example {
    const char *text;
    const char *command;
};

struct mt_cli {
    const char *name;          /* "media-thumbs" */
    const char *summary;       /* a sentence */
    const char *operands;      /* "[FILE|ID ...]"; "" for none */
    const struct mt_opt *opts; /* ends with a zeroed entry */
    const struct mt_command
        *commands; /* ends with a zeroed entry; NULL: the program has no verbs */
    const struct mt_example *examples; /* ends with a zeroed entry */
    /*
     * "workers": what the configuration has as workers.NAME.OPTION wins over its other settings,
     * NAME being the value of --profile, which is one of the options. NULL: there is no such thing.
     */
    const char *sections;
    json_t *(*versions)(void); /* of the libraries, a new object; NULL: none worth telling */
};

/* offsetof(), and a compile error unless field f of T has exactly type F. */
#define MT_FIELD(T, f, F) _Generic(&((T *)0)->f, F * : offsetof(T, f))

#define MT_FLAG(T, f, c, n, h)                                                                     \
    {                                                                                              \
        .name = n, .letter = c, .kind = MT_OPT_FLAG, .offset = MT_FIELD(T, f, bool), .help = h     \
    }
#define MT_STR(T, f, c, n, a, k, h)                                                                \
    {                                                                                              \
        .name = n, .letter = c, .kind = MT_OPT_STR, .arg = a, .key = k,                            \
        .offset = MT_FIELD(T, f, const char *), .help = h                                          \
    }
/* Words with commas between; words are those that completions offer, the program may know more. */
#define MT_LIST(T, f, c, n, a, words, k, h)                                                        \
    {                                                                                              \
        .name = n, .letter = c, .kind = MT_OPT_STR, .arg = a, .choices = words, .list = true,      \
        .key = k, .offset = MT_FIELD(T, f, const char *), .help = h                                \
    }
/* One word; likewise. */
#define MT_WORD(T, f, c, n, a, words, k, h)                                                        \
    {                                                                                              \
        .name = n, .letter = c, .kind = MT_OPT_STR, .arg = a, .choices = words, .key = k,          \
        .offset = MT_FIELD(T, f, const char *), .help = h                                          \
    }
#define MT_INT(T, f, c, n, a, lo, hi, k, h)                                                        \
    {                                                                                              \
        .name = n, .letter = c, .kind = MT_OPT_INT, .arg = a, .min = lo, .max = hi, .key = k,      \
        .offset = MT_FIELD(T, f, int64_t), .help = h                                               \
    }
#define MT_SIZE(T, f, c, n, k, h)                                                                  \
    {                                                                                              \
        .name = n, .letter = c, .kind = MT_OPT_SIZE, .arg = "SIZE", .key = k,                      \
        .offset = MT_FIELD(T, f, int64_t), .help = h                                               \
    }
#define MT_DURATION(T, f, c, n, k, h)                                                              \
    {                                                                                              \
        .name = n, .letter = c, .kind = MT_OPT_DURATION, .arg = "TIME", .key = k,                  \
        .offset = MT_FIELD(T, f, int64_t), .help = h                                               \
    }
#define MT_CHOICE(T, f, c, n, a, list, k, h)                                                       \
    {                                                                                              \
        .name = n, .letter = c, .kind = MT_OPT_CHOICE, .arg = a, .choices = list, .key = k,        \
        .offset = MT_FIELD(T, f, const char *), .help = h                                          \
    }

/* What every program's settings begin with. */
struct mt_common {
    bool help, version, quiet, print_config, color_on;
    int64_t verbose;
    const char *config;
    const char *db;    /* URL; never NULL when run() is called */
    const char *store; /* URL; likewise */
    const char *progress, *log_format, *color;
    const char *files_from;
    bool null, fail_fast;
    bool dry_run;
    /* Not options: what the environment says. */
    const char *job;   /* the leased job this program works for (MEDIA_JOB), or NULL */
    const char *token; /* of the lease (MEDIA_LEASE_TOKEN), or NULL */
};

extern const char *const mt_progress_modes[];
extern const char *const mt_log_formats[];
extern const char *const mt_color_modes[];

/* The options of all programs; T's first member is `struct mt_common common`. */
#define MT_COMMON_OPTS(T)                                                                          \
    MT_COMMON(MT_FLAG, T, help, 'h', "help", "show this help and exit"),                           \
        MT_COMMON(MT_FLAG, T, version, 'V', "version", "show versions and exit"),                  \
        MT_COMMON(MT_FLAG, T, quiet, 0, "quiet", "only errors on standard error"),                 \
        {.name = "verbose",                                                                        \
         .letter = 'v',                                                                            \
         .common = true,                                                                           \
         .kind = MT_OPT_COUNT,                                                                     \
         .offset = MT_FIELD(T, common.verbose, int64_t),                                           \
         .help = "say more; twice: everything"},                                                   \
        {.name = "config",                                                                         \
         .common = true,                                                                           \
         .kind = MT_OPT_STR,                                                                       \
         .arg = "FILE",                                                                            \
         .offset = MT_FIELD(T, common.config, const char *),                                       \
         .help = "read this configuration only"},                                                  \
        {.name = "db",                                                                             \
         .common = true,                                                                           \
         .kind = MT_OPT_STR,                                                                       \
         .arg = "URL",                                                                             \
         .key = "db",                                                                              \
         .offset = MT_FIELD(T, common.db, const char *),                                           \
         .help = "database: sqlite:///path or postgresql://host/name"},                            \
        {.name = "store",                                                                          \
         .common = true,                                                                           \
         .kind = MT_OPT_STR,                                                                       \
         .arg = "URL",                                                                             \
         .key = "store",                                                                           \
         .offset = MT_FIELD(T, common.store, const char *),                                        \
         .help = "object store: file:///path"},                                                    \
        {.name = "progress",                                                                       \
         .common = true,                                                                           \
         .kind = MT_OPT_CHOICE,                                                                    \
         .arg = "HOW",                                                                             \
         .choices = mt_progress_modes,                                                             \
         .offset = MT_FIELD(T, common.progress, const char *),                                     \
         .help = "auto, bar, plain, json or none"},                                                \
        {.name = "log-format",                                                                     \
         .common = true,                                                                           \
         .kind = MT_OPT_CHOICE,                                                                    \
         .arg = "HOW",                                                                             \
         .key = "log.format",                                                                      \
         .choices = mt_log_formats,                                                                \
         .offset = MT_FIELD(T, common.log_format, const char *),                                   \
         .help = "messages as text, json or journal"},                                             \
        {.name = "color",                                                                          \
         .common = true,                                                                           \
         .kind = MT_OPT_CHOICE,                                                                    \
         .arg = "WHEN",                                                                            \
         .choices = mt_color_modes,                                                                \
         .offset = MT_FIELD(T, common.color, const char *),                                        \
         .help = "auto, always or never"},                                                         \
        {.name = "files-from",                                                                     \
         .common = true,                                                                           \
         .kind = MT_OPT_STR,                                                                       \
         .arg = "FILE",                                                                            \
         .offset = MT_FIELD(T, common.files_from, const char *),                                   \
         .help = "operands from FILE too, one a line; - is stdin"},                                \
        MT_COMMON(MT_FLAG, T, null, '0', "null", "names in --files-from end with NUL"),            \
        MT_COMMON(MT_FLAG, T, fail_fast, 0, "fail-fast", "stop at the first failure"),             \
        MT_COMMON(MT_FLAG, T, print_config, 0, "print-config",                                     \
                  "show each setting, its value and origin")
#define MT_COMMON(kind_, T, f, c, n, h)                                                            \
    {                                                                                              \
        .name = n, .letter = c, .common = true, .kind = MT_OPT_FLAG,                               \
        .offset = MT_FIELD(T, common.f, bool), .help = h                                           \
    }

/* For programs that write. */
#define MT_DRY_RUN_OPT(T)                                                                          \
    {                                                                                              \
        .name = "dry-run", .letter = 'n', .common = true, .kind = MT_OPT_FLAG,                     \
        .offset = MT_FIELD(T, common.dry_run, bool),                                               \
        .help = "change nothing, say what would be done"                                           \
    }

/* What the whole run comes to, gathered input by input. */
struct mt_outcome {
    int64_t ok, failed;
    enum mt_code cause; /* of the failures so far */
    bool mixed;         /* more than one cause */
};

/* Counts one input; code MT_OK for success. */
void mt_outcome_add(struct mt_outcome *outcome, enum mt_code code);

/* What a run function is given. */
struct mt_run {
    const struct mt_cli *cli;
    const struct mt_command *command; /* NULL for programs without verbs */
    char **operands;
    int n_operands;
    const struct mt_conf *conf;
    const char *const *env;       /* environ, for modules that are handed it */
    const char *dir;              /* where this program lies, for its siblings */
    const struct mt_opts *opts;   /* the tables and where each value came from */
    const struct mt_given *given; /* the options of the command line */
    struct mt_reread *reread;     /* what mt_run_reread() has read */
    struct mt_outcome outcome;
};

/*
 * Does all that programs do alike, then calls run(), flushes stdout and
 * returns the exit status. settings begins with struct mt_common and holds the
 * defaults. run() returns -1 with *err for what ends the whole run; failures
 * of single inputs are counted in r->outcome.
 */
int mt_main(const struct mt_cli *cli, int argc, char **argv, void *settings,
            int (*run)(struct mt_run *r, void *settings, struct mt_err *err));

/*
 * The command line that does the same again wherever it is run, as an array of arguments without
 * operands: the program, what its own options were set to by flag, environment or configuration,
 * and --db, --store and --config if they were flags. New.
 */
json_t *mt_run_command(const struct mt_run *r);

/*
 * Reads the configuration again, for a service that is told to: settings, which holds the defaults
 * as for mt_main(), is given the values that the program would begin with now. r->conf and r->opts
 * are the new ones afterwards. What was read before is kept until the program ends. On failure
 * nothing but *settings has changed.
 */
int mt_run_reread(struct mt_run *r, void *settings, struct mt_err *err) MT_MUST_USE;

/* Whether the option has a value of somebody's: flag, environment or configuration. */
bool mt_opt_given(const struct mt_run *r, const char *name);

/* The variable's value in such a list as run->env is; NULL if it is unset or empty. */
const char *mt_env_get(const char *const *env, const char *name);

/*
 * The operands, then the names in --files-from, one by one: 1 and *name (valid
 * until the next call), 0 at the end, -1 on failure.
 */
struct mt_names {
    struct mt_run *run;
    const struct mt_common *common;
    int next;
    struct mt_name_list *list; /* the file of names, once it is open */
};
void mt_names_init(struct mt_names *names, struct mt_run *run, const struct mt_common *common);
int mt_names_next(struct mt_names *names, const char **name, struct mt_err *err) MT_MUST_USE;

/* Whether mt_names_next() would have to wait for whoever writes the list. */
bool mt_names_waiting(const struct mt_names *names);
void mt_names_free(struct mt_names *names);

/* Writes one document: compact, or indented on a terminal; the second one compact anywhere. */
int mt_print(const json_t *document, struct mt_err *err) MT_MUST_USE;
int mt_print_line(const json_t *document, struct mt_err *err) MT_MUST_USE;

#endif
