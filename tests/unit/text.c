/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text.c - hostile text, figures, names of files and objects. */
#include "../tap.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#include <stdlib.h>

static struct mt_err err;

/* Compares a string that is ours to free. */
static void is_own(char *got, const char *want, const char *name)
{
    IS_STR(got ? got : "(null)", want, name);
    free(got);
}

static void test_utf8(void)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\u0633",
                                       "\uffff",
                                       "\xf0\x90\x80\x80",
                                       "\U0001f600",
                                       "\xf4\x8f\xbf\xbf",
                                       "\xed\x9f\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2 ",
                                      "\xe0\x9f\xbf",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xfe",
                                      "a\xf0\x9f\x98",
                                      "\xe2\x28\xa1"};
    int ok = 1;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ok &= mt_utf8_valid(good[i], strlen(good[i]));
    OK(ok, "well-formed UTF-8");
    ok = 1;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *clean = mt_utf8_clean(bad[i], strlen(bad[i]));
        ok &= !mt_utf8_valid(bad[i], strlen(bad[i])) && mt_utf8_valid(clean, strlen(clean));
        ok &= strstr(clean, "\ufffd") != NULL;
        free(clean);
    }
    OK(ok, "ill-formed UTF-8 is found and cleaned");
    OK(mt_utf8_valid("a\0b", 3), "NUL is valid");
    is_own(mt_utf8_clean("a\0b\xff\xc3\xa9", 6), "a\ufffdb\ufffd\u00e9",
           "each bad byte for itself");
    is_own(mt_utf8_clean("\xe2\x82\xac", 2), "\ufffd\ufffd", "bytes beyond n are not looked at");
    is_own(mt_utf8_clean("", 0), "", "nothing");
}

static void test_printable(void)
{
    is_own(mt_text_printable("a\x1b[31mb\r\n\x07", 80), "a\\x1b[31mb\\x0d\\x0a\\x07",
           "C0 controls");
    is_own(mt_text_printable("\xc2\x9bm \xff", 80), "\\x9bm \\xff", "C1 controls, bad bytes");
    is_own(mt_text_printable("x\u202egpj.exe\u2066\u2028\ufeff", 80),
           "x\\u202egpj.exe\\u2066\\u2028\\ufeff", "bidi and line controls");
    is_own(mt_text_printable("\u200f\u061c", 80), "\\u200f\\u061c", "marks of direction");
    is_own(mt_text_printable("سلام é 😀", 80), "سلام é 😀", "honest text stays");
    is_own(mt_text_printable("0123456789abcdef", 11), "0123...cdef", "the middle goes");
    is_own(mt_text_printable("0123456789", 2), "01...789", "a ceiling below 8 is 8");
    is_own(mt_text_printable("0123456", 0), "0123456", "what fits stays");
    for (size_t max = 8; max < 30; max++) {
        char *s = mt_text_printable("سلام سلام سلام سلام", max);
        if (strlen(s) > max || !mt_utf8_valid(s, strlen(s)))
            OK(0, "cut between characters, not longer than wanted");
        free(s);
    }
    OK(mt_str_starts("abc", "ab") && !mt_str_starts("ab", "abc") && mt_str_starts("x", ""),
       "mt_str_starts");
    OK(mt_str_ends("abc", "bc") && !mt_str_ends("bc", "abc") && mt_str_ends("x", ""),
       "mt_str_ends");
    char mixed[] = "A\xc3\x89Z[@";
    IS_STR(mt_str_lower(mixed), "a\xc3\x89z[@", "mt_str_lower changes ASCII letters only");
    is_own(mt_log_json_string("a\"b\\\n\xff"), "\"a\\\"b\\\\\\u000a\ufffd\"", "JSON string");
}

static void test_numbers(void)
{
    static const char *const no_int[] = {"",    "-",  "+1",  " 1",  "\t1", "1 ", "0x10", "1.0",
                                         "1e3", "3x", "--1", "- 1", "\n1", "٣",  "one"};
    static const char *const no_size[] = {"",     "k",   "-1",  "-0",  " 1",  "+1",  "1.5M", "1X",
                                          "1Kib", "1kk", "1iB", "1 M", "0x1", "1BB", "1Bi"};
    int64_t v = 0;
    int ok = 1;

    OK(mt_parse_int("n", "-42", -100, 100, &v, &err) == 0 && v == -42, "a whole number");
    OK(mt_parse_int("n", "007", 0, 7, &v, &err) == 0 && v == 7, "zeros in front, the maximum");
    OK(mt_parse_int("n", "-9223372036854775808", INT64_MIN, INT64_MAX, &v, &err) == 0 &&
           v == INT64_MIN,
       "the least of all");
    OK(mt_parse_int("--count", "8", 0, 7, &v, &err) < 0 && err.code == MT_ERR_USAGE &&
           mt_str_starts(err.msg, "--count must be between 0 and 7"),
       "over the maximum");
    OK(mt_parse_int("n", "-1", 0, 7, &v, &err) < 0, "below the minimum");
    OK(mt_parse_int("n", "99999999999999999999", INT64_MIN, INT64_MAX, &v, &err) < 0 &&
           mt_str_starts(err.msg, "n must be"),
       "over everything");
    for (size_t i = 0; i < sizeof no_int / sizeof *no_int; i++)
        ok &= mt_parse_int("n", no_int[i], INT64_MIN, INT64_MAX, &v, &err) < 0;
    OK(ok, "what is no whole number");
    OK(mt_parse_size("s", "0", &v, &err) == 0 && v == 0, "no bytes");
    OK(mt_parse_size("s", "500", &v, &err) == 0 && v == 500, "bytes");
    OK(mt_parse_size("s", "500B", &v, &err) == 0 && v == 500, "bytes with B");
    OK(mt_parse_size("s", "2k", &v, &err) == 0 && v == 2000, "k");
    OK(mt_parse_size("s", "2KB", &v, &err) == 0 && v == 2000, "KB");
    OK(mt_parse_size("s", "2Ki", &v, &err) == 0 && v == 2048, "Ki");
    OK(mt_parse_size("s", "3MiB", &v, &err) == 0 && v == 3145728, "MiB");
    OK(mt_parse_size("s", "5G", &v, &err) == 0 && v == 5000000000, "G");
    OK(mt_parse_size("s", "1Ti", &v, &err) == 0 && v == 1099511627776, "Ti");
    OK(mt_parse_size("s", "8388607Ti", &v, &err) == 0 && v == 8388607 * 1099511627776, "the most");
    OK(mt_parse_size("s", "8388608Ti", &v, &err) < 0 && strstr(err.msg, "too large"), "too much");
    OK(mt_parse_size("s", "9223372036854775808", &v, &err) < 0 && strstr(err.msg, "too large"),
       "far too much");
    ok = 1;
    for (size_t i = 0; i < sizeof no_size / sizeof *no_size; i++)
        ok &= mt_parse_size("s", no_size[i], &v, &err) < 0 && err.code == MT_ERR_USAGE;
    OK(ok, "what is no size");
}

static void test_durations(void)
{
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {{"0", 0},
                {"30", 30000000},
                {"30.5", 30500000},
                {".25", 250000},
                {"1.", 1000000},
                {"1:00", 60000000},
                {"90:00", 5400000000},
                {"1:02:03.25", 3723250000},
                {"250ms", 250000},
                {"1.5ms", 1500},
                {"2s", 2000000},
                {"1.5m", 90000000},
                {"0.5h", 1800000000},
                {"0.1234567", 123456},
                {"1000000000h", 3600000000000000000},
                {"1000000000:59:59.999999", 3600000003599999999}};
    static const char *const bad[] = {"",           "x",
                                      "-1",         "+1",
                                      " 1",         "1 ",
                                      ".",          "1:",
                                      ":30",        "1:60",
                                      "1::2",       "1:2:3:4",
                                      "1.5:00",     "1:30m",
                                      "0x10",       "1e3",
                                      "inf",        "nan",
                                      "1d",         "1..5",
                                      "1000000001", "99999999999999999999",
                                      "1:00:60",    "1,5"};
    int64_t us;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        us = -1;
        if (!OK(mt_parse_duration("d", good[i].text, &us, &err) == 0 && us == good[i].us,
                good[i].text))
            printf("#   got %lld\n", (long long)us);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *name = mt_asprintf("'%s' is no duration", bad[i]);
        OK(mt_parse_duration("d", bad[i], &us, &err) < 0 && err.code == MT_ERR_USAGE, name);
        free(name);
    }
}

static void test_figures(void)
{
    char s[MT_FIGURE];

    IS_STR(mt_show_bytes(0, s), "0 B", "0 bytes");
    IS_STR(mt_show_bytes(980, s), "980 B", "980 bytes");
    IS_STR(mt_show_bytes(1000, s), "1.0 kB", "1000 bytes");
    IS_STR(mt_show_bytes(1500000000, s), "1.5 GB", "1.5 GB");
    IS_STR(mt_show_bytes(999999, s), "1.0 MB", "no 1000.0 kB");
    IS_STR(mt_show_bytes(INT64_MAX, s), "9223.4 PB", "the most");
    IS_STR(mt_show_duration(350000, s), "0.35 s", "below ten seconds");
    IS_STR(mt_show_duration(9999999, s), "0:10", "no 10.00 s");
    IS_STR(mt_show_duration(59600000, s), "1:00", "rounded");
    IS_STR(mt_show_duration(3723000000, s), "1:02:03", "an hour");
    IS_STR(mt_show_duration(INT64_MAX, s), "2562047788:00:55", "the longest");
    OK(mt_text_distance("", "") == 0 && mt_text_distance("abc", "") == 3, "distance to nothing");
    OK(mt_text_distance("kitten", "sitting") == 3, "distance");
    OK(mt_text_distance("--ouput", "--output") == 1 && mt_text_distance("ab", "ba") == 1,
       "a missing letter, a swap");
    char x[200], y[200];
    memset(x, 'x', sizeof x);
    memset(y, 'y', sizeof y);
    x[199] = y[199] = '\0';
    OK(mt_text_distance(x, y) == 63, "long strings are cut");
    is_own(mt_base64("", 0), "", "base 64 of nothing");
    is_own(mt_base64("f", 1), "Zg==", "of f");
    is_own(mt_base64("fo", 2), "Zm8=", "of fo");
    is_own(mt_base64("foobar", 6), "Zm9vYmFy", "of foobar");
    is_own(mt_base64("\xff\xfe\x00\xfb", 4), "//4A+w==", "of bytes");
}

static void test_names(void)
{
    char ext[16], lng[400], want[121];

    mt_path_ext("/a.b/FILM.MP4", ext);
    IS_STR(ext, "mp4", "extension in lower case");
    mt_path_ext("/a.b/film", ext);
    IS_STR(ext, "", "not that of a directory");
    mt_path_ext(".profile", ext);
    IS_STR(ext, "", "a hidden file has none");
    mt_path_ext("x.tar.gz", ext);
    IS_STR(ext, "gz", "the last one");
    mt_path_ext("x.", ext);
    IS_STR(ext, "", "an empty one");
    mt_path_ext("x.123456789012345", ext);
    IS_STR(ext, "123456789012345", "15 bytes");
    mt_path_ext("x.1234567890123456", ext);
    IS_STR(ext, "", "16 bytes");
    mt_path_ext("Dr. No", ext);
    IS_STR(ext, "", "no blanks");
    mt_path_ext("x.a\xff", ext);
    IS_STR(ext, "", "no other bytes");
    is_own(mt_path_stem("/a/My Film.mov"), "My Film", "stem");
    is_own(mt_path_stem("Dr. No"), "Dr. No", "a dot that begins no extension");
    is_own(mt_path_stem("--rf.mov"), "rf", "no leading dashes");
    is_own(mt_path_stem("..hidden"), "hidden", "no leading dots");
    is_own(mt_path_stem(".bashrc"), "bashrc", "a hidden file");
    is_own(mt_path_stem("..."), "media", "only dots");
    is_own(mt_path_stem("a/"), "media", "nothing");
    is_own(mt_path_stem("a\nb\x1b\u202e\xc2\x85.x"), "a_b___", "controls");
    is_own(mt_path_stem("caf\xe9.mp4"), "caf\ufffd", "bytes that are not UTF-8");
    is_own(mt_path_stem("فيلم.mp4"), "فيلم", "Arabic");
    for (size_t i = 0; i < 398; i += 2)
        memcpy(lng + 1 + i, "\xd8\xa7", 3);
    lng[0] = 'x';
    memcpy(want, lng, 119);
    want[119] = '\0';
    is_own(mt_path_stem(lng), want, "at most 120 bytes of whole characters");
    IS_STR(mt_path_base("/a/b"), "b", "base name");
    IS_STR(mt_path_base("b"), "b", "of a name");
    IS_STR(mt_path_base("a/"), "", "of a directory");
    is_own(mt_path_join("/a", "b"), "/a/b", "join");
    is_own(mt_path_join("/a/", "b"), "/a/b", "join with a slash there");
}

static void test_keys(void)
{
    static const char *const good[] = {"a",   "a/b/c.mp4",  "...", "..a",  "a..",   ".hidden",
                                       "a b", "فيلم/é.mp4", "-x",  "a\\b", "%2e%2e"};
    static const char *const bad[] = {
        "",     "/",    "/a",    "a/",       "a//b",    ".",
        "..",   "a/..", "../a",  "a/./b",    "a/../b",  "a\nb",
        "\x7f", "\xff", "a\x01", "\xc2\x85", "a\u202e", "a/\xed\xa0\x80"};
    char key[502];
    int ok = 1;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ok &= mt_key_is_safe(good[i]);
    OK(ok, "safe keys");
    ok = 1;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok &= !mt_key_is_safe(bad[i]);
    OK(ok, "unsafe keys");
    memset(key, 'k', sizeof key);
    key[255] = '\0';
    OK(mt_key_is_safe(key), "a part of 255 bytes");
    key[255] = 'k';
    key[256] = '\0';
    OK(!mt_key_is_safe(key), "a part of 256 bytes");
    key[256] = 'k';
    key[250] = '/';
    key[500] = '\0';
    OK(mt_key_is_safe(key), "500 bytes");
    key[500] = 'k';
    key[501] = '\0';
    OK(!mt_key_is_safe(key), "501 bytes");
}

static void test_file_urls(void)
{
    static const char *const none[] = {"",
                                       "/a",
                                       "file:/a",
                                       "file:a",
                                       "file://far/a",
                                       "http://a/b",
                                       "file:///a%",
                                       "file:///a%2",
                                       "file:///%zz",
                                       "file:///a%00b",
                                       "file://",
                                       "file://localhost",
                                       "file://localhostile/a"};
    static const char *const paths[] = {"/",      "/a b",      "/100%", "/فيلم.mp4",
                                        "/a?b#c", "/\xff\x01", "/%41",  "/a&b=c+d;e,f@g:h"};
    int ok = 1;

    is_own(mt_path_of_file_url("file:///a%20b/%C3%A9"), "/a b/é", "decode");
    is_own(mt_path_of_file_url("file://localhost/a"), "/a", "this host");
    is_own(mt_path_of_file_url("file:///a+b"), "/a+b", "a plus is a plus");
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (mt_path_of_file_url(none[i])) {
            printf("# accepted '%s'\n", none[i]);
            ok = 0;
        }
    OK(ok, "what is no file URL");
    is_own(mt_path_to_file_url("/a b?#%"), "file:///a%20b%3F%23%25", "encode");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char *url = mt_path_to_file_url(paths[i]);
        is_own(mt_path_of_file_url(url), paths[i], "to URL and back");
        free(url);
    }
}

static void test_nearest(void)
{
    static const char *const words[] = {"loudness", "silence", "black", "mp4",
                                        "mov",      "1080p",   NULL};
    const char *best;

    best = mt_text_nearest("lodness", words);
    OK(best && strcmp(best, "loudness") == 0, "a letter is missing");
    best = mt_text_nearest("sielnce", words);
    OK(best && strcmp(best, "silence") == 0, "two are swapped");
    best = mt_text_nearest("loud", words);
    OK(best && strcmp(best, "loudness") == 0, "a beginning");
    best = mt_text_nearest("1080", words);
    OK(best && strcmp(best, "1080p") == 0, "the end is missing");
    best = mt_text_nearest("mp3", words);
    OK(best && strcmp(best, "mp4") == 0, "short words may differ in one place");
    OK(!mt_text_nearest("mka", words), "not in two");
    OK(!mt_text_nearest("", words) && !mt_text_nearest("x", words), "nothing is near to nothing");
    char *long_word = mt_alloc(5000);
    memset(long_word, 'l', 4999);
    OK(!mt_text_nearest(long_word, words), "nor to a very long word");
    free(long_word);
    mt_fail(&err, MT_ERR_USAGE, "x");
    OK(mt_hint_nearest(&err, "qqqqqq", words, NULL) == -1, "a hint in any case");
    IS_STR(err.hint, "it takes loudness, silence, black, mp4, mov, 1080p", "all that is known");
}

int main(void)
{
    test_nearest();
    test_utf8();
    test_printable();
    test_numbers();
    test_durations();
    test_figures();
    test_names();
    test_keys();
    test_file_urls();
    return tap_done();
}
