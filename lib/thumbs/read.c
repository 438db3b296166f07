/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read.c - what the options say. */
#include "thumbs/internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 16384 };

const char *const mt_thumbs_covers[] = {"fallback", "first", "only", NULL};
const char *const mt_thumbs_sheets[] = {"jpg", "webp", NULL};
const char *const mt_thumbs_formats[] = {"webp", "jpg", "png", "avif", "jxl", "gif", "tiff", NULL};
const char *const mt_thumbs_gravities[] = {"center", "smart", "north", "south",
                                           "east",   "west",  NULL};
const char *const mt_thumbs_strips[] = {"private", "all", "none", NULL};
const char *const mt_thumbs_fits[] = {"contain", "cover", "width", NULL};

static const struct {
    const char *name, *also;
} formats[] = {[MT_AV_WEBP] = {"webp", "webp"},
               [MT_AV_JPEG] = {"jpg", "jpeg"},
               [MT_AV_PNG] = {"png", "png"},
               [MT_AV_AVIF] = {"avif", "avif"},
               [MT_AV_JXL] = {"jxl", "jxl"}};

const char *mt_picture_ext(enum mt_av_picture_format format)
{
    return formats[format].name;
}

enum mt_av_fit mt_read_fit(const char *text)
{
    return strcmp(text, "cover") == 0   ? MT_AV_COVER
           : strcmp(text, "width") == 0 ? MT_AV_WIDTH
                                        : MT_AV_CONTAIN;
}

static int read_format(const char *word, const struct mt_film *film, enum mt_av_picture_format *out,
                       struct mt_err *err)
{
    for (int i = 0; i < MT_AV_PICTURE_FORMATS; i++)
        if (strcmp(formats[i].name, word) == 0 || strcmp(formats[i].also, word) == 0) {
            *out = (enum mt_av_picture_format)i;
            if (film->can_encode(*out))
                return 0;
            mt_fail(err, MT_ERR_UNAVAILABLE, "these media libraries cannot write '%s'", word);
            return mt_hint(err, "install a libavcodec with that encoder, or use webp,jpg");
        }
    mt_fail(err, MT_ERR_NOT_APPLICABLE, "'%s' is a format for pictures, not for those of a film",
            word);
    return mt_hint(err, "use webp, jpg, png, avif or jxl");
}

int mt_check_formats(const char *text, struct mt_err *err)
{
    char *copy = mt_strdup(text);
    char *rest = copy;
    char *word;
    unsigned seen = 0;
    int ret = 0;

    while (ret == 0 && (word = strsep(&rest, ","))) {
        const char *name = strcmp(word, "jpeg") == 0 ? "jpg" : word;
        unsigned i = 0;
        while (mt_thumbs_formats[i] && strcmp(mt_thumbs_formats[i], name) != 0)
            i++;
        if (!mt_thumbs_formats[i]) {
            mt_fail(err, MT_ERR_USAGE, "--format does not know '%s'", word);
            ret = mt_hint_nearest(err, word, mt_thumbs_formats, NULL);
        } else if (seen >> i & 1) {
            ret = mt_fail(err, MT_ERR_USAGE, "--format names '%s' twice", word);
        }
        seen |= 1u << i;
    }
    free(copy);
    return ret;
}

int mt_read_formats(const char *text, const struct mt_film *film,
                    enum mt_av_picture_format out[MT_AV_PICTURE_FORMATS], struct mt_err *err)
{
    char *copy = mt_strdup(text);
    char *rest = copy;
    char *word;
    int n = 0;

    while (n >= 0 && (word = strsep(&rest, ","))) {
        enum mt_av_picture_format format = MT_AV_WEBP;
        bool twice = false;
        if (read_format(word, film, &format, err) < 0) {
            n = -1;
            break;
        }
        for (int k = 0; k < n; k++)
            twice = twice || out[k] == format;
        if (twice)
            n = mt_fail(err, MT_ERR_USAGE, "--format names '%s' twice", word);
        else
            out[n++] = format;
    }
    free(copy);
    return n;
}

static int read_side(const char *text, size_t n, int *out, struct mt_err *err)
{
    char *digits = mt_strndup(text, n);
    int64_t v = 0;
    int ret = n == 0 ? 0 : mt_parse_int("--size", digits, 1, SIDE_MAX, &v, err);

    free(digits);
    *out = (int)v;
    return ret;
}

/* One of "320x", "320", "160x90", "x90". */
static int read_box(const char *word, struct mt_av_box *box, struct mt_err *err)
{
    size_t n = strcspn(word, "x");
    const char *height = word[n] ? word + n + 1 : "";

    if (n == 0 && !*height)
        return mt_fail(err, MT_ERR_USAGE, "--size takes 320x, 160x90 or x90, not '%s'", word);
    return read_side(word, n, &box->width_px, err) < 0
               ? -1
               : read_side(height, strlen(height), &box->height_px, err);
}

int mt_read_boxes(const struct mt_thumbs *spec, struct mt_av_box out[MT_AV_BOXES_MAX],
                  struct mt_err *err)
{
    char *copy = spec->sizes ? mt_strdup(spec->sizes) : NULL;
    char *rest = copy;
    char *word;
    int n = 0;

    while (n >= 0 && copy && (word = strsep(&rest, ",")))
        if (n == MT_AV_BOXES_MAX)
            n = mt_fail(err, MT_ERR_USAGE, "--size takes at most %d sizes", (int)MT_AV_BOXES_MAX);
        else
            n = read_box(word, &out[n], err) < 0 ? -1 : n + 1;
    if (!copy)
        out[n++] = (struct mt_av_box){(int)spec->width_px, (int)spec->height_px};
    free(copy);
    return n;
}

/* One of "30", "1:00", "50%". */
static int read_time(const char *word, int64_t duration_us, int64_t *us, struct mt_err *err)
{
    char *end;
    double percent = strtod(word, &end);

    if (end != word && strcmp(end, "%") == 0) {
        if (!(percent >= 0 && percent <= 100))
            return mt_fail(err, MT_ERR_USAGE, "--at takes 0%% to 100%%, not '%s'", word);
        *us = (int64_t)((double)duration_us * percent / 100);
        return 0;
    }
    return mt_parse_duration("--at", word, us, err);
}

int mt_read_times(const char *text, int64_t duration_us, int64_t times[MT_THUMBS_MAX],
                  struct mt_err *err)
{
    char *copy = mt_strdup(text);
    char *rest = copy;
    char *word;
    int n = 0;

    while (n >= 0 && (word = strsep(&rest, ",")))
        if (n == MT_THUMBS_MAX)
            n = mt_fail(err, MT_ERR_USAGE, "--at takes at most %d times", (int)MT_THUMBS_MAX);
        else
            n = read_time(word, duration_us, &times[n], err) < 0 ? -1 : n + 1;
    free(copy);
    return n;
}

static int check_boxes(const struct mt_thumbs *spec, struct mt_err *err)
{
    struct mt_av_box boxes[MT_AV_BOXES_MAX];
    int n = mt_read_boxes(spec, boxes, err);

    if (n < 0)
        return -1;
    for (int i = 0; i < n; i++)
        if (mt_read_fit(spec->fit) == MT_AV_COVER && (!boxes[i].width_px || !boxes[i].height_px)) {
            mt_fail(err, MT_ERR_USAGE, "--fit cover needs both sides of each size");
            return mt_hint(err, "write --size 320x180");
        }
    return 0;
}

int mt_thumbs_check(const struct mt_thumbs *spec, struct mt_err *err)
{
    int64_t *times = mt_realloc(NULL, MT_THUMBS_MAX, sizeof *times);
    int columns, rows, ret = 0;

    struct mt_av_waveform wave;

    if (!mt_wants_pictures(spec) && !spec->storyboard && !spec->contact && !spec->waveform &&
        !spec->preview_us && !spec->trailer_us)
        ret = mt_fail(err, MT_ERR_USAGE, "--count 0 alone leaves nothing to make");
    if (ret == 0)
        ret = mt_check_teasers(spec, err);
    if (ret == 0 && spec->waveform)
        ret = mt_read_waveform(spec, &wave, err);
    if (ret == 0 && spec->contact)
        ret = mt_read_grid(spec->contact, &columns, &rows, err);
    if (ret == 0 && (spec->at != NULL) + (spec->every_us > 0) + spec->scenes > 1)
        ret = mt_fail(err, MT_ERR_USAGE, "--at, --every and --scenes exclude each other");
    if (ret == 0 && (mt_check_formats(spec->formats, err) < 0 || check_boxes(spec, err) < 0 ||
                     (spec->at && mt_read_times(spec->at, 0, times, err) < 0)))
        ret = -1;
    free(times);
    return ret;
}
