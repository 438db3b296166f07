/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read.c - see read.h. */
#include "analyze/read.h"

#include "analyze/findings.h"
#include "av/subtitles.h"
#include "base/buf.h"
#include "language/language.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* Raised when the same text gives other results. */
enum { GENERATION = 1, SAMPLE_MAX = 64 << 10, UNKNOWN = 1000 };

const char *const mt_analyze_texts[] = {"ignore", "use", "only", NULL};

bool mt_read_only(const struct mt_analyze *spec)
{
    return spec->subtitles && strcmp(spec->subtitles, "only") == 0;
}

bool mt_read_wanted(const struct mt_analyze *spec)
{
    return mt_read_only(spec) || (spec->subtitles && strcmp(spec->subtitles, "use") == 0);
}

void mt_read_recipe(const struct mt_analyze *spec, char recipe[9])
{
    json_t *settings = json_pack("{s:s, s:i, s:s}", "type", "transcription", "read", GENERATION,
                                 "languages", spec->languages ? spec->languages : "");

    mt_stage_recipe(settings, recipe);
    json_decref(settings);
}

/* ---- in the child ---- */

struct reading {
    struct mt_item *item;
    const struct mt_analyze *spec;
    json_t *report;
};

static int extract(void *arg, struct mt_worker *worker, struct mt_err *err)
{
    const struct reading *r = arg;
    struct mt_av_subtitles spec = {.limits = mt_stage_limits(r->spec->options),
                                   .progress = {mt_stage_tell, worker}};
    json_t *report = mt_av_subtitles(r->item->fd, &spec, err);
    int ret = report ? mt_worker_send(worker, report, NULL, 0, err) : -1;

    json_decref(report);
    return ret;
}

static int hear(void *ctx, const json_t *line, const void *data, size_t n, struct mt_err *err)
{
    struct reading *r = ctx;

    (void)data;
    (void)n;
    (void)err;
    json_decref(r->report);
    r->report = json_deep_copy(line);
    return 0;
}

/* ---- which of them ---- */

/* The first subtag of the code that the file names; by the letters of its text if it names none. */
static void language_of(const json_t *track, char out[16])
{
    struct mt_buf sample;
    struct mt_err ignored;
    const json_t *cue;
    size_t i;

    mt_language_code(mt_json_str(track, "language", ""), out);
    out[strcspn(out, "-")] = '\0';
    if (*out)
        return;
    mt_buf_init(&sample, SAMPLE_MAX);
    json_array_foreach(json_object_get(track, "cues"), i, cue)
    {
        if (mt_buf_printf(&sample, &ignored, "%s ", mt_json_str(cue, "text", "")) < 0)
            break;
    }
    const char *guess = sample.data ? mt_language_by_script(sample.data) : NULL;
    snprintf(out, 16, "%s", guess ? guess : "");
    mt_buf_free(&sample);
}

/* Where the language stands in the list: 0 is first; -1: it does not. */
static int place_of(const char *language, const char *list)
{
    size_t n = strlen(language);
    int place = 0;

    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',', place++)
        if (n > 0 && strncmp(p, language, n) == 0 && strchr(",-", p[n]))
            return place;
    return -1;
}

/* The less the better; -1: not at all. */
static int rank_of(const json_t *track, const char *spoken, const char *list)
{
    static const char *const kinds[] = {"subtitles", "closed_captions", "teletext"};
    const char *role = mt_json_str(track, "role", "");
    char language[16];
    int rank = UNKNOWN, kind = 0;

    if ((*role && strcmp(role, "hearing_impaired") != 0) ||
        json_array_size(json_object_get(track, "cues")) == 0)
        return -1;
    language_of(track, language);
    if (list && *language)
        rank = place_of(language, list) + 1;
    if (list && *language && rank == 0)
        return -1;
    if (*language && strcmp(language, spoken) == 0)
        rank = 0;
    while (kind < 2 && strcmp(mt_json_str(track, "kind", ""), kinds[kind]) != 0)
        kind++;
    return (rank * 3 + kind) * 2 + !mt_json_bool(track, "default", false);
}

static const json_t *choose(const json_t *report, const char *list)
{
    const json_t *track, *best = NULL;
    int best_rank = -1;
    char spoken[16];
    size_t i;

    mt_language_code(mt_json_str(report, "audio_language", ""), spoken);
    spoken[strcspn(spoken, "-")] = '\0';
    json_array_foreach(json_object_get(report, "tracks"), i, track)
    {
        int rank = rank_of(track, spoken, list);
        if (rank >= 0 && (!best || rank < best_rank)) {
            best = track;
            best_rank = rank;
        }
    }
    return best;
}

/* ---- what is told of them ---- */

static json_t *without_cues(const json_t *track)
{
    json_t *entry = json_copy((json_t *)(uintptr_t)track);

    json_object_set_new(entry, "cues",
                        json_integer((json_int_t)json_array_size(json_object_get(track, "cues"))));
    return entry;
}

static json_t *texts_of(const json_t *report)
{
    json_t *all = json_array();
    const json_t *track;
    size_t i;

    json_array_foreach(json_object_get(report, "tracks"), i, track)
    {
        json_array_append_new(all, without_cues(track));
    }
    json_array_extend(all, json_object_get(report, "unread"));
    return all;
}

static json_t *result_of(const json_t *report, const json_t *track)
{
    json_t *cues = json_deep_copy(json_object_get(track, "cues"));
    json_t *source = without_cues(track);
    char language[16];
    json_t *cue;
    size_t i;

    language_of(track, language);
    json_array_foreach(cues, i, cue)
    {
        if (*language)
            json_object_set_new(cue, "language", json_string(language));
    }
    if (json_object_get(report, "audio_language"))
        json_object_set(source, "audio_language", json_object_get(report, "audio_language"));
    json_t *result = mt_findings_read(cues);
    json_object_set_new(result, "source", source);
    json_decref(cues);
    return result;
}

static int none(const json_t *report, const struct mt_analyze *spec, struct mt_err *err)
{
    size_t tracks = json_array_size(json_object_get(report, "tracks"));
    const json_t *unread = json_array_get(json_object_get(report, "unread"), 0);

    if (tracks > 0)
        return mt_fail(err, MT_ERR_NOT_APPLICABLE,
                       "none of the %zu tracks of text is what is spoken in %s", tracks,
                       spec->languages ? spec->languages : "it");
    if (unread)
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "its text (%s) cannot be read: %s",
                       mt_json_str(unread, "codec", "?"), mt_json_str(unread, "reason", "?"));
    return mt_fail(err, MT_ERR_NOT_APPLICABLE, "no subtitles, captions or teletext in it");
}

json_t *mt_read(struct mt_item *item, const struct mt_analyze *spec, struct mt_err *err)
{
    struct reading r = {.item = item, .spec = spec};
    struct mt_item_work job = {
        .what = "reading the text of", .run = extract, .arg = &r, .on_line = hear, .ctx = &r};
    struct mt_av_conversions *conversions = mt_av_conversions_open();
    json_t *result = NULL;

    if (mt_item_run(item, &job, err) < 0)
        goto out;
    if (mt_json_int(r.report, "errors", 0) > 0) {
        item->status = "degraded";
        json_object_set(item->report, "errors", json_object_get(r.report, "errors"));
    }
    const json_t *track = choose(r.report, spec->languages);
    json_t *texts = texts_of(r.report);
    if (json_array_size(texts) > 0)
        json_object_set(item->report, "texts", texts);
    json_decref(texts);
    if (track)
        result = result_of(r.report, track);
    else
        none(r.report, spec, err);
out:
    mt_av_conversions_close(&conversions);
    json_decref(r.report);
    return result;
}
