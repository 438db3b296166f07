/* SPDX-License-Identifier: GPL-2.0-or-later */
/* burn.c - see burn.h. */
#include "transcode/burn.h"

#include "av/caption.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "language/language.h"
#include "transcode/work.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCRIPT_MAX = 64 * 1024 * 1024, CHARACTERS_MAX = 8192 };

/* FNV-1a, 64 bits. */
static int identify(struct mt_burn_in *burn, struct mt_err *err)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    uint8_t data[65536];
    ssize_t n;

    for (off_t at = 0; (n = pread(burn->fd, data, sizeof data, at)) > 0; at += n)
        for (ssize_t i = 0; i < n; i++)
            hash = (hash ^ data[i]) * UINT64_C(1099511628211);
    snprintf(burn->identity, sizeof burn->identity, "%016" PRIx64, hash);
    return n < 0 ? mt_fail_errno(err, "cannot read '%s'", burn->which) : 0;
}

int mt_burn_in_parse(struct mt_burn_in *burn, const char *which, struct mt_err *err)
{
    *burn = (struct mt_burn_in){.which = which, .fd = -1};
    if (!which || !strpbrk(which, "./"))
        return 0;
    burn->fd = open(which, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (burn->fd < 0) {
        mt_fail(err, MT_ERR_USAGE, "--burn-in cannot open '%s': %s", which, strerror(errno));
        return mt_hint(err, "name a file of SubRip, WebVTT or ASS, or a language: ar");
    }
    return identify(burn, err);
}

/* ---- which stream ---- */

static bool is_meant(const char *which, const json_t *stream)
{
    char own[16], asked[16], *end;
    long number = strtol(which, &end, 10);

    if (end != which && *end == '\0')
        return number == mt_json_int(stream, "index", -1);
    mt_language_code(mt_json_str(stream, "language", ""), own);
    mt_language_code(which, asked);
    return *asked && strcmp(own, asked) == 0;
}

static int nothing_meant(const char *which, const char *there, struct mt_err *err)
{
    mt_fail(err, MT_ERR_USAGE, "there are no subtitles '%s' to burn in", which);
    return mt_hint(err, "%s%s", *there ? "what there is: " : "the source has none; name a file",
                   there);
}

int mt_burn_in_stream(const struct mt_burn_in *burn, const json_t *doc, int *found,
                      struct mt_err *err)
{
    const json_t *stream;
    char there[128] = "";
    size_t i;

    json_array_foreach(mt_json_at(doc, "asset.metadata.streams"), i, stream)
    {
        int n = (int)mt_json_int(stream, "index", (int64_t)i);

        if (strcmp(mt_json_str(stream, "type", ""), "subtitle") != 0)
            continue;
        if (!is_meant(burn->which, stream)) {
            size_t at = strlen(there);
            snprintf(there + at, sizeof there - at, "%s%d (%s)", at ? ", " : "", n,
                     mt_json_str(stream, "language", "und"));
            continue;
        }
        *found = n;
        if (mt_av_is_text(mt_json_str(stream, "codec", "")))
            return 0;
        mt_fail(err, MT_ERR_UNAVAILABLE,
                "stream %d is pictures of text (%s), only text is burnt in", n,
                mt_json_str(stream, "codec", "?"));
        return mt_hint(err, "name another stream, or a file of SubRip, WebVTT or ASS");
    }
    return nothing_meant(burn->which, there, err);
}

/* ---- its text ---- */

struct extracting {
    struct mt_work *work;
    int64_t origin_us, duration_us;
    int stream, fd; /* -1: the file; where the script goes */
    json_t *answer;
};

static int extract(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    const struct extracting *e = arg;
    const struct mt_burn_in *burn = &e->work->spec->burn;
    bool file = e->stream < 0;
    struct mt_av_caption caption = {.stream = file ? 0 : e->stream, .format = "ass", .fd = e->fd};
    struct mt_av_captions spec = {.captions = &caption,
                                  .n = 1,
                                  .text_file = file,
                                  .origin_us = file ? 0 : e->origin_us,
                                  .duration_us = e->duration_us,
                                  .limits = mt_stage_limits(e->work->spec->options),
                                  .progress = {mt_stage_tell, worker}};
    json_t *report = mt_av_captions(file ? burn->fd : e->work->item->fd, &spec, err);
    int ret = report ? mt_worker_send(worker, report, NULL, 0, err) : -1;

    json_decref(report);
    return ret;
}

static int on_extracted(void *ctx, const json_t *line, const void *data, size_t n,
                        struct mt_err *err)
{
    struct extracting *e = ctx;

    (void)data;
    (void)n;
    (void)err;
    json_decref(e->answer);
    e->answer = json_deep_copy(line);
    return 0;
}

static int read_script(struct mt_burning *b, int fd, struct mt_err *err)
{
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) < 0)
        return mt_fail_errno(err, "cannot read the subtitles");
    if (st.st_size > SCRIPT_MAX)
        return mt_fail(err, MT_ERR_LIMIT, "the subtitles to burn in are too long");
    b->text.script = mt_alloc((size_t)st.st_size + 1);
    n = pread(fd, b->text.script, (size_t)st.st_size, 0);
    b->text.n = n > 0 ? (size_t)n : 0;
    return n < 0 ? mt_fail_errno(err, "cannot read the subtitles") : 0;
}

static int find_fonts(struct mt_burning *b, const struct mt_work *w, const json_t *answer,
                      struct mt_err *err)
{
    const json_t *all =
        mt_json_at(json_array_get(json_object_get(answer, "captions"), 0), "characters");
    size_t n = json_array_size(all), missing = 0;
    uint32_t *characters;

    n = n < CHARACTERS_MAX ? n : CHARACTERS_MAX;
    characters = mt_alloc((n + 1) * sizeof *characters);
    for (size_t i = 0; i < n; i++)
        characters[i] = (uint32_t)json_integer_value(json_array_get(all, i));
    b->text.n_fonts = mt_fonts_find(b->fonts, characters, n, &missing, err);
    free(characters);
    if (b->text.n_fonts < 0)
        return -1;
    if (missing > 0)
        mt_log(MT_LOG_WARN, "'%s': no font has %zu of the characters of the subtitles",
               w->item->name, missing);
    for (int i = 0; i < b->text.n_fonts; i++) {
        struct mt_typeset_font *font = &b->text.fonts[i];

        font->data = b->fonts[i].data;
        font->size = b->fonts[i].size;
        memcpy(font->family, b->fonts[i].family, sizeof font->family);
    }
    return 0;
}

static int fill(struct mt_burning *b, struct extracting *e, struct mt_err *err)
{
    const struct mt_burn_in *burn = &e->work->spec->burn;
    const json_t *said;
    int fds[2] = {e->fd, burn->fd};
    struct mt_item_work job = {.what = "reading the subtitles for",
                               .encode = true,
                               .run = extract,
                               .arg = e,
                               .on_line = on_extracted,
                               .ctx = e,
                               .fds = fds,
                               .n_fds = burn->fd >= 0 ? 2 : 1};

    if (mt_item_run(e->work->item, &job, err) < 0)
        return mt_fail_in(err, "subtitles '%s'", burn->which);
    said = json_array_get(json_object_get(e->answer, "captions"), 0);
    if (mt_json_int(said, "cues", 0) == 0)
        return mt_fail(err, MT_ERR_USAGE, "there is nothing to read in the subtitles '%s'",
                       burn->which);
    json_object_set_new(e->work->item->report, "burnt_in",
                        json_pack("{s:s, s:I, s:I}", "subtitles", burn->which, "cues",
                                  (json_int_t)mt_json_int(said, "cues", 0), "left_out",
                                  (json_int_t)mt_json_int(said, "left_out", 0)));
    if (read_script(b, e->fd, err) < 0)
        return -1;
    return find_fonts(b, e->work, e->answer, err);
}

int mt_burning_open(struct mt_burning *b, struct mt_work *w, int64_t origin_us, int64_t duration_us,
                    struct mt_err *err)
{
    struct extracting e = {
        .work = w, .origin_us = origin_us, .duration_us = duration_us, .stream = -1};
    int ret = 0;

    if (!w->spec->burn.which || b->text.script)
        return 0;
    if (w->spec->burn.fd < 0)
        ret = mt_burn_in_stream(&w->spec->burn, w->item->doc, &e.stream, err);
    e.fd = memfd_create("subtitles", MFD_CLOEXEC);
    if (ret == 0 && e.fd < 0)
        ret = mt_fail_errno(err, "cannot make room for subtitles");
    if (ret == 0)
        ret = fill(b, &e, err);
    if (e.fd >= 0)
        close(e.fd);
    json_decref(e.answer);
    return ret;
}

void mt_burning_close(struct mt_burning *b)
{
    free(b->text.script);
    for (int i = 0; i < MT_TYPESET_FONTS; i++)
        mt_font_close(&b->fonts[i]);
    *b = (struct mt_burning){.text = {.script = NULL}};
}
