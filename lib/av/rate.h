/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rate.h - how many bits each stretch of a film takes. Private to lib/av. */
#ifndef MT_AV_RATE_H
#define MT_AV_RATE_H

#include <jansson.h>
#include <stdint.h>

enum { MT_RATE_POINTS = 600 };

/* Begins as zeros. Stretches are of 0.5 s, and of twice that whenever the film outgrows them. */
struct mt_rate {
    int64_t step_us; /* 0: nothing was added so far */
    int64_t first_us;
    int n; /* stretches in use */
    int64_t bytes[MT_RATE_POINTS];
};

/* A packet of so many bytes is due at at_us (any origin, the same for all). */
void mt_rate_add(struct mt_rate *rate, int64_t at_us, int64_t bytes);

/*
 * {"step_s": 0.5, "bps": [..]} of a film that lasts duration_us, a new reference; the last
 * stretch is as long as the film lets it be. NULL when there is nothing to tell.
 */
json_t *mt_rate_describe(const struct mt_rate *rate, int64_t duration_us);

#endif
