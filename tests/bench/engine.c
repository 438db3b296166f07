/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine.c - an engine run over the protocol, in one process: for scripts/bench-analyze.
 *
 *   engine DIR NAME PCM STEP_S    hands s16le sound of 16 kHz to the engine in spans of STEP_S
 *                                 seconds; prints seconds of the clock and of the processor, its
 *                                 own and the engine's, and how many words came
 */
#include "engine/engine.h"
#include "base/clock.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES_A_SECOND = 32000 };

static double processor(void)
{
    struct rusage self, children;

    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    return (double)(self.ru_utime.tv_sec + self.ru_stime.tv_sec + children.ru_utime.tv_sec +
                    children.ru_stime.tv_sec) +
           (double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec + children.ru_utime.tv_usec +
                    children.ru_stime.tv_usec) /
               1e6;
}

static int count(void *ctx, int i, const json_t *finding, struct mt_err *err)
{
    size_t *words = ctx;

    (void)i;
    (void)err;
    *words += json_array_size(json_object_get(finding, "words"));
    return 0;
}

static json_t *start_of(int fd, double step_s, double *length_s)
{
    struct stat st;
    json_t *spans = json_array();

    *length_s = fstat(fd, &st) == 0 ? (double)st.st_size / BYTES_A_SECOND : 0;
    for (double at = 0; at < *length_s; at += step_s)
        json_array_append_new(spans, json_pack("{s:f, s:f}", "start_s", at, "end_s",
                                               at + step_s < *length_s ? at + step_s : *length_s));
    return json_pack("{s:{s:s, s:I, s:i}, s:o, s:[s], s:f}", "input", "kind", "audio", "bytes",
                     (json_int_t)(*length_s * BYTES_A_SECOND), "rate_hz", 16000, "spans", spans,
                     "languages", "en", "duration_s", *length_s);
}

int main(int argc, char **argv)
{
    struct mt_engine_host host = {.path = argc == 5 ? argv[1] : ""};
    struct mt_engines engines = {0};
    struct mt_err err = {0};
    size_t words = 0;
    double length_s;
    int fd = argc == 5 ? open(argv[3], O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0) {
        fprintf(stderr, "usage: engine DIR NAME PCM STEP_S\n");
        return 2;
    }
    mt_engines_find(&engines, &host);
    const struct mt_engine *engine =
        mt_engine_choose(&engines, "transcription", argv[2], NULL, &err);
    struct mt_engine_task task = {start_of(fd, atof(argv[4]), &length_s), fd};
    struct mt_engine_run run = {.type = "transcription",
                                .host = &host,
                                .duration_s = length_s,
                                .finding = count,
                                .ctx = &words};
    double cpu = processor();
    int64_t from = mt_mono_us();
    int ret = engine ? mt_engine_run(engine, &task, 1, 1, &run, &err) : -1;
    if (ret < 0)
        fprintf(stderr, "engine: %s\n", err.msg);
    else
        printf("%.3f %.3f %zu\n", (double)(mt_mono_us() - from) / 1e6, processor() - cpu, words);
    mt_engines_free(&engines);
    close(fd);
    return ret < 0;
}
