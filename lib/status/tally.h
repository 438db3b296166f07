/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tally.h - figures of any number of rows, in memory of a fixed size.
 *
 * Percentiles come from a histogram whose steps are less than 1 % wide, so
 * that a million jobs need neither sorting nor an index.
 */
#ifndef MT_STATUS_TALLY_H
#define MT_STATUS_TALLY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { MT_TALLY_STEPS = 128, MT_TALLY_SIZE = 48 * MT_TALLY_STEPS };

struct mt_tally {
    int64_t n;
    int64_t sum;
    int64_t least, most;
    int64_t steps[MT_TALLY_SIZE];
};

/* Counts one figure; below 0 counts as 0. A zeroed struct is an empty tally. */
void mt_tally_add(struct mt_tally *tally, int64_t value);

/*
 * The figure that at most a share (0 to 1) of all exceed from below: 0.5 is the
 * median. Exact below 256, else within 0.8 %; 0 when nothing was counted.
 */
int64_t mt_tally_at(const struct mt_tally *tally, double share);

/* {"p50", "p90", "p99", "max"}, each divided by unit; null when nothing was counted. New. */
json_t *mt_tally_json(const struct mt_tally *tally, double unit);

/*
 * Milliseconds from one time of the database to another, negative if it is the
 * earlier one; -1 also when one is NULL or no time.
 */
int64_t mt_span_ms(const char *from, const char *to);

/* How long and how large assets are, by their ids, for joins that no index helps. Zeroed is empty.
 */
struct mt_length {
    uint64_t key; /* 0: free */
    int64_t bytes;
    int64_t ms; /* 0: unknown */
};

struct mt_lengths {
    struct mt_length *list;
    size_t n, size;
};

/* Remembers an asset; beyond 8 million of them no more are remembered. */
void mt_lengths_set(struct mt_lengths *lengths, const char *id, int64_t ms, int64_t bytes);

/* What is known of the asset, or NULL. Valid until the next is remembered. */
const struct mt_length *mt_lengths_get(const struct mt_lengths *lengths, const char *id);
void mt_lengths_free(struct mt_lengths *lengths);

#endif
