/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/api only. */
#ifndef MT_API_INTERNAL_H
#define MT_API_INTERNAL_H

#include "api/api.h"
#include "jwt/jwt.h"

#include <pthread.h>
#include <time.h>

enum { MT_API_ORIGINS = 32, MT_API_ETAG = 40 };

/* A file that is read again when it changes. */
struct mt_api_watched {
    struct timespec modified;
    int64_t looked_us; /* mt_mono_us() */
};

/* Connections to the database that are kept. */
struct mt_api_pool {
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    struct mt_db **idle;
    int n_idle, n_open;
};

struct mt_api {
    struct mt_api_settings set;
    pthread_rwlock_t keys_lock;
    struct mt_api_tokens *tokens; /* NULL: none are kept */
    struct mt_api_recent *recent; /* likewise */
    struct mt_jwt_keys *keys;
    struct mt_url_keys url_keys;
    struct mt_api_watched keys_file, urls_file;
    struct mt_networks allow, deny;
    struct mt_rates *rates; /* NULL: no limit */
    struct mt_api_pool pool;
    int log_fd; /* -1: none */
    pthread_mutex_t streams_lock;
    int streams; /* open */
    int64_t swept_us;
};

/* api.c: when URLs that are signed now stop to hold, seconds since 1970. */
int64_t mt_api_url_expiry(const struct mt_api *api);

/* pool.c */
int mt_api_pool_open(struct mt_api *api, struct mt_err *err) MT_MUST_USE;
void mt_api_pool_close(struct mt_api *api);

/* guard.c: who asks, from where, how often. 0: go on; 1: answered. */
int mt_api_guard(struct mt_api_call *call);
int mt_api_keys_open(struct mt_api *api, struct mt_err *err) MT_MUST_USE;
void mt_api_keys_close(struct mt_api *api);
void mt_api_keys_refresh(struct mt_api *api);

/* tokens.c: with t NULL nothing is found or kept. */
struct mt_api_tokens *mt_api_tokens_open(void);
void mt_api_tokens_close(struct mt_api_tokens **tokens);
bool mt_api_tokens_find(struct mt_api_tokens *t, const char *token, int64_t now_us, int64_t skew_us,
                        struct mt_claims *claims);
void mt_api_tokens_keep(struct mt_api_tokens *t, const char *token, int64_t now_us,
                        const struct mt_claims *claims);
void mt_api_tokens_forget(struct mt_api_tokens *t);

/* recent.c: a moment at which an answer was true; known: it can be compared with others. */
struct mt_api_moment {
    bool known;
    unsigned generation;
    int64_t stamp, expiry_s;
};

/* What was told of a job. */
struct mt_api_told {
    char etag[MT_API_ETAG];
    bool waits; /* it has not ended */
    char *body;
};

struct mt_api_recent *mt_api_recent_open(void);
void mt_api_recent_close(struct mt_api_recent **recent);
void mt_api_recent_forget(struct mt_api_recent *r);

/* Before the row is read: *now is filled in any case; true: free(told->body) is the caller's. */
bool mt_api_recent_find(struct mt_api_call *call, struct mt_db *db, const char *id,
                        struct mt_api_moment *now, struct mt_api_told *told);

/* Afterwards, with the moment of before. */
void mt_api_recent_keep(struct mt_api_call *call, struct mt_db *db, const char *id,
                        const struct mt_api_moment *moment, const struct mt_api_told *told);

/* cors.c */
void mt_api_cors(struct mt_api_call *call);
int mt_api_options(struct mt_api_call *call, const char *allow, struct mt_err *err) MT_MUST_USE;

/* route.c: the route of method and path; NULL and the methods of the path in allow, "" if none. */
enum { MT_API_ALLOW = 80 };
const struct mt_api_route *mt_api_find(struct mt_api_call *call, char allow[MT_API_ALLOW]);

/* once.c: 0: go on; 1: answered from memory, or refused; -1. */
int mt_api_once_begin(struct mt_api_call *call, struct mt_err *err) MT_MUST_USE;
void mt_api_once_drop(struct mt_api_call *call);
int mt_api_once_keep(struct mt_api_call *call, int status, const json_t *body,
                     struct mt_err *err) MT_MUST_USE;
int mt_api_once_sweep(struct mt_db *db, struct mt_err *err) MT_MUST_USE;

/* job.c: the row of a job that the caller may see; MT_ERR_NOT_FOUND for others'. New. */
json_t *mt_api_job_row(struct mt_api_call *call, const char *id, struct mt_err *err);

/* Its answer to a status query. New. */
json_t *mt_api_job_body(struct mt_api_call *call, const json_t *row, bool results,
                        struct mt_err *err);

/* "dead" is told as "failed". */
const char *mt_api_job_status(const json_t *row);

/* A strong entity tag of the row; and 304 if the client has that. 1: answered. */
int mt_api_etag(struct mt_api_call *call, const json_t *row, const char *kind, struct mt_err *err);

/* asset.c: the row of an asset that the caller may see. New. */
json_t *mt_api_asset_row(struct mt_api_call *call, const char *id, struct mt_err *err);

/* source.c: what a URL or id in a body names. */
struct mt_api_source {
    char asset[MT_UUID_TEXT]; /* "": it is to be fetched */
    int64_t duration_ms;      /* 0: unknown */
    int64_t file_size;
};

/* 0; 1: answered by a problem; -1. */
int mt_api_source(struct mt_api_call *call, const json_t *body, const char *member,
                  struct mt_api_source *source, json_t *errors, struct mt_err *err) MT_MUST_USE;

/* check.c: bodies. Each adds {"pointer", "detail"} to errors for what is wrong. */
void mt_api_wrong(json_t *errors, const char *pointer, const char *fmt, ...) MT_PRINTF(3, 4);
void mt_api_check_members(json_t *errors, const char *at, const json_t *object, const char *names);
void mt_api_check_transcode(json_t *errors, const char *at, const json_t *body);
void mt_api_check_analyze(json_t *errors, const char *at, const json_t *body);

/* Whether word is one of those in list, with commas between. */
bool mt_api_listed(const char *list, const char *word);

/* 422 with the errors, which are taken. */
int mt_api_invalid(struct mt_api_call *call, json_t *errors, struct mt_err *err) MT_MUST_USE;

/* A parameter of the query as a number; fallback if it is absent. */
int mt_api_query_int(struct mt_api_call *call, const char *name, int64_t min, int64_t max,
                     int64_t *out, struct mt_err *err) MT_MUST_USE;

/* --- handlers --- */
int mt_api_job_get(struct mt_api_call *call, struct mt_err *err);
int mt_api_job_cancel(struct mt_api_call *call, struct mt_err *err);
int mt_api_job_retry(struct mt_api_call *call, struct mt_err *err);
int mt_api_job_events(struct mt_api_call *call, struct mt_err *err);
int mt_api_jobs(struct mt_api_call *call, struct mt_err *err);
int mt_api_assets(struct mt_api_call *call, struct mt_err *err);
int mt_api_asset_get(struct mt_api_call *call, struct mt_err *err);
int mt_api_transcode(struct mt_api_call *call, struct mt_err *err);
int mt_api_analyze(struct mt_api_call *call, struct mt_err *err);
int mt_api_batch(struct mt_api_call *call, struct mt_err *err);
int mt_api_analysis_results(struct mt_api_call *call, struct mt_err *err);
int mt_api_queue(struct mt_api_call *call, struct mt_err *err);
int mt_api_sign(struct mt_api_call *call, struct mt_err *err);
int mt_api_authorize(struct mt_api_call *call, struct mt_err *err);
int mt_api_health(struct mt_api_call *call, struct mt_err *err);
int mt_api_ready(struct mt_api_call *call, struct mt_err *err);
int mt_api_document(struct mt_api_call *call, struct mt_err *err);
int mt_api_problem_page(struct mt_api_call *call, struct mt_err *err);

#endif
