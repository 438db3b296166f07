/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger_rows.c - a ledger in the database and the store, for many machines.
 *
 * Encoders append to scratch files, which are objects that are begun and never committed: so they
 * lie where the store has room, and nothing of them stays. A finished segment is copied out of
 * them into an object of its own. Joining wants few files: the segments of a rendition are
 * copied into one scratch file again, and held against their checksums on the way.
 */
#include "transcode/ledger_rows.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LANES_MAX = 64 };

static struct mt_rows *of(struct mt_ledger *base)
{
    return (struct mt_rows *)base;
}

/* ---- the plan ---- */

static int rows_set_plan(struct mt_ledger *base, const json_t *plan, struct mt_err *err)
{
    struct mt_rows *l = of(base);
    struct mt_rows_row row = {
        .rendition = "plan", .end_us = mt_json_int(plan, "duration_us", -1), .details = plan};

    mt_rows_drop_all(l);
    if (mt_db_begin(l->at.db, true, err) < 0)
        return -1;
    if (mt_rows_forget(l, l->at.work, err) < 0 || mt_rows_put(l, &row, err) < 0) {
        mt_db_rollback(l->at.db);
        return -1;
    }
    if (mt_db_commit(l->at.db, err) < 0)
        return -1;
    mt_ledger_forget(base, plan);
    return 0;
}

/* ---- segments ---- */

static int rows_data(struct mt_ledger *base, const char *recipe, int slot, struct mt_err *err)
{
    char *name = mt_asprintf("%s-slot-%d", recipe, slot);
    int fd = mt_rows_scratch(of(base), name, err);

    free(name);
    return fd;
}

static char *key_of(const struct mt_rows *l, const char *recipe, int64_t segment)
{
    return mt_asprintf("%s%s-%05lld.seg", l->prefix, recipe, (long long)segment);
}

/* One object on its way into the store. */
struct piece {
    struct mt_put *put;
    char *key;
    char hex[MT_SHA256_TEXT];
    const char *rendition;
    json_t *lane;
};

/* Copies a rendition of a segment out of its scratch file, and gives that room back. */
static int prepare(struct mt_rows *l, struct piece *p, int64_t segment, int slot,
                   struct mt_err *err)
{
    int64_t offset = mt_json_int(p->lane, "offset", 0), size = mt_json_int(p->lane, "size", 0);
    int fd = rows_data(&l->base, p->rendition, slot, err);

    p->key = key_of(l, p->rendition, segment);
    if (fd < 0 || mt_store_begin(l->at.store, p->key, &p->put, err) < 0 ||
        mt_rows_copy(fd, offset, size, mt_put_fd(p->put), p->hex, err) < 0)
        return -1;
    if (fdatasync(mt_put_fd(p->put)) < 0)
        return mt_fail_errno(err, "cannot write '%s'", p->key);
    if (size > 0)
        (void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
    return 0;
}

static int64_t start_of(const struct mt_rows *l, int64_t segment)
{
    const json_t *base = json_object_get(l->base.plan, "base");
    const json_t *planned =
        json_array_get(json_object_get(l->base.plan, "segments"), (size_t)segment);

    if (!planned)
        return -1;
    return (int64_t)((double)mt_json_int(planned, "start", 0) * 1e6 *
                     (double)json_integer_value(json_array_get(base, 0)) /
                     (double)json_integer_value(json_array_get(base, 1)));
}

/* In the transaction: the objects in their places, and the rows. */
static int record_all(struct mt_rows *l, struct piece pieces[], int n, const json_t *source,
                      struct mt_err *err)
{
    int64_t segment = mt_json_int(source, "segment", 0);
    struct mt_rows_row row = {
        .number = segment, .start_us = start_of(l, segment), .end_us = start_of(l, segment + 1)};

    for (int i = 0; i < n; i++) {
        if (mt_put_commit(&pieces[i].put, pieces[i].hex, err) < 0)
            return -1;
        row.rendition = pieces[i].rendition;
        row.key = pieces[i].key;
        row.checksum = pieces[i].hex;
        row.size = mt_json_int(pieces[i].lane, "size", 0);
        row.frames = mt_json_int(pieces[i].lane, "frames", 0);
        row.details = pieces[i].lane;
        if (mt_rows_put(l, &row, err) < 0)
            return -1;
    }
    row = (struct mt_rows_row){.rendition = "source",
                               .number = segment,
                               .start_us = row.start_us,
                               .end_us = row.end_us,
                               .frames = mt_json_int(source, "frames", 0),
                               .details = source};
    return mt_rows_put(l, &row, err);
}

static int within(struct mt_rows *l, struct piece pieces[], int n, const json_t *source,
                  struct mt_err *err)
{
    if (mt_db_begin(l->at.db, true, err) < 0)
        return -1;
    if (record_all(l, pieces, n, source, err) == 0)
        return mt_db_commit(l->at.db, err);
    mt_db_rollback(l->at.db);
    return -1;
}

static int rows_record(struct mt_ledger *base, const json_t *report, const char *const *recipes,
                       int slot, struct mt_err *err)
{
    struct mt_rows *l = of(base);
    struct piece pieces[LANES_MAX] = {{.put = NULL}};
    json_t *source = json_copy((json_t *)(uintptr_t)report), *lane;
    int64_t segment = mt_json_int(report, "segment", 0);
    size_t i;
    int n = 0, ret = 0;

    json_object_del(source, "renditions");
    json_array_foreach(json_object_get(report, "renditions"), i, lane)
    {
        if (ret < 0 || n == LANES_MAX)
            break;
        pieces[n].rendition = recipes[mt_json_int(lane, "rendition", 0)];
        pieces[n].lane = lane;
        ret = prepare(l, &pieces[n++], segment, slot, err);
    }
    if (ret == 0)
        ret = within(l, pieces, n, source, err);
    for (int k = 0; k < n; k++) {
        if (ret == 0)
            mt_ledger_know_segment(base, pieces[k].rendition, segment, pieces[k].lane);
        mt_put_abort(&pieces[k].put);
        free(pieces[k].key);
    }
    if (ret == 0)
        mt_ledger_know_source(base, segment, source);
    json_decref(source);
    return ret;
}

/* ---- joining ---- */

static char *joined_name(const char *recipe)
{
    return mt_asprintf("%s-joined", recipe);
}

/* Appends one to the file; *at is where it ends. */
static int gather_one(struct mt_rows *l, const char *recipe, int segment, int out, int64_t *at,
                      struct mt_err *err)
{
    json_t *lane = (json_t *)(uintptr_t)mt_ledger_segment(&l->base, recipe, segment);
    int64_t size = mt_json_int(lane, "size", 0);
    char *key = key_of(l, recipe, segment);
    char hex[MT_SHA256_TEXT];
    int fd = mt_store_get(l->at.store, key, err), ret = -1;

    if (fd >= 0)
        ret = mt_rows_copy(fd, 0, size, out, hex, err);
    if (ret == 0 && strcmp(hex, mt_json_str(lane, "checksum", hex)) != 0)
        ret = mt_fail(err, MT_ERR_CHECKSUM, "'%s' is not what was recorded", key);
    if (ret == 0) {
        json_object_set_new(lane, "at", json_integer(*at));
        *at += size;
    } else if (err->code == MT_ERR_NOT_FOUND) {
        err->code = MT_ERR_CHECKSUM;
    }
    mt_fd_close(&fd);
    free(key);
    return ret;
}

/* What is not what it should be was never made. *err stays as it is, unless that fails. */
static int unmake(struct mt_rows *l, const char *rendition, int64_t number, struct mt_err *err)
{
    struct mt_err why = *err;

    mt_log_err(MT_LOG_WARN, &why);
    if (mt_rows_delete(l, rendition, number, err) < 0)
        return -1;
    *err = why;
    return 0;
}

static int rows_gather(struct mt_ledger *base, const char *recipe, int n, struct mt_err *err)
{
    struct mt_rows *l = of(base);
    struct mt_err first = {.code = MT_OK};
    char *name = joined_name(recipe);
    int64_t at = 0;
    int fd, ret = 0;

    if (mt_rows_file(l, name))
        n = 0; /* it was done before */
    fd = mt_rows_scratch(l, name, err);
    if (fd < 0)
        ret = -1;
    for (int i = 0; i < n && ret == 0; i++) {
        if (!mt_ledger_segment(base, recipe, i) || gather_one(l, recipe, i, fd, &at, err) == 0)
            continue;
        if (err->code != MT_ERR_CHECKSUM || unmake(l, recipe, i, err) < 0)
            ret = -1;
        else if (lseek(fd, at, SEEK_SET) < 0)
            ret = mt_fail_errno(err, "cannot join segments");
        mt_ledger_unknow(base, recipe, i);
        if (first.code == MT_OK)
            first = *err;
    }
    if (ret == 0 && first.code != MT_OK) {
        *err = first;
        ret = -1;
    }
    if (ret < 0)
        mt_rows_drop(l, name);
    free(name);
    return ret;
}

static struct mt_av_piece rows_piece(const struct mt_ledger *base, const char *recipe, int segment)
{
    const struct mt_rows *l = (const struct mt_rows *)base;
    const json_t *lane = mt_ledger_segment(base, recipe, segment);
    char *name = joined_name(recipe);
    const struct mt_rows_file *f = mt_rows_file(l, name);

    free(name);
    return (struct mt_av_piece){.fd = lane && f ? f->fd : -1,
                                .offset = mt_json_int(lane, "at", 0),
                                .size = mt_json_int(lane, "size", 0),
                                .frames = mt_json_int(lane, "frames", 0)};
}

/* ---- sound ---- */

/* Of the row; the object is called the same with ".mp4". */
static char *sound_name(int64_t voice)
{
    return mt_asprintf("sound-%lld", (long long)voice);
}

/* The object, held against its checksum. */
static int get_sound(struct mt_rows *l, const char *key, int64_t voice, struct mt_err *err)
{
    const char *sum = mt_json_str(mt_ledger_sound(&l->base, voice), "checksum", "");
    char hex[MT_SHA256_TEXT];
    int fd = mt_store_get(l->at.store, key, err);

    if (fd < 0 && err->code == MT_ERR_NOT_FOUND)
        err->code = MT_ERR_CHECKSUM;
    if (fd >= 0 && mt_sha256_fd(fd, hex, err) < 0)
        mt_fd_close(&fd);
    if (fd >= 0 && strcmp(hex, sum) != 0) {
        mt_fail(err, MT_ERR_CHECKSUM, "'%s' is not what was recorded", key);
        mt_fd_close(&fd);
    }
    return fd;
}

/* The finished one, once; what is not what was recorded was never made. */
static int bring_sound(struct mt_rows *l, const char *file, int64_t voice, struct mt_err *err)
{
    char *key = mt_asprintf("%s%s", l->prefix, file), *name = sound_name(voice);
    int fd = get_sound(l, key, voice, err);

    if (fd >= 0)
        mt_rows_keep(l, file, fd);
    else if (err->code == MT_ERR_CHECKSUM && unmake(l, name, 0, err) == 0)
        mt_ledger_unknow_sound(&l->base, voice);
    free(name);
    free(key);
    return fd;
}

static int rows_sound_data(struct mt_ledger *base, int64_t voice, bool fresh, struct mt_err *err)
{
    struct mt_rows *l = of(base);
    char *file = mt_asprintf("sound-%lld.mp4", (long long)voice);
    const struct mt_rows_file *f;
    int fd;

    if (fresh)
        mt_rows_drop(l, file);
    f = mt_rows_file(l, file);
    if (f)
        fd = f->fd;
    else
        fd = fresh ? mt_rows_scratch(l, file, err) : bring_sound(l, file, voice, err);
    free(file);
    return fd;
}

/* In the transaction: one voice, whose file becomes the object. */
static int record_voice(struct mt_rows *l, int64_t voice, const char *hex, const json_t *report,
                        struct mt_err *err)
{
    char *name = sound_name(voice), *file = mt_asprintf("%s.mp4", name);
    char *key = mt_asprintf("%s%s", l->prefix, file);
    struct mt_rows_file *f = mt_rows_file(l, file);
    struct mt_rows_row row = {.rendition = name,
                              .end_us = mt_json_int(report, "end_us", -1),
                              .key = key,
                              .checksum = hex,
                              .size = f ? lseek(f->fd, 0, SEEK_END) : 0,
                              .details = report};
    int ret = f && f->put ? mt_put_commit(&f->put, hex, err)
                          : mt_fail(err, MT_ERR_BUG, "'%s' was never written", key);

    if (ret == 0)
        ret = mt_rows_put(l, &row, err);
    if (f && !f->put)
        f->fd = -1; /* it went with the put */
    mt_rows_drop(l, file);
    free(key);
    free(file);
    free(name);
    return ret;
}

static int record_voices(struct mt_rows *l, const json_t *report, const int64_t *voices,
                         char (*hex)[MT_SHA256_TEXT], int n, struct mt_err *err)
{
    if (mt_db_begin(l->at.db, true, err) < 0)
        return -1;
    for (int i = 0; i < n; i++)
        if (record_voice(l, voices[i], hex[i], report, err) < 0) {
            mt_db_rollback(l->at.db);
            return -1;
        }
    return mt_db_commit(l->at.db, err);
}

static int rows_record_sound(struct mt_ledger *base, const json_t *report, const int64_t *voices,
                             int n, struct mt_err *err)
{
    char hex[LANES_MAX][MT_SHA256_TEXT];

    if (n > LANES_MAX)
        return mt_fail(err, MT_ERR_BUG, "%d voices", n);
    for (int i = 0; i < n; i++) {
        int fd = rows_sound_data(base, voices[i], false, err);

        if (fd < 0 || mt_sha256_fd(fd, hex[i], err) < 0)
            return -1;
        if (fdatasync(fd) < 0)
            return mt_fail_errno(err, "cannot write the sound");
    }
    if (record_voices(of(base), report, voices, hex, n, err) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        json_t *known = json_copy((json_t *)(uintptr_t)report);

        json_object_set_new(known, "checksum", json_string(hex[i]));
        mt_ledger_know_sound(base, voices[i], known);
        json_decref(known);
    }
    return 0;
}

/* ---- the end ---- */

static void remove_work(struct mt_rows *l, const char *work)
{
    char *prefix = mt_asprintf("%s/.work/%s/", l->at.asset_id, work);
    struct mt_err err;

    if (mt_rows_forget(l, work, &err) < 0 || mt_store_remove_below(l->at.store, prefix, &err) < 0)
        mt_log_err(MT_LOG_WARN, &err); /* a later sweep removes it */
    free(prefix);
}

static void rows_empty(struct mt_ledger *base)
{
    mt_rows_drop_all(of(base));
    remove_work(of(base), of(base)->at.work);
}

static void rows_close(struct mt_ledger *base)
{
    mt_rows_drop_all(of(base));
    free(of(base)->prefix);
    free(of(base)->asset_id);
    free(of(base)->work);
    free(base);
}

/* Work on the same asset that nobody has added to for a week. */
static void rows_sweep(const struct mt_ledger *base)
{
    struct mt_rows *l = of((struct mt_ledger *)(uintptr_t)base);
    int64_t since = mt_now_us() - (int64_t)MT_LEDGER_STALE_S * 1000000;
    char text[MT_TIME_TEXT];
    struct mt_err err;
    json_t *rows = mt_db_rows(l->at.db, &err,
                              "SELECT recipe FROM segments WHERE media_asset_id = $1"
                              " AND recipe <> $2 GROUP BY recipe HAVING max(completed_at) < $3",
                              "sss", l->at.asset_id, l->at.work, mt_time_text(since, text));
    json_t *row;
    size_t i;

    if (!rows)
        mt_log_err(MT_LOG_WARN, &err);
    json_array_foreach(rows, i, row)
    {
        mt_log(MT_LOG_INFO, "removing the abandoned work '%s/.work/%s'", l->at.asset_id,
               mt_json_str(row, "recipe", "?"));
        remove_work(l, mt_json_str(row, "recipe", "?"));
    }
    json_decref(rows);
}

static const struct mt_ledger_kind kind = {
    .set_plan = rows_set_plan,
    .data = rows_data,
    .record = rows_record,
    .gather = rows_gather,
    .piece = rows_piece,
    .sound_data = rows_sound_data,
    .record_sound = rows_record_sound,
    .empty = rows_empty,
    .close = rows_close,
    .sweep = rows_sweep,
};

int mt_ledger_open_rows(struct mt_ledger **out, const struct mt_ledger_place *place,
                        struct mt_err *err)
{
    struct mt_rows *l = mt_alloc(sizeof *l);
    struct mt_ledger *base = &l->base;

    *l = (struct mt_rows){.at = *place,
                          .asset_id = mt_strdup(place->asset_id),
                          .work = mt_strdup(place->work),
                          .prefix = mt_asprintf("%s/.work/%s/", place->asset_id, place->work)};
    l->at.asset_id = l->asset_id;
    l->at.work = l->work;
    mt_ledger_init(base, &kind);
    if (mt_rows_load(l, err) == 0) {
        *out = base;
        return 0;
    }
    mt_ledger_close(&base);
    return -1;
}
