/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolve.c - flags over environment over configuration over defaults. */
#include "cli/internal.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *mt_env_get(const char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (; *env; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return (*env)[n + 1] ? *env + n + 1 : NULL;
    return NULL;
}

/* What the system says where the environment is silent; never the root directory by accident. */
static const char *home_of_user(void)
{
    const struct passwd *user = getpwuid(getuid());

    return user && user->pw_dir && *user->pw_dir == '/' ? user->pw_dir : "/nonexistent";
}

/* The XDG base directory specification: only absolute paths count. */
static char *xdg_dir(const char *const *env, const char *name, const char *below_home)
{
    const char *dir = mt_env_get(env, name);
    const char *home = mt_env_get(env, "HOME");

    if (dir && *dir == '/')
        return mt_path_join(dir, "media-toolkit");
    if (!home || *home != '/')
        home = home_of_user();
    return mt_asprintf("%s/%s/media-toolkit", home, below_home);
}

static int load_if_there(struct mt_conf *conf, const char *file, struct mt_err *err)
{
    if (mt_conf_load(conf, file, err) == 0 || err->code == MT_ERR_NO_FILE)
        return 0;
    return -1;
}

static int load_files(struct mt_conf *conf, const char *only, const char *const *env,
                      struct mt_err *err)
{
    if (only) {
        if (mt_conf_load(conf, only, err) == 0)
            return 0;
        if (err->code != MT_ERR_CONFIG)
            err->code = MT_ERR_CONFIG;
        return -1;
    }
    char *dir = xdg_dir(env, "XDG_CONFIG_HOME", ".config");
    char *user = mt_path_join(dir, "media.yaml");
    int ret = load_if_there(conf, user, err);
    if (ret == 0)
        ret = load_if_there(conf, "/etc/media-toolkit/media.yaml", err);
    free(user);
    free(dir);
    return ret;
}

static char *env_name(const struct mt_opt *o)
{
    char *name = mt_asprintf("MEDIA_%s", o->name);

    for (char *c = name; *c; c++)
        *c = *c == '-' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    return name;
}

/* Options that make sense for one call only do not come from the environment. */
static bool from_env(const struct mt_opt *o)
{
    static const char *const never[] = {"help", "version", "print-config", "files-from",
                                        "null", "serve",   "capabilities"};

    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strcmp(o->name, never[i]) == 0)
            return false;
    return true;
}

/* What the configuration says of an option: in the section of the profile, else at its key. */
static const struct mt_conf_value *conf_value(const struct mt_opt *o, const struct mt_conf *conf,
                                              const char *sections, const char *profile)
{
    const struct mt_conf_value *v = NULL;

    if (profile) {
        char *path = mt_asprintf("%s.%s.%s", sections, profile, o->name);
        v = mt_conf_get(conf, path);
        free(path);
    }
    return v || !o->key ? v : mt_conf_get(conf, o->key);
}

static int apply_conf(const struct mt_opt *o, const struct mt_conf_value *v, void *settings,
                      char **origin, struct mt_err *err)
{

    if (!v || (o->kind == MT_OPT_STR && !*v->text)) /* "store:" or "store: null" sets nothing */
        return 0;
    char *what = mt_asprintf("%s: %s", v->origin, v->path);
    int ret = mt_opt_store(o, what, v->text, settings, err);
    free(what);
    if (ret < 0) {
        err->code = MT_ERR_CONFIG;
        return -1;
    }
    *origin = mt_strdup(v->origin);
    return 0;
}

static int apply_env(const struct mt_opt *o, const char *const *env, void *settings, char **origin,
                     struct mt_err *err)
{
    char *name = env_name(o);
    const char *text = from_env(o) ? mt_env_get(env, name) : NULL;
    int ret = 0;

    if (text) {
        ret = mt_opt_store(o, name, text, settings, err);
        free(*origin);
        *origin = mt_asprintf("environment %s", name);
    }
    free(name);
    return ret;
}

static int apply_flags(struct mt_opts *opts, const struct mt_given *given, void *settings,
                       struct mt_err *err)
{
    for (int i = 0; i < given->n; i++) {
        const struct mt_opt *o = given->opt[i];
        char *what = mt_asprintf("--%s", o->name);
        int ret = mt_opt_store(o, what, given->text[i], settings, err);
        free(what);
        if (ret < 0)
            return -1;
        int at = mt_opts_find(opts, o->name, strlen(o->name));
        free(opts->origin[at]);
        opts->origin[at] = mt_strdup("command line");
    }
    return 0;
}

static void set_origin(struct mt_opts *opts, const char *name, const char *origin)
{
    int at = mt_opts_find(opts, name, strlen(name));

    if (at >= 0 && !opts->origin[at])
        opts->origin[at] = mt_strdup(origin);
}

static const char *conf_text(const struct mt_conf *conf, const char *path, const char *fallback)
{
    const struct mt_conf_value *v = mt_conf_get(conf, path);

    return v && *v->text ? v->text : fallback;
}

static char *default_db(const struct mt_conf *conf, struct mt_opts *opts, const char *const *env)
{
    const struct mt_conf_value *host = mt_conf_get(conf, "database.host");
    const char *service = mt_env_get(env, "STATE_DIRECTORY");

    if (host) {
        set_origin(opts, "db", host->origin);
        return mt_asprintf("postgresql://%s:%s/%s", host->text,
                           conf_text(conf, "database.port", "5432"),
                           conf_text(conf, "database.name", "media"));
    }
    char *dir = service ? mt_strdup(service) : xdg_dir(env, "XDG_STATE_HOME", ".local/state");
    char *url = mt_asprintf("sqlite://%s/media.db", dir);
    free(dir);
    return url;
}

static char *default_store(const struct mt_conf *conf, struct mt_opts *opts, const char *const *env)
{
    const struct mt_conf_value *bucket = mt_conf_get(conf, "aws.s3_bucket");
    const char *service = mt_env_get(env, "STATE_DIRECTORY");

    if (bucket) {
        set_origin(opts, "store", bucket->origin);
        return mt_asprintf("s3://%s", bucket->text);
    }
    char *dir = service ? mt_strdup(service) : xdg_dir(env, "XDG_DATA_HOME", ".local/share");
    char *path = mt_path_join(dir, "store");
    char *url = mt_path_to_file_url(path);
    free(path);
    free(dir);
    return url;
}

/* Where rows and objects are when nobody says so. */
static void default_urls(struct mt_common *c, const struct mt_conf *conf, struct mt_opts *opts,
                         const char *const *env)
{
    if (!c->db)
        c->db = opts->db = default_db(conf, opts, env);
    if (!c->store)
        c->store = opts->store = default_store(conf, opts, env);
}

static const char *given_text(const struct mt_given *given, const char *name)
{
    const char *text = NULL;

    for (int i = 0; i < given->n; i++)
        if (strcmp(given->opt[i]->name, name) == 0)
            text = given->text[i];
    return text;
}

static const char *profile_of(const struct mt_run *r, const struct mt_opts *opts,
                              const struct mt_given *given)
{
    const char *name = given_text(given, "profile");

    if (!r->cli->sections || mt_opts_find(opts, "profile", strlen("profile")) < 0)
        return NULL;
    return name ? name : mt_env_get(r->env, "MEDIA_PROFILE");
}

int mt_cli_resolve(struct mt_run *r, struct mt_conf *conf, struct mt_opts *opts,
                   const struct mt_given *given, void *settings, struct mt_err *err)
{
    struct mt_common *common = settings;
    const char *only = given_text(given, "config");

    if (load_files(conf, only ? only : mt_env_get(r->env, "MEDIA_CONFIG"), r->env, err) < 0)
        return -1;
    opts->profile = profile_of(r, opts, given);
    for (int i = 0; i < opts->n; i++)
        if (apply_conf(opts->opt[i],
                       conf_value(opts->opt[i], conf, r->cli->sections, opts->profile), settings,
                       &opts->origin[i], err) < 0 ||
            apply_env(opts->opt[i], r->env, settings, &opts->origin[i], err) < 0)
            return -1;
    if (apply_flags(opts, given, settings, err) < 0)
        return -1;
    default_urls(common, conf, opts, r->env);
    common->job = mt_env_get(r->env, "MEDIA_JOB");
    common->token = mt_env_get(r->env, "MEDIA_LEASE_TOKEN");
    return 0;
}
