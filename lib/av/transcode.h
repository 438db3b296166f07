/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode.h - renditions of one source from one decode. */
#ifndef MT_AV_TRANSCODE_H
#define MT_AV_TRANSCODE_H

#include "av/av.h"

/* One rendition that is wanted, and where it goes. */
struct mt_av_rendition {
    const char *name;  /* "720p": for messages and the report */
    int height_px;     /* of the shorter side, after rotation and SAR; 0: as the source */
    int64_t video_bps; /* average; 0: constant quality by crf, capped by max_bps */
    int64_t max_bps;   /* VBV maximum rate over 2 s; 0: none. Lowered, with crf, in proportion
                          when the source is smaller than height_px */
    int crf;           /* 0-51 for H.264; used when video_bps is 0 */
    int64_t audio_bps; /* of AAC; 0: no audio */
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
 * Decodes the source once and writes every rendition: H.264 (High, yuv420p)
 * and AAC-LC in a fast-start MP4, closed GOPs of 2 s, upright, square pixels,
 * even sides, never larger than the source. Interlaced pictures are
 * deinterlaced, HDR becomes SDR. Timestamps of the source are kept (VFR stays VFR).
 *
 * The report, a new reference: {"renditions": [{"name", "width", "height",
 * "frames", "duration" (s), "video_bps", "audio_bps", "size_bytes"}],
 * "source": {"frames", "duration", "errors", "messages"}}.
 * MT_ERR_NOT_APPLICABLE when the source has no moving picture;
 * otherwise as mt_av_probe(), and NO_SPACE, IO for the outputs.
 */
json_t *mt_av_transcode(int fd, const struct mt_av_transcode *spec, struct mt_err *err);

/*
 * The size of a rendition whose shorter side is to be height_px: even sides, square
 * pixels, never larger than the display size of the source (display_w, display_h).
 * *limited says that the source is smaller than what was asked.
 */
void mt_av_fit(int display_w, int display_h, int height_px, int *w, int *h, int *limited);

#endif
