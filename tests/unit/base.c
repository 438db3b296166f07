/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base.c - errors, times, identifiers and buffers. */
#include "../tap.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>

static struct mt_err err;

static void test_codes(void)
{
    int named = 1, unique = 1, status = 1, retry = 1;

    for (int i = 0; i < MT_CODE_COUNT; i++) {
        const char *name = mt_code_name((enum mt_code)i);
        int s = mt_code_exit_status((enum mt_code)i);
        named &= name && *name && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name);
        named &= mt_code_meaning((enum mt_code)i) && *mt_code_meaning((enum mt_code)i);
        unique &= name && mt_code_by_name(name) == (enum mt_code)i;
        status &= s >= 0 && s <= 11 && s != 3;
        status &= s != 0 || i == MT_OK || i == MT_ERR_NOT_APPLICABLE;
        retry &= mt_code_retryable((enum mt_code)i) == (s == 5 || s == 11);
    }
    OK(named, "every code has a name in lower case and a meaning");
    OK(unique, "every name leads back to its own code");
    OK(status, "every code has an exit status of the contract, failures not 0");
    OK(retry, "what may be retried is what supervisors retry");
    OK(mt_code_by_name("from_the_future") == MT_ERR_FAILED, "an unknown name is a failure");
}

static void test_errors(void)
{
    static const struct {
        int os;
        enum mt_code code;
    } of[] = {{ENOENT, MT_ERR_NO_FILE},   {ENOTDIR, MT_ERR_NO_FILE},    {EACCES, MT_ERR_UNREADABLE},
              {ENOSPC, MT_ERR_NO_SPACE},  {EDQUOT, MT_ERR_NO_SPACE},    {EROFS, MT_ERR_READ_ONLY},
              {EPERM, MT_ERR_UNREADABLE}, {EISDIR, MT_ERR_NOT_REGULAR}, {EIO, MT_ERR_IO}};
    char lng[2000];
    int right = 1;

    OK(mt_fail(&err, MT_ERR_FAILED, "no '%s'", "x") == -1 && err.code == MT_ERR_FAILED &&
           err.os_errno == 0 && !mt_err_hint(&err),
       "mt_fail");
    IS_STR(err.msg, "no 'x'", "its message");
    mt_fail_in(&err, "in '%d'", 7);
    IS_STR(err.msg, "in '7': no 'x'", "a prefix");
    OK(mt_hint(&err, "do %s", "y") == -1 && strcmp(mt_err_hint(&err), "do y") == 0, "a hint");
    OK(err.trace.signal == -1 && err.trace.exit_status == -1 && err.trace.stream == -1 &&
           err.trace.time_us == -1 && err.trace.reached_us == -1 && !err.trace.last_words[0],
       "nothing is known of where and how");
    mt_fail_at(&err, 2, 5000);
    mt_fail_words(&err, "first");
    mt_fail_words(&err, "second");
    mt_fail_in(&err, "x");
    OK(err.trace.stream == 2 && err.trace.time_us == 5000, "a place, kept on the way out");
    IS_STR(err.trace.last_words, "first", "the words that were there first");
    mt_fail(&err, MT_ERR_FAILED, "x");
    memset(lng, 'x', sizeof lng - 1);
    memcpy(lng + sizeof lng - MT_WORDS - 1, "\xc3\xa4", 2);
    lng[sizeof lng - 1] = '\0';
    mt_fail_words(&err, lng);
    OK(strlen(err.trace.last_words) == MT_WORDS - 2, "the end of long ones, whole characters only");
    mt_fail(&err, MT_ERR_USAGE, "x");
    IS_STR(mt_err_hint(&err), "see --help", "the code's own hint when there is no other");
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        errno = of[i].os;
        mt_fail_errno(&err, "cannot");
        right &= err.code == of[i].code && err.os_errno == of[i].os;
    }
    OK(right, "the code follows from errno");
    for (size_t i = 0; i + 2 < sizeof lng; i += 2)
        memcpy(lng + i, "\xd8\xa7", 3);
    errno = ENOENT;
    mt_fail_errno(&err, "'%s'", lng);
    OK(mt_str_ends(err.msg, "...: No such file or directory"), "a long subject leaves the reason");
    OK(mt_utf8_valid(err.msg, strlen(err.msg)), "and is cut between characters");
    mt_fail(&err, MT_ERR_IO, "%s", lng);
    size_t n = strlen(err.msg);
    OK(n > 500 && mt_utf8_valid(err.msg, n), "a long message as well");
    mt_fail_in(&err, "x%s", "y");
    OK(mt_str_starts(err.msg, "xy: \xd8\xa7") && mt_utf8_valid(err.msg, strlen(err.msg)),
       "a prefix before a long message");
    mt_fail_in(&err, "%s", lng);
    OK(mt_utf8_valid(err.msg, strlen(err.msg)), "a long prefix");
    mt_hint(&err, "%s", lng);
    OK(mt_utf8_valid(err.hint, strlen(err.hint)) && strlen(err.hint) > 250, "a long hint");
}

static void test_times(void)
{
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {{"1970-01-01T00:00:00Z", 0},
                {"2026-01-15T14:00:00.000Z", 1768485600000000},
                {"2026-01-15t14:00:00z", 1768485600000000},
                {"2026-01-15 14:00:00Z", 1768485600000000},
                {"2026-01-15T17:00:00+03:00", 1768485600000000},
                {"2026-01-15T08:30:00-05:30", 1768485600000000},
                {"2026-01-15T14:00:00.1234567Z", 1768485600123456},
                {"2024-02-29T00:00:00Z", 1709164800000000},
                {"2016-12-31T23:59:60Z", 1483228800000000},
                {"1969-12-31T23:59:59.5Z", -500000},
                {"0000-01-01T00:00:00Z", -62167219200000000}};
    static const char *const bad[] = {"",
                                      "2026-01-15",
                                      "2026-01-15T14:00:00",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2026-01-32T00:00:00Z",
                                      "2026-01-00T00:00:00Z",
                                      "2026-01-15T24:00:00Z",
                                      "2026-01-15T23:60:00Z",
                                      "2026-01-15T23:00:61Z",
                                      "2026-01-15T14:00:00.Z",
                                      "2026-01-15T14:00:00Zx",
                                      "2026-01-15T14:00:00+03:00x",
                                      "2026-01-15T14:00:00+3:00",
                                      "2026-01-15T14:00:00+24:00",
                                      "2026-01-15T14:00:00+03:60",
                                      "2026-1-15T14:00:00Z",
                                      " 2026-01-15T14:00:00Z",
                                      "+026-01-15T14:00:00Z",
                                      "2026-01-15T-4:00:00Z",
                                      "2026-01-15T 4:00:00Z",
                                      "2026-01-15X14:00:00Z",
                                      "1900-02-29T00:00:00Z"};
    char text[MT_TIME_TEXT], a[MT_UUID_TEXT], b[MT_UUID_TEXT];
    int64_t us;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        us = 1;
        if (!OK(mt_time_parse(good[i].text, &us, &err) == 0 && us == good[i].us, good[i].text))
            printf("#   got %lld\n", (long long)us);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *name = mt_asprintf("'%s' is no time", bad[i]);
        OK(mt_time_parse(bad[i], &us, &err) < 0 && err.code == MT_ERR_USAGE, name);
        free(name);
    }
    IS_STR(mt_time_text(1768485600123999, text), "2026-01-15T14:00:00.123Z", "a time as text");
    IS_STR(mt_time_text(0, text), "1970-01-01T00:00:00.000Z", "the beginning");
    IS_STR(mt_time_text(-1, text), "1969-12-31T23:59:59.999Z", "just before it");
    IS_STR(mt_time_text(INT64_MIN, text), "0000-01-01T00:00:00.000Z", "before all years");
    IS_STR(mt_time_text(INT64_MAX, text), "9999-12-31T23:59:59.999Z", "after all years");
    us = mt_now_us();
    OK(mt_time_parse(mt_time_text(us, text), &us, &err) == 0 && us % 1000 == 0 &&
           us > 1700000000000000,
       "now, there and back");
    us = mt_mono_us();
    OK(mt_mono_us() >= us, "the steady clock");
    OK(mt_uuid_valid(mt_uuid(a)) && a[14] == '4' && strchr("89ab", a[19]), "a random UUID");
    OK(strcmp(a, mt_uuid(b)) != 0, "another one");
    OK(mt_uuid_valid("123E4567-e89b-12d3-a456-426614174000"), "any version, any case");
    OK(!mt_uuid_valid("") && !mt_uuid_valid("123e4567-e89b-12d3-a456-42661417400") &&
           !mt_uuid_valid("123e4567-e89b-12d3-a456-4266141740000") &&
           !mt_uuid_valid("123e4567ae89b-12d3-a456-426614174000") &&
           !mt_uuid_valid("123g4567-e89b-12d3-a456-426614174000"),
       "what is no UUID");
}

static void test_buffers(void)
{
    struct mt_buf b;

    mt_buf_init(&b, 10);
    OK(!b.data && b.len == 0, "an empty buffer");
    mt_buf_clear(&b);
    mt_buf_consume(&b, 5);
    OK(mt_buf_add(&b, "", 0, &err) == 0 && b.len == 0 && b.data && !b.data[0], "add nothing");
    OK(mt_buf_add(&b, "12345", 5, &err) == 0 && mt_buf_printf(&b, &err, "%d", 678) == 0 &&
           strcmp(b.data, "12345678") == 0,
       "add and print");
    OK(mt_buf_add(&b, "abc", 3, &err) < 0 && err.code == MT_ERR_LIMIT && b.len == 8, "the ceiling");
    OK(mt_buf_printf(&b, &err, "%s", "abc") < 0 && err.code == MT_ERR_LIMIT &&
           strcmp(b.data, "12345678") == 0,
       "for printing too");
    OK(mt_buf_add(&b, "ab", 2, &err) == 0 && b.len == 10 && b.cap <= 11, "up to the ceiling");
    OK(mt_buf_reserve(&b, (size_t)-1, &err) < 0 && err.code == MT_ERR_LIMIT, "a huge reserve");
    mt_buf_consume(&b, 4);
    IS_STR(b.data, "5678ab", "consume");
    mt_buf_consume(&b, 100);
    OK(b.len == 0 && !b.data[0], "consume all");
    mt_buf_free(&b);
    OK(!b.data && b.max == 10, "free keeps the ceiling");
    mt_buf_init(&b, (size_t)-1);
    OK(mt_buf_reserve(&b, 3, &err) == 0 && !b.data[0], "reserve ends with a NUL");
    int full = 1;
    for (int i = 0; i < 5000; i++)
        full &= mt_buf_add(&b, "0123456789", 10, &err) == 0;
    OK(full && b.len == 50000 && strlen(b.data) == 50000, "growing");
    OK(mt_buf_reserve(&b, (size_t)-1 / 2, &err) < 0, "no overflow without a ceiling");
    mt_buf_free(&b);
}

int main(void)
{
    test_codes();
    test_errors();
    test_times();
    test_buffers();
    return tap_done();
}
