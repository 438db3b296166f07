/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media-api.c - the HTTP API: a CGI program, or a FastCGI server, behind a web server. */
#include "api/api.h"
#include "api/tools.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/cli.h"
#include "drivers.h"
#include "http/http.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
    struct mt_common common;
    struct mt_api_settings api;
    struct mt_api_tools tools;
    const char *access, *fetch, *audit_reads, *listen, *public_of, *signing_keys;
    int64_t threads, processes, connections, streams, idle_us, grace_us;
};

static const char *const access_modes[] = {"token", "open", NULL};
static const char *const yes_no[] = {"yes", "no", NULL};
static const char *const algs[] = {"ES256", "RS256", "HS256", NULL};

#define S struct settings
static const struct mt_opt opts[] = {
    MT_CHOICE(S, access, 0, "access", "HOW", access_modes, "api.access",
              "token (the default), or open to everybody"),
    MT_STR(S, api.jwks_file, 0, "jwks-file", "FILE", "api.jwks_file",
           "keys that tokens are verified with, as JWKS"),
    MT_STR(S, api.issuer, 0, "issuer", "TEXT", "api.issuer", "who tokens have to be from"),
    MT_STR(S, api.audience, 0, "audience", "TEXT", "api.audience", "whom tokens have to be for"),
    MT_STR(S, api.token_types, 0, "token-types", "LIST", "api.token_types",
           "types of tokens that are taken; at+jwt,JWT"),
    MT_DURATION(S, api.skew_us, 0, "clock-skew", "api.clock_skew",
                "how far clocks may differ; 30 seconds, at most 60"),
    MT_STR(S, api.url_keys, 0, "url-keys", "FILE", "api.url_keys",
           "one or two keys that media URLs are signed with"),
    MT_STR(S, api.media_url, 0, "media-url", "URL", "api.media_url",
           "where clients find media; /media/"),
    MT_DURATION(S, api.url_ttl_us, 0, "url-ttl", "api.url_ttl",
                "how long signed URLs hold; an hour"),
    MT_STR(S, api.allow, 0, "allow", "LIST", "api.allow", "networks that may ask; all"),
    MT_STR(S, api.deny, 0, "deny", "LIST", "api.deny", "networks that may not"),
    MT_STR(S, api.origins, 0, "origins", "LIST", "api.origins",
           "other origins whose pages may ask, or *"),
    MT_INT(S, api.rate, 0, "rate", "N", 0, 1000000, "api.rate",
           "requests a second of one user; 100, 0: no limit"),
    MT_INT(S, api.burst, 0, "burst", "N", 1, 1000000, "api.burst",
           "requests of one user at once; 200"),
    MT_STR(S, api.rate_file, 0, "rate-file", "FILE", "api.rate_file",
           "where processes keep that account together"),
    MT_DURATION(S, api.idempotency_us, 0, "idempotency", "api.idempotency",
                "how long answers are kept for repeats; a day"),
    MT_CHOICE(S, audit_reads, 0, "audit-reads", "YES|NO", yes_no, "api.audit_reads",
              "reads in the audit log too; no"),
    MT_CHOICE(S, fetch, 0, "fetch", "YES|NO", yes_no, "api.fetch",
              "sources may be https URLs; yes"),
    MT_STR(S, api.access_log, 0, "access-log", "FILE", "api.access_log",
           "a line of JSON for each request; - is stderr"),
    MT_INT(S, connections, 0, "connections", "N", 1, 500, "database.pool_size",
           "to the database at most; 8"),
    MT_STR(S, api.uploads, 0, "uploads", "DIR", "uploads.directory", "where uploads are collected"),
    MT_DURATION(S, api.upload_max_age_us, 0, "upload-max-age", "uploads.max_age",
                "unfinished uploads go after so long; a day"),
    MT_SIZE(S, api.upload_user_bytes, 0, "upload-user-bytes", "uploads.user_bytes",
            "of one user's uploads at once; 0: no limit"),
    MT_INT(S, api.upload_user_files, 0, "upload-user-files", "N", 0, 1000000, "uploads.user_files",
           "of one user's uploads at once; 1000"),
    MT_SIZE(S, api.max_file_size, 0, "max-size", "max_file_size", "largest upload; 5 GiB"),
    MT_COMMON_OPTS(S),
    {0},
};

static const struct mt_opt serve_opts[] = {
    MT_STR(S, listen, 0, "listen", "WHERE", "api.listen", "unix:/path, or host:port"),
    MT_INT(S, threads, 0, "threads", "N", 1, 1000, "api.threads",
           "requests at once in a process; 128"),
    MT_INT(S, processes, 0, "processes", "N", 1, 64, "api.processes", "how many; 1"),
    MT_INT(S, streams, 0, "streams", "N", 0, 1000, "api.streams",
           "event streams at once in a process; 48"),
    MT_DURATION(S, idle_us, 0, "idle", "api.idle", "a silent client is given up; 60 seconds"),
    MT_DURATION(S, grace_us, 0, "grace", "api.grace", "from SIGTERM to the end; 10 seconds"),
    {0},
};

#define TTL_OPT                                                                                    \
    MT_DURATION(S, tools.ttl_us, 0, "ttl", NULL, "how long it holds; an hour unless given")
#define KID_OPT(help) MT_STR(S, tools.kid, 0, "kid", "NAME", NULL, help)

static const struct mt_opt token_opts[] = {
    MT_STR(S, signing_keys, 0, "signing-keys", "FILE", "api.signing_keys",
           "JWKS with a private key; else that of --jwks-file"),
    MT_LIST(S, tools.roles, 0, "roles", "LIST", mt_roles, NULL,
            "viewer, uploader, operator, moderator, admin"),
    TTL_OPT,
    KID_OPT("the key to sign with"),
    {0},
};

static const struct mt_opt key_opts[] = {
    MT_CHOICE(S, tools.alg, 0, "alg", "ALG", algs, NULL, "ES256, RS256 or HS256"),
    KID_OPT("what the key is called; some digits unless given"),
    MT_STR(S, public_of, 0, "public", "FILE", NULL, "no new key: what of FILE may be shown"),
    {0},
};

static const struct mt_opt sign_opts[] = {
    TTL_OPT,
    MT_INT(S, tools.depth, 0, "depth", "N", 0, 8, NULL, "all below the first N parts of the key"),
    MT_STR(S, tools.address, 0, "address", "IP", NULL, "for this address only"),
    {0},
};
#undef S

static const struct mt_command commands[] = {
    {"serve", "", "answer requests: CGI, a socket on fd 0, or --listen", serve_opts},
    {"sweep", "", "forget old answers and uploads, where nothing serves", NULL},
    {"key", "", "make a key for tokens or URLs", key_opts},
    {"token", "SUBJECT", "make a bearer token", token_opts},
    {"sign-url", "KEY", "make a URL of media that holds for a while", sign_opts},
    {"openapi", "", "print the OpenAPI document", NULL},
    {0},
};

static const struct mt_example examples[] = {
    {"A key, a token and a server on one machine:",
     "media-api key >keys.json && media-api token --jwks-file keys.json --roles uploader anna"},
    {"Serve FastCGI at a socket for nginx:",
     "media-api serve --jwks-file keys.json --listen unix:/run/media/api.sock"},
    {"The same by spawn-fcgi, which puts the socket on descriptor 0:",
     "spawn-fcgi -s /run/media/api.sock -- /usr/local/bin/media-api"},
    {"A URL of a rendition that holds for an hour:",
     "media-api key --alg HS256 >urls.json && media-api sign-url --url-keys urls.json 7b4e/a.mp4"},
    {"What the API offers, as a document:", "media-api openapi | jq '.paths | keys'"},
    {NULL, NULL},
};

static const struct mt_cli cli = {
    .name = "media-api",
    .summary = "Answers HTTP requests behind a web server: jobs, assets, uploads.",
    .operands = "COMMAND ...",
    .opts = opts,
    .commands = commands,
    .examples = examples,
    .versions = mt_versions,
};

/* A file that is named without a directory lies where systemd has put the credentials. */
static const char *credential(const struct mt_run *r, const char *file, char **kept)
{
    const char *dir = mt_env_get(r->env, "CREDENTIALS_DIRECTORY");

    if (!file || strchr(file, '/') || !dir)
        return file;
    return *kept = mt_path_join(dir, file);
}

/* Beside the database of a service, or of a user. free() it. */
static char *uploads_dir(const struct mt_run *r)
{
    const char *service = mt_env_get(r->env, "STATE_DIRECTORY");
    const char *state = mt_env_get(r->env, "XDG_STATE_HOME");
    const char *home = mt_env_get(r->env, "HOME");

    if (service)
        return mt_path_join(service, "uploads");
    if (state)
        return mt_asprintf("%s/media-toolkit/uploads", state);
    return mt_asprintf("%s/.local/state/media-toolkit/uploads", home ? home : "/nonexistent");
}

/* What the options say, for lib/api. */
static int complete(const struct mt_run *r, struct settings *set, char **uploads,
                    struct mt_err *err)
{
    struct mt_api_settings *api = &set->api;

    if (api->skew_us > 60 * 1000000)
        return mt_fail(err, MT_ERR_CONFIG, "clocks may differ by 60 seconds at most");
    api->open = strcmp(set->access, "open") == 0;
    api->fetch = strcmp(set->fetch, "yes") == 0;
    api->audit_reads = strcmp(set->audit_reads, "yes") == 0;
    api->db = set->common.db;
    api->store = set->common.store;
    api->dbs = mt_dbs;
    api->stores = mt_stores;
    api->conf = r->conf;
    api->connections = (int)set->connections;
    api->streams = (int)set->streams;
    if (!api->uploads)
        api->uploads = *uploads = uploads_dir(r);
    return 0;
}

static int serve(struct mt_run *r, struct settings *set, struct mt_err *err)
{
    struct mt_api *api = NULL;
    int fd = -1;
    enum mt_http_role role = mt_http_role(r->env, &fd);
    struct mt_http_plan plan = {.serve = mt_api_serve,
                                .tick = mt_api_tick,
                                .tick_ms = 5000,
                                .threads = (int)set->threads,
                                .processes = (int)set->processes,
                                .idle_ms = (int)(set->idle_us / 1000),
                                .grace_ms = (int)(set->grace_us / 1000)};
    int ret = -1;

    set->api.cgi = role == MT_HTTP_CGI;
    if (mt_api_open(&api, &set->api, err) < 0)
        return -1;
    plan.ctx = api;
    if (role == MT_HTTP_CGI) {
        ret = mt_http_cgi(&plan, r->env, err);
    } else if (set->listen) {
        if (mt_http_listen(set->listen, &fd, err) == 0)
            ret = mt_http_serve(&plan, fd, err);
    } else if (role == MT_HTTP_SOCKET) {
        ret = mt_http_serve(&plan, fd, err);
    } else {
        mt_fail(err, MT_ERR_USAGE, "there is nothing to serve: no request, and no socket");
        mt_hint(err, "--listen unix:/path or host:port, or run it by a web server");
    }
    mt_api_close(&api);
    return ret;
}

static int sweep(struct settings *set, struct mt_err *err)
{
    struct mt_api *api = NULL;
    int ret;

    set->api.open = true; /* nobody asks */
    if (mt_api_open(&api, &set->api, err) < 0)
        return -1;
    ret = mt_api_sweep(api, err);
    mt_api_close(&api);
    return ret;
}

static int operand(const struct mt_run *r, const char **out, struct mt_err *err)
{
    if (r->n_operands != 1)
        return mt_fail(err, MT_ERR_USAGE, "%s takes one operand: %s", r->command->name,
                       r->command->operands);
    *out = r->operands[0];
    return 0;
}

static int print_openapi(struct mt_err *err)
{
    json_t *document = mt_api_openapi();
    int ret = mt_print(document, err);

    json_decref(document);
    return ret;
}

static int dispatch(struct mt_run *r, struct settings *set, struct mt_err *err)
{
    const char *name = r->command->name;
    const char *what = NULL;

    if (*r->command->operands ? operand(r, &what, err) < 0 : r->n_operands > 0)
        return *r->command->operands ? -1
                                     : mt_fail(err, MT_ERR_USAGE, "%s takes no operands", name);
    if (strcmp(name, "serve") == 0)
        return serve(r, set, err);
    if (strcmp(name, "sweep") == 0)
        return sweep(set, err);
    if (strcmp(name, "openapi") == 0)
        return print_openapi(err);
    if (strcmp(name, "token") == 0)
        return mt_api_tool_token(&set->tools, what, err);
    if (strcmp(name, "sign-url") == 0)
        return mt_api_tool_sign(&set->tools, what, err);
    return set->public_of ? mt_api_tool_public(set->public_of, err)
                          : mt_api_tool_key(&set->tools, err);
}

static int run(struct mt_run *r, void *settings, struct mt_err *err)
{
    struct settings *set = settings;
    char *kept[3] = {NULL};
    char *uploads = NULL;

    set->api.jwks_file = credential(r, set->api.jwks_file, &kept[0]);
    set->api.url_keys = credential(r, set->api.url_keys, &kept[1]);
    set->signing_keys = credential(r, set->signing_keys, &kept[2]);
    set->tools.keys = set->signing_keys ? set->signing_keys : set->api.jwks_file;
    set->tools.url_keys = set->api.url_keys;
    set->tools.issuer = set->api.issuer;
    set->tools.audience = set->api.audience;
    set->tools.type = set->api.token_types;
    set->tools.media_url = set->api.media_url;
    int ret = complete(r, set, &uploads, err);
    if (ret == 0)
        ret = dispatch(r, set, err);
    free(uploads);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        free(kept[i]);
    return ret;
}

/*
 * By a web server it is run without a command. The arguments of a CGI are
 * the client's: some servers make them of the query.
 */
int main(int argc, char **argv)
{
    static char name[] = "media-api";
    static char command[] = "serve";
    char *by_server[] = {name, command, NULL};
    const int64_t second = 1000000;
    struct settings set = {.access = "token",
                           .fetch = "yes",
                           .audit_reads = "no",
                           .api = {.token_types = "at+jwt,JWT",
                                   .skew_us = 30 * second,
                                   .media_url = "/media/",
                                   .url_ttl_us = 3600 * second,
                                   .rate = 100,
                                   .burst = 200,
                                   .idempotency_us = 86400 * second,
                                   .upload_max_age_us = 86400 * second,
                                   .upload_user_files = 1000,
                                   .max_file_size = INT64_C(5368709120)},
                           .tools = {.roles = "uploader", .alg = "ES256"},
                           .threads = 128,
                           .processes = 1,
                           .connections = 8,
                           .streams = 48,
                           .idle_us = 60 * second,
                           .grace_us = 10 * second};
    int fd;
    enum mt_http_role role = mt_http_role((const char *const *)environ, &fd);

    if (role == MT_HTTP_CGI || (role == MT_HTTP_SOCKET && argc == 1)) {
        argc = 2;
        argv = by_server;
    }
    return mt_main(&cli, argc, argv, &set, run);
}
