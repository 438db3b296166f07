/* SPDX-License-Identifier: GPL-2.0-or-later */
/* copy.h - whether the streams of a source can go into a rendition as they are. */
#ifndef MT_AV_COPY_H
#define MT_AV_COPY_H

#include "av/av.h"

/*
 * Reads all packets of the source and decodes none. The report, a new reference:
 *
 * {"origin_us" (where the film begins on the source's clock: with its first picture or sound),
 * "duration_us", "streams": [{"stream" (index), "kind": "pictures" (the main ones only), "sound" or
 * "text", "codec" (as libavcodec names it), "packets", "bps" (mean), "peak_bps" (of the fullest two
 * seconds), "obstacle": null, or why its packets cannot be taken as they are, whatever they are
 * wanted for}]}.
 *
 * Pictures have further "width", "height" (coded), "depth" (bits), "sampling" ("4:2:0"), "full"
 * (range), "hdr" (or wide gamut), "upright" and "square" (booleans), "interlaced", "fps", "key_s"
 * (longest stretch without a key frame); sound has "channels", "sample_rate_hz", "low_complexity"
 * (AAC without extensions, true for every other codec), "bits" (of lossless codecs, 0: unknown).
 *
 * Errors as mt_av_probe(). Call it jailed.
 */
json_t *mt_av_copy_look(int fd, const struct mt_av_limits *limits,
                        const struct mt_av_progress *progress, struct mt_err *err);

#endif
