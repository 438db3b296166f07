/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine.c - the engine with its limits, and the signatures with their age. */
#include "clam/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "json/json.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Unpacked bytes of one file; beyond, it is a bomb. An MP4 is walked twice. */
#define UNPACKED_MAX (INT64_C(16) << 30)

const struct cl_scan_options mt_clam_options = {
    .general = CL_SCAN_GENERAL_HEURISTICS,
    .parse = ~0U,
    .heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE |
                 CL_SCAN_HEURISTIC_ENCRYPTED_DOC,
};

/*
 * Time is the caller's affair. Bytecode is interpreted, as the jail lets no
 * memory become executable. The cache would only remember what is clean.
 */
static const struct {
    enum cl_engine_field field;
    long long value;
} settings[] = {
    {CL_ENGINE_MAX_FILESIZE, MT_CLAM_WHOLE_MAX},
    {CL_ENGINE_MAX_SCANSIZE, UNPACKED_MAX},
    {CL_ENGINE_MAX_SCANTIME, 0},
    {CL_ENGINE_PCRE_MAX_FILESIZE, MT_CLAM_WHOLE_MAX},
    {CL_ENGINE_BYTECODE_MODE, CL_BYTECODE_MODE_INTERPRETER},
    {CL_ENGINE_DISABLE_CACHE, 1},
    {CL_ENGINE_DISABLE_PE_STATS, 1},
};

static int fail(struct mt_err *err, const struct mt_clam *clam, cl_error_t problem)
{
    return mt_fail(err, MT_ERR_UNAVAILABLE, "cannot load the signatures in '%s': %s",
                   clam->database, cl_strerror(problem));
}

/* The engine's own messages: what matters in them comes back as codes and names. */
static void on_message(enum cl_msg severity, const char *full, const char *message, void *ctx)
{
    (void)severity;
    (void)full;
    (void)ctx;
    mt_log(MT_LOG_DEBUG, "libclamav: %.*s", (int)strcspn(message, "\n"), message);
}

void mt_clam_on_found(int fd, const char *name, void *ctx)
{
    struct mt_clam_names *names = ctx;

    (void)fd;
    if (name && names && names->n < MT_CLAM_NAMES)
        snprintf(names->names[names->n++], sizeof names->names[0], "%s", name);
}

/* What the library loads late (digests, tables) is loaded now: in the jail it could not. */
static void warm_up(const struct mt_clam *clam)
{
    static const char text[] = "nothing but a few words of plain text\n";
    struct cl_scan_options options = mt_clam_options;
    cl_fmap_t *map = cl_fmap_open_memory(text, sizeof text - 1);
    const char *name = NULL;
    unsigned long scanned = 0;

    if (!map)
        return;
    cl_error_t ret =
        cl_scanmap_callback(map, "warm-up", &name, &scanned, clam->engine, &options, NULL);
    if (ret != CL_CLEAN)
        mt_log(MT_LOG_WARN, "the signatures in '%s' take plain text for harmful: %s",
               clam->database, cl_strerror(ret));
    cl_fmap_close(map);
}

static int fill(struct mt_clam *clam, struct mt_err *err)
{
    cl_error_t problem = CL_SUCCESS;
    unsigned count = 0;

    for (size_t i = 0; i < sizeof settings / sizeof *settings && !problem; i++)
        problem = cl_engine_set_num(clam->engine, settings[i].field, settings[i].value);
    if (!problem)
        problem = cl_engine_set_str(clam->engine, CL_ENGINE_TMPDIR, clam->tmp);
    if (!problem)
        problem = cl_load(clam->database, clam->engine, &count, CL_DB_STDOPT);
    if (!problem && count == 0)
        return mt_fail(err, MT_ERR_UNAVAILABLE, "there are no signatures in '%s'", clam->database);
    if (!problem)
        problem = cl_engine_compile(clam->engine);
    if (problem)
        return fail(err, clam, problem);
    cl_engine_set_clcb_virus_found(clam->engine, mt_clam_on_found);
    warm_up(clam);
    return 0;
}

void mt_clam_unload(struct mt_clam *clam)
{
    if (clam->engine)
        cl_engine_free(clam->engine);
    clam->engine = NULL;
    if (clam->watched)
        cl_statfree(&clam->state);
    clam->watched = false;
}

int mt_clam_load(struct mt_clam *clam, struct mt_err *err)
{
    struct stat st;

    if (clam->engine && !(clam->watched && cl_statchkdir(&clam->state) == 1))
        return 0;
    mt_clam_unload(clam);
    if (mt_clam_database_age(clam->database) < 0) {
        mt_fail(err, MT_ERR_UNAVAILABLE, "there is no signature database in '%s'", clam->database);
        return mt_hint(err, "let freshclam fetch it");
    }
    cl_set_clcb_msg(on_message);
    clam->watched = stat(clam->database, &st) == 0 && S_ISDIR(st.st_mode) &&
                    cl_statinidir(clam->database, &clam->state) == CL_SUCCESS;
    clam->engine = cl_engine_new();
    if (!clam->engine)
        return fail(err, clam, CL_EMEM);
    if (fill(clam, err) == 0)
        return 0;
    mt_clam_unload(clam);
    return -1;
}

static bool is_official(const char *name)
{
    return mt_str_ends(name, ".cvd") || mt_str_ends(name, ".cld");
}

static bool is_signatures(const char *name)
{
    static const char *const ends[] = {".cud", ".ndb", ".ndu", ".hdb", ".hdu", ".hsb",  ".hsu",
                                       ".mdb", ".mdu", ".msb", ".msu", ".ldb", ".ldu",  ".cdb",
                                       ".db",  ".pdb", ".gdb", ".wdb", ".yar", ".yara", ".cbc",
                                       ".zmd", ".rmd", ".idb", ".imp", ".pwdb"};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (mt_str_ends(name, ends[i]))
            return true;
    return false;
}

/* When the signatures in a file were made, seconds since 1970; 0: there are none. */
static int64_t made(const char *path, bool *official)
{
    struct stat st;

    *official = is_official(path);
    if ((!*official && !is_signatures(path)) || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return 0;
    struct cl_cvd *head = *official ? cl_cvdhead(path) : NULL;
    int64_t when = head ? (int64_t)head->stime : st.st_mtim.tv_sec;
    if (head)
        cl_cvdfree(head);
    return when;
}

static int64_t newest_in(const char *database)
{
    DIR *dir = opendir(database);
    struct dirent *e;
    int64_t newest[2] = {0, 0};
    bool official;

    if (!dir) {
        int64_t when = made(database, &official);
        return when;
    }
    while ((e = readdir(dir))) {
        char *path = mt_path_join(database, e->d_name);
        int64_t when = made(path, &official);
        if (when > newest[official])
            newest[official] = when;
        free(path);
    }
    closedir(dir);
    return newest[true] ? newest[true] : newest[false];
}

int64_t mt_clam_database_age(const char *database)
{
    int64_t when = newest_in(database);
    int64_t now = mt_now_us() / 1000000;

    return when == 0 ? -1 : now > when ? now - when : 0;
}

json_t *mt_clam_versions(void)
{
    return json_pack("{s:s}", "libclamav", cl_retver());
}
