/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe.h - what a media file is made of. */
#ifndef MT_AV_PROBE_H
#define MT_AV_PROBE_H

#include "av/av.h"

#include <stdbool.h>

/* How much of a film is decoded to find damage. */
struct mt_av_probe {
    const char
        *claimed_type; /* the kind of file the bytes look like, from mt_sniff_fd(), or NULL */
    const struct mt_av_limits *limits;
    bool thorough;                         /* all of it instead of both ends */
    const struct mt_av_progress *progress; /* of a thorough look; NULL: none */
};

/*
 * The technical and embedded metadata of the file behind fd: the document's
 * asset.metadata, a new reference. Members:
 *   duration      seconds: the end of the last stream as its packets show it; null for a still
 *   duration_source  "packets" (all were read), "index" (a large file with a full index),
 *                 "claimed" (reading them would have taken too long); absent for a still
 *   container     libavformat's first short name: "mov", "matroska", "jpeg_pipe"
 *   bit_rate_bps, start_time (seconds)
 *   streams       index, type (video|audio|subtitle|data|attachment), codec, profile, language,
 *                 disposition [names], duration, bit_rate_bps, frames, tags; video: width, height
 *                 (coded, before rotation), display_width, display_height (after SAR and
 *                 rotation), sample_aspect_ratio "64:45", rotation (clockwise degrees),
 *                 mirrored (left to right, before the rotation; both from EXIF for a JPEG),
 *                 pixel_format, bit_depth, frame_rate "30000/1001" (counted where the container
 *                 talks nonsense), variable_frame_rate and then average_frame_rate, field_order
 * (progressive|tt|bb|tb|bt), color {primaries, transfer, matrix, range, hdr:
 * sdr|hdr10|hlg|dolby_vision, and where there is such a thing: mastering_display {red, green, blue,
 *                 white_point: [x, y], min_luminance, max_luminance (cd/m2)}, content_light
 *                 {max_cll, max_fall}, hdr10_plus: true, dolby_vision {profile, level,
 *                 compatibility, enhancement_layer, metadata}, icc_profile {name, version, space,
 *                 bytes}};
 *                 audio: sample_rate_hz, channels, channel_layout, sample_format, bit_depth
 *   chapters      start, end (seconds), title
 *   tags          of the container, names in lower case, values as text (256, 4 KB each, at most)
 *   timecode      of the first picture, or null
 *   embedded      {cover_art: bool, subtitles: n, attachments: n}
 *   content_type  "video" (moving pictures), "audio", or "image" (a still or an animation
 *                 without sound in an image format); attached cover art does not count
 *   bit_rate_over_time  {"step_s", "bps": [..]}: bits of each stretch, at most 600 of them
 *   damage        {"state": "ok"}, or "degraded" with "issues": [{"kind", "stream", "detail",
 *                 "start_s", "end_s" where known}] (kinds: av/issues.h) when structure, packets
 *                 or decoding show it; "missing" tells how many seconds the end is short of,
 *                 "lost_s" those together with holes and what did not decode, where known;
 *                 "checked": {"decoded": "sample" (both ends) or "all", "length_declared":
 *                 whether the file says where it ends, so that a cut must show}
 * A file that is one thing to libmagic (how->claimed_type) and another to the demuxers is refused.
 *
 * MT_ERR_UNSUPPORTED_TYPE (no permitted demuxer knows it), UNSUPPORTED_CODEC,
 * NO_MEDIA, ENCRYPTED, LIMIT, TRUNCATED, DAMAGED (no frame of any stream decodes).
 */
json_t *mt_av_probe(int fd, const struct mt_av_probe *how, struct mt_err *err);

/*
 * Decodes the file behind fd to its end and says what came out:
 *   duration (s), video: {frames, first_pts, last_end, width, height}, audio: {samples,
 *   sample_rate_hz, duration}, streams (count), errors (count), messages [..]
 * A new reference. Fails only as opening does; damage is in the counts.
 */
json_t *mt_av_check(int fd, const struct mt_av_limits *limits,
                    const struct mt_av_progress *progress, struct mt_err *err);

#endif
