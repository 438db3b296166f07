/* SPDX-License-Identifier: GPL-2.0-or-later */
/* covers.c - attached pictures, taken out in a jail. */
#include "thumbs/internal.h"

#include "base/file.h"

#include <sys/mman.h>
#include <unistd.h>

struct work {
    struct mt_item *item;
    const struct mt_film *film;
    const struct mt_thumbs *spec;
    struct mt_worker *worker; /* in the child */
    int *fds;
    int n;
};

static int send_cover(void *ctx, const void *data, size_t n, struct mt_err *err)
{
    struct work *w = ctx;
    json_t *line = json_pack("{s:b}", "cover", 1);
    int ret = mt_worker_send(w->worker, line, data, n, err);

    json_decref(line);
    return ret;
}

/* In the jailed child. */
static int take(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct work *w = arg;
    struct mt_av_limits limits = mt_stage_limits(w->spec->options);

    w->worker = worker;
    return w->film->covers(w->item->fd, &limits, send_cover, w, err) < 0 ? -1 : 0;
}

/* Keeps the bytes in a file without a name. */
static int hear(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct work *w = ctx;

    if (!json_object_get(line, "cover") || !data || w->n == MT_AV_COVERS_MAX)
        return mt_fail(err, MT_ERR_CRASHED, "a cover came without its bytes");
    int fd = memfd_create("cover", MFD_CLOEXEC);
    if (fd < 0)
        return mt_fail_errno(err, "cannot keep a cover in memory");
    w->fds[w->n++] = fd;
    return mt_write_all(fd, data, n) < 0 ? mt_fail_errno(err, "cannot keep a cover in memory") : 0;
}

int mt_covers_read(struct mt_item *item, const struct mt_thumbs *spec, int fds[MT_AV_COVERS_MAX],
                   struct mt_err *err)
{
    struct work w = {.item = item, .film = mt_item_film(item, err), .spec = spec, .fds = fds};
    struct mt_item_work job = {
        .what = "taking the covers of", .run = take, .arg = &w, .on_line = hear, .ctx = &w};

    if (!w.film)
        return -1;
    if (mt_item_run(item, &job, err) == 0)
        return w.n;
    for (int i = 0; i < w.n; i++)
        close(fds[i]);
    return -1;
}
