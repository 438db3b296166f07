/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_programs.c - the other programs, and what is built into them. */
#include "status/doctor.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "proc/proc.h"
#include "json/json.h"

#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20, PATIENCE_MS = 10000 };

/* What the program at path prints when asked with one option, as JSON; NULL with *err. New. */
static json_t *ask_at(const char *path, const char *option, struct mt_err *err)
{
    const char *const argv[] = {path, option, NULL};
    struct mt_proc *proc = NULL;
    json_t *answer = NULL;
    struct mt_lines lines;
    char *line;
    size_t n;

    if (mt_proc_start(&proc, argv, MT_PROC_PIPE, err) == 0) {
        struct pollfd wait = {.fd = mt_proc_fd(proc), .events = POLLIN};
        mt_lines_init(&lines, wait.fd, '\n', ANSWER_MAX);
        if (poll(&wait, 1, PATIENCE_MS) != 1) {
            mt_fail(err, MT_ERR_TIMEOUT, "it does not answer");
            mt_proc_kill(proc);
        } else if (mt_lines_next(&lines, &line, &n, err) == 1)
            answer = mt_json_parse(path, line, n, err);
        else
            mt_fail(err, MT_ERR_CRASHED, "it ends without an answer to %s", option);
        mt_lines_free(&lines);
        mt_proc_finish(&proc, NULL);
    }
    return answer;
}

/* The same of a sibling. */
static json_t *ask(struct mt_doctor *d, const char *program, const char *option, struct mt_err *err)
{
    char *path = mt_sibling(d->s->run->dir, program);
    json_t *answer = NULL;

    if (path)
        answer = ask_at(path, option, err);
    else
        mt_fail(err, MT_ERR_UNAVAILABLE, "it is not beside media-status");
    free(path);
    return answer;
}

/* --- programs --- */

/* Each program answers and is of this version. Returns what media-probe says; NULL if nothing. New.
 */
static json_t *check_siblings(struct mt_doctor *d)
{
    static const char *const names[] = {"media-ingest", "media-probe",   "media-transcode",
                                        "media-thumbs", "media-analyze", "media-scan",
                                        "media-queue"};
    json_t *probe = NULL;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct mt_err err = {.code = MT_OK};
        json_t *said = ask(d, names[i], "--version", &err);
        const char *version = mt_json_str(said, "version", "none");
        if (!said)
            mt_doctor_say(d, names[i], MT_VERDICT_PROBLEM,
                          "install all programs of the toolkit in one directory", "%s", err.msg);
        else if (strcmp(version, MT_VERSION) != 0)
            mt_doctor_say(d, names[i], MT_VERDICT_WARNING,
                          "install all programs of the toolkit from one build",
                          "its version is %s, that of media-status %s", version, MT_VERSION);
        else
            mt_doctor_say(d, names[i], MT_VERDICT_OK, NULL, "version %s", version);
        if (strcmp(names[i], "media-probe") == 0)
            probe = json_incref(said);
        json_decref(said);
    }
    return probe;
}

static void check_ffmpeg(struct mt_doctor *d, const json_t *probe)
{
    const char *version = mt_json_str(probe, "libraries.ffmpeg", NULL);
    struct mt_judgement j =
        version ? mt_judge_ffmpeg(version)
                : (struct mt_judgement){MT_VERDICT_UNKNOWN, "media-probe does not say which", NULL};

    mt_doctor_say(d, "ffmpeg", j.verdict, j.remedy, "%s%s%s", version ? version : "",
                  version ? ": " : "", j.reason);
}

static void check_codecs(struct mt_doctor *d)
{
    struct mt_err err = {.code = MT_OK};
    json_t *can = ask(d, "media-probe", "--capabilities", &err);
    char missing[512] = "";
    size_t used = 0, there = 0;
    const char *kind, *name;
    json_t *list, *has;

    json_object_foreach(can, kind, list)
    {
        json_object_foreach(list, name, has)
        {
            there += json_is_true(has);
            if (json_is_false(has) && used < sizeof missing - 64)
                used += (size_t)snprintf(missing + used, sizeof missing - used, "%s%.30s %.10s",
                                         used ? ", " : "", name, kind);
        }
    }
    if (!can)
        mt_doctor_say(d, "codecs", MT_VERDICT_UNKNOWN, "install media-probe", "%s", err.msg);
    else if (used)
        mt_doctor_say(d, "codecs", MT_VERDICT_PROBLEM,
                      "install an FFmpeg that has them (Debian's has)", "missing: %s", missing);
    else
        mt_doctor_say(d, "codecs", MT_VERDICT_OK, NULL, "all %zu that are used are there", there);
    json_decref(can);
}

/* --- files --- */

/*
 * chromaprint before 1.6.1, by the name of the library's file. 1.6.1 repaired heap buffer
 * overflows (August 2026; so says github.com/chimera-linux/cports/pull/5986, of 2026-08-06);
 * no CVE is known for them.
 */
static void check_chromaprint(struct mt_doctor *d)
{
    glob_t found;
    int v[3] = {0, 0, 0};
    const char *at = NULL;

    if (glob("/usr/lib/*/libchromaprint.so.1.*", 0, NULL, &found) != 0 || found.gl_pathc == 0) {
        mt_doctor_say(d, "chromaprint", MT_VERDICT_OK, NULL, "not installed, and not needed");
        return;
    }
    at = strstr(found.gl_pathv[found.gl_pathc - 1], ".so.");
    bool known = at && sscanf(at, ".so.%d.%d.%d", &v[0], &v[1], &v[2]) == 3;
    bool old = known && (v[1] < 6 || (v[1] == 6 && v[2] < 1));
    if (old)
        mt_doctor_say(d, "chromaprint", MT_VERDICT_WARNING,
                      "install 1.6.1 when your distribution has it",
                      "%s is older than 1.6.1, which repaired heap buffer overflows", at + 4);
    else
        mt_doctor_say(d, "chromaprint", known ? MT_VERDICT_OK : MT_VERDICT_UNKNOWN, NULL, "%s",
                      at ? at + 4 : "?");
    globfree(&found);
}

/* "'NAME': why; ..." of the engines that do not work. */
static void note_broken(struct mt_buf *text, const json_t *answer)
{
    const json_t *entry;
    struct mt_err full;
    size_t i;

    json_array_foreach(mt_json_at(answer, "broken"), i, entry)
    {
        if (mt_buf_printf(text, &full, "%s'%.60s': %.160s", text->len ? "; " : "",
                          mt_json_str(entry, "name", "?"),
                          mt_json_str(entry, "error.message", "does not work")) < 0)
            return;
    }
}

/* "'NAME' lacks ...; ..." of those that wait for something; returns how many do not. */
static size_t note_unready(struct mt_buf *text, const json_t *answer)
{
    const json_t *entry;
    struct mt_err full;
    size_t i, ready = 0;

    json_array_foreach(mt_json_at(answer, "engines"), i, entry)
    {
        bool is_ready = mt_json_bool(entry, "ready", false);
        ready += is_ready;
        if (!is_ready &&
            mt_buf_printf(text, &full, "; '%.60s' lacks %.100s", mt_json_str(entry, "name", "?"),
                          mt_json_str(entry, "missing", "something")) < 0)
            break;
    }
    return ready;
}

/* media-analyze asks them, each in its jail. What is not set up need not be. */
static void check_engines(struct mt_doctor *d)
{
    struct mt_err err = {.code = MT_OK};
    json_t *answer = ask(d, "media-analyze", "--list-engines", &err);
    struct mt_buf broken, unready;

    mt_buf_init(&broken, 700);
    mt_buf_init(&unready, 700);
    note_broken(&broken, answer);
    size_t ready = note_unready(&unready, answer);
    if (!answer)
        mt_doctor_say(d, "engines", MT_VERDICT_UNKNOWN, "install media-analyze", "%s", err.msg);
    else if (broken.len)
        mt_doctor_say(d, "engines", MT_VERDICT_WARNING,
                      "run it with --describe, and install what it lacks or remove it",
                      "%zu ready; broken: %s", ready, broken.data);
    else if (ready > 0)
        mt_doctor_say(d, "engines", MT_VERDICT_OK, NULL, "%zu ready%s", ready,
                      unready.len ? unready.data : "");
    else
        mt_doctor_say(
            d, "engines", MT_VERDICT_WARNING,
            "see media-analyze --list-engines; apt install pocketsphinx-en-us for English",
            "none is ready, so no words, faces or objects are found%s",
            unready.len ? unready.data : "");
    mt_buf_free(&broken);
    mt_buf_free(&unready);
    json_decref(answer);
}

static void check_fonts(struct mt_doctor *d)
{
    static const char *const patterns[] = {"/usr/share/fonts/*/*.[to]tf",
                                           "/usr/share/fonts/*/*/*.[to]tf",
                                           "/usr/local/share/fonts/*.[to]tf"};
    size_t n = 0;

    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        glob_t found;
        if (glob(patterns[i], 0, NULL, &found) == 0) {
            n += found.gl_pathc;
            globfree(&found);
        }
    }
    if (n > 0)
        mt_doctor_say(d, "fonts", MT_VERDICT_OK, NULL, "%zu files", n);
    else
        mt_doctor_say(d, "fonts", MT_VERDICT_WARNING,
                      "apt install fonts-dejavu-core fonts-noto-core",
                      "there is no font, so no text can be drawn into pictures");
}

void mt_doctor_programs(struct mt_doctor *d)
{
    json_t *probe = check_siblings(d);

    check_ffmpeg(d, probe);
    check_codecs(d);
    check_chromaprint(d);
    check_engines(d);
    check_fonts(d);
    json_decref(probe);
}
