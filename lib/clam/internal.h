/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/clam only. */
#ifndef MT_CLAM_INTERNAL_H
#define MT_CLAM_INTERNAL_H

#include "clam/clam.h"

#include <clamav.h>
#include <stdbool.h>

struct mt_clam {
    char *database;
    char *tmp;                /* our directory below the one that was given */
    int lock;                 /* descriptor of it, flock()ed as long as we live */
    struct cl_engine *engine; /* NULL until loaded */
    struct cl_stat state;     /* of a database directory when it was loaded */
    bool watched;             /* state is valid */
};

/* Loads the signatures unless they are there and unchanged. MT_ERR_UNAVAILABLE if there are none.
 */
int mt_clam_load(struct mt_clam *clam, struct mt_err *err) MT_MUST_USE;
void mt_clam_unload(struct mt_clam *clam);

/* Since the newest signatures were made, official ones if there are any; -1: there are none. */
int64_t mt_clam_database_age(const char *database);

/* The directory for temporary files, and the removal of abandoned ones. */
int mt_clam_make_tmp(struct mt_clam *clam, const char *base, struct mt_err *err) MT_MUST_USE;
void mt_clam_remove_tree(const char *path);

/* What the threads of a jailed child look for, and how. */
extern const struct cl_scan_options mt_clam_options;

/* In the child: the engine reports names to this context of a scan. */
enum { MT_CLAM_NAMES = 8 };
struct mt_clam_names {
    int n;
    char names[MT_CLAM_NAMES][160];
};
void mt_clam_on_found(int fd, const char *name, void *names);

#endif
