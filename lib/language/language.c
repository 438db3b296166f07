/* SPDX-License-Identifier: GPL-2.0-or-later */
/* language.c - see language.h. */
#include "language/language.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Two letters, three letters (terminological, bibliographic), the name. ISO 639-1, 639-2. */
static const char known[][4][16] = {
    {"af", "afr", "", "afrikaans"},      {"am", "amh", "", "amharic"},
    {"ar", "ara", "", "arabic"},         {"as", "asm", "", "assamese"},
    {"az", "aze", "", "azerbaijani"},    {"ba", "bak", "", "bashkir"},
    {"be", "bel", "", "belarusian"},     {"bg", "bul", "", "bulgarian"},
    {"bn", "ben", "", "bengali"},        {"bo", "bod", "tib", "tibetan"},
    {"br", "bre", "", "breton"},         {"bs", "bos", "", "bosnian"},
    {"ca", "cat", "", "catalan"},        {"cs", "ces", "cze", "czech"},
    {"cy", "cym", "wel", "welsh"},       {"da", "dan", "", "danish"},
    {"de", "deu", "ger", "german"},      {"el", "ell", "gre", "greek"},
    {"en", "eng", "", "english"},        {"es", "spa", "", "spanish"},
    {"et", "est", "", "estonian"},       {"eu", "eus", "baq", "basque"},
    {"fa", "fas", "per", "persian"},     {"fi", "fin", "", "finnish"},
    {"fo", "fao", "", "faroese"},        {"fr", "fra", "fre", "french"},
    {"ga", "gle", "", "irish"},          {"gl", "glg", "", "galician"},
    {"gu", "guj", "", "gujarati"},       {"ha", "hau", "", "hausa"},
    {"haw", "haw", "", "hawaiian"},      {"he", "heb", "", "hebrew"},
    {"hi", "hin", "", "hindi"},          {"hr", "hrv", "", "croatian"},
    {"ht", "hat", "", "haitian creole"}, {"hu", "hun", "", "hungarian"},
    {"hy", "hye", "arm", "armenian"},    {"id", "ind", "", "indonesian"},
    {"is", "isl", "ice", "icelandic"},   {"it", "ita", "", "italian"},
    {"ja", "jpn", "", "japanese"},       {"jv", "jav", "", "javanese"},
    {"ka", "kat", "geo", "georgian"},    {"kk", "kaz", "", "kazakh"},
    {"km", "khm", "", "khmer"},          {"kn", "kan", "", "kannada"},
    {"ko", "kor", "", "korean"},         {"ku", "kur", "", "kurdish"},
    {"la", "lat", "", "latin"},          {"lb", "ltz", "", "luxembourgish"},
    {"ln", "lin", "", "lingala"},        {"lo", "lao", "", "lao"},
    {"lt", "lit", "", "lithuanian"},     {"lv", "lav", "", "latvian"},
    {"mg", "mlg", "", "malagasy"},       {"mi", "mri", "mao", "maori"},
    {"mk", "mkd", "mac", "macedonian"},  {"ml", "mal", "", "malayalam"},
    {"mn", "mon", "", "mongolian"},      {"mr", "mar", "", "marathi"},
    {"ms", "msa", "may", "malay"},       {"mt", "mlt", "", "maltese"},
    {"my", "mya", "bur", "myanmar"},     {"ne", "nep", "", "nepali"},
    {"nl", "nld", "dut", "dutch"},       {"nn", "nno", "", "nynorsk"},
    {"no", "nor", "", "norwegian"},      {"oc", "oci", "", "occitan"},
    {"pa", "pan", "", "punjabi"},        {"pl", "pol", "", "polish"},
    {"ps", "pus", "", "pashto"},         {"pt", "por", "", "portuguese"},
    {"ro", "ron", "rum", "romanian"},    {"ru", "rus", "", "russian"},
    {"sa", "san", "", "sanskrit"},       {"sd", "snd", "", "sindhi"},
    {"si", "sin", "", "sinhala"},        {"sk", "slk", "slo", "slovak"},
    {"sl", "slv", "", "slovenian"},      {"sn", "sna", "", "shona"},
    {"so", "som", "", "somali"},         {"sq", "sqi", "alb", "albanian"},
    {"sr", "srp", "", "serbian"},        {"su", "sun", "", "sundanese"},
    {"sv", "swe", "", "swedish"},        {"sw", "swa", "", "swahili"},
    {"ta", "tam", "", "tamil"},          {"te", "tel", "", "telugu"},
    {"tg", "tgk", "", "tajik"},          {"th", "tha", "", "thai"},
    {"tk", "tuk", "", "turkmen"},        {"tl", "tgl", "", "tagalog"},
    {"tr", "tur", "", "turkish"},        {"tt", "tat", "", "tatar"},
    {"ug", "uig", "", "uighur"},         {"uk", "ukr", "", "ukrainian"},
    {"ur", "urd", "", "urdu"},           {"uz", "uzb", "", "uzbek"},
    {"vi", "vie", "", "vietnamese"},     {"yi", "yid", "", "yiddish"},
    {"yo", "yor", "", "yoruba"},         {"yue", "yue", "", "cantonese"},
    {"zh", "zho", "chi", "chinese"},
};

static const char old[][2][4] = {{"iw", "he"}, {"in", "id"}, {"ji", "yi"}, {"jw", "jv"}};

/* A first subtag of two or three letters, a dash or nothing after it, and all of it short. */
static bool is_tag(const char *name, size_t *primary)
{
    *primary = strcspn(name, "-_");
    if (*primary < 2 || *primary > 3 || strlen(name) > 15)
        return false;
    for (size_t i = 0; name[i]; i++)
        if (i < *primary ? !isalpha((unsigned char)name[i])
                         : !isalnum((unsigned char)name[i]) && !strchr("-_", name[i]))
            return false;
    return true;
}

static void modern(char code[16])
{
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (strcmp(code, old[i][0]) == 0)
            strcpy(code, old[i][1]);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(code, known[i][1]) == 0 || (*code && strcmp(code, known[i][2]) == 0))
            strcpy(code, known[i][0]);
}

char *mt_language_code(const char *name, char out[16])
{
    size_t primary;

    *out = '\0';
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (strcasecmp(name, known[i][3]) == 0)
            return strcpy(out, known[i][0]);
    if (!name || !is_tag(name, &primary))
        return out;
    memcpy(out, name, primary);
    out[primary] = '\0';
    modern(mt_str_lower(out));
    if (strcmp(out, "und") == 0 || strcmp(out, "zxx") == 0)
        *out = '\0';
    else
        snprintf(out + strlen(out), 16 - strlen(out), "%s", name + primary);
    return out;
}

static bool is_arabic(uint32_t cp)
{
    return (cp >= 0x620 && cp <= 0x64a) || (cp >= 0x66e && cp <= 0x6d3) || cp == 0x6d5 ||
           (cp >= 0x6fa && cp <= 0x6ff) || (cp >= 0x750 && cp <= 0x77f) ||
           (cp >= 0x8a0 && cp <= 0x8c9) || (cp >= 0xfb50 && cp <= 0xfdff) ||
           (cp >= 0xfe70 && cp <= 0xfefc);
}

static bool is_latin(uint32_t cp)
{
    return (cp < 0x80 && isalpha((int)cp)) ||
           (cp >= 0xc0 && cp <= 0x24f && cp != 0xd7 && cp != 0xf7) ||
           (cp >= 0x1e00 && cp <= 0x1eff);
}

/* Letters of neither, roughly: whole blocks of scripts, without marks, digits and symbols. */
static bool is_other(uint32_t cp)
{
    return (cp >= 0x370 && cp <= 0x5ea) || (cp >= 0x900 && cp <= 0x1dff) ||
           (cp >= 0x3040 && cp <= 0xd7ff) || (cp >= 0x20000 && cp <= 0x3ffff);
}

struct mt_language_letters mt_language_letters(const char *text)
{
    struct mt_language_letters n = {0};
    size_t left = strlen(text), len;
    uint32_t cp;

    for (; left > 0; text += len, left -= len) {
        len = mt_utf8_next(text, left, &cp);
        if (len == 0) {
            len = 1;
            continue;
        }
        n.arabic += is_arabic(cp);
        n.latin += is_latin(cp);
        n.other += is_other(cp);
    }
    return n;
}

const char *mt_language_by_script(const char *text)
{
    struct mt_language_letters n = mt_language_letters(text);
    int64_t all = n.arabic + n.latin + n.other;

    if (all < 3)
        return NULL;
    return 3 * n.arabic >= 2 * all ? "ar" : 3 * n.latin >= 2 * all ? "en" : NULL;
}

bool mt_language_is_rtl(const char *code)
{
    static const char *const rtl[] = {"ar", "fa", "he", "ur", "ps", "sd", "ug", "yi", "ckb", "dv"};
    size_t n = code ? strcspn(code, "-_") : 0;

    for (size_t i = 0; i < sizeof rtl / sizeof *rtl; i++)
        if (strlen(rtl[i]) == n && strncasecmp(rtl[i], code, n) == 0)
            return true;
    return false;
}
