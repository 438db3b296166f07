/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kit.c - see kit.h. */
#include "engine-kit/kit.h"

#include "base/file.h"
#include "base/mem.h"
#include "json/json.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPAN_MAX_S = 3600 };

static int say(json_t *line, struct mt_err *err)
{
    char *compact = mt_json_compact(line);
    char *text = mt_asprintf("%s\n", compact);
    int ret = mt_write_all(STDOUT_FILENO, text, strlen(text));

    if (ret < 0)
        mt_fail_errno(err, "cannot answer");
    free(text);
    free(compact);
    json_decref(line);
    return ret;
}

int mt_kit_finding(json_t *finding, struct mt_err *err)
{
    json_object_set_new(finding, "type", json_string("finding"));
    return say(finding, err);
}

int mt_kit_progress(double done, struct mt_err *err)
{
    done = done < 0 ? 0 : done > 1 ? 1 : done;
    return say(json_pack("{s:s, s:o}", "type", "progress", "done", mt_json_real(done, 4)), err);
}

int16_t *mt_kit_samples(const json_t *task, const json_t *span, size_t *n, struct mt_err *err)
{
    int64_t rate = mt_json_int(task, "input.rate_hz", 16000);
    double start = mt_json_num(span, "start_s", 0), end = mt_json_num(span, "end_s", 0);

    if (!(start >= 0 && end >= start && end - start <= SPAN_MAX_S)) {
        mt_fail(err, MT_ERR_LIMIT, "a span from %g s to %g s", start, end);
        return NULL;
    }
    int64_t first = llround(start * (double)rate);
    size_t want = (size_t)(llround(end * (double)rate) - first) * sizeof(int16_t);
    int16_t *samples = mt_alloc(want + sizeof *samples);
    ssize_t got = mt_pread_full(MT_KIT_MATERIAL, samples, want, first * (int64_t)sizeof *samples);
    if (got < 0) {
        mt_fail_errno(err, "cannot read the sound");
        free(samples);
        return NULL;
    }
    *n = (size_t)got / sizeof *samples;
    return samples;
}

static const char *word_of(enum mt_code code)
{
    if (code == MT_ERR_UNAVAILABLE || code == MT_ERR_CONFIG || code == MT_ERR_USAGE)
        return "unavailable";
    return mt_code_retryable(code) ? "temporary" : "failed";
}

static json_t *first_line(struct mt_err *err)
{
    struct mt_lines lines;
    char *text;
    size_t n;
    json_t *line = NULL;

    mt_lines_init(&lines, STDIN_FILENO, '\n', MT_JSON_LINE_MAX);
    int got = mt_lines_next(&lines, &text, &n, err);
    if (got > 0)
        line = mt_json_parse("the first line", text, n, err);
    else if (got == 0)
        mt_fail(err, MT_ERR_USAGE, "no task on standard input; see media-engine(7)");
    mt_lines_free(&lines);
    return line;
}

static int describe(const struct mt_kit_engine *engine, struct mt_err *err)
{
    json_t *options = isatty(STDIN_FILENO) ? json_object() : first_line(err);
    json_t *about = engine->about(json_is_object(options) ? options : NULL);
    int ret = say(about, err);

    json_decref(options);
    return ret;
}

/* LeakSanitizer looks at a process by ptrace(2), which the jail of an engine refuses. */
#if defined(__SANITIZE_ADDRESS__)
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
}
#endif

int mt_kit_main(const struct mt_kit_engine *engine, int argc, char **argv)
{
    struct mt_err err = {0};
    json_t *task = NULL;

    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "--describe") == 0)
        return describe(engine, &err) < 0;
    if (argc > 1)
        mt_fail(&err, MT_ERR_USAGE, "an engine is run by media-analyze; see media-engine(7)");
    else if ((task = first_line(&err)) && engine->run(task, &err) == 0 &&
             say(json_pack("{s:s}", "type", "end"), &err) == 0) {
        json_decref(task);
        return 0;
    }
    json_decref(task);
    json_t *line = json_pack("{s:s, s:s, s:o}", "type", "error", "code", word_of(err.code),
                             "message", mt_json_text(err.msg));
    const char *hint = mt_err_hint(&err);
    if (hint)
        json_object_set_new(line, "hint", mt_json_text(hint));
    say(line, &err);
    return 1;
}
