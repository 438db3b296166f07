/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plain.c - see plain.h. */
#include "stage/plain.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "json/json.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTE_MAX = 1 << 20 };

static const char notes_dir[] = ".media-toolkit";

json_t *mt_plain_source(const char *name, int64_t size, int64_t mtime_ns)
{
    return json_pack("{s:o, s:I, s:I}", "name", mt_json_text(name), "size", (json_int_t)size,
                     "mtime_ns", (json_int_t)mtime_ns);
}

char *mt_plain_note_key(const char *key)
{
    char *note = mt_asprintf("%s/%s.json", notes_dir, key);

    for (char *c = note + sizeof notes_dir; *c; c++)
        if (*c == '/')
            *c = '%';
    return note;
}

static char *note_path(const char *dir, const char *key)
{
    char *note = mt_plain_note_key(key);
    char *path = mt_path_join(dir, note);

    free(note);
    return path;
}

/* The note at path; NULL if there is none or it cannot be read as one. */
static json_t *read_note(const char *path)
{
    struct mt_buf text;
    struct mt_err ignored;
    json_t *note = NULL;

    mt_buf_init(&text, NOTE_MAX);
    if (mt_read_file(path, &text, &ignored) == 0)
        note = mt_json_parse(path, text.data, text.len, &ignored);
    mt_buf_free(&text);
    return note;
}

/* Whether the result that the note speaks of is in place, from this source by this recipe. */
static bool holds(const char *dir, const json_t *note, const char *recipe, const json_t *source)
{
    char *path = mt_path_join(dir, mt_json_str(note, "key", "?"));
    struct stat st;
    bool there = stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
                 st.st_size == mt_json_int(note, "entry.file_size", -1);

    free(path);
    return there && strcmp(mt_json_str(note, "recipe", ""), recipe) == 0 &&
           json_equal(json_object_get(note, "source"), source);
}

static int in_the_way(const char *dir, const char *key, const json_t *note, struct mt_err *err)
{
    if (note)
        mt_fail(err, MT_ERR_FAILED, "'%s/%s' was made from another file, '%s'", dir, key,
                mt_json_str(note, "source.name", "?"));
    else
        mt_fail(err, MT_ERR_FAILED, "'%s/%s' exists and was not made by this program", dir, key);
    return mt_hint(err, "choose another directory with -o, or replace it with --force");
}

int mt_plain_made(const char *dir, const char *key, const char *recipe, const json_t *source,
                  bool force, json_t **entry, struct mt_err *err)
{
    char *path = note_path(dir, key);
    char *file = mt_path_join(dir, key);
    json_t *note = read_note(path);
    struct stat st;
    int ret = 0;

    if (!force) {
        bool there = lstat(file, &st) == 0;
        bool same = note && strcmp(mt_json_str(note, "source.name", ""),
                                   mt_json_str(source, "name", "")) == 0;
        if (note && holds(dir, note, recipe, source)) {
            *entry = json_incref(json_object_get(note, "entry"));
            ret = 1;
        } else if (there && !same) {
            ret = in_the_way(dir, key, note, err);
        }
    }
    json_decref(note);
    free(file);
    free(path);
    return ret;
}

/* A set of results lies in a directory of its own: without that there are no notes to look for. */
static bool has_place(const char *dir, const char *prefix)
{
    char *place = mt_path_join(dir, prefix);
    size_t n = strlen(place);
    bool there = n == 0 || place[n - 1] != '/' || access(place, F_OK) == 0;

    free(place);
    return there;
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory that begin so, in their order; free() each and all. */
static char **names_of(const char *dir, const char *begin, size_t len, size_t *n)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    char **names = NULL;

    *n = 0;
    while (d && (e = readdir(d)))
        if (strncmp(e->d_name, begin, len) == 0) {
            names = mt_realloc(names, *n + 1, sizeof *names);
            names[(*n)++] = mt_strdup(e->d_name);
        }
    if (d)
        closedir(d);
    if (*n > 1)
        qsort(names, *n, sizeof *names, by_name);
    return names;
}

json_t *mt_plain_made_below(const char *dir, const char *prefix, const char *recipe,
                            const json_t *source, struct mt_err *err)
{
    char *start = note_path(dir, prefix);
    char *notes = mt_path_join(dir, notes_dir);
    const char *begin = start + strlen(notes) + 1;
    size_t len = strlen(begin) - strlen(".json"), n = 0;
    json_t *all = json_array();
    char **names = has_place(dir, prefix) ? names_of(notes, begin, len, &n) : NULL;

    (void)err;
    for (size_t i = 0; i < n; i++) {
        char *path = mt_path_join(notes, names[i]);
        json_t *note = read_note(path);
        if (note && holds(dir, note, recipe, source))
            json_array_append(all, json_object_get(note, "entry"));
        json_decref(note);
        free(path);
        free(names[i]);
    }
    free(names);
    free(notes);
    free(start);
    return all;
}

char *mt_plain_note_text(const char *key, const char *recipe, const json_t *source,
                         const json_t *entry)
{
    json_t *note = json_pack("{s:s, s:s, s:O, s:O}", "key", key, "recipe", recipe, "source", source,
                             "entry", entry);
    char *text = mt_json_compact(note);

    json_decref(note);
    return text;
}

int mt_plain_note(const char *dir, const char *key, const char *recipe, const json_t *source,
                  const json_t *entry, struct mt_err *err)
{
    char *notes = mt_path_join(dir, notes_dir);
    char *path = note_path(dir, key);
    char *text = mt_plain_note_text(key, recipe, source, entry);
    int ret = mt_mkdirs(notes, err);

    if (ret == 0)
        ret = mt_write_file(path, text, strlen(text), err);
    free(text);
    free(path);
    free(notes);
    return ret;
}
