/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * api.h - the HTTP API of the media service: one table of routes, and what each may do.
 *
 * A request comes to mt_api_serve(). It finds the route, checks who asks and how
 * often, calls the handler, and writes the access log. Whatever is not in the table is
 * 404, a method that the path does not have 405 with Allow; OPTIONS, CORS and the
 * OpenAPI document follow from the same table.
 */
#ifndef MT_API_API_H
#define MT_API_API_H

#include "access/access.h"
#include "db/db.h"
#include "http/http.h"
#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { MT_API_ARGS = 2, MT_API_ANSWERS = 8, MT_API_BODY_MAX = 1 << 20 };

#define MT_API_BASE "/api/v1/media"

struct mt_api; /* the service: shared by all threads */

/* What the program was told; everything is lent and outlives the service. */
struct mt_api_settings {
    const char *db, *store;
    const struct mt_db_driver *const *dbs;
    const struct mt_store_driver *const *stores;
    const struct mt_conf *conf; /* for parts with keys of their own, such as uploads */
    bool open;                  /* no tokens: everybody may do everything */
    const char *jwks_file;      /* keys that tokens are verified with */
    const char *issuer, *audience;
    const char *token_types; /* values of "typ", commas between */
    int64_t skew_us;
    const char *url_keys;  /* file of the keys that media URLs are signed with; NULL: unsigned */
    const char *media_url; /* what the key of an object is appended to */
    int64_t url_ttl_us;
    const char *allow, *deny;  /* lists of networks; NULL: none */
    const char *origins;       /* for CORS: origins with commas between, or "*"; NULL: none */
    int64_t rate, burst;       /* requests a second of one user; 0: no limit */
    const char *rate_file;     /* where processes keep that account together; NULL: in memory */
    int64_t idempotency_us;    /* how long answers are kept for repeated requests */
    bool audit_reads;          /* rows in the audit log for reads too */
    bool fetch;                /* sources may be https URLs of the public network */
    const char *access_log;    /* a file; "-": standard error; NULL: none */
    int connections;           /* to the database, at most */
    int streams;               /* event streams at once */
    bool cgi;                  /* this process answers one request only */
    const char *uploads;       /* directory of what is being uploaded; absolute */
    int64_t upload_max_age_us; /* uploads that are not finished by then go */
    int64_t upload_user_bytes, upload_user_files; /* quota of one user; 0: none */
    int64_t max_file_size;
};

int mt_api_open(struct mt_api **out, const struct mt_api_settings *settings,
                struct mt_err *err) MT_MUST_USE;
void mt_api_close(struct mt_api **api);

const struct mt_api_settings *mt_api_settings(const struct mt_api *api);

/* For struct mt_http_plan; ctx is the service. */
void mt_api_serve(struct mt_http *x, void *ctx);
void mt_api_tick(void *ctx);

/* What has to be done now and then where no server runs: old answers go, uploads are swept. */
int mt_api_sweep(struct mt_api *api, struct mt_err *err) MT_MUST_USE;

/* The OpenAPI 3.1 document. New. */
json_t *mt_api_openapi(void);

/* --- for handlers --- */

struct mt_api_call {
    struct mt_api *api;
    struct mt_http *x;
    const struct mt_http_request *request;
    const struct mt_api_route *route;
    const char *args[MT_API_ARGS]; /* what stands in the place of {...} in the route's path */
    const char *user;              /* UUID of who asks; NULL: nobody is known (open, or signed) */
    unsigned may;                  /* MT_MAY_...; see access/role.h */
    struct mt_claims claims;       /* of the token */
    /* The rest is this module's. */
    char *path; /* in which args lie */
    struct mt_db *db;
    bool db_failed; /* it is not given back, but closed */
    struct mt_store *store;
    bool store_named;
    json_t *body;
    char *idempotency_key;
    bool key_held;
    int64_t key_alive_us; /* mt_mono_us() when it was last said to be in use */
    int64_t started_us;
};

enum mt_api_flag {
    MT_API_ONCE = 1 << 0, /* takes Idempotency-Key; the handler answers by mt_api_answer() */
    MT_API_FREE = 1 << 1, /* is not counted against the rate of requests */
    MT_API_SELF = 1 << 2, /* the handler is given OPTIONS and requests without tokens itself */
    /* With MT_API_ONCE: the handler reads the body as it comes, and calls mt_api_once_alive(). */
    MT_API_STREAM = 1 << 3,
};

/* One method of one path. */
struct mt_api_route {
    enum mt_http_method method;
    const char *path; /* "/api/v1/media/job/{job_id}/status" */
    unsigned needs;   /* MT_MAY_... that all have to be there; 0: anybody, without a token */
    int (*handler)(struct mt_api_call *call, struct mt_err *err); /* 0: answered; -1: *err tells */
    unsigned flags;
    const char *operation; /* operationId */
    const char *summary;
    const char *query; /* names of parameters of the query with commas between, or NULL */
    const char *body;  /* schema of the JSON body; or "TYPE:schema"; NULL: none */
    struct {
        int status;
        const char *schema;    /* of the JSON body; "TYPE" with a slash: that type; NULL: no body */
    } answers[MT_API_ANSWERS]; /* apart from problems, which any may have */
};

/* All of the toolkit's own, and those of uploads; each ends with a zeroed one. */
extern const struct mt_api_route mt_api_routes[];
extern const struct mt_api_route mt_api_upload_routes[];

/*
 * A connection to the database for this call: taken from those that are kept, and given back when
 * the call ends, or before it by mt_api_db_release() while it waits or streams for long. NULL with
 * MT_ERR_BUSY when all are taken for too long. In a transaction nothing is given back.
 */
struct mt_db *mt_api_db(struct mt_api_call *call, struct mt_err *err);
void mt_api_db_release(struct mt_api_call *call);

/* The store, opened for writing or only named. Lent for the call. */
struct mt_store *mt_api_store(struct mt_api_call *call, bool named, struct mt_err *err);

/* The body as a JSON object, read once; its members are all in names (commas between). Lent. */
json_t *mt_api_body(struct mt_api_call *call, struct mt_err *err);

/* Answers by JSON, and keeps the answer if the request came with an Idempotency-Key. Takes body. */
int mt_api_answer(struct mt_api_call *call, int status, json_t *body,
                  struct mt_err *err) MT_MUST_USE;

/* While a body is read for long: nobody is to take over the Idempotency-Key of this request. */
void mt_api_once_alive(struct mt_api_call *call);

/* Whether the token still holds (time passes while a body is read). MT_ERR_POLICY otherwise. */
int mt_api_recheck(const struct mt_api_call *call, struct mt_err *err) MT_MUST_USE;

/* Records who asks in the table of users, so that rows may refer to him. Outside of transactions
 * too. */
int mt_api_user_seen(struct mt_api_call *call, struct mt_db *db, struct mt_err *err) MT_MUST_USE;

/* A row of the audit log, with user and address of the call; its own transaction unless in one. */
int mt_api_audit(struct mt_api_call *call, struct mt_db *db, const char *action,
                 const char *object_type, const char *object_id, json_t *details,
                 struct mt_err *err) MT_MUST_USE;

/* Where a client finds the object of that key: media_url and key, signed if keys are there. free().
 */
char *mt_api_media_url(struct mt_api *api, const char *key);

/* What uploads add to mt_api_sweep() and to the tick. */
int mt_api_upload_sweep(struct mt_api *api, struct mt_db *db, struct mt_err *err) MT_MUST_USE;

#endif
