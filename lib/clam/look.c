/* SPDX-License-Identifier: GPL-2.0-or-later */
/* look.c - in the jail: windows shared out among threads, each line sent as it is known. */
#include "clam/look.h"

#include "base/file.h"
#include "json/json.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 16 };

/* What the threads share. */
struct crew {
    const struct mt_look *look;
    struct mt_worker *worker;
    pthread_mutex_t lock;
    int next;
    bool failed;
    struct mt_err err;
};

/* A window as the engine sees it: a file of its own. */
struct view {
    int fd;
    int64_t from;
    int read_errno;
};

static off_t read_view(void *handle, void *buf, size_t n, off_t offset)
{
    struct view *view = handle;
    ssize_t got = mt_pread_full(view->fd, buf, n, view->from + offset);

    if (got < (ssize_t)n)
        view->read_errno = got < 0 ? errno : ESTALE;
    return got;
}

static cl_error_t scan_view(const struct mt_look *look, struct view *view, int64_t len,
                            struct mt_clam_names *names)
{
    struct cl_scan_options options = mt_clam_options;
    const char *name = NULL;
    unsigned long scanned = 0;
    cl_error_t ret;

    if (mt_windows_count(&look->windows) == 1) {
        ret = cl_scandesc_callback(look->fd, NULL, &name, &scanned, look->engine, &options, names);
    } else {
        cl_fmap_t *map = cl_fmap_open_handle(view, 0, (size_t)len, read_view, 1);
        if (!map)
            return CL_EMEM;
        ret = cl_scanmap_callback(map, NULL, &name, &scanned, look->engine, &options, names);
        cl_fmap_close(map);
    }
    if (ret == CL_VIRUS && names->n == 0)
        mt_clam_on_found(-1, name ? name : "Heuristics.Limits.Exceeded", names);
    return ret;
}

static const char *trouble_of(cl_error_t ret, const struct view *view)
{
    if (view->read_errno == ESTALE)
        return "the file became shorter while it was scanned";
    if (view->read_errno)
        return strerror(view->read_errno);
    return ret == CL_CLEAN || ret == CL_VIRUS ? NULL : cl_strerror(ret);
}

static int report(struct crew *crew, int64_t counts, cl_error_t ret, const struct view *view,
                  const struct mt_clam_names *names, struct mt_err *err)
{
    const char *trouble = trouble_of(ret, view);
    bool clean = ret == CL_CLEAN && !trouble && names->n == 0;
    json_t *list = json_array();

    for (int i = 0; i < names->n; i++)
        json_array_append_new(list, mt_json_text(names->names[i]));
    json_t *line = json_pack("{s:I, s:b, s:o, s:o}", "bytes", (json_int_t)(clean ? counts : 0),
                             "clean", clean, "names", list, "trouble", mt_json_text(trouble));
    int sent = mt_worker_send(crew->worker, line, NULL, 0, err);
    json_decref(line);
    return sent;
}

static int next_window(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    int i = crew->failed ? INT32_MAX : crew->next++;
    pthread_mutex_unlock(&crew->lock);
    return i;
}

static void *work(void *arg)
{
    struct crew *crew = arg;
    const struct mt_look *look = crew->look;
    int count = mt_windows_count(&look->windows);
    struct mt_err err;

    for (int i; (i = next_window(crew)) < count;) {
        struct mt_clam_names names = {0};
        struct view view = {.fd = look->fd};
        int64_t len;
        int64_t counts = mt_windows_at(&look->windows, i, &view.from, &len);
        cl_error_t ret = scan_view(look, &view, len, &names);
        if (report(crew, counts, ret, &view, &names, &err) == 0)
            continue;
        pthread_mutex_lock(&crew->lock);
        crew->failed = true;
        crew->err = err;
        pthread_mutex_unlock(&crew->lock);
    }
    return NULL;
}

/* The calling thread works too; one that cannot be started only makes it slower. */
static void share_out(struct crew *crew, int lanes)
{
    pthread_t threads[LANES_MAX];
    int n = 0;

    while (n < lanes - 1 && n < LANES_MAX && pthread_create(&threads[n], NULL, work, crew) == 0)
        n++;
    work(crew);
    while (n > 0)
        pthread_join(threads[--n], NULL);
}

int mt_clam_look(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    const struct mt_look *look = arg;
    struct crew crew = {.look = look, .worker = worker, .lock = PTHREAD_MUTEX_INITIALIZER};

    if (cl_engine_set_str(look->engine, CL_ENGINE_TMPDIR, look->scratch) != CL_SUCCESS)
        return mt_fail(err, MT_ERR_FAILED, "libclamav takes no directory for temporary files");
    share_out(&crew, look->lanes);
    if (crew.failed) {
        *err = crew.err;
        return -1;
    }
    return 0;
}
