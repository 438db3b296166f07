/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode_tags.c - what of a source's metadata a rendition carries. */
#include "av/transcode_parts.h"

#include "base/text.h"

#include <libavutil/mem.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_BYTES = 4096, CHAPTERS = 1000 };

/*
 * What names a work and its owners. Everything else stays behind: places, devices,
 * serial numbers, dates of recording, comments and descriptions are of the person
 * who filmed, and a rendition is there to be given away.
 */
static const char *const published[] = {
    "title", "artist",  "album_artist", "album",        "composer",      "genre", "copyright",
    "show",  "network", "episode_id",   "episode_sort", "season_number", "track",
};

static int copy_tag(AVDictionary **to, const AVDictionary *from, const char *name)
{
    const AVDictionaryEntry *tag = av_dict_get(from, name, NULL, 0);
    char *clean;
    int ret;

    if (!tag || tag->value[0] == '\0')
        return 0;
    clean = mt_utf8_clean(tag->value, strnlen(tag->value, TAG_BYTES));
    ret = av_dict_set(to, name, clean, 0);
    free(clean);
    return ret;
}

static int add_chapter(AVFormatContext *to, const AVChapter *from, int64_t shift_us)
{
    AVChapter *chapter = av_mallocz(sizeof *chapter);
    AVRational base = {1, 1000};
    int ret;

    if (!chapter)
        return AVERROR(ENOMEM);
    chapter->id = from->id;
    chapter->time_base = base;
    chapter->start = av_rescale_q(from->start, from->time_base, base) - shift_us / 1000;
    chapter->end = av_rescale_q(from->end, from->time_base, base) - shift_us / 1000;
    if (chapter->start < 0)
        chapter->start = 0;
    if (chapter->end < chapter->start)
        chapter->end = chapter->start;
    ret = copy_tag(&chapter->metadata, from->metadata, "title");
    to->chapters[to->nb_chapters++] = chapter;
    return ret;
}

static int copy_chapters(AVFormatContext *to, const AVFormatContext *from, int64_t shift_us)
{
    unsigned n = from->nb_chapters < CHAPTERS ? from->nb_chapters : CHAPTERS;
    int ret = 0;

    if (n == 0)
        return 0;
    to->chapters = av_calloc(n, sizeof(to->chapters[0]));
    if (!to->chapters)
        return AVERROR(ENOMEM);
    for (unsigned i = 0; i < n && ret >= 0; i++)
        ret = add_chapter(to, from->chapters[i], shift_us);
    return ret;
}

int mt_tags_copy(AVFormatContext *to, const struct mt_in *source, int64_t origin_us)
{
    int ret = 0;

    for (size_t i = 0; i < sizeof published / sizeof published[0] && ret >= 0; i++)
        ret = copy_tag(&to->metadata, source->format->metadata, published[i]);
    if (ret >= 0 && source->audio && to->nb_streams > 1)
        ret = copy_tag(&to->streams[1]->metadata, source->audio->metadata, "language");
    return ret < 0 ? ret : copy_chapters(to, source->format, origin_us);
}
