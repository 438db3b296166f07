/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe.c - see probe.h. */
#include "probe/probe.h"

#include "av/probe.h"
#include "base/log.h"
#include "base/mem.h"
#include "exif/exif.h"
#include "exif/xmp.h"
#include "proc/proc.h"
#include "sniff/sniff.h"
#include "worker/worker.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t minute_us = 60 * INT64_C(1000000), day_us = 86400 * INT64_C(1000000);

struct mt_prober {
    struct mt_sniff *sniff;
};

/* One file: what the child is given, and what the parent has heard from it. */
struct question {
    struct mt_sniff *sniff;
    int fd;
    const struct mt_probe_limits *limits;
    struct mt_worker *worker; /* in the child */
    json_t *seen, *found;
};

int mt_prober_open(struct mt_prober **out, struct mt_err *err)
{
    struct mt_prober *prober = mt_alloc(sizeof *prober);

    mt_av_log_capture();
    if (mt_sniff_open(&prober->sniff, err) < 0) {
        free(prober);
        return -1;
    }
    *out = prober;
    return 0;
}

void mt_prober_close(struct mt_prober **prober)
{
    if (!*prober)
        return;
    mt_sniff_close(&(*prober)->sniff);
    free(*prober);
    *prober = NULL;
}

/* From the child's decoding loop: a line for the parent, at most ten a second. */
static int tell(void *ctx, int64_t done_us, int64_t total_us)
{
    struct question *q = ctx;
    struct mt_err err;
    json_t *line = json_pack("{s:[I, I]}", "progress", (json_int_t)done_us, (json_int_t)total_us);
    int ret = mt_worker_send(q->worker, line, NULL, 0, &err);

    json_decref(line);
    return ret < 0;
}

static void add_embedded(json_t *metadata, int fd)
{
    json_t *exif = mt_exif_read(fd), *xmp = mt_xmp_read(fd);

    if (exif)
        json_object_set_new(metadata, "exif", exif);
    if (xmp)
        json_object_set_new(metadata, "xmp", xmp);
}

/* In the jailed child. */
static int look(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct question *q = arg;
    struct mt_sniff_type type;
    int ret = -1;

    mt_av_log_aloud();
    if (mt_sniff_fd(q->sniff, q->fd, &type, err) < 0)
        return -1;
    json_t *seen =
        json_pack("{s:{s:s, s:s}}", "seen", "mime_type", type.mime, "description", type.text);
    ret = mt_worker_send(worker, seen, NULL, 0, err);
    json_decref(seen);
    if (ret < 0)
        return -1;
    q->worker = worker;
    struct mt_av_progress progress = {tell, q};
    struct mt_av_probe how = {type.mime, &q->limits->av, q->limits->thorough, &progress};
    json_t *metadata = mt_av_probe(q->fd, &how, err);
    if (!metadata)
        return -1;
    if (strcmp(mt_json_str(metadata, "content_type", ""), "image") == 0)
        add_embedded(metadata, q->fd);
    json_t *found = json_pack("{s:o}", "metadata", metadata);
    ret = mt_worker_send(worker, found, NULL, 0, err);
    json_decref(found);
    return ret;
}

static int hear(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct question *q = ctx;
    json_t *seen = json_object_get(line, "seen");
    json_t *metadata = json_object_get(line, "metadata");
    const json_t *progress = json_object_get(line, "progress");

    (void)data;
    (void)n;
    if (progress && q->limits->progress.tell &&
        q->limits->progress.tell(q->limits->progress.ctx,
                                 json_integer_value(json_array_get(progress, 0)),
                                 json_integer_value(json_array_get(progress, 1))))
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    if (seen && !q->seen)
        q->seen = json_incref(seen);
    if (metadata && !q->found)
        q->found = json_incref(metadata);
    return 0;
}

/* seen and found become the answer. */
static json_t *answer(json_t *seen, json_t *metadata)
{
    json_t *type = json_incref(json_object_get(metadata, "content_type"));

    json_object_del(metadata, "content_type");
    json_object_set_new(seen, "content_type", type ? type : json_string("video"));
    json_object_set(seen, "metadata", metadata);
    return seen;
}

json_t *mt_prober_run(struct mt_prober *prober, int fd, const char *name,
                      const struct mt_probe_limits *limits, json_t **seen, struct mt_err *err)
{
    struct question q = {.sniff = prober->sniff, .fd = fd, .limits = limits};
    char *what = mt_asprintf("reading '%s'", name);
    int64_t patience = limits->wall_us ? limits->wall_us : minute_us;
    struct mt_worker_spec spec = {
        .what = what,
        .profile = MT_JAIL_DECODE,
        .limits = {.memory_bytes = limits->memory_bytes},
        .wall_us = limits->thorough ? day_us : patience,
        .stall_us = limits->thorough ? patience : 0,
        .fds = &fd,
        .n_fds = 1,
        .run = look,
        .arg = &q,
        .on_line = hear,
        .ctx = &q,
    };
    json_t *result = NULL;

    int ret = mt_worker_run(&spec, err);
    free(what);
    if (ret == 0 && (!q.seen || !q.found))
        ret = mt_fail(err, MT_ERR_CRASHED, "reading '%s' gave no answer", name);
    if (ret < 0 && !strstr(err->msg, name))
        mt_fail_in(err, "'%s'", name);
    if (ret == 0)
        result = answer(json_incref(q.seen), q.found);
    if (seen)
        *seen = ret < 0 ? json_incref(q.seen) : NULL;
    json_decref(q.seen);
    json_decref(q.found);
    return result;
}

static struct mt_probe_limits limits_of(const json_t *request)
{
    const struct mt_av_limits *d = &mt_av_default_limits;

    return (struct mt_probe_limits){
        .av = {.pixels = mt_json_int(request, "limits.pixels", d->pixels),
               .side_px = mt_json_int(request, "limits.side", d->side_px),
               .streams = mt_json_int(request, "limits.streams", d->streams),
               .duration_us = mt_json_int(request, "limits.duration_us", d->duration_us),
               .frames = mt_json_int(request, "limits.frames", d->frames)},
        .memory_bytes = mt_json_int(request, "limits.memory", 0),
        .wall_us = mt_json_int(request, "limits.wall_us", 0),
        .thorough = mt_json_bool(request, "limits.thorough", false)};
}

/* One request's answer, never NULL. */
static json_t *serve_one(struct mt_prober *prober, const char *text, size_t n, int fd)
{
    struct mt_err err = {.code = MT_OK};
    json_t *seen = NULL;
    json_t *result = NULL;
    json_t *request = mt_json_parse("request", text, n, &err);

    if (request && fd < 0)
        mt_fail(&err, MT_ERR_BUG, "a request came without its file");
    else if (request) {
        struct mt_probe_limits limits = limits_of(request);
        result = mt_prober_run(prober, fd, mt_json_str(request, "name", "?"), &limits, &seen, &err);
    }
    json_decref(request);
    if (result)
        return json_pack("{s:o}", "ok", result);
    return json_pack("{s:o, s:o}", "error", mt_err_to_json(&err), "seen",
                     seen ? seen : json_null());
}

int mt_prober_serve(struct mt_prober *prober, int socket, struct mt_err *err)
{
    FILE *out = fdopen(dup(socket), "w");
    char request[4096];
    int ret = -1;

    if (!out)
        return mt_fail_errno(err, "cannot answer on the socket");
    for (;;) {
        int fd;
        ssize_t n = mt_fd_receive(socket, &fd, request, sizeof request, err);
        if (n <= 0) {
            ret = (int)n;
            break;
        }
        json_t *reply = serve_one(prober, request, (size_t)n, fd);
        if (fd >= 0)
            close(fd);
        ret = mt_json_write(out, reply, false, err);
        json_decref(reply);
        if (ret < 0)
            break;
    }
    fclose(out);
    return ret;
}
