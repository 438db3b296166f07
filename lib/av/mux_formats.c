/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mux_formats.c - which container carries which codec. */
#include "av/mux_parts.h"

#include <libavutil/avstring.h>
#include <string.h>

/*
 * What the standards permit and players of today know: ISO/IEC 14496-14 and -15, the MP4
 * registration authority for Opus, FLAC and AV1; QuickTime; RFC 9559 and RFC 9043 for Matroska;
 * the WebM guidelines; RFC 3533, 5334 and 7845 for Ogg.
 */
/* Edit lists count in the movie's time scale: the usual 1000 would move sound by up to a
 * millisecond. */
#define MOV_OPTIONS "movflags=+faststart:movie_timescale=90000"
#define MKV_OPTIONS "cues_to_front=1:default_mode=passthrough"
#define PCM "pcm_s16le,pcm_s24le,pcm_s32le,pcm_f32le"

static const struct mt_format formats[] = {
    {"mp4", "mp4", "h264,hevc,av1,vp9,mpeg4,aac,mp3,ac3,eac3,opus,flac,alac,mov_text",
     MOV_OPTIONS ":brand=mp42", false, false},
    {"mov", "mov",
     "h264,hevc,prores,dnxhd,mpeg4,mjpeg,aac,mp3,ac3,eac3,alac," PCM ",pcm_s16be,pcm_s24be,"
     "mov_text",
     MOV_OPTIONS, false, false},
    {"mkv", "matroska",
     "h264,hevc,av1,vp9,vp8,mpeg4,mpeg2video,mpeg1video,theora,prores,ffv1,mjpeg,aac,mp3,mp2,ac3,"
     "eac3,dts,truehd,opus,vorbis,flac,alac," PCM ",subrip,ass,ssa,webvtt,hdmv_pgs_subtitle,"
     "dvd_subtitle,dvb_subtitle",
     MKV_OPTIONS, false, true},
    {"webm", "webm", "vp9,vp8,av1,opus,vorbis,webvtt", MKV_OPTIONS, false, true},
    {"m4a", "ipod", "aac,alac,mp3,ac3,mov_text", MOV_OPTIONS, true, false},
    {"mka", "matroska",
     "aac,mp3,mp2,ac3,eac3,dts,truehd,opus,vorbis,flac,alac," PCM ",subrip,ass,webvtt", MKV_OPTIONS,
     true, true},
    {"mp3", "mp3", "mp3", "id3v2_version=3", true, false},
    {"ogg", "ogg", "vorbis,opus,flac", "", true, false},
    {"opus", "opus", "opus", "", true, false},
    {"flac", "flac", "flac", "", true, false},
    {"wav", "wav", PCM ",pcm_u8", "rf64=auto", true, false},
};

const struct mt_format *mt_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (name && strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

int mt_av_carries(const char *format, const char *codec)
{
    const struct mt_format *f = mt_format_find(format);

    return f && codec && av_match_list(codec, f->codecs, ',') > 0;
}
