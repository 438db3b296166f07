/* SPDX-License-Identifier: GPL-2.0-or-later */
/* captions.c - captions keep the rules, whatever was said. */
#include "captions/captions.h"
#include "../tap.h"
#include "base/text.h"
#include "captions/glyphs.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *shape(json_t *said)
{
    json_t *captions = mt_captions_shape(said, &mt_caption_rules_usual);

    json_decref(said);
    return captions;
}

static json_t *cue(double start, double end, const char *text, const char *language)
{
    return json_pack("[{s:f, s:f, s:s, s:s}]", "start", start, "end", end, "text", text, "language",
                     language);
}

static const char *line(const json_t *captions, size_t i, size_t k)
{
    const char *text =
        json_string_value(json_array_get(json_object_get(json_array_get(captions, i), "lines"), k));

    return text ? text : "";
}

static double at(const json_t *captions, size_t i, const char *name)
{
    return mt_json_num(json_array_get(captions, i), name, -1);
}

static char *written(const json_t *captions, const char *format, const char *language)
{
    struct mt_buf buf;
    struct mt_err err;

    mt_buf_init(&buf, 1 << 20);
    if (mt_captions_write(captions, format, language, &buf, &err) < 0)
        printf("# %s\n", err.msg);
    char *text = strdup(buf.data ? buf.data : "");
    mt_buf_free(&buf);
    return text;
}

static void test_breaks(void)
{
    json_t *c = shape(
        cue(0, 4, "We choose to go to the moon in this decade and do the other things", "en"));

    OK(json_array_size(c) == 1, "66 characters are one caption");
    IS_STR(line(c, 0, 1), "and do the other things", "broken where a phrase begins");
    json_decref(c);
    c = shape(cue(0, 12,
                  "This is the first sentence of the speech. The second one is a little longer, "
                  "so that it needs a caption of its own, and it gets one.",
                  "en"));
    OK(json_array_size(c) >= 2, "more is parted");
    OK(strstr(line(c, 0, 1), "speech.") || strstr(line(c, 0, 0), "speech."), "after a sentence");
    json_decref(c);
    c = shape(cue(0, 3, "short", "en"));
    OK(json_array_size(json_object_get(json_array_get(c, 0), "lines")) == 1, "one line is enough");
    json_decref(c);
    c = shape(cue(0, 3, " \n\t ", "en"));
    OK(json_array_size(c) == 0, "blanks are no caption");
    json_decref(c);
}

static void test_times(void)
{
    json_t *said = json_pack("[{s:f,s:f,s:s},{s:f,s:f,s:s},{s:f,s:f,s:s}]", "start", 1.0, "end",
                             1.1, "text", "Yes, of course we do", "start", 20.0, "end", 40.0,
                             "text", "slow", "start", 10.0, "end", 10.2, "text", "Next");
    json_t *c = shape(said);

    IS_STR(line(c, 1, 0), "Next", "in order of time");
    OK(fabs(at(c, 0, "end") - 1 - 20 / 17.0) < 0.002, "time to read");
    OK(at(c, 1, "end") == 11, "at least a second");
    OK(at(c, 2, "end") == 27, "at most seven");
    json_decref(c);
    said = json_pack("[{s:f,s:f,s:s},{s:f,s:f,s:s}]", "start", 1.0, "end", 3.0, "text", "one",
                     "start", 2.0, "end", 3.0, "text", "two");
    c = shape(said);
    OK(fabs(at(c, 0, "end") - 1.92) < 1e-6, "80 ms between two");
    json_decref(c);
    said = json_pack("[{s:f,s:f,s:s,s:[{s:s,s:f,s:f},{s:s,s:f,s:f}]}]", "start", 0.0, "end", 20.0,
                     "text", "before after", "words", "text", "before", "start_s", 0.5, "end_s",
                     1.0, "text", "after", "start_s", 15.0, "end_s", 16.0);
    c = shape(said);
    OK(json_array_size(c) == 2 && at(c, 0, "start") == 0.5 && at(c, 1, "start") == 15,
       "times of words say where to part");
    json_decref(c);
}

static void test_arabic(void)
{
    json_t *c = shape(cue(0, 4, "هل رأيت iPhone 15 Pro, يا صديقي?", "ar"));
    char *vtt = written(c, "vtt", "ar"), *txt = written(c, "txt", "ar");

    OK(strstr(txt, "صديقي؟"), "a question in Arabic has its mark");
    OK(strstr(txt, "Pro,"), "after Latin letters marks stay");
    OK(strstr(vtt, "\xe2\x81\xa8iPhone 15 Pro\xe2\x81\xa9,"), "Latin letters are isolated");
    OK(!strstr(txt, "\xe2\x81\xa8"), "not in plain text");
    free(vtt);
    free(txt);
    json_decref(c);
    c = shape(cue(0, 4, "OpenAI قالت", "ar"));
    vtt = written(c, "srt", "ar");
    OK(strstr(vtt, "\xe2\x80\x8f\xe2\x81\xa8OpenAI\xe2\x81\xa9 قالت"),
       "a line that begins in Latin letters is told its direction");
    free(vtt);
    json_decref(c);
    c = shape(cue(0, 4,
                  "\xe2\x80\xae"
                  "evil\xe2\x80\xac \xe2\x81\xa6x\xe2\x81\xa9",
                  "en"));
    IS_STR(line(c, 0, 0), "evil x", "controls of direction are taken out");
    json_decref(c);
}

static void test_formats(void)
{
    json_t *c = shape(cue(3599.5, 3601, "a < b && c --> d", "en"));
    char *vtt = written(c, "vtt", "en"), *srt = written(c, "srt", "en");
    char *ttml = written(c, "ttml", "en");

    IS_STR(vtt, "WEBVTT\n\n1\n00:59:59.500 --> 01:00:01.000\na &lt; b &amp;&amp; c --&gt; d\n",
           "WebVTT");
    IS_STR(srt, "1\n00:59:59,500 --> 01:00:01,000\na < b && c --> d\n", "SubRip");
    OK(strstr(ttml, "begin=\"00:59:59.500\" end=\"01:00:01.000\">a &lt; b &amp;&amp; c"), "TTML");
    struct mt_buf buf;
    struct mt_err err;
    mt_buf_init(&buf, 10);
    OK(mt_captions_write(c, "vtt", NULL, &buf, &err) < 0 && err.code == MT_ERR_LIMIT,
       "a buffer that is full is an error");
    OK(mt_captions_write(c, "doc", NULL, &buf, &err) < 0 && err.code == MT_ERR_USAGE,
       "no such format");
    mt_buf_free(&buf);
    free(vtt);
    free(srt);
    free(ttml);
    json_decref(c);
}

static unsigned seed = 7;

static unsigned chance(unsigned n)
{
    seed = seed * 1103515245U + 12345U;
    return (seed >> 16) % n;
}

static void random_text(char *text, size_t room)
{
    static const char *const parts[] = {"word",
                                        "و",
                                        "مُحَمَّد",
                                        "👨‍👩‍👧",
                                        "🇪🇬",
                                        "e\xcc\x81",
                                        " ",
                                        " ",
                                        " ",
                                        " ",
                                        ".",
                                        ",",
                                        "?",
                                        "،",
                                        "\xff",
                                        "<i>",
                                        "\xe2\x80\x8f",
                                        "a",
                                        "supercalifragilisticexpialidociousness"};
    size_t n = 1 + chance(60);

    *text = '\0';
    for (size_t i = 0; i < n; i++) {
        const char *part = parts[chance(sizeof parts / sizeof *parts)];
        if (strlen(text) + strlen(part) + 1 < room)
            strcat(text, part);
    }
}

static json_t *random_cues(void)
{
    json_t *said = json_array();
    unsigned n = 1 + chance(8);
    double start = 0;

    for (unsigned i = 0; i < n; i++) {
        char text[2000];
        random_text(text, sizeof text);
        double end = start + chance(10000) / 1000.0;
        json_array_append_new(said, json_pack("{s:f, s:f, s:o}", "start", start, "end", end, "text",
                                              mt_json_text(text)));
        start = chance(4) ? end + chance(1000) / 1000.0 : start;
    }
    return said;
}

static bool keeps_rules(const json_t *captions)
{
    const json_t *c, *text;
    double last = -1;
    size_t i, k;

    json_array_foreach(captions, i, c)
    {
        const json_t *lines = json_object_get(c, "lines");
        if (at(captions, i, "start") < last || at(captions, i, "end") <= at(captions, i, "start") ||
            at(captions, i, "end") - at(captions, i, "start") > 7.0001)
            return false;
        last = at(captions, i, "end") + 0.0799;
        if (json_array_size(lines) < 1 || json_array_size(lines) > 2)
            return false;
        json_array_foreach(lines, k, text)
        {
            const char *s = json_string_value(text);
            uint32_t cp = 0;
            int chars = mt_glyphs(s, strlen(s));
            if (chars < 1 || chars > 42)
                return false;
            mt_utf8_next(s, strlen(s), &cp);
            if (k > 0 && mt_glyph_is_mark(cp) && cp != 0x200d)
                return false;
        }
    }
    return true;
}

/* All but blanks, controls and marks that were exchanged. */
static void add_bare(char *to, const char *text)
{
    to += strlen(to);
    for (uint32_t cp; *text;) {
        size_t len = mt_utf8_next(text, strlen(text), &cp);
        bool skip = len == 0 || cp == 0xfffd || cp == ' ' || mt_glyph_is_control(cp) || cp == ',' ||
                    cp == '?' || cp == 0x60c || cp == 0x61f;
        len = len ? len : 1;
        if (!skip)
            memcpy(to, text, len), to += len;
        text += len;
    }
    *to = '\0';
}

static bool loses_nothing(const json_t *said, const json_t *captions)
{
    static char before[40000], after[40000];
    const json_t *c, *text;
    size_t i, k;

    *before = *after = '\0';
    json_array_foreach(said, i, c)
    {
        add_bare(before, mt_json_str(c, "text", ""));
    }
    json_array_foreach(captions, i, c)
    {
        json_array_foreach(json_object_get(c, "lines"), k, text)
        {
            add_bare(after, json_string_value(text));
        }
    }
    return strlen(before) == strlen(after);
}

static void test_properties(void)
{
    int bad = 0, lost = 0, changed = 0;

    for (int i = 0; i < 2000; i++) {
        json_t *said = random_cues();
        json_t *once = mt_captions_shape(said, &mt_caption_rules_usual);
        json_t *twice = mt_captions_shape(once, &mt_caption_rules_usual);
        bad += !keeps_rules(once);
        lost += !loses_nothing(said, once);
        changed += !json_equal(once, twice);
        json_decref(said);
        json_decref(once);
        json_decref(twice);
    }
    OK(bad == 0, "2000 random texts: every caption keeps the rules");
    OK(lost == 0, "no text is lost");
    OK(changed == 0, "what is shaped stays as it is");
    if (bad || lost || changed)
        printf("# %d break the rules, %d lose text, %d change\n", bad, lost, changed);
}

int main(void)
{
    test_breaks();
    test_times();
    test_arabic();
    test_formats();
    test_properties();
    return tap_done();
}
