/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ledger.c - see ledger.h. */
#include "transcode/ledger.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "json/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STALE_S = 7 * 24 * 3600 };

struct data {
    char *name;
    int fd;
};

struct mt_ledger {
    char *dir;
    int dir_fd; /* locked */
    int journal;
    json_t *plan;     /* NULL: none yet */
    json_t *identity; /* of the source */
    json_t *segments; /* by "RECIPE SEGMENT": its rendition's members, with "file" */
    json_t *sources;  /* by segment: the rest of its report */
    json_t *sounds;   /* by bit rate: the report */
    struct data *files;
    int n_files;
};

/* ---- files ---- */

static int open_in(const struct mt_ledger *ledger, const char *name, int flags, struct mt_err *err)
{
    int fd = openat(ledger->dir_fd, name, flags | O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);

    return fd < 0 ? mt_fail_errno(err, "cannot open '%s/%s'", ledger->dir, name) : fd;
}

/* The file of that name, opened once. */
static int data_of(struct mt_ledger *ledger, const char *name, struct mt_err *err)
{
    int fd;

    for (int i = 0; i < ledger->n_files; i++)
        if (strcmp(ledger->files[i].name, name) == 0)
            return ledger->files[i].fd;
    fd = open_in(ledger, name, 0, err);
    if (fd < 0)
        return -1;
    ledger->files =
        mt_realloc(ledger->files, (size_t)ledger->n_files + 1, sizeof(ledger->files[0]));
    ledger->files[ledger->n_files++] = (struct data){.name = mt_strdup(name), .fd = fd};
    return fd;
}

static void close_files(struct mt_ledger *ledger)
{
    for (int i = 0; i < ledger->n_files; i++) {
        mt_fd_close(&ledger->files[i].fd);
        free(ledger->files[i].name);
    }
    free(ledger->files);
    ledger->files = NULL;
    ledger->n_files = 0;
}

/* Removes what is in the directory, but not the directory. */
static void empty(const struct mt_ledger *ledger)
{
    int fd = openat(ledger->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (!dir)
        mt_fd_close(&fd);
    while (dir && (e = readdir(dir)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            (void)unlinkat(ledger->dir_fd, e->d_name, 0);
    if (dir)
        closedir(dir);
}

/* ---- reading what was done ---- */

static char *key_of(const char *recipe, int64_t segment)
{
    return mt_asprintf("%s %lld", recipe, (long long)segment);
}

/* A record counts if its bytes are there: they were made durable before it. */
static void load_segment(struct mt_ledger *ledger, json_t *line)
{
    int64_t segment = mt_json_int(line, "segment", -1);
    char number[24];
    const char *recipe;
    json_t *lane;

    json_object_foreach(json_object_get(line, "renditions"), recipe, lane)
    {
        struct mt_err err;
        struct stat st;
        int fd = data_of(ledger, mt_json_str(lane, "file", "?"), &err);
        char *key;

        if (fd < 0 || fstat(fd, &st) < 0 ||
            st.st_size < mt_json_int(lane, "offset", 0) + mt_json_int(lane, "size", INT32_MAX))
            continue;
        key = key_of(recipe, segment);
        json_object_set(ledger->segments, key, lane);
        free(key);
    }
    snprintf(number, sizeof number, "%lld", (long long)segment);
    json_object_set(ledger->sources, number, json_object_get(line, "source"));
}

static void load_sound(struct mt_ledger *ledger, json_t *line)
{
    json_t *bps;
    size_t i;

    json_array_foreach(json_object_get(line, "bps"), i, bps)
    {
        char name[32];

        snprintf(name, sizeof name, "%lld", (long long)json_integer_value(bps));
        json_object_set(ledger->sounds, name, json_object_get(line, "sound"));
    }
}

/* A last line that was cut off by the death of its writer is passed over, and so is what is not
 * ours. */
static void load_journal(struct mt_ledger *ledger)
{
    struct mt_lines lines;
    struct mt_err err;
    char *line;
    size_t n;

    mt_lines_init(&lines, ledger->journal, '\n', MT_JSON_LINE_MAX);
    while (mt_lines_next(&lines, &line, &n, &err) > 0) {
        json_t *value = mt_json_parse("journal", line, n, &err);

        if (json_object_get(value, "segment"))
            load_segment(ledger, value);
        else if (json_object_get(value, "sound"))
            load_sound(ledger, value);
        json_decref(value);
    }
    mt_lines_free(&lines);
}

/* What lies behind the last recorded segment of a file was being written when its writer died. */
static void cut_tails(struct mt_ledger *ledger)
{
    for (int i = 0; i < ledger->n_files; i++) {
        int64_t end = 0;
        const char *key;
        json_t *lane;

        json_object_foreach(ledger->segments, key, lane)
        {
            int64_t to = mt_json_int(lane, "offset", 0) + mt_json_int(lane, "size", 0);

            if (strcmp(mt_json_str(lane, "file", ""), ledger->files[i].name) == 0 && to > end)
                end = to;
        }
        if (ftruncate(ledger->files[i].fd, end) < 0)
            mt_log(MT_LOG_DEBUG, "cannot shorten '%s': %s", ledger->files[i].name, strerror(errno));
    }
}

static void load(struct mt_ledger *ledger)
{
    char *path = mt_path_join(ledger->dir, "plan.json");
    struct mt_buf buf;
    struct mt_err err;
    json_t *kept = NULL;

    mt_buf_init(&buf, MT_JSON_LINE_MAX);
    if (mt_read_file(path, &buf, &err) == 0)
        kept = mt_json_parse(path, buf.data, buf.len, &err);
    if (kept && json_equal(json_object_get(kept, "source"), ledger->identity) &&
        json_object_get(kept, "plan")) {
        ledger->plan = json_incref(json_object_get(kept, "plan"));
        load_journal(ledger);
        cut_tails(ledger);
    }
    json_decref(kept);
    mt_buf_free(&buf);
    free(path);
}

/* ---- opening and closing ---- */

static int lock(struct mt_ledger *ledger, struct mt_err *err)
{
    ledger->dir_fd = open(ledger->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ledger->dir_fd < 0)
        return mt_fail_errno(err, "cannot open '%s'", ledger->dir);
    if (flock(ledger->dir_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return mt_fail_errno(err, "cannot lock '%s'", ledger->dir);
    return mt_fail(err, MT_ERR_LOCKED, "another process makes the same renditions (in '%s')",
                   ledger->dir);
}

int mt_ledger_open(struct mt_ledger **out, const char *dir, const json_t *source,
                   struct mt_err *err)
{
    struct mt_ledger *ledger = mt_alloc(sizeof *ledger);

    *ledger = (struct mt_ledger){.dir = mt_strdup(dir),
                                 .dir_fd = -1,
                                 .journal = -1,
                                 .identity = json_deep_copy(source),
                                 .segments = json_object(),
                                 .sources = json_object(),
                                 .sounds = json_object()};
    if (mt_mkdirs(dir, err) < 0 || lock(ledger, err) < 0)
        goto fail;
    ledger->journal = open_in(ledger, "journal", O_APPEND, err);
    if (ledger->journal < 0)
        goto fail;
    load(ledger);
    *out = ledger;
    return 0;
fail:
    mt_ledger_close(&ledger);
    return -1;
}

void mt_ledger_close(struct mt_ledger **out)
{
    struct mt_ledger *ledger = *out;

    if (!ledger)
        return;
    close_files(ledger);
    mt_fd_close(&ledger->journal);
    mt_fd_close(&ledger->dir_fd);
    json_decref(ledger->plan);
    json_decref(ledger->identity);
    json_decref(ledger->segments);
    json_decref(ledger->sources);
    json_decref(ledger->sounds);
    free(ledger->dir);
    free(ledger);
    *out = NULL;
}

void mt_ledger_remove(struct mt_ledger **out)
{
    struct mt_ledger *ledger = *out;

    if (!ledger)
        return;
    empty(ledger);
    if (rmdir(ledger->dir) == 0) {
        char *above = mt_strdup(ledger->dir);
        char *slash = strrchr(above, '/');

        if (slash && slash != above) {
            *slash = '\0';
            (void)rmdir(above); /* goes with its last ledger */
        }
        free(above);
    }
    mt_ledger_close(out);
}

/* Takes a neighbour's lock, so that nobody works in it, and removes it if it is old. */
static void sweep_one(const char *dir)
{
    struct mt_ledger *old = mt_alloc(sizeof *old);
    struct mt_err err;
    struct stat st;

    *old = (struct mt_ledger){.dir = mt_strdup(dir), .dir_fd = -1, .journal = -1};
    char *journal = mt_path_join(dir, "journal");
    bool stale = stat(journal, &st) == 0 && st.st_mtim.tv_sec + STALE_S < mt_now_us() / 1000000;
    free(journal);
    if (stale && lock(old, &err) == 0) {
        mt_log(MT_LOG_INFO, "removing the abandoned work in '%s'", dir);
        mt_ledger_remove(&old);
    }
    mt_ledger_close(&old);
}

void mt_ledger_sweep(const struct mt_ledger *ledger)
{
    char *above = mt_asprintf("%s/..", ledger->dir);
    DIR *dir = opendir(above);
    struct dirent *e;

    while (dir && (e = readdir(dir))) {
        const char *own = strrchr(ledger->dir, '/');
        char *path;

        if (e->d_name[0] == '.' || (own && strcmp(e->d_name, own + 1) == 0))
            continue;
        path = mt_path_join(above, e->d_name);
        sweep_one(path);
        free(path);
    }
    if (dir)
        closedir(dir);
    free(above);
}

/* ---- the plan ---- */

const json_t *mt_ledger_plan(const struct mt_ledger *ledger)
{
    return ledger->plan;
}

int mt_ledger_set_plan(struct mt_ledger *ledger, const json_t *plan, struct mt_err *err)
{
    json_t *kept = json_pack("{s:O, s:O}", "source", ledger->identity, "plan", plan);
    char *text = mt_json_compact(kept);
    char *path = mt_path_join(ledger->dir, "plan.json");
    int ret;

    close_files(ledger);
    mt_fd_close(&ledger->journal);
    empty(ledger);
    json_object_clear(ledger->segments);
    json_object_clear(ledger->sources);
    json_object_clear(ledger->sounds);
    json_decref(ledger->plan);
    ledger->plan = json_incref((json_t *)(uintptr_t)plan);
    ret = mt_write_file(path, text, strlen(text), err);
    if (ret == 0) {
        ledger->journal = open_in(ledger, "journal", O_APPEND, err);
        ret = ledger->journal < 0 ? -1 : 0;
    }
    free(path);
    free(text);
    json_decref(kept);
    return ret;
}

/* ---- records ---- */

static char *name_of(const char *recipe, int slot)
{
    return mt_asprintf("%s-%d.seg", recipe, slot);
}

int mt_ledger_data(struct mt_ledger *ledger, const char *recipe, int slot, struct mt_err *err)
{
    char *name = name_of(recipe, slot);
    int fd = data_of(ledger, name, err);

    free(name);
    return fd;
}

/* One write, so that a line is there whole or is the last one. */
static int append(struct mt_ledger *ledger, const json_t *line, struct mt_err *err)
{
    char *text = mt_json_compact(line);
    char *whole = mt_asprintf("%s\n", text);
    int ret = mt_write_all(ledger->journal, whole, strlen(whole));

    if (ret == 0)
        ret = fdatasync(ledger->journal);
    if (ret < 0)
        mt_fail_errno(err, "cannot write '%s/journal'", ledger->dir);
    free(whole);
    free(text);
    return ret;
}

static int sync_data(struct mt_ledger *ledger, const char *name, struct mt_err *err)
{
    int fd = data_of(ledger, name, err);

    if (fd < 0)
        return -1;
    return fdatasync(fd) < 0 ? mt_fail_errno(err, "cannot write '%s/%s'", ledger->dir, name) : 0;
}

int mt_ledger_record(struct mt_ledger *ledger, const json_t *report, const char *const *recipes,
                     int slot, struct mt_err *err)
{
    json_t *source = json_copy((json_t *)(uintptr_t)report), *renditions = json_object();
    json_t *line, *lane;
    size_t i;
    int ret = 0;

    json_array_foreach(json_object_get(report, "renditions"), i, lane)
    {
        const char *recipe = recipes[mt_json_int(lane, "rendition", 0)];
        char *name = name_of(recipe, slot);

        json_t *kept = json_copy(lane);
        json_object_set_new(kept, "file", json_string(name));
        json_object_set_new(renditions, recipe, kept);
        if (ret == 0)
            ret = sync_data(ledger, name, err);
        free(name);
    }
    json_object_del(source, "renditions");
    line = json_pack("{s:O, s:o, s:o}", "segment", json_object_get(report, "segment"), "renditions",
                     renditions, "source", source);
    if (ret == 0)
        ret = append(ledger, line, err);
    if (ret == 0)
        load_segment(ledger, line);
    json_decref(line);
    return ret;
}

const json_t *mt_ledger_segment(const struct mt_ledger *ledger, const char *recipe, int segment)
{
    char *key = key_of(recipe, segment);
    const json_t *found = json_object_get(ledger->segments, key);

    free(key);
    return found;
}

struct mt_av_piece mt_ledger_piece(const struct mt_ledger *ledger, const char *recipe, int segment)
{
    const json_t *lane = mt_ledger_segment(ledger, recipe, segment);
    const char *name = mt_json_str(lane, "file", "");
    struct mt_av_piece piece = {.fd = -1,
                                .offset = mt_json_int(lane, "offset", 0),
                                .size = mt_json_int(lane, "size", 0),
                                .frames = mt_json_int(lane, "frames", 0)};

    for (int i = 0; i < ledger->n_files; i++)
        if (strcmp(ledger->files[i].name, name) == 0)
            piece.fd = ledger->files[i].fd;
    return piece;
}

const json_t *mt_ledger_source(const struct mt_ledger *ledger, int segment)
{
    char number[24];

    snprintf(number, sizeof number, "%d", segment);
    return json_object_get(ledger->sources, number);
}

int mt_ledger_sound_data(struct mt_ledger *ledger, int64_t bps, bool fresh, struct mt_err *err)
{
    char *name = mt_asprintf("sound-%lld.mp4", (long long)bps);
    int fd = data_of(ledger, name, err);

    if (fd >= 0 && fresh && ftruncate(fd, 0) < 0)
        fd = mt_fail_errno(err, "cannot empty '%s/%s'", ledger->dir, name);
    free(name);
    return fd;
}

int mt_ledger_record_sound(struct mt_ledger *ledger, const json_t *report, const int64_t *bps,
                           int n, struct mt_err *err)
{
    json_t *rates = json_array();
    json_t *line = json_pack("{s:O, s:o}", "sound", report, "bps", rates);
    int ret = 0;

    for (int i = 0; i < n && ret == 0; i++) {
        char *name = mt_asprintf("sound-%lld.mp4", (long long)bps[i]);

        json_array_append_new(rates, json_integer(bps[i]));
        ret = sync_data(ledger, name, err);
        free(name);
    }
    if (ret == 0)
        ret = append(ledger, line, err);
    if (ret == 0)
        load_sound(ledger, line);
    json_decref(line);
    return ret;
}

const json_t *mt_ledger_sound(const struct mt_ledger *ledger, int64_t bps)
{
    char name[32];

    snprintf(name, sizeof name, "%lld", (long long)bps);
    return json_object_get(ledger->sounds, name);
}
