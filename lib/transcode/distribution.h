/* SPDX-License-Identifier: GPL-2.0-or-later */
/* distribution.h - how much of a film this process is to make; see distribute.h. */
#ifndef MT_TRANSCODE_DISTRIBUTION_H
#define MT_TRANSCODE_DISTRIBUTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct mt_distribution {
    bool wanted;           /* give parts to other workers */
    const char *part;      /* encode this alone: "9-16" (segments, from 1) or "sound"; or NULL */
    int64_t part_us;       /* of film in a part, about */
    const json_t *command; /* that does the same again: mt_run_command(); lent */
    const char *burn_in;   /* identity of a file of subtitles that goes with the work; or NULL */
};

#endif
