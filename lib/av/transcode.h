/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode.h - renditions of one source from one decode. */
#ifndef MT_AV_TRANSCODE_H
#define MT_AV_TRANSCODE_H

#include "av/av.h"

#include <stdbool.h>

enum {
    MT_AV_BUFFER_S = 2
}; /* that the buffer of a decoder holds at the peak rate, as HLS allows */

/* One rendition that is wanted, and where it goes. */
struct mt_av_rendition {
    const char *name;  /* "720p": for messages and the report */
    int height_px;     /* of the shorter side, after rotation and SAR; 0: as the source */
    int64_t video_bps; /* average; 0: constant quality by crf, capped by max_bps */
    int64_t max_bps;   /* VBV maximum rate over 2 s; 0: none. Lowered, with crf, in proportion
                          when the source is smaller than height_px */
    const char *codec; /* "h264" (also NULL), "hevc", "vp9", "av1" */
    int crf;           /* of the codec's own scale; used when video_bps is 0 */
    int64_t audio_bps; /* of AAC; 0: no audio */
    bool upscale;      /* may be larger than the source */
    double fps;        /* pictures a second, each lasting as long; 0: as in the source */
    double max_fps;    /* of sources with more, every n-th picture, or so many; 0: all */
    bool constant;     /* each as long as the next, whatever the source's do */
    int fd;            /* a new, empty, readable, writable, seekable file: an MP4 comes here */
};

struct mt_av_transcode {
    const struct mt_av_rendition *renditions;
    int n;
    const char *preset; /* of x264: "veryfast" ... */
    int threads;        /* of each encoder; 0: as many as there are processors */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
};

/*
 * Decodes the source once and writes every rendition (at most 16): H.264 (High, yuv420p)
 * and AAC-LC in a fast-start MP4, upright, square pixels, even sides, never larger than the
 * source. GOPs are closed; they begin at the first picture at or after each multiple of 2 s
 * and nowhere else. Interlaced pictures are deinterlaced, HDR and wide gamut become BT.709,
 * transparent pictures are shown on black. Each decoded picture is encoded once: timestamps
 * of the source are kept (VFR stays VFR), and so is the distance between picture and sound;
 * the film begins at 0. Sound is mono or stereo of 44.1 or 48 kHz, encoded once per bit rate.
 * Titles, rights, the language of the sound and chapters are kept, other metadata is not.
 * What does not decode is counted and left out.
 *
 * The report, a new reference: {"renditions": [{"name", "width", "height",
 * "frames", "duration" (s), "video_bps", "audio_bps", "size_bytes"}],
 * "source": {"frames", "samples" (per channel), "duration", "errors", "messages", "repaired":
 * {"missing", "backwards", "jumps"}}}; repaired counts pictures without a time of their own,
 * those that did not follow their predecessor, and leaps of the whole time line taken out.
 *
 * MT_ERR_NOT_APPLICABLE when the source has no moving picture, DAMAGED when none decodes,
 * USAGE for a preset that x264 has not, UNAVAILABLE when these libraries lack libx264, or
 * zscale for a source that needs it; otherwise as mt_av_probe(), and NO_SPACE, IO for the
 * outputs, whose contents are then of no use. No file is opened by name.
 */
json_t *mt_av_transcode(int fd, const struct mt_av_transcode *spec, struct mt_err *err);

/* What encodes a codec: "libx264"; NULL if nothing is known to. */
const char *mt_av_encoder_name(const char *codec);

/* The constant quality that is usual for a codec. */
int mt_av_default_crf(const char *codec);

/* The largest it can be: the least quality. */
int mt_av_most_crf(const char *codec);

/*
 * The size of a rendition whose shorter side is to be height_px: even sides, square
 * pixels, never larger than the display size of the source (display_w, display_h).
 * *limited says that the source is smaller than what was asked.
 */
void mt_av_fit(int display_w, int display_h, int height_px, int *w, int *h, int *limited);

/* The same where it may be larger. */
void mt_av_enlarge(int display_w, int display_h, int height_px, int *w, int *h);

#endif
