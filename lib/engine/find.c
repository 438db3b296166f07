/* SPDX-License-Identifier: GPL-2.0-or-later */
/* find.c - which engines there are, and the best of them for a task. */
#include "engine/check.h"
#include "engine/child.h"
#include "engine/engine.h"
#include "engine/paths.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "json/json.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DESCRIBE_US INT64_C(10000000)

enum { AT_ONCE = 8 };

static void free_engine(struct mt_engine *engine)
{
    free(engine->path);
    free(engine->name);
    free(engine->version);
    free(engine->missing);
    free(engine->hint);
    json_decref(engine->about);
    *engine = (struct mt_engine){0};
}

void mt_engines_free(struct mt_engines *engines)
{
    for (int i = 0; i < engines->n; i++)
        free_engine(&engines->list[i]);
    json_decref(engines->broken);
    *engines = (struct mt_engines){0};
}

static bool is_known(const struct mt_engines *engines, const char *name)
{
    for (int i = 0; i < engines->n; i++)
        if (strcmp(engines->list[i].name, name) == 0)
            return true;
    return false;
}

/* Engines are the executable regular files; what begins with a dot or holds one is something else:
 * a library of one of them, a backup. */
static int is_candidate(const struct dirent *e)
{
    return e->d_name[0] != '.' && !strchr(e->d_name, '.') && !strchr(e->d_name, '~');
}

static void list_dir(struct mt_engines *engines, const char *dir)
{
    struct dirent **entries = NULL;
    struct stat st;
    int n = scandir(dir, &entries, is_candidate, alphasort);

    for (int i = 0; i < n; i++) {
        char *path = mt_path_join(dir, entries[i]->d_name);
        if (engines->n < MT_ENGINES_MAX && !is_known(engines, entries[i]->d_name) &&
            stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
            engines->list[engines->n++] =
                (struct mt_engine){.path = path, .name = mt_strdup(entries[i]->d_name)};
        else
            free(path);
        free(entries[i]);
    }
    free(entries);
}

static void list_all(struct mt_engines *engines, const char *path)
{
    char *copy = mt_strdup(path);
    char *rest = copy;
    char *dir;

    while ((dir = strsep(&rest, ":")))
        if (*dir == '/')
            list_dir(engines, dir);
    free(copy);
}

/* One engine being asked. */
struct asked {
    struct mt_engine_child child;
    char **readable;
    bool running, failed;
    struct mt_err err;
};

static void ask(struct asked *a, const struct mt_engine *engine, const struct mt_engine_host *host)
{
    json_t *own = json_object_get(host->options, engine->name);
    char *text = own ? mt_json_compact(own) : mt_strdup("{}");
    char *line = mt_asprintf("%s\n", text);

    a->readable = mt_engine_readable(own);
    struct mt_engine_launch launch = {.path = engine->path,
                                      .argument = "--describe",
                                      .readable = (const char *const *)a->readable,
                                      .tmp = host->tmp,
                                      .fd = -1,
                                      .input = line};
    a->running = mt_engine_child_start(&a->child, &launch, &a->err) == 0;
    a->failed = !a->running;
    free(text);
    free(line);
}

/* Waits until all of them have closed their output or have had their time. */
static void hear_all(struct asked *asked, int n)
{
    int64_t until = mt_mono_us() + DESCRIBE_US;
    struct pollfd fds[3 * AT_ONCE];
    int running;

    do {
        running = 0;
        for (int i = 0; i < n; i++) {
            struct asked *a = &asked[i];
            int ended = a->running ? mt_engine_child_pump(&a->child, &a->err) : 1;
            if (a->running && ended < 0)
                a->failed = true;
            if (a->running && ended == 0 && a->child.lines.len > (1 << 20))
                ended = mt_fail(&a->err, MT_ERR_CRASHED, "it describes itself without end");
            a->failed = a->failed || ended < 0;
            a->running = a->running && ended == 0;
            running += a->running;
            fds[3 * i] = (struct pollfd){a->running ? a->child.in : -1, POLLOUT, 0};
            fds[3 * i + 1] = (struct pollfd){a->running ? a->child.out : -1, POLLIN, 0};
            fds[3 * i + 2] = (struct pollfd){a->running ? a->child.words : -1, POLLIN, 0};
        }
        if (running)
            poll(fds, (nfds_t)(3 * n), 100);
    } while (running && mt_mono_us() < until);
    for (int i = 0; i < n; i++)
        if (asked[i].running) {
            asked[i].failed = true;
            mt_engine_child_kill(&asked[i].child, true);
            mt_fail(&asked[i].err, MT_ERR_TIMEOUT, "it did not describe itself within %d s",
                    (int)(DESCRIBE_US / 1000000));
        }
}

static int understand(struct mt_engine *engine, struct asked *a)
{
    struct mt_err *err = &a->err;
    int status = 0;
    json_t *about = NULL;
    int ret = -1;

    if (a->failed)
        return -1;
    char *text = mt_strdup(a->child.lines.len ? a->child.lines.data : "");
    size_t n = a->child.lines.len;
    mt_engine_child_end(&a->child, &status);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        char *words = mt_text_printable(a->child.tail, 300);
        mt_fail(err, MT_ERR_CRASHED, "--describe ended with %s %d: %s",
                WIFEXITED(status) ? "status" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), words);
        free(words);
    } else {
        about = mt_json_parse("its description", text, n, err);
        ret = about ? mt_engine_describe(engine, about, err) : -1;
    }
    json_decref(about);
    free(text);
    return ret;
}

static void note_broken(struct mt_engines *engines, const struct mt_engine *engine,
                        const struct mt_err *err)
{
    json_array_append_new(engines->broken,
                          json_pack("{s:o, s:o, s:o}", "name", mt_json_text(engine->name), "path",
                                    mt_json_text(engine->path), "error", mt_err_to_json(err)));
}

/* Asks list[from .. from + n - 1]; those that answer move to list[kept ..]. */
static int ask_some(struct mt_engines *engines, int from, int n, int kept,
                    const struct mt_engine_host *host)
{
    struct asked asked[AT_ONCE] = {0};

    for (int i = 0; i < n; i++)
        ask(&asked[i], &engines->list[from + i], host);
    hear_all(asked, n);
    for (int i = 0; i < n; i++) {
        struct mt_engine engine = engines->list[from + i];
        int ret = understand(&engine, &asked[i]);
        engines->list[from + i] = (struct mt_engine){0};
        if (ret == 0) {
            engines->list[kept++] = engine;
        } else {
            note_broken(engines, &engine, &asked[i].err);
            free_engine(&engine);
        }
        mt_engine_child_end(&asked[i].child, NULL);
        mt_engine_readable_free(asked[i].readable);
    }
    return kept;
}

void mt_engines_find(struct mt_engines *engines, const struct mt_engine_host *host)
{
    *engines = (struct mt_engines){.broken = json_array()};
    list_all(engines, host->path);
    int all = engines->n;
    int kept = 0;
    for (int from = 0; from < all; from += AT_ONCE)
        kept = ask_some(engines, from, all - from < AT_ONCE ? all - from : AT_ONCE, kept, host);
    engines->n = kept;
}

static bool has_word(const json_t *list, const char *word, size_t n)
{
    const json_t *value;
    size_t i;

    json_array_foreach(list, i, value)
    {
        if (json_string_length(value) == n && memcmp(json_string_value(value), word, n) == 0)
            return true;
    }
    return false;
}

bool mt_engine_does(const struct mt_engine *engine, const char *type)
{
    return has_word(json_object_get(engine->about, "types"), type, strlen(type));
}

/* "ar-SA" is Arabic. An engine without a list knows any language. */
int mt_engine_languages(const struct mt_engine *engine, const char *languages)
{
    const json_t *known = json_object_get(engine->about, "languages");
    int n = 0;

    while (languages && *languages) {
        size_t len = strcspn(languages, ",");
        size_t primary = strcspn(languages, ",-");
        n += len > 0 && (!known || has_word(known, languages, len) ||
                         has_word(known, languages, primary) || has_word(known, "*", 1));
        languages += len + (languages[len] == ',');
    }
    return n;
}

static int preference(const struct mt_engine *engine, const char *languages)
{
    int64_t own = mt_json_int(engine->about, "preference", 0);

    own = own < -1000 ? -1000 : own > 1000 ? 1000 : own;
    return mt_engine_languages(engine, languages) * 10000 + (int)own;
}

static int refuse(const struct mt_engines *engines, const char *type, const char *wanted,
                  struct mt_err *err)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(engines->broken, i, entry)
    {
        if (!wanted || strcmp(mt_json_str(entry, "name", ""), wanted) != 0)
            continue;
        mt_err_from_json(json_object_get(entry, "error"), err);
        err->code = MT_ERR_UNAVAILABLE;
        return mt_fail_in(err, "the engine '%s' does not work", wanted);
    }
    if (!wanted)
        return mt_fail(err, MT_ERR_UNAVAILABLE, "no engine for '%s' is installed", type);
    mt_fail(err, MT_ERR_UNAVAILABLE, "there is no engine '%s'", wanted);
    return mt_hint(err, "media-analyze --list-engines shows those there are");
}

static int refuse_unready(const struct mt_engine *engine, struct mt_err *err)
{
    mt_fail(err, MT_ERR_UNAVAILABLE, "the engine '%s' lacks %s", engine->name, engine->missing);
    return *engine->hint ? mt_hint(err, "%s", engine->hint) : -1;
}

/* What an engine that knows none of the languages would say of them is not what was said. */
static int refuse_languages(const char *type, const char *languages,
                            const struct mt_engine *unready, struct mt_err *err)
{
    char *printable = mt_text_printable(languages, 80);

    mt_fail(err, MT_ERR_UNAVAILABLE, "no engine for '%s' that is ready knows '%s'", type,
            printable);
    free(printable);
    if (unready && mt_engine_languages(unready, languages) > 0)
        return mt_hint(err, "'%s' does: %s", unready->name,
                       unready->hint ? unready->hint : "see what --list-engines says it lacks");
    return mt_hint(err, "set one up that does (see media-engine(7)), or leave --languages out");
}

const struct mt_engine *mt_engine_choose(const struct mt_engines *engines, const char *type,
                                         const char *wanted, const char *languages,
                                         struct mt_err *err)
{
    const struct mt_engine *best = NULL;
    const struct mt_engine *unready = NULL;

    for (int i = 0; i < engines->n; i++) {
        const struct mt_engine *e = &engines->list[i];
        if (wanted && strcmp(e->name, wanted) != 0)
            continue;
        if (!mt_engine_does(e, type)) {
            if (wanted)
                mt_fail(err, MT_ERR_USAGE, "the engine '%s' does not do '%s'", wanted, type);
            if (wanted)
                return NULL;
            continue;
        }
        const struct mt_engine **better = e->ready ? &best : &unready;
        if (!*better || preference(e, languages) > preference(*better, languages))
            *better = e;
    }
    if (!best && unready)
        refuse_unready(unready, err);
    else if (!best)
        refuse(engines, type, wanted, err);
    else if (!wanted && languages && *languages && mt_engine_languages(best, languages) == 0) {
        refuse_languages(type, languages, unready, err);
        return NULL;
    }
    return best;
}
