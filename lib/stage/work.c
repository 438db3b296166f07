/* SPDX-License-Identifier: GPL-2.0-or-later */
/* work.c - an item's jailed children, and how far they are. */
#include "stage/stage.h"

#include "base/mem.h"
#include "base/path.h"
#include "catalog/job.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "digest/digest.h"
#include "stage/internal.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { STALL_US = 300 * 1000000 };

/* A child, and what on_line is called with. */
struct mt_item_child {
    struct mt_item *item;
    const struct mt_item_work *work;
    char *what;
    int fds[MT_ITEM_FDS + 1];
    struct mt_worker_run *run;
};

int mt_item_progress(struct mt_item *item, int64_t done_us, int64_t total_us, struct mt_err *err)
{
    struct mt_stage_state *st = item->state;
    int64_t at_us = done_us;

    if (total_us > 0) {
        double part = done_us >= total_us ? 1 : (double)done_us / (double)total_us;
        done_us = (int64_t)((item->from + item->share * part) * (double)total_us);
    }
    int percent = total_us <= 0 ? 0 : done_us >= total_us ? 100 : (int)(done_us * 100 / total_us);

    st->reached_us = at_us;
    mt_progress_update(done_us, item->duration_us > 0 ? 0 : total_us);
    return st->job.id[0] ? mt_job_progress(&st->job, percent, st->stage->name, err) : 0;
}

void mt_item_resumed(struct mt_item *item, int64_t done_us, int64_t total_us)
{
    double part = total_us > 0 ? (double)done_us / (double)total_us : 0;

    if (done_us > 0)
        mt_progress_resumed((int64_t)((item->from + item->share * part) * (double)total_us));
}

static int on_line(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct mt_item_child *l = ctx;
    const json_t *progress = json_object_get(line, "progress");

    if (l->work->raw || !json_is_array(progress))
        return l->work->on_line(l->work->ctx, line, data, n, err);
    return mt_item_progress(l->item, json_integer_value(json_array_get(progress, 0)),
                            json_integer_value(json_array_get(progress, 1)), err);
}

/* In the child. */
static int run(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    const struct mt_item_child *child = arg;

    if (child->item->state->film)
        child->item->state->film->log_aloud();
    return child->work->run(child->work->arg, worker, err);
}

static int cancelled(void *ctx)
{
    (void)ctx;
    mt_progress_poll();
    return mt_stop_signal();
}

int mt_stage_tell(void *worker, int64_t done_us, int64_t total_us)
{
    json_t *line = json_pack("{s:[I, I]}", "progress", (json_int_t)done_us, (json_int_t)total_us);
    struct mt_err err;
    int ret = mt_worker_send(worker, line, NULL, 0, &err);

    json_decref(line);
    return ret;
}

int mt_item_start(struct mt_item *item, const struct mt_item_work *work, struct mt_item_child **out,
                  struct mt_err *err)
{
    const struct mt_stage_options *o = item->state->stage->options;
    struct mt_item_child *child = mt_alloc(sizeof *child);
    int n = work->n_fds < MT_ITEM_FDS ? work->n_fds : MT_ITEM_FDS;

    child->item = item;
    child->work = work;
    child->what = mt_asprintf("%s '%s'", work->what, item->name);
    child->fds[0] = item->fd;
    for (int i = 0; i < n; i++)
        child->fds[i + 1] = work->fds[i];
    struct mt_worker_spec spec = {.what = child->what,
                                  .profile = work->encode ? MT_JAIL_ENCODE : MT_JAIL_DECODE,
                                  .limits = {.memory_bytes = o->memory},
                                  .wall_us = o->timeout_us,
                                  .stall_us = STALL_US,
                                  .nice = work->nice,
                                  .fds = child->fds,
                                  .n_fds = 1 + n,
                                  .run = run,
                                  .arg = child,
                                  .on_line = on_line,
                                  .ctx = child,
                                  .cancelled = cancelled};
    if (mt_worker_start(&child->run, &spec, err) == 0) {
        *out = child;
        return 0;
    }
    free(child->what);
    free(child);
    return -1;
}

int mt_item_wait(struct mt_item_child *const children[], int n)
{
    struct mt_worker_run *runs[MT_WORKERS_MAX];

    for (int i = 0; i < n; i++)
        runs[i] = children[i]->run;
    return mt_worker_wait(runs, n);
}

int mt_item_end(struct mt_item_child **out, struct mt_err *err)
{
    struct mt_item_child *child = *out;
    int ret = mt_worker_end(&child->run, err);

    free(child->what);
    free(child);
    *out = NULL;
    return ret;
}

int mt_item_run(struct mt_item *item, const struct mt_item_work *work, struct mt_err *err)
{
    struct mt_item_child *child = NULL;

    if (mt_item_start(item, work, &child, err) < 0)
        return -1;
    while (mt_item_wait(&child, 1) < 0)
        ;
    return mt_item_end(&child, err);
}

struct mt_db *mt_item_db(const struct mt_item *item)
{
    return mt_item_is_plain(item) ? NULL : item->state->db;
}

struct mt_store *mt_item_store(const struct mt_item *item)
{
    return mt_item_is_plain(item) ? NULL : item->state->out;
}

char *mt_item_workdir(const struct mt_item *item, const char *name, struct mt_err *err)
{
    const struct mt_stage_options *o = item->state->stage->options;

    if (mt_item_is_plain(item))
        return mt_asprintf("%s/.media-toolkit/work/%s-%s", o->output, item->state->stem, name);
    char *key = mt_asprintf("%s/.work/%s", item->asset_id, name);
    char *url = mt_store_url(item->state->out, key);
    char *path = url ? mt_path_of_file_url(url) : NULL;
    if (!path)
        mt_fail(err, MT_ERR_UNAVAILABLE, "a store of '%s:' has no place for work in progress",
                mt_store_scheme(item->state->out));
    free(url);
    free(key);
    return path;
}

void mt_stage_recipe(const json_t *settings, char recipe[9])
{
    json_t *all = json_pack("{s:O, s:s}", "settings", settings, "version", MT_VERSION);
    char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
    char hex[MT_SHA256_TEXT];
    struct mt_err err;

    if (!text || mt_sha256_of(text, strlen(text), hex, &err) < 0)
        strcpy(hex, "00000000");
    memcpy(recipe, hex, 8);
    recipe[8] = '\0';
    free(text);
    json_decref(all);
}
