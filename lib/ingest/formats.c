/* SPDX-License-Identifier: GPL-2.0-or-later */
/* formats.c - see formats.h. */
#include "ingest/formats.h"

#include "base/text.h"
#include "json/json.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

/*
 * In order: the first row whose container and type fit, and whose media type
 * is the one found where several rows share a container, is the format.
 */
static const struct mt_format formats[] = {
    {"mov", "video", "mov", "video/quicktime", "mov qt "},
    {"mp4", "video", "mov", "video/mp4", "mp4 m4v 3gp 3g2 f4v mov "},
    {"avif", "image", "mov", "image/avif", "avif avifs "},
    {"heic", "image", "mov", "image/heic", "heic heif "},
    {"m4a", "audio", "mov", "audio/mp4", "m4a m4b mp4 mov 3gp aac "},
    {"webm", "video", "matroska", "video/webm", "webm "},
    {"mkv", "video", "matroska", "video/x-matroska", "mkv mk3d "},
    {"webm", "audio", "matroska", "audio/webm", "webm weba "},
    {"mkv", "audio", "matroska", "audio/x-matroska", "mka mkv "},
    {"avi", "video", "avi", "video/x-msvideo", "avi divx "},
    {"flv", "video", "flv", "video/x-flv", "flv "},
    {"flv", "audio", "flv", "video/x-flv", "flv "},
    {"ts", "video", "mpegts", "video/mp2t", "ts m2ts mts m2t "},
    {"ts", "audio", "mpegts", "video/mp2t", "ts m2ts mts m2t "},
    {"mpg", "video", "mpeg", "video/mpeg", "mpg mpeg vob m2p "},
    {"mpg", "video", "mpegvideo", "video/mpeg", "mpg mpeg m1v m2v "},
    {"wmv", "video", "asf", "video/x-ms-asf", "wmv asf "},
    {"wma", "audio", "asf", "audio/x-ms-wma", "wma asf "},
    {"mxf", "video", "mxf", "application/mxf", "mxf "},
    {"ogg", "video", "ogg", "video/ogg", "ogv ogg ogm "},
    {"opus", "audio", "ogg", "audio/opus", "opus ogg oga "},
    {"ogg", "audio", "ogg", "audio/ogg", "ogg oga spx "},
    {"mp3", "audio", "mp3", "audio/mpeg", "mp3 mpga mp2 "},
    {"wav", "audio", "wav", "audio/wav", "wav wave bwf "},
    {"wav", "audio", "w64", "audio/wav", "w64 wav "},
    {"aac", "audio", "aac", "audio/aac", "aac adts "},
    {"flac", "audio", "flac", "audio/flac", "flac "},
    {"amr", "audio", "amr", "audio/amr", "amr awb "},
    {"amr", "audio", "amrnb", "audio/amr", "amr "},
    {"amr", "audio", "amrwb", "audio/amr-wb", "awb amr "},
    {"aiff", "audio", "aiff", "audio/aiff", "aif aiff aifc "},
    {"jpg", "image", "jpeg_pipe", "image/jpeg", "jpg jpeg jpe jfif "},
    {"jpg", "image", "image2", "image/jpeg", "jpg jpeg jpe jfif "},
    {"png", "image", "png_pipe", "image/png", "png apng "},
    {"png", "image", "apng", "image/apng", "png apng "},
    {"webp", "image", "webp_pipe", "image/webp", "webp "},
    {"gif", "image", "gif", "image/gif", "gif "},
    {"gif", "image", "gif_pipe", "image/gif", "gif "},
    {"tiff", "image", "tiff_pipe", "image/tiff", "tif tiff "},
    {"bmp", "image", "bmp_pipe", "image/bmp", "bmp dib "},
    {"jxl", "image", "jpegxl_pipe", "image/jxl", "jxl "},
    {NULL, NULL, NULL, NULL, NULL},
};

/* Other names under which configurations and libmagic know the same thing. */
static const struct {
    const char *from, *to;
} aliases[] = {
    {"jpeg", "jpg"}, {"tif", "tiff"}, {"heif", "heic"}, {"aif", "aiff"},
    {"asf", "wmv"},  {"mpeg", "mpg"}, {"m2ts", "ts"},   {"mka", "mkv"},
    {"ogv", "ogg"},  {"m4v", "mp4"},  {"3gp", "mp4"},   {"apng", "png"},
};

static bool in_list(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = list; *p; p += strcspn(p, ",")) {
        p += strspn(p, ", ");
        size_t len = strcspn(p, ", ");
        if (len == n && strncmp(p, name, n) == 0)
            return true;
        for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
            if (strcmp(aliases[i].to, name) == 0 && strlen(aliases[i].from) == len &&
                strncmp(aliases[i].from, p, len) == 0)
                return true;
    }
    return false;
}

static bool known(const char *word)
{
    for (const struct mt_format *f = formats; f->name; f++)
        if (in_list(word, f->name))
            return true;
    return false;
}

/* Names the format of that kind that was probably meant. */
static int hint_format(const char *word, const char *type, struct mt_err *err)
{
    const char *best = NULL;
    int least = INT_MAX;

    for (const struct mt_format *f = formats; f->name; f++) {
        int edits = mt_text_nearness(word, f->name);
        if (strcmp(f->type, type) == 0 && edits >= 0 && edits < least) {
            least = edits;
            best = f->name;
        }
    }
    return best ? mt_hint(err, "did you mean '%s'?", best) : -1;
}

static int check_list(const char *what, const char *list, struct mt_err *err)
{
    for (const char *p = list; p && *p; p += strcspn(p, ",")) {
        char word[32];
        p += strspn(p, ", ");
        size_t n = strcspn(p, ", ");
        if (n == 0)
            continue;
        if (n < sizeof word) {
            memcpy(word, p, n);
            word[n] = '\0';
        }
        if (n >= sizeof word || !known(word)) {
            mt_fail(err, MT_ERR_CONFIG, "supported_formats.%s: unknown format '%.*s'", what, (int)n,
                    p);
            return n < sizeof word ? hint_format(word, what, err) : -1;
        }
    }
    return 0;
}

int mt_formats_check(const struct mt_format_policy *policy, struct mt_err *err)
{
    if (check_list("video", policy->video, err) < 0 ||
        check_list("audio", policy->audio, err) < 0 || check_list("image", policy->image, err) < 0)
        return -1;
    return 0;
}

const struct mt_format *mt_format_of(const json_t *found)
{
    const char *container = mt_json_str(found, "metadata.container", "");
    const char *type = mt_json_str(found, "content_type", "");
    const char *mime = mt_json_str(found, "mime_type", "");
    const char *codec =
        mt_json_str(json_array_get(mt_json_at(found, "metadata.streams"), 0), "codec", "");
    const struct mt_format *last = NULL;

    for (const struct mt_format *f = formats; f->name; f++) {
        if (strcmp(f->container, container) != 0 || strcmp(f->type, type) != 0)
            continue;
        if (strcmp(f->mime, mime) == 0 ||
            (strcmp(codec, "opus") == 0 && strcmp(f->name, "opus") == 0))
            return f;
        last = f;
    }
    return last;
}

bool mt_format_accepted(const struct mt_format *format, const struct mt_format_policy *policy)
{
    bool audio = strcmp(format->type, "audio") == 0;
    const char *list = audio                                ? policy->audio
                       : strcmp(format->type, "image") == 0 ? policy->image
                                                            : policy->video;

    if (!list || in_list(list, format->name))
        return true;
    /* Sound alone in a container that is named for its films. */
    return audio && policy->video && in_list(policy->video, format->name);
}

bool mt_format_has_ext(const struct mt_format *format, const char *ext)
{
    size_t n = strlen(ext);

    for (const char *p = format->extensions; *p; p += strcspn(p, " ") + 1)
        if (strncmp(p, ext, n) == 0 && (p[n] == ' ' || n == 0))
            return true;
    return false;
}

bool mt_ext_known(const char *ext, const char *type)
{
    for (const struct mt_format *f = formats; *ext && f->name; f++)
        if ((!type || strcmp(f->type, type) == 0) && mt_format_has_ext(f, ext))
            return true;
    return false;
}
