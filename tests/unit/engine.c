/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine.c - engines: found, asked, run, and whatever they do, only they fail. */
#include "engine/engine.h"
#include "../tap.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "jail/jail.h"
#include "json/json.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIBE(name)                                                                             \
    "#!/bin/sh\nif [ \"$1\" = --describe ]; then echo '{\"protocol\":1,\"name\":\"" name           \
    "\",\"version\":\"1\",\"types\":[\"transcription\"],\"languages\":[\"en\"],"                   \
    "\"needs\":{\"input\":\"audio\"}}'; exit; fi\nread -r task\n"
#define END "\necho '{\"type\":\"end\"}'\n"
#define FINDING(start, end, more)                                                                  \
    "echo '{\"type\":\"finding\",\"start_s\":" start ",\"end_s\":" end ",\"text\":\"x\"" more "}'" \
    "\n"

static char dir[] = "/tmp/mt-engine-test-XXXXXX";

struct heard {
    int findings, last_task, progress;
    char text[400];
    int cancel_after;
};

static int hear(void *ctx, int i, const json_t *finding, struct mt_err *err)
{
    struct heard *h = ctx;

    (void)err;
    h->findings++;
    h->last_task = i;
    snprintf(h->text, sizeof h->text, "%s", mt_json_str(finding, "text", ""));
    return 0;
}

static void see(void *ctx, double done)
{
    struct heard *h = ctx;

    h->progress++;
    if (done < 0 || done > 1)
        h->progress = -1000;
}

static int cancelled(void *ctx)
{
    struct heard *h = ctx;

    return h->cancel_after && h->findings >= h->cancel_after;
}

static void install(const char *name, const char *script)
{
    char *path = mt_path_join(dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

    if (fd < 0 || mt_write_all(fd, script, strlen(script)) < 0)
        exit(1);
    close(fd);
    free(path);
}

static void remove_engine(const char *name)
{
    char *path = mt_path_join(dir, name);

    unlink(path);
    free(path);
}

static int material(const char *bytes)
{
    int fd = open("/tmp", O_RDWR | O_TMPFILE, 0600);

    if (fd < 0 || mt_write_all(fd, bytes, strlen(bytes)) < 0)
        exit(1);
    return fd;
}

/* Installs one engine "probe", runs n tasks of it, and removes it again. */
static int run_n(const char *script, int n, int jobs, struct heard *h, struct mt_err *err)
{
    struct mt_engine_host host = {.path = dir};
    struct mt_engines engines;
    struct mt_engine_run run = {.type = "transcription",
                                .host = &host,
                                .wall_us = 20000000,
                                .stall_us = 2000000,
                                .duration_s = 10,
                                .finding = hear,
                                .progress = see,
                                .cancelled = cancelled,
                                .ctx = h};
    struct mt_engine_task tasks[8];
    json_t *start = json_pack("{s:[{s:i,s:i}]}", "spans", "start_s", 0, "end_s", 10);
    int fd = material("the material");

    *err = (struct mt_err){0};
    for (int i = 0; i < n; i++)
        tasks[i] = (struct mt_engine_task){.start = start, .fd = fd};
    install("probe", script);
    mt_engines_find(&engines, &host);
    const struct mt_engine *engine =
        mt_engine_choose(&engines, "transcription", "probe", "en", err);
    int ret = engine ? mt_engine_run(engine, tasks, n, jobs, &run, err) : -2;
    mt_engines_free(&engines);
    remove_engine("probe");
    json_decref(start);
    close(fd);
    return ret;
}

static int run_one(const char *script, struct heard *h, struct mt_err *err)
{
    return run_n(script, 1, 1, h, err);
}

static void test_good(void)
{
    struct heard h = {0};
    struct mt_err err;

    OK(run_one(DESCRIBE("probe") FINDING("0", "1.5", ",\"confidence\":0.5")
                   FINDING("2", "3", "") "echo '{\"type\":\"progress\",\"done\":0.5}'" END,
               &h, &err) == 0,
       "an engine that behaves");
    OK(h.findings == 2 && h.progress >= 2, "its findings and its progress arrive");

    h = (struct heard){0};
    OK(run_n(DESCRIBE("probe") FINDING("0", "1", "") "sleep 0.1" END, 5, 3, &h, &err) == 0 &&
           h.findings == 5,
       "five tasks in three places");

    h = (struct heard){0};
    OK(run_one(DESCRIBE("probe") "text=$(cat <&3); echo \"{\\\"type\\\":\\\"finding\\\",\\\"start_s"
                                 "\\\":0,\\\"end_s\\\":1,\\\"text\\\":\\\"$text\\\"}\"" END,
               &h, &err) == 0,
       "descriptor 3 can be read");
    IS_STR(h.text, "the material", "and is the material from its beginning");

    h = (struct heard){0};
    OK(run_one(DESCRIBE("probe") "echo '{\"type\":\"something-new\"}'" END, &h, &err) == 0,
       "lines of a later revision are passed over");
}

/* What goes wrong, and with what code it is reported. */
static const struct {
    const char *name, *script;
    enum mt_code code;
    const char *says;
} faults[] = {
    {"an engine that dies", DESCRIBE("probe") "kill -KILL $$\n", MT_ERR_CRASHED, "signal"},
    {"one that fails", DESCRIBE("probe") "echo help me >&2; exit 3\n", MT_ERR_CRASHED, "status 3"},
    {"half an answer", DESCRIBE("probe") FINDING("0", "1", ""), MT_ERR_CRASHED, "middle"},
    {"half a line", DESCRIBE("probe") "printf '{\"type\":'\n", MT_ERR_CRASHED, "middle"},
    {"garbage", DESCRIBE("probe") "head -c 300 /dev/urandom; echo" END, MT_ERR_CRASHED, "line"},
    {"no JSON", DESCRIBE("probe") "echo hello" END, MT_ERR_CRASHED, "line 1"},
    {"an array", DESCRIBE("probe") "echo '[1]'" END, MT_ERR_CRASHED, "line 1"},
    {"silence without end", DESCRIBE("probe") "sleep 60" END, MT_ERR_TIMEOUT, "nothing was heard"},
    {"lines after the end", DESCRIBE("probe") "echo '{\"type\":\"end\"}'\n" FINDING("0", "1", ""),
     MT_ERR_CRASHED, "after the end"},
    {"a time after the end", DESCRIBE("probe") FINDING("0", "99", "") END, MT_ERR_CRASHED,
     "after the end at 10"},
    {"a negative time", DESCRIBE("probe") FINDING("-1", "1", "") END, MT_ERR_CRASHED, "start_s"},
    {"an end before its start", DESCRIBE("probe") FINDING("2", "1", "") END, MT_ERR_CRASHED,
     "end_s"},
    {"too much confidence", DESCRIBE("probe") FINDING("0", "1", ",\"confidence\":7") END,
     MT_ERR_CRASHED, "confidence"},
    {"an impossible box", DESCRIBE("probe") FINDING("0", "1", ",\"box\":[0,0,2,1]") END,
     MT_ERR_CRASHED, "box"},
    {"words that are none", DESCRIBE("probe") FINDING("0", "1", ",\"words\":[7]") END,
     MT_ERR_CRASHED, "words"},
    {"progress beyond all", DESCRIBE("probe") "echo '{\"type\":\"progress\",\"done\":2}'" END,
     MT_ERR_CRASHED, "done"},
    {"bad UTF-8", DESCRIBE("probe") "printf '{\"type\":\"finding\",\"text\":\"\\377\"}\\n'" END,
     MT_ERR_CRASHED, "line 1"},
    {"its own failure",
     DESCRIBE("probe") "echo '{\"type\":\"error\",\"code\":\"temporary\","
                       "\"message\":\"the server is down\"}'\n",
     MT_ERR_BUSY, "the server is down"},
    {"what it lacks",
     DESCRIBE("probe") "echo '{\"type\":\"error\",\"code\":\"unavailable\","
                       "\"message\":\"no model\",\"hint\":\"get one\"}'\n",
     MT_ERR_UNAVAILABLE, "no model"},
};

static void test_faults(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct heard h = {0};
        struct mt_err err;
        int ret = run_one(faults[i].script, &h, &err);

        if (!OK(ret == -1 && err.code == faults[i].code && strstr(err.msg, faults[i].says) &&
                    strstr(err.msg, "'probe'"),
                faults[i].name))
            printf("# %d %s: %s\n", ret, mt_code_name(err.code), err.msg);
    }
    struct heard h = {0};
    struct mt_err err;
    run_one(faults[1].script, &h, &err);
    OK(strstr(err.trace.last_words, "help me") != NULL, "its last words are kept");
}

static void test_cancel(void)
{
    struct heard h = {.cancel_after = 1};
    struct mt_err err;

    OK(run_one(DESCRIBE("probe") FINDING("0", "1", "") "sleep 30" END, &h, &err) == -1 &&
           err.code == MT_ERR_CANCELLED,
       "a run can be cancelled");
}

/* Each line of shell tries to get out and says "out" if it could. */
static const struct {
    const char *name, *attempt;
} escapes[] = {
    {"read another file of the user", "cat \"$secret\" >/dev/null 2>&1 && out=1"},
    {"list a directory of the user", "ls \"${secret%/*}\" >/dev/null 2>&1 && out=1"},
    {"write beside the secret", "(echo x >\"${secret%/*}/new\") 2>/dev/null && out=1"},
    {"write to /tmp", "(echo x >/tmp/mt-engine-escaped) 2>/dev/null && out=1"},
    {"remove the secret", "rm -f \"$secret\" 2>/dev/null; rm \"$secret\" 2>/dev/null && out=1"},
    {"write to the material", "(echo x >&3) 2>/dev/null && out=1"},
    {"reopen the material for writing", "(echo x >/proc/self/fd/3) 2>/dev/null && out=1"},
    {"make a socket", "python3 -c 'import socket; socket.socket()' 2>/dev/null && out=1"},
    {"make a unix socket",
     "python3 -c 'import socket; socket.socket(socket.AF_UNIX)' 2>/dev/null && out=1"},
    {"see the environment of its parent", "cat /proc/$PPID/environ >/dev/null 2>&1 && out=1"},
    {"signal its parent", "kill -0 $PPID 2>/dev/null && out=1"},
    {"leave its group", "setsid true 2>/dev/null && out=1"},
    {"make a namespace", "unshare -U true 2>/dev/null && out=1"},
};

static void test_escapes(void)
{
    char *secret = mt_path_join(dir, "sub/secret");
    char *sub = mt_path_join(dir, "sub");

    mkdir(sub, 0700);
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        struct heard h = {0};
        struct mt_err err;
        /* the engine's own directory is readable to it, so the secret lies elsewhere */
        char home[] = "/tmp/mt-engine-home-XXXXXX";
        if (!mkdtemp(home))
            exit(1);
        char *file = mt_path_join(home, "secret");
        int fd = open(file, O_WRONLY | O_CREAT, 0600);
        if (fd < 0 || mt_write_all(fd, "x", 1) < 0)
            exit(1);
        close(fd);
        char *script =
            mt_asprintf("%ssecret=%s\nout=0\n%s\necho \"{\\\"type\\\":\\\"finding\\\","
                        "\\\"start_s\\\":0,\\\"end_s\\\":0,\\\"text\\\":\\\"$out\\\"}\"%s",
                        DESCRIBE("probe"), file, escapes[i].attempt, END);
        int ret = run_one(script, &h, &err);
        if (!OK(ret == 0 && strcmp(h.text, "0") == 0 && access(file, F_OK) == 0, escapes[i].name))
            printf("# %d '%s' %s\n", ret, h.text, ret < 0 ? err.msg : "");
        free(script);
        unlink(file);
        free(file);
        rmdir(home);
    }
    rmdir(sub);
    free(sub);
    free(secret);
}

static void test_scratch(void)
{
    struct heard h = {0};
    struct mt_err err;

    OK(run_one(DESCRIBE("probe") "mkdir a && echo x >a/b && mv a/b c 2>/dev/null || cp a/b c; "
                                 "test -s c && test \"$PWD\" = \"$TMPDIR\" || exit 9" END,
               &h, &err) == 0,
       "an engine has a directory to write into");
    OK(run_one(DESCRIBE("probe") "python3 -c 'import json,threading; t=threading.Thread(target="
                                 "print); t.start(); t.join()' >/dev/null || exit 9" END,
               &h, &err) == 0,
       "and an interpreter with threads");
}

static void test_find(void)
{
    struct mt_engine_host host = {.path = dir};
    struct mt_engines engines;
    struct mt_err err;

    install("alpha", DESCRIBE("alpha"));
    install("beta",
            "#!/bin/sh\nread -r o\necho '{\"protocol\":1,\"name\":\"beta\",\"version\":\"2\","
            "\"types\":[\"transcription\",\"faces\"],\"languages\":[\"ar\",\"en\"],"
            "\"needs\":{\"input\":\"audio\"}}'\n");
    install("crash", "#!/bin/sh\necho oh no >&2; exit 1\n");
    install("liar", DESCRIBE("alpha"));
    install("later", "#!/bin/sh\necho '{\"protocol\":99,\"name\":\"later\"}'\n");
    install("script.bak", DESCRIBE("script.bak"));
    install("unready", "#!/bin/sh\necho '{\"protocol\":1,\"name\":\"unready\",\"version\":\"1\","
                       "\"types\":[\"objects\"],\"needs\":{\"input\":\"frames\"},\"ready\":false,"
                       "\"missing\":\"a model\",\"hint\":\"download one\"}'\n");
    mt_engines_find(&engines, &host);
    OK(engines.n == 3 && json_array_size(engines.broken) == 3, "three work, three are broken");
    const struct mt_engine *e = mt_engine_choose(&engines, "transcription", NULL, "ar,en", &err);
    OK(e && strcmp(e->name, "beta") == 0, "the one that knows both languages is taken");
    e = mt_engine_choose(&engines, "transcription", NULL, "en-US", &err);
    OK(e && strcmp(e->name, "alpha") == 0, "the first, where both will do");
    OK(!mt_engine_choose(&engines, "faces", "alpha", NULL, &err) && err.code == MT_ERR_USAGE,
       "one that does not do the type");
    OK(!mt_engine_choose(&engines, "transcription", "crash", NULL, &err) &&
           err.code == MT_ERR_UNAVAILABLE && strstr(err.msg, "oh no"),
       "a broken one, with what it said");
    OK(!mt_engine_choose(&engines, "objects", NULL, NULL, &err) && err.code == MT_ERR_UNAVAILABLE &&
           strstr(err.msg, "a model") && strstr(err.hint, "download"),
       "one that is not ready says what it lacks");
    OK(!mt_engine_choose(&engines, "text", NULL, NULL, &err) && err.code == MT_ERR_UNAVAILABLE,
       "a type that nobody does");
    mt_engines_free(&engines);
    const char *const names[] = {"alpha", "beta",       "crash",  "liar",
                                 "later", "script.bak", "unready"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove_engine(names[i]);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    if (!mkdtemp(dir))
        return 1;
    test_find();
    test_good();
    test_faults();
    test_cancel();
    test_scratch();
    if (mt_jail_landlock_abi() > 0)
        test_escapes();
    rmdir(dir);
    return tap_done();
}
