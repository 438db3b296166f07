/* SPDX-License-Identifier: GPL-2.0-or-later */
/* types.h - the kinds of analysis there are. */
#ifndef MT_ANALYZE_TYPES_H
#define MT_ANALYZE_TYPES_H

#include "base/err.h"

enum { MT_ANALYSIS_TYPES = 9 };

struct mt_analysis_type {
    const char *name;
    unsigned what;      /* of enum mt_av_measure_what; 0: an engine finds it */
    const char *remedy; /* what provides such an engine */
};

extern const struct mt_analysis_type mt_analysis_types[MT_ANALYSIS_TYPES];

/* Index of the type called word; MT_ERR_USAGE, with the nearest name. option says where it stood.
 */
int mt_analysis_type(const char *word, const char *option, struct mt_err *err);

/* Calls each(ctx, index of the type) for every word of the list; stops at -1. each may be NULL. */
int mt_analysis_each(const char *list, int (*each)(void *ctx, int type, struct mt_err *err),
                     void *ctx, struct mt_err *err);

#endif
