/* SPDX-License-Identifier: GPL-2.0-or-later */
/* burn.c - see burn.h. */
#include "transcode/burn.h"

#include "av/caption.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "digest/digest.h"
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
    if (which && mt_str_starts(which, MT_BURN_IN_WORK)) {
        burn->file = true;
        snprintf(burn->identity, sizeof burn->identity, "%s", which + strlen(MT_BURN_IN_WORK));
        return 0;
    }
    if (!which || !strpbrk(which, "./"))
        return 0;
    burn->file = true;
    burn->fd = open(which, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (burn->fd < 0) {
        mt_fail(err, MT_ERR_USAGE, "--burn-in cannot open '%s': %s", which, strerror(errno));
        return mt_hint(err, "name a file of SubRip, WebVTT or ASS, or a language: ar");
    }
    return identify(burn, err);
}

/* ---- between machines ---- */

static char *key_of(const struct mt_burn_in *burn, const char *asset, const char *work)
{
    return mt_asprintf("%s/.work/%s/subtitles-%s", asset, work, burn->identity);
}

int mt_burn_in_send(const struct mt_burn_in *burn, struct mt_store *store, const char *asset,
                    const char *work, struct mt_err *err)
{
    struct mt_put *put = NULL;
    uint8_t data[65536];
    ssize_t n = 0;

    if (!burn->file || burn->fd < 0)
        return 0;
    char *key = key_of(burn, asset, work);
    int ret = mt_store_begin(store, key, &put, err);
    for (off_t at = 0; ret == 0 && (n = pread(burn->fd, data, sizeof data, at)) > 0; at += n)
        ret = mt_put_write(put, data, (size_t)n, err);
    if (ret == 0 && n < 0)
        ret = mt_fail_errno(err, "cannot read '%s'", burn->which);
    if (ret == 0)
        ret = mt_put_commit(&put, NULL, err);
    mt_put_abort(&put);
    free(key);
    return ret;
}

int mt_burn_in_fetch(struct mt_burn_in *burn, struct mt_store *store, const char *asset,
                     const char *work, struct mt_err *err)
{
    char meant[sizeof burn->identity];

    if (!burn->file || burn->fd >= 0)
        return 0;
    char *key = key_of(burn, asset, work);
    memcpy(meant, burn->identity, sizeof meant);
    burn->fd = mt_store_get(store, key, err);
    int ret = burn->fd < 0 ? -1 : identify(burn, err);
    if (ret < 0 && err->code == MT_ERR_NOT_FOUND)
        mt_hint(err, "the subtitles go with the work: submit the film again");
    if (ret == 0 && strcmp(meant, burn->identity) != 0)
        ret = mt_fail(err, MT_ERR_CHECKSUM, "'%s' is not what was put there", key);
    free(key);
    return ret;
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
    const struct mt_burn_in *burn = &e->work->burn;
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
    const struct mt_burn_in *burn = &e->work->burn;
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

    if (!w->burn.which || b->text.script)
        return 0;
    if (!w->burn.file)
        ret = mt_burn_in_stream(&w->burn, w->item->doc, &e.stream, err);
    else if (w->burn.fd < 0)
        ret = mt_fail(err, MT_ERR_USAGE, "--burn-in=%s is for jobs of the queue", w->burn.which);
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

/* New; or NULL. */
static json_t *fonts_of(const struct mt_burning *b, struct mt_err *err)
{
    json_t *all = json_array();

    for (int i = 0; i < b->text.n_fonts; i++) {
        char hex[MT_SHA256_TEXT];

        if (mt_sha256_of(b->fonts[i].data, b->fonts[i].size, hex, err) < 0) {
            json_decref(all);
            return NULL;
        }
        json_array_append_new(all, json_pack("{s:o, s:s}", "family",
                                             mt_json_text(b->fonts[i].family), "sha256", hex));
    }
    return all;
}

int mt_burning_agree(const struct mt_burning *b, struct mt_ledger *ledger, bool first,
                     struct mt_err *err)
{
    json_t *ours = fonts_of(b, err);
    json_t *planned = json_copy((json_t *)(uintptr_t)mt_ledger_plan(ledger));
    int ret = ours ? 0 : -1;

    if (ret == 0 && first) {
        json_object_set(planned, "fonts", ours);
        ret = mt_ledger_set_plan(ledger, planned, err);
    } else if (ret == 0 && !json_equal(json_object_get(planned, "fonts"), ours)) {
        mt_fail(err, MT_ERR_BUSY, "the film was planned with other fonts than this machine has");
        ret = mt_hint(err, "all workers on burnt-in subtitles need the same fonts");
    }
    json_decref(planned);
    json_decref(ours);
    return ret;
}

void mt_burning_close(struct mt_burning *b)
{
    free(b->text.script);
    for (int i = 0; i < MT_TYPESET_FONTS; i++)
        mt_font_close(&b->fonts[i]);
    *b = (struct mt_burning){.text = {.script = NULL}};
}
