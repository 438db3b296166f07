/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * value.c - columns in PostgreSQL's binary form.
 *
 * The text form of a time or a number follows settings of the session (TimeZone,
 * DateStyle, extra_float_digits), which a pooler shares among strangers; the
 * binary form follows none. Numbers are big-endian (pqformat of the protocol);
 * the layouts are those of the types' send functions.
 */
#include "db-pg/internal.h"

#include "base/clock.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Object identifiers of types, fixed for ever in pg_type.dat. */
enum {
    OID_BOOL = 16,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_OID = 26,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_UNKNOWN = 705,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_TIMESTAMPTZ = 1184,
    OID_NUMERIC = 1700,
    OID_VOID = 2278,
    OID_UUID = 2950,
    OID_JSONB = 3802,
};

enum { DIGITS_MAX = 32 };

/* 2000-01-01, where PostgreSQL counts from, in microseconds since 1970. */
static const int64_t epoch_us = INT64_C(946684800000000);

static uint64_t big_endian(const char *p, int n)
{
    uint64_t v = 0;

    for (int i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static void set_text(struct mt_db_value *v, const char *text, size_t len)
{
    v->type = MT_DB_TEXT;
    v->text = text;
    v->len = len;
}

static void set_uuid(struct mt_db_value *v, const char *p, char *scratch)
{
    char *to = scratch;

    for (int i = 0; i < 16; i++)
        to += snprintf(to, 4, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
                       (unsigned)(unsigned char)p[i]);
    set_text(v, scratch, (size_t)(to - scratch));
}

static void set_time(struct mt_db_value *v, const char *p, char *scratch)
{
    int64_t us = (int64_t)big_endian(p, 8);

    /* Infinity is the greatest and the least of all; mt_time_text() keeps to the years it has. */
    if (us < INT64_MAX - epoch_us)
        us += epoch_us;
    mt_time_text(us, scratch);
    set_text(v, scratch, strlen(scratch));
}

/* Digits of base 10000 as a decimal number with an exponent, so that strtod() rounds once. */
static double real_of(const char *digits, int n, int weight)
{
    char text[4 * DIGITS_MAX + 24];
    char *to = text;
    int shift = weight + 1;

    *to++ = '0';
    for (int k = 0; k < n && k < DIGITS_MAX; k++, shift--) /* a double tells no more apart */
        to += snprintf(to, 5, "%04u", (unsigned)big_endian(digits + 2 * k, 2) % 10000);
    snprintf(to, 20, "e%d", 4 * shift);
    return strtod(text, NULL);
}

/* numeric_send(): number of digits of base 10000, weight of the first, sign, decimals, digits. */
static void set_numeric(struct mt_db_value *v, const char *p, int len)
{
    int n = (int)big_endian(p, 2);
    int weight = (int16_t)big_endian(p + 2, 2);
    unsigned sign = (unsigned)big_endian(p + 4, 2);
    bool fits = big_endian(p + 6, 2) == 0 && weight < 5;
    int64_t i = 0;

    v->type = MT_DB_REAL;
    v->r = NAN;
    if (len < 8 + 2 * n || (sign != 0 && sign != 0x4000))
        return;
    v->r = real_of(p + 8, n, weight) * (sign ? -1 : 1);
    for (int k = 0; fits && k <= weight; k++) { /* zeros at the end are left out */
        int digit = k < n ? (int)big_endian(p + 8 + 2 * k, 2) : 0;
        fits = !__builtin_mul_overflow(i, 10000, &i) && !__builtin_add_overflow(i, digit, &i);
    }
    if (fits) {
        v->type = MT_DB_INT;
        v->i = sign ? -i : i;
    }
}

static void set_real(struct mt_db_value *v, const char *p, int len)
{
    v->type = MT_DB_REAL;
    if (len == 4) {
        uint32_t bits = (uint32_t)big_endian(p, 4);
        float f;
        memcpy(&f, &bits, sizeof f);
        v->r = (double)f;
    } else {
        uint64_t bits = big_endian(p, 8);
        memcpy(&v->r, &bits, sizeof v->r);
    }
}

static void set_int(struct mt_db_value *v, const char *p, int len)
{
    v->type = MT_DB_INT;
    v->i = len == 1   ? p[0] != 0
           : len == 2 ? (int16_t)big_endian(p, 2)
           : len == 4 ? (int32_t)big_endian(p, 4)
                      : (int64_t)big_endian(p, 8);
}

/* --- JSON --- */

/* The end of a string that begins at p. */
static const char *past_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : p;
}

static bool is_huge(const char *number, size_t n)
{
    if (n <= 18 || strcspn(number, ".eE") < n)
        return false;
    errno = 0;
    return (strtoll(number, NULL, 10) == 0 || errno) && errno == ERANGE;
}

/* The next whole number at or after p that has more than 63 bits, its end into *end; or NULL. */
static const char *find_huge(const char *p, const char **end)
{
    while (*p) {
        if (*p == '"') {
            p = past_string(p);
        } else if (isdigit((unsigned char)*p) || *p == '-') {
            size_t n = strspn(p, "+-0123456789.eE");
            *end = p + n;
            if (is_huge(p, n))
                return p;
            p += n;
        } else {
            p++;
        }
    }
    return NULL;
}

/*
 * jsonb writes 1e22 out in full, as if it were a whole number, which JSON
 * readers do not take. Such numbers get ".0" behind them; NULL if there is none.
 */
static char *with_reals(const char *json)
{
    const char *end;
    char *out = NULL;

    for (const char *huge = find_huge(json, &end); huge; huge = find_huge(end, &end)) {
        char *longer = mt_asprintf("%s%.*s.0", out ? out : "", (int)(end - json), json);
        free(out);
        out = longer;
        json = end;
    }
    if (!out)
        return NULL;
    char *whole = mt_asprintf("%s%s", out, json);
    free(out);
    return whole;
}

static void set_jsonb(struct mt_db_value *v, const char *p, int len, char **owned)
{
    /* A version, 1, stands before the text. */
    set_text(v, p + 1, (size_t)len - 1);
    v->type = MT_DB_JSON;
    *owned = with_reals(v->text);
    if (*owned) {
        v->text = *owned;
        v->len = strlen(*owned);
    }
}

static bool is_json_name(const char *name)
{
    size_t n = strlen(name);

    return n > 5 && strcmp(name + n - 5, "_json") == 0;
}

static int set_other(const struct mt_pg *s, const PGresult *res, int column, struct mt_db_value *v,
                     char **owned, struct mt_err *err)
{
    const char *p = s->pq.PQgetvalue(res, 0, column);
    int len = s->pq.PQgetlength(res, 0, column);
    unsigned type = s->pq.PQftype(res, column);

    switch (type) {
    case OID_JSONB:
        set_jsonb(v, p, len, owned);
        return 0;
    case OID_JSON:
        set_text(v, p, (size_t)len);
        v->type = MT_DB_JSON;
        return 0;
    case OID_NAME:
    case OID_TEXT:
    case OID_UNKNOWN:
    case OID_BPCHAR:
    case OID_VARCHAR:
    case OID_VOID:
        set_text(v, p, (size_t)len);
        if (is_json_name(s->pq.PQfname(res, column)))
            v->type = MT_DB_JSON;
        return 0;
    default:
        return mt_fail(err, MT_ERR_BUG, "column '%s' has a type (%u) to be cast in the statement",
                       s->pq.PQfname(res, column), type);
    }
}

int mt_pg_value(const struct mt_pg *s, const PGresult *res, int column, struct mt_db_value *v,
                char *scratch, char **owned, struct mt_err *err)
{
    const char *p = s->pq.PQgetvalue(res, 0, column);
    int len = s->pq.PQgetlength(res, 0, column);

    *v = (struct mt_db_value){.type = MT_DB_NULL};
    if (s->pq.PQgetisnull(res, 0, column))
        return 0;
    switch (s->pq.PQftype(res, column)) {
    case OID_BOOL:
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
        set_int(v, p, len);
        return 0;
    case OID_OID:
        v->type = MT_DB_INT;
        v->i = (int64_t)big_endian(p, 4);
        return 0;
    case OID_FLOAT4:
    case OID_FLOAT8:
        set_real(v, p, len);
        return 0;
    case OID_NUMERIC:
        set_numeric(v, p, len);
        return 0;
    case OID_UUID:
        set_uuid(v, p, scratch);
        return 0;
    case OID_TIMESTAMPTZ:
        set_time(v, p, scratch);
        return 0;
    default:
        return set_other(s, res, column, v, owned, err);
    }
}
