/* SPDX-License-Identifier: GPL-2.0-or-later */
/* subtitles_report.c - what text there is in a film, and what it says. */
#include "av/subtitles_parts.h"

#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 12 << 20 };

void mt_told_init(struct mt_told *told)
{
    *told = (struct mt_told){.report = json_pack("{s:[], s:[]}", "tracks", "unread")};
}

const char *mt_told_tag(const AVStream *stream, const char *name)
{
    const AVDictionaryEntry *entry = av_dict_get(stream->metadata, name, NULL, 0);

    return entry && *entry->value ? entry->value : NULL;
}

static const char *role_of(const AVStream *stream)
{
    static const struct {
        int disposition;
        const char *name;
    } roles[] = {{AV_DISPOSITION_FORCED, "forced"},
                 {AV_DISPOSITION_METADATA, "metadata"},
                 {AV_DISPOSITION_DESCRIPTIONS, "descriptions"},
                 {AV_DISPOSITION_COMMENT, "commentary"},
                 {AV_DISPOSITION_HEARING_IMPAIRED, "hearing_impaired"}};

    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (stream->disposition & roles[i].disposition)
            return roles[i].name;
    return NULL;
}

static json_t *entry_of(const AVStream *stream, const char *codec, const char *kind,
                        const char *service, const char *language)
{
    json_t *entry =
        json_pack("{s:i, s:s, s:s}", "stream", stream->index, "codec", codec, "kind", kind);

    if (service && *service)
        json_object_set_new(entry, "service", json_string(service));
    if (language && *language)
        json_object_set_new(entry, "language", mt_json_text(language));
    if (mt_told_tag(stream, "title"))
        json_object_set_new(entry, "title", mt_json_text(mt_told_tag(stream, "title")));
    if (role_of(stream))
        json_object_set_new(entry, "role", json_string(role_of(stream)));
    if (stream->disposition & AV_DISPOSITION_DEFAULT)
        json_object_set_new(entry, "default", json_true());
    return entry;
}

static json_t *cues_of(struct mt_told *told, const struct mt_cues *cues, int64_t *left_out)
{
    json_t *list = json_array();

    *left_out = cues->left_out;
    for (int i = 0; i < cues->n; i++) {
        const struct mt_cue *cue = &cues->list[i];
        char *text = mt_cue_text(cue);
        size_t n = strlen(text);

        while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
            text[--n] = '\0';
        told->text_bytes += n;
        if (told->text_bytes > TEXT_MAX)
            ++*left_out;
        else if (n > 0)
            json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "start",
                                                  mt_json_real((double)cue->start_us / 1e6, 3),
                                                  "end", mt_json_real((double)cue->end_us / 1e6, 3),
                                                  "text", mt_json_text(text)));
        free(text);
    }
    return list;
}

void mt_told_track(struct mt_told *told, const AVStream *stream, const char *codec,
                   const char *kind, const char *service, const char *language,
                   struct mt_cues *cues)
{
    json_t *entry = entry_of(stream, codec, kind, service, language);
    int64_t left_out;

    mt_cues_finish(cues, told->duration_us);
    json_object_set_new(entry, "cues", cues_of(told, cues, &left_out));
    json_object_set_new(entry, "left_out", json_integer(left_out));
    if (json_array_size(json_object_get(entry, "cues")) > 0 || left_out > 0)
        json_array_append(json_object_get(told->report, "tracks"), entry);
    json_decref(entry);
}

/* Takes the entry's reference. */
static void put_unread(struct mt_told *told, json_t *entry, const char *reason)
{
    json_object_set_new(entry, "reason", json_string(reason));
    json_array_append_new(json_object_get(told->report, "unread"), entry);
}

void mt_told_unread(struct mt_told *told, const AVStream *stream, const char *codec,
                    const char *reason)
{
    const char *name = codec ? codec : avcodec_get_name(stream->codecpar->codec_id);

    put_unread(told, entry_of(stream, name, "subtitles", NULL, mt_told_tag(stream, "language")),
               reason);
}

void mt_told_line21(struct mt_told *told, const AVStream *stream, struct mt_line21 *l)
{
    const char *codec = avcodec_get_name(AV_CODEC_ID_EIA_608);
    bool own = stream->codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE;
    const char *language = own ? mt_told_tag(stream, "language") : NULL;
    char name[8];

    for (int i = 0; i < MT_LINE21_CHANNELS; i++) {
        snprintf(name, sizeof name, "CC%d", i + 1);
        if (mt_line21_cues(l, i))
            mt_told_track(told, stream, codec, "closed_captions", name, language,
                          mt_line21_cues(l, i));
    }
    for (int i = 1; i < 64; i++) {
        snprintf(name, sizeof name, "%d", i);
        if (mt_line21_services(l) >> i & 1)
            put_unread(told, entry_of(stream, "cea_708", "closed_captions", name, NULL),
                       "the media libraries do not decode CEA-708");
    }
}
