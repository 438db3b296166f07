/* SPDX-License-Identifier: GPL-2.0-or-later */
/* write.c - captions as WebVTT, SubRip, TTML and plain text. */
#include "captions/captions.h"
#include "captions/glyphs.h"

#include "base/text.h"
#include "language/language.h"
#include "json/json.h"

#include <math.h>
#include <string.h>

#define FSI "\xe2\x81\xa8"
#define PDI "\xe2\x81\xa9"
#define RLM "\xe2\x80\x8f"

const char *const mt_caption_formats[] = {"vtt", "srt", "ttml", "txt", NULL};

static int add(struct mt_buf *buf, const char *text, struct mt_err *err)
{
    return mt_buf_add(buf, text, strlen(text), err);
}

/* What XML and WebVTT have in common: & < > as entities. */
static int add_escaped(struct mt_buf *buf, const char *text, size_t n, struct mt_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const char *entity = text[i] == '&'   ? "&amp;"
                             : text[i] == '<' ? "&lt;"
                             : text[i] == '>' ? "&gt;"
                                              : NULL;
        if ((entity ? add(buf, entity, err) : mt_buf_add(buf, text + i, 1, err)) < 0)
            return -1;
    }
    return 0;
}

/* Which way the captions are read: that of their language, or where none is known, of letters. */
static bool is_rtl(const json_t *caption, const char *language)
{
    const json_t *line;
    int64_t arabic = 0, others = 0;
    size_t i;

    json_array_foreach(json_object_get(caption, "lines"), i, line)
    {
        struct mt_language_letters n = mt_language_letters(json_string_value(line));
        arabic += n.arabic;
        others += n.latin + n.other;
    }
    return arabic > others || mt_language_is_rtl(mt_json_str(caption, "language", language));
}

/* Whether the first letter of the line is one of a script written from right to left. */
static bool begins_rtl(const char *line)
{
    uint32_t cp;

    for (size_t n = strlen(line), i = 0, len; i < n; i += len ? len : 1) {
        len = mt_utf8_next(line + i, n - i, &cp);
        if (len && (mt_glyph_is_rtl(cp) || mt_glyph_is_latin(cp)))
            return mt_glyph_is_rtl(cp);
    }
    return false;
}

/* Bytes of the run that begins with a Latin letter at text: up to its last letter or digit. */
static size_t latin_run(const char *text)
{
    size_t end = 0;
    uint32_t cp;

    for (size_t n = strlen(text), i = 0, len; i < n; i += len) {
        len = mt_utf8_next(text + i, n - i, &cp);
        if (len == 0 || mt_glyph_is_rtl(cp))
            break;
        if (mt_glyph_is_latin(cp) || (cp >= '0' && cp <= '9') || mt_glyph_is_mark(cp) ||
            cp == '+' || cp == '#' || cp == '%')
            end = i + len;
    }
    return end;
}

static int add_rtl(struct mt_buf *buf, const char *line, bool escape, struct mt_err *err)
{
    if (!begins_rtl(line) && add(buf, RLM, err) < 0)
        return -1;
    for (size_t n; *line; line += n) {
        uint32_t cp = 0;
        n = mt_utf8_next(line, strlen(line), &cp);
        n = n ? n : 1;
        bool latin = mt_glyph_is_latin(cp);
        if (latin)
            n = latin_run(line);
        if ((latin && add(buf, FSI, err) < 0) ||
            (escape ? add_escaped(buf, line, n, err) : mt_buf_add(buf, line, n, err)) < 0 ||
            (latin && add(buf, PDI, err) < 0))
            return -1;
    }
    return 0;
}

/* The lines, with what stands between them. */
static int add_lines(struct mt_buf *buf, const json_t *caption, const char *language, bool escape,
                     const char *between, struct mt_err *err)
{
    bool rtl = is_rtl(caption, language);
    const json_t *value;
    size_t i;

    json_array_foreach(json_object_get(caption, "lines"), i, value)
    {
        const char *line = json_string_value(value);
        if (i > 0 && add(buf, between, err) < 0)
            return -1;
        int ret = rtl      ? add_rtl(buf, line, escape, err)
                  : escape ? add_escaped(buf, line, strlen(line), err)
                           : add(buf, line, err);
        if (ret < 0)
            return -1;
    }
    return 0;
}

static int add_time(struct mt_buf *buf, double s, char point, struct mt_err *err)
{
    int64_t ms = llround(s * 1000);

    return mt_buf_printf(buf, err, "%02lld:%02lld:%02lld%c%03lld", (long long)(ms / 3600000),
                         (long long)(ms / 60000 % 60), (long long)(ms / 1000 % 60), point,
                         (long long)(ms % 1000));
}

static int add_span(struct mt_buf *buf, const json_t *caption, char point, struct mt_err *err)
{
    if (add_time(buf, mt_json_num(caption, "start", 0), point, err) < 0 ||
        add(buf, " --> ", err) < 0)
        return -1;
    return add_time(buf, mt_json_num(caption, "end", 0), point, err);
}

static int write_vtt(const json_t *captions, const char *language, struct mt_buf *buf,
                     struct mt_err *err)
{
    const json_t *caption;
    size_t i;

    if (add(buf, "WEBVTT\n", err) < 0)
        return -1;
    json_array_foreach(captions, i, caption)
    {
        if (mt_buf_printf(buf, err, "\n%zu\n", i + 1) < 0 || add_span(buf, caption, '.', err) < 0 ||
            add(buf, "\n", err) < 0 || add_lines(buf, caption, language, true, "\n", err) < 0 ||
            add(buf, "\n", err) < 0)
            return -1;
    }
    return 0;
}

static int write_srt(const json_t *captions, const char *language, struct mt_buf *buf,
                     struct mt_err *err)
{
    const json_t *caption;
    size_t i;

    json_array_foreach(captions, i, caption)
    {
        if (mt_buf_printf(buf, err, "%s%zu\n", i ? "\n" : "", i + 1) < 0 ||
            add_span(buf, caption, ',', err) < 0 || add(buf, "\n", err) < 0 ||
            add_lines(buf, caption, language, false, "\n", err) < 0 || add(buf, "\n", err) < 0)
            return -1;
    }
    return 0;
}

static const char head[] =
    "  <head>\n"
    "    <styling>\n"
    "      <style xml:id=\"plain\" tts:fontFamily=\"proportionalSansSerif\" tts:fontSize=\"100%\" "
    "tts:lineHeight=\"125%\" tts:color=\"#ffffff\" tts:backgroundColor=\"#000000c0\" "
    "tts:textAlign=\"center\"/>\n"
    "    </styling>\n"
    "    <layout>\n"
    "      <region xml:id=\"bottom\" tts:origin=\"10% 80%\" tts:extent=\"80% 15%\" "
    "tts:displayAlign=\"after\"/>\n"
    "    </layout>\n"
    "  </head>\n"
    "  <body style=\"plain\" region=\"bottom\">\n"
    "    <div>\n";

static int add_attributes(struct mt_buf *buf, const json_t *caption, const char *language,
                          struct mt_err *err)
{
    const char *own = mt_json_str(caption, "language", language ? language : "");

    if (*own && (!language || strcmp(own, language) != 0) &&
        (add(buf, " xml:lang=\"", err) < 0 || add_escaped(buf, own, strcspn(own, "\"'"), err) < 0 ||
         add(buf, "\"", err) < 0))
        return -1;
    if (is_rtl(caption, language))
        return add(buf, " tts:direction=\"rtl\" tts:unicodeBidi=\"embed\"", err);
    return 0;
}

static int write_ttml(const json_t *captions, const char *language, struct mt_buf *buf,
                      struct mt_err *err)
{
    const char *code = language ? language : "";
    const json_t *caption;
    size_t i;

    if (add(buf,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<tt xmlns=\"http://www.w3.org/ns/ttml\" "
            "xmlns:ttp=\"http://www.w3.org/ns/ttml#parameter\" "
            "xmlns:tts=\"http://www.w3.org/ns/ttml#styling\" ttp:timeBase=\"media\" "
            "ttp:contentProfiles=\"http://www.w3.org/ns/ttml/profile/imsc1.1/text\" xml:lang=\"",
            err) < 0 ||
        add_escaped(buf, code, strcspn(code, "\"'"), err) < 0 || add(buf, "\">\n", err) < 0 ||
        add(buf, head, err) < 0)
        return -1;
    json_array_foreach(captions, i, caption)
    {
        if (mt_buf_printf(buf, err, "      <p xml:id=\"c%zu\" begin=\"", i + 1) < 0 ||
            add_time(buf, mt_json_num(caption, "start", 0), '.', err) < 0 ||
            add(buf, "\" end=\"", err) < 0 ||
            add_time(buf, mt_json_num(caption, "end", 0), '.', err) < 0 ||
            add(buf, "\"", err) < 0 || add_attributes(buf, caption, language, err) < 0 ||
            add(buf, ">", err) < 0 || add_lines(buf, caption, language, true, "<br/>", err) < 0 ||
            add(buf, "</p>\n", err) < 0)
            return -1;
    }
    return add(buf, "    </div>\n  </body>\n</tt>\n", err);
}

static int write_txt(const json_t *captions, struct mt_buf *buf, struct mt_err *err)
{
    const json_t *caption, *line;
    size_t i, k;

    json_array_foreach(captions, i, caption)
    {
        json_array_foreach(json_object_get(caption, "lines"), k, line)
        {
            if ((k > 0 && add(buf, " ", err) < 0) || add(buf, json_string_value(line), err) < 0)
                return -1;
        }
        if (add(buf, "\n", err) < 0)
            return -1;
    }
    return 0;
}

int mt_captions_write(const json_t *captions, const char *format, const char *language,
                      struct mt_buf *buf, struct mt_err *err)
{
    if (strcmp(format, "vtt") == 0)
        return write_vtt(captions, language, buf, err);
    if (strcmp(format, "srt") == 0)
        return write_srt(captions, language, buf, err);
    if (strcmp(format, "ttml") == 0)
        return write_ttml(captions, language, buf, err);
    if (strcmp(format, "txt") == 0)
        return write_txt(captions, buf, err);
    return mt_fail(err, MT_ERR_USAGE, "captions cannot be written as '%s'", format);
}
