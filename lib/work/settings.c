/* SPDX-License-Identifier: GPL-2.0-or-later */
/* settings.c - what a supervisor does as its options say, at its start and after SIGHUP. */
#include "work/supervise.h"

#include "base/mem.h"
#include "base/path.h"
#include "proc/proc.h"
#include "json/json.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECOND_US = 1000000, SLOTS_MAX = 1000 /* as --jobs has it */ };

/* --- handlers --- */

/* The directory of the handlers: as told, else beside the programs, else where they are installed.
 */
static char *find_handlers(const struct mt_work *w, const char *told)
{
    static const char *const places[] = {"jobs", "../libexec/media-toolkit/jobs"};

    if (told)
        return mt_strdup(told);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *path = mt_path_join(*w->run->dir ? w->run->dir : ".", places[i]);
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return mt_path_join(mt_libexec(), "jobs");
}

static bool is_handler(const char *dir, const char *name)
{
    char *path = mt_path_join(dir, name);
    struct stat st;
    bool is = mt_queue_word_ok(name) && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
              access(path, X_OK) == 0;

    free(path);
    return is;
}

static bool has_word(const json_t *words, const char *word)
{
    size_t i;
    json_t *w;

    json_array_foreach(words, i, w)
    {
        if (strcmp(json_string_value(w), word) == 0)
            return true;
    }
    return words == NULL;
}

/* The types that there are handlers for, and that are wanted: what is claimed. */
static int scan_handlers(struct mt_supervisor *s, struct mt_err *err)
{
    DIR *dir = opendir(s->dir);
    const struct dirent *entry;

    json_decref(s->types);
    s->types = json_array();
    while (dir && (entry = readdir(dir)))
        if (has_word(s->wanted, entry->d_name) && is_handler(s->dir, entry->d_name))
            json_array_append_new(s->types, json_string(entry->d_name));
    if (dir)
        closedir(dir);
    if (json_array_size(s->types) > 0)
        return 0;
    mt_fail(err, MT_ERR_UNAVAILABLE, "there is no handler for any wanted job in '%s'", s->dir);
    return mt_hint(err, "an executable file called like the type of its jobs; --handlers DIR");
}

/* --- taking them over --- */

/* Slots are made when they are wanted, and stay; they must not move, as what runs points into them.
 */
static void make_slots(struct mt_supervisor *s, int most)
{
    if (!s->slots)
        s->slots = mt_alloc(SLOTS_MAX * sizeof *s->slots);
    for (; s->n < most && s->n < SLOTS_MAX; s->n++)
        mt_slot_clear(&s->slots[s->n]);
    s->most = most;
    s->worker.slots = most;
}

static void adopt(json_t **old, json_t *fresh)
{
    json_decref(*old);
    *old = fresh;
}

int mt_supervisor_settle(struct mt_supervisor *s, const struct mt_work *w, struct mt_err *err)
{
    json_t *wanted = NULL, *classes = NULL, *has = NULL;

    if (mt_work_check(w, err) < 0 || mt_work_words("--types", w->filter.types, &wanted, err) < 0 ||
        mt_work_words("--class", w->filter.classes, &classes, err) < 0 ||
        mt_work_words("--has", w->filter.has, &has, err) < 0) {
        json_decref(wanted);
        json_decref(classes);
        return -1;
    }
    adopt(&s->wanted, wanted);
    adopt(&s->classes, classes);
    adopt(&s->has, has);
    s->worker.classes = s->classes;
    s->worker.has = s->has;
    free(s->dir);
    s->dir = find_handlers(s->w, w->handlers);
    s->plan.dir = s->dir;
    s->times = mt_work_times(w);
    s->plan.beat_us = (int64_t)(s->times.heartbeat_s * SECOND_US);
    s->w->lease_us = w->lease_us;
    s->w->poll_us = w->poll_us;
    s->w->grace_us = w->grace_us;
    make_slots(s, (int)w->count);
    return scan_handlers(s, err);
}

void mt_supervisor_forget(struct mt_supervisor *s)
{
    json_decref(s->types);
    json_decref(s->wanted);
    json_decref(s->classes);
    json_decref(s->has);
    free(s->slots);
    free(s->dir);
}
