/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ledger_dir.c - a ledger in a directory of this machine, locked by who works in it. */
#include "transcode/ledger.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "transcode/ledger_parts.h"
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

struct data {
    char *name;
    int fd;
};

struct dir_ledger {
    struct mt_ledger base;
    char *dir;
    int dir_fd; /* locked */
    int journal;
    json_t *identity; /* of the source */
    struct data *files;
    int n_files;
};

/* ---- files ---- */

static int open_in(const struct dir_ledger *ledger, const char *name, int flags, struct mt_err *err)
{
    int fd = openat(ledger->dir_fd, name, flags | O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);

    return fd < 0 ? mt_fail_errno(err, "cannot open '%s/%s'", ledger->dir, name) : fd;
}

/* The file of that name, opened once. */
static int data_of(struct dir_ledger *ledger, const char *name, struct mt_err *err)
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

static void close_files(struct dir_ledger *ledger)
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
static void empty(const struct dir_ledger *ledger)
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

/* A record counts if its bytes are there: they were made durable before it. */
static void load_segment(struct dir_ledger *ledger, json_t *line)
{
    int64_t segment = mt_json_int(line, "segment", -1);
    const char *recipe;
    json_t *lane;

    json_object_foreach(json_object_get(line, "renditions"), recipe, lane)
    {
        struct mt_err err;
        struct stat st;
        int fd = data_of(ledger, mt_json_str(lane, "file", "?"), &err);

        if (fd < 0 || fstat(fd, &st) < 0 ||
            st.st_size < mt_json_int(lane, "offset", 0) + mt_json_int(lane, "size", INT32_MAX))
            continue;
        mt_ledger_know_segment(&ledger->base, recipe, segment, lane);
    }
    mt_ledger_know_source(&ledger->base, segment, json_object_get(line, "source"));
}

static void load_sound(struct dir_ledger *ledger, json_t *line)
{
    json_t *bps;
    size_t i;

    json_array_foreach(json_object_get(line, "bps"), i, bps) mt_ledger_know_sound(
        &ledger->base, json_integer_value(bps), json_object_get(line, "sound"));
}

/* A last line that was cut off by the death of its writer is passed over, and so is what is not
 * ours. */
static void load_journal(struct dir_ledger *ledger)
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
static void cut_tails(struct dir_ledger *ledger)
{
    for (int i = 0; i < ledger->n_files; i++) {
        int64_t end = 0;
        const char *key;
        json_t *lane;

        json_object_foreach(ledger->base.segments, key, lane)
        {
            int64_t to = mt_json_int(lane, "offset", 0) + mt_json_int(lane, "size", 0);

            if (strcmp(mt_json_str(lane, "file", ""), ledger->files[i].name) == 0 && to > end)
                end = to;
        }
        if (ftruncate(ledger->files[i].fd, end) < 0)
            mt_log(MT_LOG_DEBUG, "cannot shorten '%s': %s", ledger->files[i].name, strerror(errno));
    }
}

static void load(struct dir_ledger *ledger)
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
        mt_ledger_forget(&ledger->base, json_object_get(kept, "plan"));
        load_journal(ledger);
        cut_tails(ledger);
    }
    json_decref(kept);
    mt_buf_free(&buf);
    free(path);
}

/* ---- opening and closing ---- */

static int lock(struct dir_ledger *ledger, struct mt_err *err)
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

static void dir_close(struct mt_ledger *base)
{
    struct dir_ledger *ledger = (struct dir_ledger *)base;

    close_files(ledger);
    mt_fd_close(&ledger->journal);
    mt_fd_close(&ledger->dir_fd);
    json_decref(ledger->identity);
    free(ledger->dir);
    free(ledger);
}

/* Goes with its last ledger: the directory above. */
static void remove_above(const char *dir)
{
    char *above = mt_strdup(dir);
    char *slash = strrchr(above, '/');

    if (slash && slash != above) {
        *slash = '\0';
        (void)rmdir(above);
    }
    free(above);
}

static void dir_empty(struct mt_ledger *base)
{
    struct dir_ledger *ledger = (struct dir_ledger *)base;

    empty(ledger);
    if (rmdir(ledger->dir) == 0)
        remove_above(ledger->dir);
}

/* Takes a neighbour's lock, so that nobody works in it, and removes it if it is old. */
bool mt_ledger_discard_dir(const char *dir)
{
    struct dir_ledger old = {.dir = mt_strdup(dir), .dir_fd = -1, .journal = -1};
    char *journal = mt_path_join(dir, "journal");
    struct mt_err err;
    struct stat st;
    bool stale =
        stat(journal, &st) == 0 && st.st_mtim.tv_sec + MT_LEDGER_STALE_S < mt_now_us() / 1000000;

    free(journal);
    stale = stale && lock(&old, &err) == 0;
    if (stale) {
        mt_log(MT_LOG_INFO, "removing the abandoned work in '%s'", dir);
        dir_empty(&old.base);
    }
    mt_fd_close(&old.dir_fd);
    free(old.dir);
    return stale;
}

static void dir_sweep(const struct mt_ledger *base)
{
    const struct dir_ledger *ledger = (const struct dir_ledger *)base;
    char *above = mt_asprintf("%s/..", ledger->dir);
    DIR *dir = opendir(above);
    struct dirent *e;

    while (dir && (e = readdir(dir))) {
        const char *own = strrchr(ledger->dir, '/');
        char *path;

        if (e->d_name[0] == '.' || (own && strcmp(e->d_name, own + 1) == 0))
            continue;
        path = mt_path_join(above, e->d_name);
        (void)mt_ledger_discard_dir(path);
        free(path);
    }
    if (dir)
        closedir(dir);
    free(above);
}

/* ---- the plan ---- */

static int dir_set_plan(struct mt_ledger *base, const json_t *plan, struct mt_err *err)
{
    struct dir_ledger *ledger = (struct dir_ledger *)base;
    json_t *kept = json_pack("{s:O, s:O}", "source", ledger->identity, "plan", plan);
    char *text = mt_json_compact(kept);
    char *path = mt_path_join(ledger->dir, "plan.json");
    int ret;

    close_files(ledger);
    mt_fd_close(&ledger->journal);
    empty(ledger);
    mt_ledger_forget(base, plan);
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

static int dir_data(struct mt_ledger *base, const char *recipe, int slot, struct mt_err *err)
{
    struct dir_ledger *ledger = (struct dir_ledger *)base;
    char *name = name_of(recipe, slot);
    int fd = data_of(ledger, name, err);

    free(name);
    return fd;
}

/* One write, so that a line is there whole or is the last one. */
static int append(struct dir_ledger *ledger, const json_t *line, struct mt_err *err)
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

static int sync_data(struct dir_ledger *ledger, const char *name, struct mt_err *err)
{
    int fd = data_of(ledger, name, err);

    if (fd < 0)
        return -1;
    return fdatasync(fd) < 0 ? mt_fail_errno(err, "cannot write '%s/%s'", ledger->dir, name) : 0;
}

static int dir_record(struct mt_ledger *base, const json_t *report, const char *const *recipes,
                      int slot, struct mt_err *err)
{
    struct dir_ledger *ledger = (struct dir_ledger *)base;
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

static struct mt_av_piece dir_piece(const struct mt_ledger *base, const char *recipe, int segment)
{
    const struct dir_ledger *ledger = (const struct dir_ledger *)base;
    const json_t *lane = mt_ledger_segment(base, recipe, segment);
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

static int dir_sound_data(struct mt_ledger *base, int64_t bps, bool fresh, struct mt_err *err)
{
    struct dir_ledger *ledger = (struct dir_ledger *)base;
    char *name = mt_asprintf("sound-%lld.mp4", (long long)bps);
    int fd = data_of(ledger, name, err);

    if (fd >= 0 && fresh && ftruncate(fd, 0) < 0)
        fd = mt_fail_errno(err, "cannot empty '%s/%s'", ledger->dir, name);
    free(name);
    return fd;
}

static int dir_record_sound(struct mt_ledger *base, const json_t *report, const int64_t *bps, int n,
                            struct mt_err *err)
{
    struct dir_ledger *ledger = (struct dir_ledger *)base;
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

static const struct mt_ledger_kind kind = {
    .set_plan = dir_set_plan,
    .data = dir_data,
    .record = dir_record,
    .piece = dir_piece,
    .sound_data = dir_sound_data,
    .record_sound = dir_record_sound,
    .empty = dir_empty,
    .close = dir_close,
    .sweep = dir_sweep,
};

int mt_ledger_open(struct mt_ledger **out, const char *dir, const json_t *source,
                   struct mt_err *err)
{
    struct dir_ledger *ledger = mt_alloc(sizeof *ledger);
    struct mt_ledger *base = &ledger->base;

    *ledger = (struct dir_ledger){
        .dir = mt_strdup(dir), .dir_fd = -1, .journal = -1, .identity = json_deep_copy(source)};
    mt_ledger_init(base, &kind);
    if (mt_mkdirs(dir, err) < 0 || lock(ledger, err) < 0)
        goto fail;
    ledger->journal = open_in(ledger, "journal", O_APPEND, err);
    if (ledger->journal < 0)
        goto fail;
    load(ledger);
    *out = base;
    return 0;
fail:
    mt_ledger_close(&base);
    return -1;
}
