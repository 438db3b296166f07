/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host.c - see host.h. */
#include "ingest/host.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/signals.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOOK_US = 100 * 1000 };

/* Shared with the thread that asks; whoever is done with it last frees it. */
struct question {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    char *host;
    bool done, abandoned;
    int problem;
    struct addrinfo *list;
};

static void question_free(struct question *q)
{
    if (q->list)
        freeaddrinfo(q->list);
    pthread_cond_destroy(&q->answered);
    pthread_mutex_destroy(&q->lock);
    free(q->host);
    free(q);
}

static void *ask(void *arg)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct question *q = arg;
    struct addrinfo *list = NULL;
    int problem = getaddrinfo(q->host, NULL, &hints, &list);

    pthread_mutex_lock(&q->lock);
    q->problem = problem;
    q->list = problem ? NULL : list;
    q->done = true;
    bool abandoned = q->abandoned;
    pthread_cond_signal(&q->answered);
    pthread_mutex_unlock(&q->lock);
    if (abandoned)
        question_free(q);
    return NULL;
}

/* With the lock held. Whether there is an answer. */
static bool await(struct question *q, int64_t until, int (*stopped)(void))
{
    while (!q->done && !stopped() && mt_mono_us() < until) {
        int64_t at = mt_mono_us() + LOOK_US;
        struct timespec t = {.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};
        pthread_cond_timedwait(&q->answered, &q->lock, &t);
    }
    return q->done;
}

static int fail(const char *host, const char *why, enum mt_code code, struct mt_err *err)
{
    char *shown = mt_text_printable(host, 100);

    mt_fail(err, code, "cannot find the host '%s': %s", shown, why);
    free(shown);
    return -1;
}

static int start(struct question *q, struct mt_err *err)
{
    pthread_attr_t detached;
    pthread_t thread;

    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    int problem = pthread_create(&thread, &detached, ask, q);
    pthread_attr_destroy(&detached);
    return problem ? fail(q->host, "no thread can be started", MT_ERR_BUSY, err) : 0;
}

static struct question *question_new(const char *host)
{
    struct question *q = mt_alloc(sizeof *q);
    pthread_condattr_t clock;

    q->host = mt_strdup(host);
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&q->answered, &clock);
    pthread_condattr_destroy(&clock);
    return q;
}

int mt_host_lookup(const char *host, int64_t wall_us, int (*stopped)(void), struct addrinfo **out,
                   struct mt_err *err)
{
    struct question *q = question_new(host);
    int ret = -1;

    if (start(q, err) < 0) {
        question_free(q);
        return -1;
    }
    pthread_mutex_lock(&q->lock);
    bool done = await(q, mt_mono_us() + wall_us, stopped);
    q->abandoned = !done;
    pthread_mutex_unlock(&q->lock);
    if (!done && stopped())
        return mt_fail(err, MT_ERR_CANCELLED, "stopped while the host was looked up");
    if (!done)
        return fail(host, "there is no answer", MT_ERR_BUSY, err);
    if (q->problem) {
        fail(host, gai_strerror(q->problem),
             q->problem == EAI_NONAME ? MT_ERR_NO_FILE : MT_ERR_BUSY, err);
    } else {
        *out = q->list;
        q->list = NULL;
        ret = 0;
    }
    question_free(q);
    return ret;
}

int mt_address_of(const struct mt_url *url, bool allow_private, int64_t wall_us, char out[64],
                  struct mt_err *err)
{
    struct addrinfo *list = NULL;
    char text[INET6_ADDRSTRLEN];
    int ret = -1;

    if (mt_host_lookup(url->host, wall_us, mt_stop_signal, &list, err) < 0)
        return -1;
    for (const struct addrinfo *i = list; i && ret < 0; i = i->ai_next) {
        bool v6 = i->ai_family == AF_INET6;
        if ((!allow_private && !mt_address_is_public(i->ai_addr)) ||
            getnameinfo(i->ai_addr, i->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST))
            continue;
        snprintf(out, 64, "%s%s%s", v6 ? "[" : "", text, v6 ? "]" : "");
        ret = 0;
    }
    freeaddrinfo(list);
    if (ret == 0)
        return 0;
    mt_fail(err, MT_ERR_POLICY, "'%.100s' is an address of a private network", url->host);
    return mt_hint(err, "--allow-private permits it");
}
