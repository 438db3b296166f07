/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * teaser.h - a film in half a minute: a preview without sound, a trailer with it.
 *
 * The film is cut into as many stretches of equal length as there are excerpts, one for each
 * three seconds of a preview and each four of a trailer, so that they are spread over it; of films
 * ten times as long as what is wanted the first 2 % and the last 5 %, where titles and credits
 * are, are left out. In each stretch four pictures are looked at, key frames wherever there is one
 * near. Around the two best of them (one, where pictures are larger than 1920 x 1088 or the file
 * cannot be sought in) twice the length of an excerpt is decoded, and the part that fits best is
 * what the stretch is worth: one that begins and ends where a scene changes, ends in a silence, and
 * shows no black. What counts in the end:
 *
 *   picture  sharpness, colour, exposure and light of the first look, s / (s + 400), where s is
 *            what mt_av_thumbs() chooses its most telling picture by
 *   novelty  how far its colours are from those of the nearest excerpt before: the share of pixels
 *            of another colour of 64; 1 for the first
 *   motion   the share of the time that is not frozen
 *   sound    of a trailer: the loudness, from 0 at -50 LUFS to 1 at -15
 *   black    the share of the time that is black
 *   score    (2 picture + novelty + motion + sound) / 5 (of a preview: / 4, without sound),
 *            times 1 - black
 *
 * So the cost is that of the excerpts, not of the film, wherever its format can be sought in.
 */
#ifndef MT_AV_TEASER_H
#define MT_AV_TEASER_H

#include "av/av.h"

#include <stdbool.h>

enum mt_av_clip { MT_AV_CLIP_MP4, MT_AV_CLIP_WEBM, MT_AV_CLIP_WEBP, MT_AV_CLIPS };
enum { MT_AV_TEASER_SCRATCH = 6, MT_AV_EXCERPTS_MAX = 100 };

/* "mp4", "webm", "webp": also their extensions. */
const char *mt_av_clip_name(enum mt_av_clip clip);

/* Whether these libraries can write it. */
bool mt_av_can_clip(enum mt_av_clip clip);

struct mt_av_teaser {
    int64_t length_us;    /* wanted, 1 s to 300 s; it is never longer, but for a picture's length */
    bool sound;           /* a trailer; WebP has none */
    int side_px;          /* the shorter side, 16 to 4096; never more than the source's */
    int fds[MT_AV_CLIPS]; /* new, empty files; -1: not wanted */
    int scratch[MT_AV_TEASER_SCRATCH]; /* the same, for itself */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
};

/*
 * Makes them. MP4 is H.264 (and AAC), its index in front; WebM VP9 (and Opus); WebP an animation
 * of ten pictures a second that repeats for ever. Pictures are upright, in square pixels, SDR,
 * deinterlaced, at most 30 a second. Each excerpt begins with a key frame.
 *
 * The sound of an excerpt is brought to one loudness, that of all: -16 LUFS, or as much less, down
 * to -24, as the true peaks of the peakiest, which stay below -1 dBTP, and 20 dB of gain at most
 * allow it. At joins it fades out and in within 40 ms. A film without sound gives a
 * trailer without one, and a note.
 *
 * What was encoded is decoded and compared, picture by picture, and the files are read back.
 *
 * The report, new: {"duration" (s), "whole" (the film is no longer than what was wanted, and all of
 * it is there), "excerpts": [{"from", "to" (s of the film), "at" (s of the teaser), "score",
 * "picture", "novelty", "motion", "black", "starts_at_cut", "ends_at_cut"; with sound also "sound",
 * "ends_in_silence", "gain_db"}], "clips": [{"clip", "width", "height", "frames", "duration",
 * "video_bps", "audio_bps", "size_bytes", "score" (SSIM, mean; null for WebP)}], "loudness": null
 * or
 * {"integrated_lufs", "true_peak_dbtp"} (of what was encoded), "errors", "notes"}.
 *
 * MT_ERR_NOT_APPLICABLE for what has no moving picture, MT_ERR_DAMAGED when none decodes,
 * MT_ERR_VERIFY; otherwise as mt_av_transcode(). Call it in the jail of encoders.
 */
json_t *mt_av_teaser(int fd, const struct mt_av_teaser *spec, struct mt_err *err);

#endif
