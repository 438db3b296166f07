/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stills.c - photographs and drawings, converted by the helper. */
#include "thumbs/internal.h"

#include "base/mem.h"
#include "doc/doc.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct work {
    struct mt_thumbs *spec;
    struct mt_item *item;
    const char *stem; /* "0s", "cover" */
    char recipe[9];
    struct mt_av_box boxes[MT_AV_BOXES_MAX];
    int n_boxes;
    json_t *entries, *added, *report;
    struct mt_batch *batch;
};

/* The type of a picture that the helper reads, by the bytes its format begins with; or NULL. */
static const char *type_of(int fd)
{
    static const char *const brands[][2] = {{"avif", "image/avif"}, {"avis", "image/avif"},
                                            {"heic", "image/heic"}, {"heix", "image/heic"},
                                            {"heim", "image/heic"}, {"heis", "image/heic"},
                                            {"mif1", "image/heif"}};
    char b[16] = "";

    if (pread(fd, b, sizeof b, 0) != sizeof b)
        return NULL;
    if (memcmp(b, "\xff\xd8\xff", 3) == 0)
        return "image/jpeg";
    if (memcmp(b, "\x89PNG\r\n\x1a\n", 8) == 0)
        return "image/png";
    if (memcmp(b, "GIF87a", 6) == 0 || memcmp(b, "GIF89a", 6) == 0)
        return "image/gif";
    if (memcmp(b, "RIFF", 4) == 0 && memcmp(b + 8, "WEBP", 4) == 0)
        return "image/webp";
    if (memcmp(b, "II*\0", 4) == 0 || memcmp(b, "MM\0*", 4) == 0)
        return "image/tiff";
    for (size_t i = 0; memcmp(b + 4, "ftyp", 4) == 0 && i < sizeof brands / sizeof *brands; i++)
        if (memcmp(b + 8, brands[i][0], 4) == 0)
            return brands[i][1];
    return NULL;
}

bool mt_is_still(const struct mt_thumbs *spec, int fd)
{
    if (strcmp(spec->cover, "only") == 0)
        return true;
    return !spec->at && !spec->every_us && !spec->scenes && type_of(fd);
}

bool mt_thumbs_knows(int fd, json_t *asset, void *ctx)
{
    const struct mt_thumbs *spec = ctx;

    if (!mt_wants_pictures(spec) || spec->storyboard || spec->contact || spec->waveform ||
        spec->preview_us || spec->trailer_us || !type_of(fd) || !mt_is_still(spec, fd))
        return false;
    json_object_set_new(asset, "content_type", json_string("image"));
    json_object_set_new(asset, "mime_type", json_string(type_of(fd)));
    return true;
}

static json_t *request_of(const struct work *w)
{
    const struct mt_thumbs *s = w->spec;
    const struct mt_stage_options *o = s->options;
    json_t *boxes = json_array(), *formats = json_array();
    char *copy = mt_strdup(s->formats), *rest = copy, *word;

    for (int i = 0; i < w->n_boxes; i++)
        json_array_append_new(boxes,
                              json_pack("[i, i]", w->boxes[i].width_px, w->boxes[i].height_px));
    while ((word = strsep(&rest, ",")))
        json_array_append_new(formats, json_string(strcmp(word, "jpeg") == 0 ? "jpg" : word));
    free(copy);
    json_t *spec = json_pack("{s:o, s:s, s:s, s:o, s:I, s:b, s:b, s:s, s:I, s:I, s:I}", "boxes",
                             boxes, "fit", s->fit, "gravity", s->gravity, "formats", formats,
                             "quality", (json_int_t)s->quality, "optimise", s->optimise, "still",
                             s->still, "strip", s->strip, "max_pixels", (json_int_t)o->pixels,
                             "max_side", (json_int_t)o->side, "max_frames", (json_int_t)o->frames);
    return json_pack("{s:o, s:o, s:I, s:I}", "name", mt_json_text(w->item->name), "spec", spec,
                     "memory_bytes", (json_int_t)o->memory, "wall_us", (json_int_t)o->timeout_us);
}

static json_t *entry_of(const json_t *picture)
{
    json_t *ssim = mt_json_at(picture, "ssim");
    json_t *entry =
        json_pack("{s:s, s:i, s:O, s:O, s:O}", "variant_type", "thumbnail", "timestamp", 0, "width",
                  json_object_get(picture, "width"), "height", json_object_get(picture, "height"),
                  "format", json_object_get(picture, "format"));

    if (mt_json_int(picture, "frames", 1) > 1)
        json_object_set(entry, "frames", json_object_get(picture, "frames"));
    if (ssim)
        json_object_set_new(entry, "score",
                            json_pack("{s:s, s:O, s:O}", "metric", "ssim", "value", ssim, "quality",
                                      json_object_get(picture, "quality")));
    return entry;
}

/* "thumbs/0s" as of films, "thumbs/cover", with "-320x180" where there are several sizes. */
static int keep(struct work *w, const json_t *picture, const void *data, size_t n,
                struct mt_err *err)
{
    int width = (int)mt_json_int(picture, "width", 0),
        height = (int)mt_json_int(picture, "height", 0);

    if (!data || !mt_json_str(picture, "format", NULL) || width < 1 || height < 1)
        return mt_fail(err, MT_ERR_CRASHED, "a picture of '%s' came without its bytes",
                       w->item->name);
    char *name = w->n_boxes > 1 ? mt_asprintf("thumbs/%s-%dx%d", w->stem, width, height)
                                : mt_asprintf("thumbs/%s", w->stem);
    struct mt_output output = {.name = name,
                               .recipe = w->recipe,
                               .ext = mt_json_str(picture, "format", ""),
                               .type = "thumbnail"};
    json_t *entry = entry_of(picture);
    if (w->stem[0] == 'c')
        json_object_set_new(entry, "cover", json_true());
    json_array_append(w->added, entry);
    int ret = mt_batch_add(w->batch, &output, entry, data, n, err);
    free(name);
    return ret;
}

static int hear(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct work *w = ctx;
    const json_t *picture = json_object_get(line, "picture");

    if (picture)
        return keep(w, picture, data, n, err);
    if (!w->report)
        w->report = json_incref(json_object_get(line, "report"));
    return 0;
}

/* How many the set has stands on its last one, so that a part of it is known for one. */
static void number(struct work *w)
{
    size_t n = json_array_size(w->added);

    if (n > 0)
        json_object_set_new(json_array_get(w->added, n - 1), "set_size",
                            json_integer((json_int_t)n));
}

static int convert(struct work *w, int fd, const char *stem, struct mt_err *err)
{
    json_t *request = request_of(w);

    w->stem = stem;
    int ret = mt_helper_picture(w->spec, fd, request, hear, w, err);
    json_decref(request);
    return ret < 0 ? mt_fail_in(err, "'%s'", w->item->name) : 0;
}

/* All pictures that are attached: "cover", "cover-2", ... One that is damaged is noted. */
static int convert_covers(struct work *w, struct mt_err *err)
{
    int fds[MT_AV_COVERS_MAX];
    int n = mt_covers_read(w->item, w->spec, fds, err), done = 0;

    for (int i = 0; i < n; i++) {
        char stem[24] = "cover";
        if (i > 0)
            snprintf(stem, sizeof stem, "cover-%d", i + 1);
        if (convert(w, fds[i], stem, err) == 0)
            done++;
        else
            mt_add_note(w->item, err->msg);
        close(fds[i]);
    }
    if (n > 0 && done < n)
        w->item->status = "degraded";
    return done > 0 ? 0 : -1;
}

static int make(struct work *w, struct mt_err *err)
{
    bool covers = strcmp(w->spec->cover, "only") == 0;

    w->batch = mt_batch_new(w->item, w->entries);
    int ret = covers ? convert_covers(w, err) : convert(w, w->item->fd, "0s", err);
    number(w);
    if (ret == 0)
        ret = mt_batch_publish(w->batch, err);
    mt_batch_free(&w->batch);
    return ret;
}

/* What only the helper has found out. */
static void describe(struct work *w)
{
    json_t *asset = json_object_get(w->item->doc, "asset");

    if (mt_json_bool(w->report, "degraded", false))
        w->item->status = "degraded";
    mt_add_notes(w->item, mt_json_at(w->report, "notes"));
    if (!mt_json_at(asset, "metadata") && mt_json_at(w->report, "metadata"))
        json_object_set(asset, "metadata", mt_json_at(w->report, "metadata"));
}

static bool is_whole(const json_t *entries)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(entries, i, entry)
    {
        if (mt_json_int(entry, "set_size", -1) == (int64_t)json_array_size(entries))
            return true;
    }
    return false;
}

int mt_thumbs_stills(struct mt_item *item, struct mt_thumbs *spec, bool *made, struct mt_err *err)
{
    struct work w = {.spec = spec, .item = item, .added = json_array()};
    json_t *settings = mt_pictures_parameters(spec);
    int ret = -1;

    mt_stage_recipe(settings, w.recipe);
    json_decref(settings);
    w.n_boxes = mt_read_boxes(spec, w.boxes, err);
    if (w.n_boxes > 0)
        w.entries = mt_item_made_below(item, "thumbs/", w.recipe, err);
    if (w.entries)
        ret = 0;
    if (ret == 0 && !is_whole(w.entries)) {
        json_array_clear(w.entries);
        *made = true;
        ret = make(&w, err);
        describe(&w);
    }
    if (ret == 0)
        json_object_set(item->doc, "thumbnails", w.entries);
    json_decref(w.report);
    json_decref(w.added);
    json_decref(w.entries);
    return ret;
}
