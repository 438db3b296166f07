/* SPDX-License-Identifier: GPL-2.0-or-later */
/* texts.c - see texts.h. */
#include "transcode/texts.h"

#include "av/caption.h"
#include "base/log.h"
#include "language/language.h"
#include "transcode/remux.h"
#include "transcode/tracks.h"
#include "transcode/work.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Raised when the same text gives other files. */
enum { GENERATION = 1, WORD_MOST = 35, FORMATS = 4 };

static const char *const formats[FORMATS] = {"mp4", "mov", "mkv", "vtt"};

/* ---- which ---- */

/* "ara", "ar" and "ar-EG" are one language, as far as anybody asks for it. */
static void short_code(const char *language, char out[16])
{
    char *dash;

    mt_language_code(language ? language : "und", out);
    dash = strchr(out, '-');
    if (dash)
        *dash = '\0';
}

static bool is_wanted(const char *language, const char *wanted)
{
    char own[16], asked[16], word[WORD_MOST + 1];

    if (!wanted || strcmp(wanted, "all") == 0)
        return true;
    short_code(language, own);
    while (*wanted) {
        size_t n = strcspn(wanted, ",");

        snprintf(word, sizeof word, "%.*s", (int)(n < WORD_MOST ? n : WORD_MOST), wanted);
        short_code(word, asked);
        if (strcmp(word, "none") != 0 && strcmp(own, asked) == 0)
            return true;
        wanted += n + (wanted[n] == ',');
    }
    return false;
}

int mt_texts_check(const char *wanted, struct mt_err *err)
{
    char code[16], word[WORD_MOST + 1];

    if (!wanted || strcmp(wanted, "all") == 0 || strcmp(wanted, "none") == 0)
        return 0;
    do {
        size_t n = strcspn(wanted, ",");

        snprintf(word, sizeof word, "%.*s", (int)(n < WORD_MOST ? n : WORD_MOST), wanted);
        if (n == 0 || n > WORD_MOST ||
            (!*mt_language_code(word, code) && strcmp(word, "und") != 0)) {
            mt_fail(err, MT_ERR_USAGE, "--subtitles knows no language '%s'", word);
            return mt_hint(err, "all, none, or codes with commas between: ar,en");
        }
        wanted += n;
    } while (*wanted++ == ',');
    return 0;
}

static void name_it(struct mt_texts *texts, struct mt_text *text)
{
    char code[16];
    int same = 1;

    short_code(text->language, code);
    for (int i = 0; i < texts->n; i++) {
        char other[16];

        short_code(texts->list[i].language, other);
        same += strcmp(code, other) == 0;
    }
    snprintf(text->name, sizeof text->name, "subtitles%s%s%s", *code ? "-" : "", code,
             text->disposition & MT_AV_FORCED             ? "-forced"
             : text->disposition & MT_AV_HEARING_IMPAIRED ? "-sdh"
                                                          : "");
    if (same > 1)
        snprintf(text->name + strlen(text->name), sizeof text->name - strlen(text->name), "-%d",
                 same);
}

void mt_texts_find(struct mt_texts *texts, const json_t *doc, const char *wanted, json_t *left_out)
{
    const json_t *stream;
    size_t i;

    *texts = (struct mt_texts){.n = 0};
    json_array_foreach(mt_json_at(doc, "asset.metadata.streams"), i, stream)
    {
        struct mt_text text = {.stream = (int)mt_json_int(stream, "index", (int64_t)i),
                               .codec = mt_json_str(stream, "codec", ""),
                               .language = mt_json_str(stream, "language", NULL),
                               .title = mt_json_str(stream, "tags.title", NULL),
                               .disposition = mt_tracks_disposition(stream)};

        if (strcmp(mt_json_str(stream, "type", ""), "subtitle") != 0 ||
            !is_wanted(text.language, wanted))
            continue;
        if (!mt_av_is_text(text.codec)) {
            mt_tracks_leave_out(left_out, stream,
                                "its text is pictures, which would have to be read first");
        } else if (texts->n == MT_TEXTS_MOST) {
            mt_tracks_leave_out(left_out, stream, "there are too many tracks of text");
        } else {
            name_it(texts, &text);
            texts->list[texts->n++] = text;
        }
    }
}

void mt_texts_drop(struct mt_texts *texts, int stream)
{
    int n = 0;

    for (int i = 0; i < texts->n; i++)
        if (texts->list[i].stream != stream)
            texts->list[n++] = texts->list[i];
    texts->n = n;
}

int mt_texts_add(const struct mt_texts *texts, const char *format, struct mt_av_part parts[],
                 struct mt_av_track tracks[], int most)
{
    int n = 0;

    for (int i = 0; i < texts->n_files && n < most; i++) {
        const struct mt_text_file *file = &texts->files[i];
        const struct mt_text *text = &texts->list[file->text];

        if (strcmp(file->format, format) != 0 || file->cues == 0)
            continue;
        parts[n] = (struct mt_av_part){.fd = file->fd, .stream = -1, .start = MT_AV_OWN_TIMES};
        tracks[n] = (struct mt_av_track){.kind = MT_AV_TEXT,
                                         .parts = &parts[n],
                                         .n = 1,
                                         .language = text->language,
                                         .title = text->title,
                                         .disposition = text->disposition};
        n++;
    }
    return n;
}

static void close_files(struct mt_texts *texts)
{
    for (int i = 0; i < texts->n_files; i++)
        close(texts->files[i].fd);
    texts->n_files = 0;
}

void mt_texts_free(struct mt_texts *texts)
{
    close_files(texts);
    for (int i = 0; i < texts->n; i++)
        json_decref(texts->list[i].made);
    texts->n = 0;
}

/* ---- files beside the renditions ---- */

static void recipe_of(const struct mt_text *text, char recipe[9])
{
    json_t *settings = json_pack("{s:i, s:i}", "text", text->stream, "generation", (int)GENERATION);

    mt_stage_recipe(settings, recipe);
    json_decref(settings);
}

static struct mt_output output_of(const struct mt_text *text, const char *recipe)
{
    return (struct mt_output){
        .name = text->name, .recipe = recipe, .ext = "vtt", .type = "caption"};
}

static bool has_beside(const struct mt_ladder *ladder)
{
    for (int i = 0; i < ladder->n; i++)
        if (!ladder->rungs[i].audio_only && (strcmp(ladder->rungs[i].format, "mp4") == 0 ||
                                             strcmp(ladder->rungs[i].format, "webm") == 0))
            return true;
    return false;
}

int mt_texts_plan(struct mt_work *w, struct mt_err *err)
{
    for (int i = 0; i < w->texts.n && has_beside(&w->ladder); i++) {
        struct mt_text *text = &w->texts.list[i];
        json_t *entry = NULL;
        char recipe[9];

        recipe_of(text, recipe);
        struct mt_output output = output_of(text, recipe);
        int made = mt_item_made(w->item, &output, &entry, err);
        if (made < 0)
            return -1;
        text->beside = made == 0;
        text->made = entry;
    }
    return 0;
}

/* Copies the file, which is small, and makes it visible. */
static int publish(struct mt_work *w, const struct mt_text_file *file, struct mt_err *err)
{
    struct mt_text *text = &w->texts.list[file->text];
    struct mt_making making = {0};
    char recipe[9], code[16], data[65536];
    json_t *entry;
    ssize_t n = 0;
    int ret;

    text->beside = false;
    if (file->cues == 0)
        return 0;
    recipe_of(text, recipe);
    struct mt_output output = output_of(text, recipe);
    entry = json_pack("{s:s, s:s, s:s, s:I}", "variant_type", "caption", "format", "vtt", "recipe",
                      recipe, "captions", (json_int_t)file->cues);
    short_code(text->language, code);
    if (*code)
        json_object_set_new(entry, "language", json_string(code));
    if (text->disposition & MT_AV_FORCED)
        json_object_set_new(entry, "forced", json_true());
    ret = mt_item_begin(w->item, &output, &making, err);
    for (off_t at = 0; ret == 0 && (n = pread(file->fd, data, sizeof data, at)) > 0; at += n)
        ret = mt_put_write(making.put, data, (size_t)n, err);
    if (ret == 0 && n < 0)
        ret = mt_fail_errno(err, "cannot read what was written of the subtitles");
    if (ret == 0)
        ret = mt_item_publish(w->item, &output, &making, entry, err);
    if (ret == 0) {
        mt_transcode_add(w->item->doc, entry);
        w->made++;
    }
    mt_item_abandon(w->item, &making);
    json_decref(entry);
    return ret;
}

/* ---- making ---- */

struct making {
    struct mt_work *work;
    int64_t origin_us, duration_us;
    json_t *answer;
};

static int extract(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    const struct making *m = arg;
    const struct mt_texts *texts = &m->work->texts;
    struct mt_av_caption captions[MT_TEXT_FILES_MOST];
    struct mt_av_captions spec = {.captions = captions,
                                  .n = texts->n_files,
                                  .origin_us = m->origin_us,
                                  .duration_us = m->duration_us,
                                  .limits = mt_stage_limits(m->work->spec->options),
                                  .progress = {mt_stage_tell, worker}};

    for (int i = 0; i < texts->n_files; i++)
        captions[i] = (struct mt_av_caption){.stream = texts->list[texts->files[i].text].stream,
                                             .format = texts->files[i].format,
                                             .fd = texts->files[i].fd};
    json_t *report = mt_av_captions(m->work->item->fd, &spec, err);
    int ret = report ? mt_worker_send(worker, report, NULL, 0, err) : -1;
    json_decref(report);
    return ret;
}

static int on_extracted(void *ctx, const json_t *line, const void *data, size_t n,
                        struct mt_err *err)
{
    struct making *m = ctx;

    (void)data;
    (void)n;
    (void)err;
    json_decref(m->answer);
    m->answer = json_deep_copy(line);
    return 0;
}

/* Whether a rendition under way is of that format, or a file of it is wanted beside them. */
static bool needs(const struct mt_work *w, const struct mt_text *text, const char *format)
{
    if (strcmp(format, "vtt") == 0)
        return text->beside;
    for (int i = 0; i < w->n; i++)
        if (strcmp(w->todo[i].rung->format, format) == 0)
            return true;
    return false;
}

static int open_files(struct mt_work *w, struct mt_err *err)
{
    struct mt_texts *texts = &w->texts;

    close_files(texts);
    for (int i = 0; i < texts->n; i++)
        for (int k = 0; k < FORMATS; k++) {
            struct mt_text_file file = {.text = i, .format = formats[k]};

            if (!needs(w, &texts->list[i], formats[k]))
                continue;
            file.fd = memfd_create("text", MFD_CLOEXEC);
            if (file.fd < 0)
                return mt_fail_errno(err, "cannot make room for subtitles");
            texts->files[texts->n_files++] = file;
        }
    return 0;
}

static void report(struct mt_work *w, const json_t *answer)
{
    json_t *all = json_array(), *one;
    int last = -1;

    for (int i = 0; i < w->texts.n_files; i++) {
        struct mt_text_file *file = &w->texts.files[i];
        const json_t *said = json_array_get(json_object_get(answer, "captions"), (size_t)i);

        file->cues = mt_json_int(said, "cues", 0);
        if (file->text == last)
            continue;
        last = file->text;
        one = json_pack("{s:i, s:s, s:I, s:I}", "stream", w->texts.list[last].stream, "codec",
                        w->texts.list[last].codec, "cues", (json_int_t)file->cues, "left_out",
                        (json_int_t)mt_json_int(said, "left_out", 0));
        if (w->texts.list[last].language)
            json_object_set_new(one, "language", mt_json_text(w->texts.list[last].language));
        json_array_append_new(all, one);
    }
    json_object_set_new(w->item->report, "subtitles", all);
}

/* The film is worth more than its text. */
static int give_up(struct mt_work *w, struct mt_err *err)
{
    json_t *streams = json_object_get(w->item->report, "streams_left_out");

    if (err->code == MT_ERR_CANCELLED || err->code == MT_ERR_NO_SPACE || err->code == MT_ERR_IO ||
        err->code == MT_ERR_BUG)
        return -1;
    mt_log(MT_LOG_WARN, "'%s': its subtitles are left out: %s", w->item->name, err->msg);
    if (!streams) {
        streams = json_array();
        json_object_set_new(w->item->report, "streams_left_out", streams);
    }
    for (int i = 0; i < w->texts.n; i++)
        json_array_append_new(
            streams, json_pack("{s:i, s:s, s:o}", "stream", w->texts.list[i].stream, "codec",
                               w->texts.list[i].codec, "reason", mt_json_text(err->msg)));
    w->item->status = "degraded";
    mt_texts_free(&w->texts);
    return 0;
}

int mt_texts_make(struct mt_work *w, int64_t origin_us, int64_t duration_us, struct mt_err *err)
{
    struct making m = {.work = w, .origin_us = origin_us, .duration_us = duration_us};
    int fds[MT_TEXT_FILES_MOST], ret;
    struct mt_item_work job = {.what = "reading the subtitles of",
                               .encode = true,
                               .run = extract,
                               .arg = &m,
                               .on_line = on_extracted,
                               .ctx = &m,
                               .fds = fds};

    if (open_files(w, err) < 0)
        return -1;
    if (w->texts.n_files == 0)
        return 0;
    job.n_fds = w->texts.n_files;
    for (int i = 0; i < job.n_fds; i++)
        fds[i] = w->texts.files[i].fd;
    ret = mt_item_run(w->item, &job, err);
    if (ret == 0)
        report(w, m.answer);
    json_decref(m.answer);
    if (ret < 0)
        return give_up(w, err);
    return 0;
}

/* Whether a file that is still to be made has not even been written. */
static bool is_missing(const struct mt_work *w)
{
    bool missing = false, written = false;

    for (int i = 0; i < w->texts.n; i++)
        missing = missing || w->texts.list[i].beside;
    for (int i = 0; i < w->texts.n_files; i++)
        written = written || strcmp(w->texts.files[i].format, "vtt") == 0;
    return missing && !written;
}

int mt_texts_publish(struct mt_work *w, struct mt_err *err)
{
    if (is_missing(w)) {
        json_t *look = mt_remux_look(w, err);
        int ret = look ? mt_texts_make(w, mt_json_int(look, "origin_us", 0),
                                       mt_json_int(look, "duration_us", 0), err)
                       : -1;

        json_decref(look);
        if (ret < 0)
            return -1;
    }
    for (int i = 0; i < w->texts.n; i++)
        if (w->texts.list[i].made)
            mt_transcode_add(w->item->doc, w->texts.list[i].made);
    for (int i = 0; i < w->texts.n_files; i++)
        if (strcmp(w->texts.files[i].format, "vtt") == 0 && publish(w, &w->texts.files[i], err) < 0)
            return -1;
    return 0;
}
