/* SPDX-License-Identifier: GPL-2.0-or-later */
/* serve.c - pictures for another program, each in a jailed child of a process that is warm. */
#include "picture/picture.h"

#include "base/mem.h"
#include "proc/proc.h"
#include "worker/worker.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REQUEST_MAX = 8192, MINUTES_US = 300 * 1000000 };

struct request {
    struct mt_picture_spec spec;
    int fd, socket;
};

/* In the jailed child. */
static int send_picture(void *ctx, const struct mt_picture *p, struct mt_err *err)
{
    json_t *line =
        json_pack("{s:{s:i, s:i, s:i, s:s, s:i, s:o}}", "picture", "width", p->width, "height",
                  p->height, "frames", p->frames, "format", mt_picture_names[p->format], "quality",
                  p->quality, "ssim", p->ssim < 0 ? json_null() : mt_json_real(p->ssim, 4));
    int ret = mt_worker_send(ctx, line, p->data, p->size, err);

    json_decref(line);
    return ret;
}

static int work(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    struct request *r = arg;

    r->spec.emit = send_picture;
    r->spec.ctx = worker;
    json_t *report = mt_picture_make(r->fd, &r->spec, err);
    if (!report)
        return -1;
    json_t *line = json_pack("{s:o}", "report", report);
    int ret = mt_worker_send(worker, line, NULL, 0, err);
    json_decref(line);
    return ret;
}

static int relay(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    const struct request *r = ctx;

    return mt_worker_write(r->socket, line, data, n, err);
}

static int one_of(const json_t *json, const char *member, const char *const names[], int n)
{
    const char *text = mt_json_str(json, member, "");

    for (int i = 0; i < n; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    return 0;
}

static int read_formats(struct mt_picture_spec *spec, const json_t *names, struct mt_err *err)
{
    const json_t *name;
    size_t i;

    json_array_foreach(names, i, name)
    {
        int k = 0;
        while (k < MT_PICTURE_FORMATS &&
               strcmp(mt_picture_names[k], json_string_value(name) ? json_string_value(name) : ""))
            k++;
        if (k == MT_PICTURE_FORMATS || spec->n_formats == MT_PICTURE_FORMATS)
            return mt_fail(err, MT_ERR_USAGE, "there is no such format of pictures");
        spec->formats[spec->n_formats++] = (enum mt_picture_format)k;
    }
    return 0;
}

static int read_spec(struct mt_picture_spec *spec, const json_t *json, struct mt_err *err)
{
    static const char *const fits[] = {"contain", "cover", "width"};
    static const char *const gravities[] = {"center", "smart", "north", "south", "east", "west"};
    static const char *const strips[] = {"private", "all", "none"};
    const json_t *box;
    size_t i;

    json_array_foreach(json_object_get(json, "boxes"), i, box) if (i < MT_PICTURE_BOXES_MAX)
    {
        spec->boxes[i].width_px = (int)json_integer_value(json_array_get(box, 0));
        spec->boxes[i].height_px = (int)json_integer_value(json_array_get(box, 1));
        spec->n_boxes++;
    }
    spec->fit = (enum mt_picture_fit)one_of(json, "fit", fits, 3);
    spec->gravity = (enum mt_picture_gravity)one_of(json, "gravity", gravities, 6);
    spec->strip = (enum mt_picture_strip)one_of(json, "strip", strips, 3);
    spec->quality = (int)mt_json_int(json, "quality", 80);
    spec->optimise = mt_json_bool(json, "optimise", false);
    spec->still = mt_json_bool(json, "still", false);
    spec->max_pixels = mt_json_int(json, "max_pixels", 100000000);
    spec->max_side = mt_json_int(json, "max_side", 16384);
    spec->max_frames = mt_json_int(json, "max_frames", 10000);
    return read_formats(spec, json_object_get(json, "formats"), err);
}

static int run(struct request *r, const json_t *request, struct mt_err *err)
{
    const json_t *spec = json_object_get(request, "spec");
    bool encode = false;

    if (read_spec(&r->spec, spec, err) < 0 || mt_picture_prepare(r->fd, &r->spec, err) < 0)
        return -1;
    for (int i = 0; i < r->spec.n_formats; i++)
        encode = encode || r->spec.formats[i] == MT_PICTURE_AVIF;
    char *what = mt_asprintf("converting '%s'", mt_json_str(request, "name", "?"));
    struct mt_worker_spec worker = {
        .what = what,
        .profile = encode ? MT_JAIL_ENCODE : MT_JAIL_DECODE,
        .limits = {.memory_bytes = mt_json_int(request, "memory_bytes", 0)},
        .wall_us = mt_json_int(request, "wall_us", 0),
        .stall_us = MINUTES_US,
        .fds = &r->fd,
        .n_fds = 1,
        .run = work,
        .arg = r,
        .on_line = relay,
        .ctx = r,
    };
    int ret = mt_worker_run(&worker, err);
    free(what);
    return ret;
}

static int serve_one(int socket, int fd, const char *text, size_t n, struct mt_err *err)
{
    struct request r = {.fd = fd, .socket = socket};
    struct mt_err failure = {.code = MT_OK};
    json_t *request = mt_json_parse("request", text, n, &failure);
    int ret = request ? 0 : -1;

    if (ret == 0 && fd < 0)
        ret = mt_fail(&failure, MT_ERR_BUG, "a request came without its file");
    if (ret == 0)
        ret = run(&r, request, &failure);
    json_decref(request);
    return mt_worker_write_end(socket, ret, &failure, err);
}

int mt_picture_serve(int socket, struct mt_err *err)
{
    char request[REQUEST_MAX];

    for (;;) {
        int fd;
        ssize_t n = mt_fd_receive(socket, &fd, request, sizeof request, err);
        if (n <= 0)
            return (int)n;
        int ret = serve_one(socket, fd, request, (size_t)n, err);
        if (fd >= 0)
            close(fd);
        if (ret < 0)
            return err->code == MT_ERR_CANCELLED ? 0 : -1;
    }
}
