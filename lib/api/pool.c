/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool.c - connections to the database, lent to calls.
 *
 * Fewer than there are threads: uploads and event streams give theirs back while they wait.
 */
#include "api/internal.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

enum { WAIT_S = 5 };

int mt_api_pool_open(struct mt_api *api, struct mt_err *err)
{
    struct mt_api_pool *p = &api->pool;

    p->idle = mt_alloc((size_t)api->set.connections * sizeof(struct mt_db *));
    if (pthread_mutex_init(&p->lock, NULL) != 0 || pthread_cond_init(&p->given_back, NULL) != 0)
        return mt_fail(err, MT_ERR_IO, "no memory for locks");
    return 0;
}

void mt_api_pool_close(struct mt_api *api)
{
    struct mt_api_pool *p = &api->pool;

    for (int i = 0; i < p->n_idle; i++)
        mt_db_close(&p->idle[i]);
    free(p->idle);
    pthread_cond_destroy(&p->given_back);
    pthread_mutex_destroy(&p->lock);
}

/* Waits for a place. True with *db an idle connection, or NULL: one may be opened. */
static bool take(struct mt_api *api, struct mt_db **db)
{
    struct mt_api_pool *p = &api->pool;
    struct timespec until;
    bool got = true;

    *db = NULL;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&p->lock);
    while (p->n_idle == 0 && p->n_open >= api->set.connections && got)
        got = pthread_cond_timedwait(&p->given_back, &p->lock, &until) != ETIMEDOUT;
    if (p->n_idle > 0) {
        *db = p->idle[--p->n_idle];
        got = true;
    } else if (got) {
        p->n_open++;
    }
    pthread_mutex_unlock(&p->lock);
    return got;
}

static void give_back(struct mt_api *api, struct mt_db *db)
{
    struct mt_api_pool *p = &api->pool;

    pthread_mutex_lock(&p->lock);
    if (db)
        p->idle[p->n_idle++] = db;
    else
        p->n_open--;
    pthread_cond_signal(&p->given_back);
    pthread_mutex_unlock(&p->lock);
}

/* A CGI that only reads creates and migrates nothing. */
static enum mt_db_mode mode_of(const struct mt_api_call *call)
{
    bool reads = call->request->method & (MT_HTTP_GET | MT_HTTP_HEAD);

    return call->api->set.cgi && reads && !call->api->set.audit_reads ? MT_DB_READ : MT_DB_WRITE;
}

struct mt_db *mt_api_db(struct mt_api_call *call, struct mt_err *err)
{
    struct mt_api *api = call->api;

    if (call->db)
        return call->db;
    if (!take(api, &call->db)) {
        mt_fail(err, MT_ERR_BUSY, "all %d connections to the database are in use",
                api->set.connections);
        return NULL;
    }
    if (call->db)
        return call->db;
    if (mt_db_open(&call->db, api->set.db, api->set.dbs, mode_of(call), err) < 0) {
        call->db = NULL;
        give_back(api, NULL);
        /* That there is no database yet is no lack of what the client asks for. */
        if (err->code == MT_ERR_NOT_FOUND || err->code == MT_ERR_NO_FILE)
            err->code = MT_ERR_UNAVAILABLE;
    }
    return call->db;
}

/*
 * A connection on which something failed may be broken: the next one opens a new one. What a call
 * left open of a transaction is rolled back with it.
 */
void mt_api_db_release(struct mt_api_call *call)
{
    if (!call->db)
        return;
    if (call->db_failed)
        mt_db_close(&call->db);
    give_back(call->api, call->db);
    call->db = NULL;
    call->db_failed = false;
}

struct mt_store *mt_api_store(struct mt_api_call *call, bool named, struct mt_err *err)
{
    const struct mt_api_settings *set = &call->api->set;

    if (call->store && call->store_named && !named)
        mt_store_close(&call->store);
    if (call->store)
        return call->store;
    int ret = named ? mt_store_name(&call->store, set->store, set->stores, err)
                    : mt_store_open(&call->store, set->store, set->stores, true, err);
    if (ret < 0)
        call->store = NULL;
    call->store_named = named;
    return call->store;
}
