/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tap.h - just enough to write unit tests that prove(1) can read. */
#ifndef MT_TESTS_TAP_H
#define MT_TESTS_TAP_H

#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

#define OK(cond, name) tap_ok((cond) != 0, (name), __FILE__, __LINE__)
#define IS_STR(got, want, name) tap_is_str((got), (want), (name), __FILE__, __LINE__)

static inline int tap_ok(int pass, const char *name, const char *file, int line)
{
    printf("%sok %d - %s\n", pass ? "" : "not ", ++tap_count, name);
    if (!pass) {
        printf("#   at %s:%d\n", file, line);
        tap_failed++;
    }
    return pass;
}

static inline int tap_is_str(const char *got, const char *want, const char *name, const char *file,
                             int line)
{
    int pass = tap_ok(strcmp(got, want) == 0, name, file, line);

    if (!pass)
        printf("#   got  '%s'\n#   want '%s'\n", got, want);
    return pass;
}

static inline int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed ? 1 : 0;
}

#endif
