/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hash.c - the content of a table as one number.
 *
 * Two sums of 64 bits, over rows, of well-mixed hashes (FNV-1a with the
 * finalizer of MurmurHash3, which a published table of constants fixes): sums,
 * because the two databases do not give rows, columns and members in one order.
 */
#include "dbcopy/internal.h"

#include "base/clock.h"
#include "base/text.h"
#include "json/json.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct hash {
    uint64_t a, b;
};

struct table {
    int64_t rows;
    struct hash sum;
};

static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

static struct hash of_bytes(const char *tag, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (; *tag; tag++)
        h = (h ^ (unsigned char)*tag) * UINT64_C(0x100000001b3);
    h = (h ^ 0xff) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return (struct hash){mix(h), mix(h ^ UINT64_C(0x9e3779b97f4a7c15))};
}

static void add(struct hash *to, struct hash more)
{
    to->a += more.a;
    to->b += more.b;
}

/* The hash of a name together with that of its value. */
static struct hash pair(const char *name, struct hash value)
{
    return of_bytes(name, &value, sizeof value);
}

/* A number is what it is worth: 1, 1.0 and -0.0 may be written differently. */
static struct hash of_number(double r)
{
    char text[40];
    int n = fabs(r) < 9e15 && r == floor(r) ? snprintf(text, sizeof text, "%lld", (long long)r)
                                            : snprintf(text, sizeof text, "%.15g", r);

    return of_bytes("n", text, (size_t)n);
}

static struct hash of_int(int64_t i)
{
    char text[40];
    int n = snprintf(text, sizeof text, "%lld", (long long)i);

    return of_bytes("n", text, (size_t)n);
}

/* Times to the millisecond, ids in lower case, all else as it is. */
static struct hash of_text(const char *text, size_t len)
{
    char id[MT_UUID_TEXT];
    struct mt_err ignored;
    int64_t us;

    if (len >= 20 && len < 40 && text[4] == '-' && text[10] == 'T' &&
        mt_time_parse(text, &us, &ignored) == 0)
        return of_int(us / 1000);
    if (len == MT_UUID_TEXT - 1 && mt_uuid_valid(text)) {
        memcpy(id, text, sizeof id);
        return of_bytes("s", mt_str_lower(id), len);
    }
    return of_bytes("s", text, len);
}

static struct hash of_json(const json_t *json);

static struct hash of_object(const json_t *json)
{
    struct hash sum = {0, 0};
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)json, name, value)
        add(&sum, pair(name, of_json(value)));
    return of_bytes("o", &sum, sizeof sum);
}

static struct hash of_array(const json_t *json)
{
    struct hash all = {0, 0};
    size_t i;
    json_t *value;

    json_array_foreach(json, i, value)
    {
        struct hash both[2] = {all, of_json(value)};
        all = of_bytes("i", both, sizeof both);
    }
    return of_bytes("a", &all, sizeof all);
}

static struct hash of_json(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return of_object(json);
    case JSON_ARRAY:
        return of_array(json);
    case JSON_STRING:
        return of_text(json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
        return of_int(json_integer_value(json));
    case JSON_REAL:
        return of_number(json_real_value(json));
    default:
        return of_int(-1000 - (int)json_typeof(json));
    }
}

static struct hash of_json_text(const struct mt_db_value *v)
{
    struct mt_err ignored;
    json_t *json = mt_json_parse("column", v->text, v->len, &ignored);
    struct hash h = json ? of_json(json) : of_text(v->text, v->len);

    json_decref(json);
    return h;
}

bool mt_dbcopy_is_score(const char *column)
{
    return strcmp(column, "confidence_score") == 0;
}

static struct hash of_value(const char *name, const struct mt_db_value *v)
{
    double r = v->type == MT_DB_INT ? (double)v->i : v->r;

    if (mt_dbcopy_is_score(name) && (v->type == MT_DB_INT || v->type == MT_DB_REAL))
        return of_int(llround(r * 100));
    switch (v->type) {
    case MT_DB_INT:
        return of_int(v->i);
    case MT_DB_REAL:
        return of_number(v->r);
    case MT_DB_JSON:
        return of_json_text(v);
    default:
        return of_text(v->text, v->len);
    }
}

static int add_row(void *ctx, const struct mt_db_row *row, struct mt_err *err)
{
    struct table *t = ctx;
    struct hash sum = {0, 0};

    (void)err;
    for (int i = 0; i < row->n; i++)
        if (row->values[i].type != MT_DB_NULL)
            add(&sum, pair(row->names[i], of_value(row->names[i], &row->values[i])));
    add(&t->sum, of_bytes("r", &sum, sizeof sum));
    t->rows++;
    return 0;
}

int mt_dbcopy_hash(struct mt_db *db, const char *sql, int64_t *rows, char hash[MT_DBCOPY_HASH],
                   struct mt_err *err)
{
    struct table t = {.rows = 0};

    if (mt_db_each(db, add_row, &t, err, sql, "") < 0)
        return -1;
    *rows = t.rows;
    snprintf(hash, MT_DBCOPY_HASH, "%016llx%016llx", (unsigned long long)t.sum.a,
             (unsigned long long)t.sum.b);
    return 0;
}
