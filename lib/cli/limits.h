/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limits.h - the options that bound what a media file may demand, and their defaults. */
#ifndef MT_CLI_LIMITS_H
#define MT_CLI_LIMITS_H

#include "base/limits.h"
#include "cli/cli.h"

/*
 * Options that set the int64_t members pixels, side, streams, duration_us, frames and memory of
 * T, which stand in it as IN tells: nothing, or "stage." for those of a struct.
 */
#define MT_LIMIT_OPTS(T, IN)                                                                       \
    MT_INT(T, IN pixels, 0, "max-pixels", "N", 1, INT64_MAX, "limits.pixels",                      \
           "largest picture, width times height"),                                                 \
        MT_INT(T, IN side, 0, "max-side", "PIXELS", 1, INT32_MAX, "limits.side",                   \
               "longest side of a picture"),                                                       \
        MT_INT(T, IN streams, 0, "max-streams", "N", 1, 100000, "limits.streams",                  \
               "streams in one file"),                                                             \
        MT_DURATION(T, IN duration_us, 0, "max-duration", "limits.duration", "longest film"),      \
        MT_INT(T, IN frames, 0, "max-frames", "N", 1, INT64_MAX, "limits.frames",                  \
               "pictures in one stream"),                                                          \
        MT_SIZE(T, IN memory, 0, "memory", "limits.memory", "memory of one jailed process")

/* Initializers of those members; memory is given by each program. */
#define MT_LIMIT_DEFAULTS                                                                          \
    .pixels = MT_LIMIT_PIXELS, .side = MT_LIMIT_SIDE_PX, .streams = MT_LIMIT_STREAMS,              \
    .duration_us = MT_LIMIT_DURATION_US, .frames = MT_LIMIT_FRAMES

#endif
