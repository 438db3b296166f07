/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clam.c - one file's scan: a plan, a jailed child, and what it reports; see clam.h. */
#include "clam/clam.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "clam/internal.h"
#include "clam/look.h"
#include "worker/worker.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LANES_MAX = 4, SPARE_CPU_S = 60 };

/* What the parent hears. */
struct hearing {
    const struct mt_scan_request *request;
    struct mt_scan_result *result;
    int windows; /* that were reported as clean */
};

int mt_clam_open(struct mt_clam **out, const char *database, const char *tmp, struct mt_err *err)
{
    struct mt_clam *clam = mt_alloc(sizeof *clam);

    *out = NULL;
    clam->lock = -1;
    cl_error_t problem = cl_init(CL_INIT_DEFAULT);
    if (problem) {
        free(clam);
        return mt_fail(err, MT_ERR_UNAVAILABLE, "libclamav: %s", cl_strerror(problem));
    }
    if (mt_clam_make_tmp(clam, tmp, err) < 0) {
        free(clam);
        return -1;
    }
    clam->database = mt_strdup(database && *database ? database : MT_CLAM_DATABASE);
    *out = clam;
    return 0;
}

void mt_clam_close(struct mt_clam **clam)
{
    if (!*clam)
        return;
    mt_clam_unload(*clam);
    mt_clam_remove_tree((*clam)->tmp);
    mt_fd_close(&(*clam)->lock);
    free((*clam)->tmp);
    free((*clam)->database);
    free(*clam);
    *clam = NULL;
}

/* A name ends the scan when it means infection: nothing better can come. */
static int hear(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct hearing *h = ctx;
    struct mt_scan_result *r = h->result;
    const char *trouble = mt_json_str(line, "trouble", NULL);
    json_t *name;
    size_t i;

    (void)data;
    (void)n;
    json_array_foreach(json_object_get(line, "names"), i, name) if (json_is_string(name))
        mt_scan_found(r, json_string_value(name));
    if (trouble && r->verdict != MT_SCAN_INFECTED)
        mt_scan_incomplete(r, "%s", trouble);
    r->bytes_scanned += mt_json_int(line, "bytes", 0);
    h->windows += mt_json_bool(line, "clean", false);
    if (h->request->progress)
        h->request->progress(h->request->ctx, r->bytes_scanned);
    return r->verdict == MT_SCAN_INFECTED ? mt_fail(err, MT_ERR_INFECTED, "found") : 0;
}

static int cancelled(void *ctx)
{
    struct hearing *h = ctx;

    return h->request->cancelled && h->request->cancelled(h->request->ctx);
}

static int lanes_of(const struct mt_windows *windows)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int lanes = mt_windows_count(windows);

    if (lanes > LANES_MAX)
        lanes = LANES_MAX;
    return cpus >= 1 && lanes > cpus ? (int)cpus : lanes;
}

static int run_child(struct mt_look *look, struct hearing *h, struct mt_err *err)
{
    char *what = mt_asprintf("scanning '%s'", h->request->name);
    int fds[] = {look->fd, look->scratch_fd};
    int64_t cpu_s = (h->request->wall_us / 1000000 + SPARE_CPU_S) * look->lanes;
    struct mt_worker_spec spec = {
        .what = what,
        .profile = MT_JAIL_SCAN,
        .limits = {.cpu_s = cpu_s, .scratch_fd = look->scratch_fd},
        .wall_us = h->request->wall_us,
        .fds = fds,
        .n_fds = 2,
        .run = mt_clam_look,
        .arg = look,
        .on_line = hear,
        .ctx = h,
        .cancelled = cancelled,
    };
    int ret = mt_worker_run(&spec, err);

    free(what);
    return ret;
}

/* With a directory of its own, removed afterwards. */
static int scan_in_jail(struct mt_clam *clam, struct mt_look *look, struct hearing *h,
                        struct mt_err *err)
{
    char *path = mt_path_join(clam->tmp, "scan");
    int ret = -1;

    look->scratch = path;
    look->scratch_fd = -1;
    if (mkdir(path, 0700) == 0)
        look->scratch_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (look->scratch_fd < 0)
        mt_fail_errno(err, "cannot make the directory '%s'", path);
    else
        ret = run_child(look, h, err);
    mt_fd_close(&look->scratch_fd);
    mt_clam_remove_tree(path);
    free(path);
    return ret;
}

static void describe(const struct mt_clam *clam, struct mt_scan_result *result)
{
    int problem = 0;
    long long version = cl_engine_get_num(clam->engine, CL_ENGINE_DB_VERSION, &problem);

    if (problem == 0 && version > 0)
        snprintf(result->engine, sizeof result->engine, "ClamAV %s/%lld", cl_retver(), version);
    else
        snprintf(result->engine, sizeof result->engine, "ClamAV %s", cl_retver());
    result->database_age_s = mt_clam_database_age(clam->database);
}

int mt_clam_scan(struct mt_clam *clam, const struct mt_scan_request *request,
                 struct mt_scan_result *result, struct mt_err *err)
{
    bool whole = request->size <= MT_CLAM_WHOLE_MAX;
    struct mt_look look = {.fd = request->fd,
                           .windows = {request->size, whole ? request->size : MT_CLAM_WINDOW}};
    struct hearing h = {.request = request, .result = result};

    if (mt_clam_load(clam, err) < 0)
        return -1;
    describe(clam, result);
    look.engine = clam->engine;
    look.lanes = whole ? 1 : lanes_of(&look.windows);
    if (!whole) {
        result->windows = mt_windows_count(&look.windows);
        result->missed = MT_MISS_WINDOWS;
        if (mt_scan_is_archive(request->fd, request->size))
            return mt_fail(err, MT_ERR_LIMIT,
                           "the file holds packed members and is too large to "
                           "be scanned as a whole");
    }
    result->reason[0] = '\0';
    int ret = scan_in_jail(clam, &look, &h, err);
    if (result->verdict == MT_SCAN_INFECTED)
        return 0;
    if (ret == 0 && h.windows == mt_windows_count(&look.windows))
        result->verdict = MT_SCAN_CLEAN;
    else if (ret == 0 && !result->reason[0])
        mt_scan_incomplete(result, "the engine ended without an answer");
    return ret;
}
