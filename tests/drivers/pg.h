/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pg.h - PostgreSQL for driver tests: the server of scripts/test (MT_TEST_PG
 * names its directory), or one of their own.
 */
#ifndef MT_TESTS_PG_H
#define MT_TESTS_PG_H

#include "base/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char pg_own[] = "/tmp/mt-pg-XXXXXX";
static bool pg_started;

/* What the command prints, one line; "" if it fails. free() it. */
static inline char *pg_line(const char *arguments)
{
    const char *top = getenv("MT_TOP");
    char *command = mt_asprintf("'%s/tests/pg.sh' %s", top ? top : ".", arguments);
    char line[512] = "";
    FILE *said = popen(command, "r");

    if (!said || !fgets(line, sizeof line, said))
        line[0] = '\0';
    if (said && pclose(said) != 0)
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    free(command);
    return mt_strdup(line);
}

/* Starts a server of our own in pg_own, whatever there is; ends with pg_end(). */
static inline bool pg_start_own(void)
{
    if (!mkdtemp(pg_own) || chmod(pg_own, 0755) < 0)
        return false;
    char *arguments = mt_asprintf("start '%s'", pg_own);
    char *line = pg_line(arguments);
    pg_started = line[0] != '\0';
    free(line);
    free(arguments);
    arguments = mt_asprintf("pooler '%s' 6432", pg_own);
    free(pg_line(arguments));
    free(arguments);
    return pg_started && setenv("MT_TEST_PG", pg_own, 1) == 0;
}

/* The URL of a new, empty database; NULL if there is no server to be had. free() it. */
static inline char *pg_new(void)
{
    if (!getenv("MT_TEST_PG") && !pg_start_own())
        return NULL;
    char *url = pg_line("new");
    if (*url)
        return url;
    free(url);
    return NULL;
}

static inline void pg_end(void)
{
    if (!pg_started)
        return;
    char *arguments = mt_asprintf("stop '%s'", pg_own);
    free(pg_line(arguments));
    free(arguments);
    char *rm = mt_asprintf("rm -rf '%s'", pg_own);
    if (system(rm) != 0)
        printf("# '%s' is left\n", pg_own);
    free(rm);
}

#endif
