/* SPDX-License-Identifier: GPL-2.0-or-later */
/* av_films.h - films made and measured with the command line tools, for tests of lib/av. */
#ifndef MT_TESTS_AV_FILMS_H
#define MT_TESTS_AV_FILMS_H

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Where they lie. */
static char dir[256];

/* What the shell command prints, without the last newline; "" if it fails. dir is its $D. */
static inline const char *sh(const char *command)
{
    static char out[65536];
    size_t n = 0;
    FILE *pipe = popen(command, "r");

    if (pipe) {
        n = fread(out, 1, sizeof(out) - 1, pipe);
        if (pclose(pipe) != 0)
            printf("# failed: %s\n", command);
    }
    while (n > 0 && out[n - 1] == '\n')
        n--;
    out[n] = '\0';
    return out;
}

static inline const char *shf(const char *fmt, const char *arg)
{
    static char command[2048];

    snprintf(command, sizeof(command), fmt, arg);
    return sh(command);
}

static inline void make(const char *args)
{
    char command[2048];

    snprintf(command, sizeof(command), "ffmpeg -nostdin -v error -y %s", args);
    sh(command);
}

static inline int in_dir(const char *name, int flags)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return open(path, flags | O_CLOEXEC, 0600);
}

#endif
