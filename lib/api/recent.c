/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recent.c - answers about jobs that still hold.
 *
 * Who waits for a job asks again and again, and mostly nothing has happened in between. An answer
 * holds as long as the database has not changed at all (mt_db_stamp()), for the same caller with
 * the same rights, until the URLs in it are signed anew. Looking at the stamp costs one
 * system call; reading the row and writing the answer costs ten times as much.
 */
#include "api/internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 256, BODY_MAX = 4096 };

struct mt_api_recent {
    pthread_mutex_t lock;
    unsigned generation; /* of the keys that URLs are signed with */
    struct slot {
        struct mt_api_moment moment;
        char id[MT_UUID_TEXT], user[MT_UUID_TEXT];
        unsigned may;
        struct mt_api_told told;
    } slots[SLOTS];
};

struct mt_api_recent *mt_api_recent_open(void)
{
    struct mt_api_recent *r = mt_alloc(sizeof *r);

    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void mt_api_recent_forget(struct mt_api_recent *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->generation++;
    pthread_mutex_unlock(&r->lock);
}

void mt_api_recent_close(struct mt_api_recent **recent)
{
    if (!*recent)
        return;
    for (int i = 0; i < SLOTS; i++)
        free((*recent)->slots[i].told.body);
    pthread_mutex_destroy(&(*recent)->lock);
    free(*recent);
    *recent = NULL;
}

/* The digits of an id are random; those of a user too. */
static struct slot *slot_of(struct mt_api_recent *r, const char *id, const char *user)
{
    unsigned h = 0;

    for (; *id; id++)
        h = h * 31 + (unsigned char)*id;
    for (; *user; user++)
        h = h * 31 + (unsigned char)*user;
    return &r->slots[h % SLOTS];
}

static const char *user_of(const struct mt_api_call *call)
{
    return call->user ? call->user : "";
}

bool mt_api_recent_find(struct mt_api_call *call, struct mt_db *db, const char *id,
                        struct mt_api_moment *now, struct mt_api_told *told)
{
    struct mt_api_recent *r = call->api->recent;
    bool found;

    *told = (struct mt_api_told){.body = NULL};
    *now = (struct mt_api_moment){.known = false};
    if (!r || strlen(id) >= MT_UUID_TEXT || !mt_db_stamp(db, &now->stamp))
        return false;
    now->known = true;
    now->expiry_s = mt_api_url_expiry(call->api);
    pthread_mutex_lock(&r->lock);
    const struct slot *s = slot_of(r, id, user_of(call));
    now->generation = r->generation;
    found = s->moment.known && s->moment.stamp == now->stamp &&
            s->moment.expiry_s == now->expiry_s && s->moment.generation == now->generation &&
            s->may == call->may && strcmp(s->id, id) == 0 && strcmp(s->user, user_of(call)) == 0;
    if (found) {
        *told = s->told;
        told->body = mt_strdup(s->told.body);
    }
    pthread_mutex_unlock(&r->lock);
    return found;
}

void mt_api_recent_keep(struct mt_api_call *call, struct mt_db *db, const char *id,
                        const struct mt_api_moment *moment, const struct mt_api_told *told)
{
    struct mt_api_recent *r = call->api->recent;
    int64_t stamp;

    /* Only what was read while nobody changed anything is of that moment. */
    if (!moment->known || !mt_db_stamp(db, &stamp) || stamp != moment->stamp ||
        strlen(told->body) > BODY_MAX)
        return;
    pthread_mutex_lock(&r->lock);
    struct slot *s = slot_of(r, id, user_of(call));
    free(s->told.body);
    *s = (struct slot){.moment = *moment, .may = call->may, .told = *told};
    s->told.body = mt_strdup(told->body);
    strcpy(s->id, id);
    strcpy(s->user, user_of(call));
    pthread_mutex_unlock(&r->lock);
}
