/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mux.h - tracks made apart become one file.
 *
 * A film is encoded in segments and its sound in one piece; this joins them, packet by packet,
 * without decoding anything. The same call wraps tracks of a source that need no encoding.
 *
 * A track is an ordered list of parts. Pictures have one part for each segment: a closed
 * file (CMAF, that is fragmented MP4, or any container that is permitted) of one stream, each of
 * which begins with a key frame and holds pictures of its own stretch of time only. Sound and
 * text have one part, a whole file. All parts of a track are of one codec with one and
 * the same parameter sets (SPS, PPS, VPS, sequence header): the containers written here keep
 * them once for the track, so that a part that differs is an error, never a file that breaks
 * in the middle.
 *
 * Times. The film begins at 0. A part either has times of the film's clock already
 * (start is MT_AV_OWN_TIMES), or is moved as a whole: its first picture is shown at start. The
 * first one in order of display counts, whatever edit list or offset the file has. Presentation
 * times are kept exactly, in the track's base. Decoding times are made anew for the whole
 * track from the order of presentation, so that they rise across joins: a picture's is the
 * presentation time of the one that is as many places earlier in order as the deepest reordering of
 * any part. Sound that begins before 0 is priming, or what the encoder needs
 * to get going, and hidden: by the edit list of MP4 and MOV, the pre-skip of Ogg, and for Opus by
 * the codec delay of Matroska. Of other sound in Matroska, which has no times before 0, the packets
 * that lie wholly before it are left out: the first 20 ms fade in.
 *
 * The bytes follow from the input alone: no dates, no random numbers, no library versions but
 * that of the encoder within the streams.
 */
#ifndef MT_AV_MUX_H
#define MT_AV_MUX_H

#include "av/av.h"

#define MT_AV_OWN_TIMES INT64_MIN

enum { MT_AV_TRACKS_MAX = 64, MT_AV_PARTS_MAX = 100000 };

enum mt_av_kind { MT_AV_PICTURES, MT_AV_SOUND, MT_AV_TEXT };

/* What players choose tracks by. */
enum mt_av_disposition {
    MT_AV_DEFAULT = 1 << 0,
    MT_AV_FORCED = 1 << 1,
    MT_AV_HEARING_IMPAIRED = 1 << 2,
    MT_AV_VISUAL_IMPAIRED = 1 << 3,
    MT_AV_COMMENT = 1 << 4,
    MT_AV_ORIGINAL = 1 << 5,
    MT_AV_DUB = 1 << 6,
    MT_AV_CAPTIONS = 1 << 7,
    MT_AV_LYRICS = 1 << 8,
};

struct mt_av_part {
    int fd;          /* a regular file, readable; stays the caller's. Read with pread() */
    int64_t offset;  /* where the part begins in it, bytes: several may lie in one file */
    int64_t size;    /* bytes; 0: all the rest */
    int stream;      /* its index there; -1: the only one of the track's kind */
    int64_t start;   /* in the track's base, or MT_AV_OWN_TIMES */
    int64_t packets; /* that it is known to hold; 0: not known. MT_ERR_VERIFY if it holds others */
    int64_t origin_us; /* with MT_AV_OWN_TIMES: where the film begins on the file's own clock */
};

struct mt_av_track {
    enum mt_av_kind kind;
    const struct mt_av_part *parts; /* in order of time */
    int n;
    int base_num, base_den; /* seconds per tick: 1/90000, 1001/30000; 0: that of the first part */
    const char *language;   /* ISO 639-2 ("ara") or BCP 47 ("ar"); NULL: not known */
    const char *title;      /* NULL: none */
    unsigned disposition;   /* of enum mt_av_disposition */
    int64_t peak_bps;       /* pictures: how fast a decoder is fed; 0: nobody asks */
    int64_t buffer_bits;    /* and what it has room for */
};

struct mt_av_mux {
    /* "mp4", "mov", "mkv", "webm"; of sound alone also "m4a", "mka", "mp3", "ogg", "opus",
       "flac", "wav" */
    const char *format;
    const struct mt_av_track *tracks; /* in the file's order */
    int n;
    int tags_fd;       /* the source, whose titles, rights and chapters are kept; -1: none */
    int64_t origin_us; /* where the film begins on that file's clock: chapters move by it */
    int fd;            /* a new, empty, readable, writable, seekable file */
    struct mt_av_limits limits;
    struct mt_av_progress progress;
};

/*
 * Writes the file, its index in front where the format has one, then reads it back and
 * compares each track packet by packet with what went in: number, presentation times (as
 * finely as the format keeps them) and a hash of the payload.
 *
 * The report, a new reference: {"format", "duration" (s, the longest track's), "size_bytes",
 * "chapters", "tracks": [{"kind", "codec", "packets", "bytes", "duration", "start" (s; where
 * it is first shown or heard), "bit_rate_bps", "reordering" (pictures), "parts", "hash"
 * (MurmurHash3, 128 bits, of the payload: for pictures of H.264 and HEVC of their NAL units
 * without what separates them), "buffer" (null, or the part of buffer_bits that a decoder needs
 * which is fed at peak_bps: more than 1 does not play without a pause)}]}.
 *
 * MT_ERR_VERIFY when parts do not fit together or what is read back is not what was
 * written; the message names track and part. MT_ERR_UNSUPPORTED_CODEC when the format cannot
 * carry a codec (mt_av_carries() tells beforehand), MT_ERR_DAMAGED for packets without times,
 * MT_ERR_USAGE for a format that is not known; NO_SPACE, IO for the output; otherwise as
 * mt_av_probe().
 */
json_t *mt_av_mux(const struct mt_av_mux *spec, struct mt_err *err);

/*
 * From such a report: {"frames" (of the first track), "duration", "video_bps", "audio_bps" (over
 * the whole file), "size_bytes", "tracks"}. New.
 */
json_t *mt_av_mux_summary(const json_t *muxed);

/*
 * Whether files of the format can hold the codec ("h264", "aac", "mov_text", as libavcodec
 * names them) and are widely played so: 1; 0 if not. Opus in MP4 is; H.264 in WebM is not.
 */
int mt_av_carries(const char *format, const char *codec);

#endif
