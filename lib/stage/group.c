/* SPDX-License-Identifier: GPL-2.0-or-later */
/* group.c - see group.h. */
#include "stage/group.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "digest/digest.h"
#include "doc/doc.h"

#include <stdlib.h>
#include <string.h>

enum { PUTS = 64, DOCS = 32, WAIT_US = 500000 };

struct result {
    struct mt_put *put, *note;
    char sum[MT_SHA256_TEXT];
    int doc; /* its index */
};

struct held {
    json_t *doc, *before;
    struct mt_err why; /* its results failed; else MT_OK */
};

struct mt_group {
    struct result *results;
    struct held *docs;
    int n_results, n_docs;
    int64_t since_us; /* of the first document */
};

struct mt_group *mt_group_new(void)
{
    return mt_alloc(sizeof(struct mt_group));
}

static void forget(struct mt_group *g)
{
    for (int i = 0; i < g->n_results; i++) {
        mt_put_abort(&g->results[i].put);
        mt_put_abort(&g->results[i].note);
    }
    for (int i = 0; i < g->n_docs; i++) {
        json_decref(g->docs[i].doc);
        json_decref(g->docs[i].before);
    }
    g->n_results = g->n_docs = 0;
}

void mt_group_free(struct mt_group **group)
{
    if (!*group)
        return;
    forget(*group);
    free((*group)->results);
    free((*group)->docs);
    free(*group);
    *group = NULL;
}

void mt_group_put(struct mt_group *g, struct mt_put **put, const char *sha256, struct mt_put **note)
{
    g->results = mt_realloc(g->results, (size_t)g->n_results + 1, sizeof *g->results);
    struct result *r = &g->results[g->n_results++];
    *r = (struct result){.put = *put, .note = *note, .doc = g->n_docs};
    strcpy(r->sum, sha256);
    *put = *note = NULL;
}

void mt_group_doc(struct mt_group *g, json_t *doc, json_t *before)
{
    if (g->n_docs == 0)
        g->since_us = mt_mono_us();
    g->docs = mt_realloc(g->docs, (size_t)g->n_docs + 1, sizeof *g->docs);
    g->docs[g->n_docs++] = (struct held){.doc = json_incref(doc), .before = before};
}

bool mt_group_is_due(const struct mt_group *g)
{
    return g->n_results >= PUTS || g->n_docs >= DOCS ||
           (g->n_docs > 0 && mt_mono_us() - g->since_us > WAIT_US);
}

/* Commits the notes, or the results, of documents for which nothing has failed yet. */
static void commit(struct mt_group *g, bool notes)
{
    size_t most = (size_t)g->n_results;
    struct mt_put **puts = mt_realloc(NULL, most, sizeof *puts);
    const char **sums = mt_realloc(NULL, most, sizeof *sums);
    struct held **docs = mt_realloc(NULL, most, sizeof *docs);
    struct mt_err *errs = mt_realloc(NULL, most, sizeof *errs);
    int n = 0;

    for (int i = 0; i < g->n_results; i++) {
        struct result *r = &g->results[i];
        if (g->docs[r->doc].why.code != MT_OK)
            continue;
        struct mt_put **put = notes ? &r->note : &r->put;
        docs[n] = &g->docs[r->doc];
        sums[n] = notes ? NULL : r->sum;
        puts[n++] = *put;
        *put = NULL;
    }
    if (n > 0 && mt_puts_commit_each(puts, sums, errs, n) < 0)
        for (int i = 0; i < n; i++)
            if (errs[i].code != MT_OK && docs[i]->why.code == MT_OK)
                docs[i]->why = errs[i];
    free(errs);
    free(docs);
    free(sums);
    free(puts);
}

static int print(struct held *h, const char *stage, struct mt_err *err)
{
    if (h->why.code == MT_OK || !h->before)
        return mt_print(h->doc, err);
    mt_log_err(MT_LOG_ERROR, &h->why);
    mt_doc_set_stage(h->before, stage, "failed", &h->why, 0);
    return mt_print(h->before, err);
}

int mt_group_flush(struct mt_group *g, const char *stage, struct mt_err *err)
{
    int ret = 0;

    if (g->n_results > 0) {
        commit(g, true);
        commit(g, false);
    }
    for (int i = 0; i < g->n_docs && ret == 0; i++)
        ret = print(&g->docs[i], stage, err);
    forget(g);
    return ret;
}
