/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text.c - see text.h. */
#include "base/text.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t mt_utf8_next(const char *text, size_t n, uint32_t *cp)
{
    const unsigned char *s = (const unsigned char *)text;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = s[0] < 0x80   ? 1
                 : s[0] < 0xc2 ? 0
                 : s[0] < 0xe0 ? 2
                 : s[0] < 0xf0 ? 3
                 : s[0] < 0xf5 ? 4
                               : 0;

    if (len == 0 || len > n)
        return 0;
    uint32_t c = len == 1 ? s[0] : s[0] & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fU);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *cp = c;
    return len;
}

bool mt_utf8_valid(const char *s, size_t n)
{
    uint32_t cp;

    for (size_t i = 0; i < n;) {
        size_t len = mt_utf8_next(s + i, n - i, &cp);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

char *mt_utf8_clean(const char *s, size_t n)
{
    char *out = mt_realloc(NULL, n + 1, 3);
    char *p = out;
    uint32_t cp;

    for (size_t i = 0; i < n;) {
        size_t len = s[i] ? mt_utf8_next(s + i, n - i, &cp) : 0;
        memcpy(p, len ? s + i : "\xef\xbf\xbd", len ? len : 3);
        p += len ? len : 3;
        i += len ? len : 1;
    }
    *p = '\0';
    return out;
}

bool mt_utf8_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

char *mt_text_printable(const char *s, size_t max)
{
    size_t n = strlen(s);
    char *out = mt_realloc(NULL, n * 6 + 4, 1);
    char *p = out;

    for (size_t i = 0; i < n;) {
        uint32_t cp = 0;
        size_t len = mt_utf8_next(s + i, n - i, &cp);
        if (len == 0)
            p += sprintf(p, "\\x%02x", (unsigned char)s[i]);
        else if (mt_utf8_is_control(cp))
            p += sprintf(p, cp < 0x100 ? "\\x%02x" : "\\u%04x", cp);
        else
            p = (char *)memcpy(p, s + i, len) + len;
        i += len ? len : 1;
    }
    *p = '\0';

    size_t total = (size_t)(p - out);
    if (max < 8)
        max = 8;
    if (total <= max)
        return out;
    size_t head = (max - 3) / 2;
    size_t tail = total - (max - 3 - head);
    while (head > 0 && ((unsigned char)out[head] & 0xc0) == 0x80)
        head--;
    while (tail < total && ((unsigned char)out[tail] & 0xc0) == 0x80)
        tail++;
    memcpy(out + head, "...", 3);
    memmove(out + head + 3, out + tail, total - tail + 1);
    return out;
}

bool mt_str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool mt_str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s);
    size_t m = strlen(suffix);

    return n >= m && strcmp(s + n - m, suffix) == 0;
}

char *mt_str_lower(char *s)
{
    for (char *p = s; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return s;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int mt_parse_int(const char *what, const char *text, int64_t min, int64_t max, int64_t *out,
                 struct mt_err *err)
{
    char *end;

    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (!is_digit(text[*text == '-']) || *end)
        return mt_fail(err, MT_ERR_USAGE, "%s takes a whole number, not '%s'", what, text);
    if (errno == ERANGE || v < min || v > max)
        return mt_fail(err, MT_ERR_USAGE, "%s must be between %lld and %lld, not %s", what,
                       (long long)min, (long long)max, text);
    *out = v;
    return 0;
}

static int64_t size_unit(const char *suffix)
{
    static const char letters[] = "kMGT";
    char c = *suffix == 'K' ? 'k' : *suffix;
    const char *at = c ? strchr(letters, c) : NULL;
    int64_t base = 1000;

    if (!at)
        return (strcmp(suffix, "") == 0 || strcmp(suffix, "B") == 0) ? 1 : 0;
    suffix++;
    if (*suffix == 'i') {
        base = 1024;
        suffix++;
    }
    if (*suffix && strcmp(suffix, "B") != 0)
        return 0;
    int64_t unit = 1;
    for (const char *p = letters; p <= at; p++)
        unit *= base;
    return unit;
}

int mt_parse_size(const char *what, const char *text, int64_t *bytes, struct mt_err *err)
{
    char *end;

    errno = 0;
    long long v = strtoll(text, &end, 10);
    int64_t unit = is_digit(*text) ? size_unit(end) : 0;
    if (unit == 0)
        return mt_fail(err, MT_ERR_USAGE, "%s takes a size such as 500M or 2Gi, not '%s'", what,
                       text);
    if (errno || __builtin_mul_overflow((int64_t)v, unit, bytes))
        return mt_fail(err, MT_ERR_USAGE, "%s is too large: '%s'", what, text);
    return 0;
}

/* Millionths of the figure at *p ("12.5"), moving behind it; -1 if it is none or over 10^9. */
static int64_t read_millionths(const char **p, bool *whole)
{
    int64_t v = 0;

    if (!is_digit(**p) && !(**p == '.' && is_digit((*p)[1])))
        return -1;
    for (; is_digit(**p); ++*p)
        if ((v = v * 10 + (**p - '0')) > 1000000000)
            return -1;
    v *= 1000000;
    *whole = **p != '.';
    if (*whole)
        return v;
    ++*p;
    for (int64_t unit = 100000; is_digit(**p); ++*p, unit /= 10)
        v += (**p - '0') * unit;
    return v;
}

/* The figures of text and what follows them; false if they are no duration. */
static bool read_clock(const char **text, int64_t *total, int *fields)
{
    bool whole;

    *total = 0;
    for (*fields = 1; *fields <= 3; ++*fields) {
        int64_t v = read_millionths(text, &whole);
        if (v < 0 || (*fields > 1 && v >= 60000000))
            return false;
        *total = *total * 60 + v;
        if (**text != ':')
            return true;
        if (!whole)
            return false;
        ++*text;
    }
    return false;
}

int mt_parse_duration(const char *what, const char *text, int64_t *us, struct mt_err *err)
{
    static const struct {
        const char *suffix;
        int64_t mul, div;
    } units[] = {{"", 1, 1}, {"s", 1, 1}, {"ms", 1, 1000}, {"m", 60, 1}, {"h", 3600, 1}};
    const char *p = text;
    int64_t total;
    int fields;

    if (read_clock(&p, &total, &fields))
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (strcmp(p, units[i].suffix) == 0 && (fields == 1 || i == 0)) {
                *us = total * units[i].mul / units[i].div;
                return 0;
            }
    return mt_fail(err, MT_ERR_USAGE, "%s takes a time such as 30, 1:30 or 1:02:03.5, not '%s'",
                   what, text);
}

char *mt_show_bytes(int64_t bytes, char out[MT_FIGURE])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    double v = (double)bytes;
    size_t i = 0;

    if (bytes < 1000) {
        snprintf(out, MT_FIGURE, "%lld B", (long long)bytes);
        return out;
    }
    for (v /= 1000; v >= 999.95 && i + 1 < sizeof units / sizeof *units; i++)
        v /= 1000;
    snprintf(out, MT_FIGURE, "%.1f %s", v, units[i]);
    return out;
}

char *mt_show_duration(int64_t us, char out[MT_FIGURE])
{
    long long s = us / 1000000 + (us % 1000000 >= 500000);

    if (us < 9995000)
        snprintf(out, MT_FIGURE, "%.2f s", (double)us / 1e6);
    else if (s < 3600)
        snprintf(out, MT_FIGURE, "%lld:%02lld", s / 60, s % 60);
    else
        snprintf(out, MT_FIGURE, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return out;
}

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;

    return m < c ? m : c;
}

int mt_text_distance(const char *a, const char *b)
{
    int d[64][64];
    int n = (int)strnlen(a, 63);
    int m = (int)strnlen(b, 63);

    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] =
                min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    return d[n][m];
}

int mt_text_nearness(const char *word, const char *known)
{
    size_t n = strlen(word);
    size_t m = strlen(known);
    int longer = (int)(n > m ? n : m);
    int edits;

    if (n >= 64 || m >= 64)
        return -1;
    edits = mt_text_distance(word, known);
    if (edits * 2 < longer && edits <= (longer > 6 ? 3 : 2))
        return edits;
    return n >= 3 && n < m && strncmp(word, known, n) == 0 ? 4 : -1;
}

const char *mt_text_nearest(const char *word, const char *const words[])
{
    const char *best = NULL;
    int least = 5;

    for (; *words; words++) {
        int edits = mt_text_nearness(word, *words);
        if (edits >= 0 && edits < least) {
            least = edits;
            best = *words;
        }
    }
    return best;
}

int mt_hint_nearest(struct mt_err *err, const char *word, const char *const words[],
                    const char *known)
{
    const char *best = mt_text_nearest(word, words);

    if (best)
        return mt_hint(err, "did you mean '%s'?", best);
    if (known)
        return mt_hint(err, "it takes %s", known);
    char all[sizeof err->hint] = "";
    for (size_t n = 0; *words && n < sizeof all; words++) {
        int more = snprintf(all + n, sizeof all - n, "%s%s", n ? ", " : "", *words);
        n += more > 0 ? (size_t)more : 0;
    }
    return mt_hint(err, "it takes %s", all);
}

char *mt_base64(const void *data, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *s = data;
    char *out = mt_realloc(NULL, n / 3 + 1, 4 + 1);
    char *p = out;

    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)s[i] << 16 | (i + 1 < n ? (uint32_t)s[i + 1] << 8 : 0) |
                     (i + 2 < n ? s[i + 2] : 0);
        *p++ = digits[v >> 18];
        *p++ = digits[v >> 12 & 63];
        *p++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
        *p++ = i + 2 < n ? digits[v & 63] : '=';
    }
    *p = '\0';
    return out;
}

static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *mt_base64url(const void *data, size_t n)
{
    char *text = mt_base64(data, n);

    for (char *c = text; *c; c++)
        *c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c);
    text[strcspn(text, "=")] = '\0';
    return text;
}

unsigned char *mt_base64url_decode(const char *text, size_t n, size_t *len)
{
    unsigned char *out;
    size_t at = 0;
    uint32_t bits = 0;
    int have = 0;

    if (n % 4 == 1)
        return NULL;
    out = mt_realloc(NULL, n + 1, 1);
    for (size_t i = 0; i < n; i++) {
        const char *digit = text[i] ? strchr(url_digits, text[i]) : NULL;
        if (!digit) {
            free(out);
            return NULL;
        }
        bits = bits << 6 | (uint32_t)(digit - url_digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[at++] = (unsigned char)(bits >> have);
            bits &= (1u << have) - 1;
        }
    }
    if (bits) { /* the same bytes would have several texts */
        free(out);
        return NULL;
    }
    out[at] = '\0';
    if (len)
        *len = at;
    return out;
}
