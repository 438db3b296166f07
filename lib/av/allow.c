/* SPDX-License-Identifier: GPL-2.0-or-later */
/* allow.c - what of the media libraries may be used at all. */
#include "av/allow.h"

#include <libavutil/avstring.h>

const char mt_allowed_demuxers[] =
    /* ISO base media: MP4, MOV, M4A, 3GP, AVIF and HEIF */
    "mov,"
    /* Matroska and WebM */
    "matroska,"
    /* MPEG systems: transport and program streams, VOB */
    "mpegts,mpeg,"
    /* older films: AVI, Flash, Windows Media */
    "avi,flv,asf,"
    /* broadcast and production */
    "mxf,"
    /* Ogg: Vorbis, Opus, Theora, FLAC, Speex */
    "ogg,"
    /* bare video streams */
    "h264,hevc,mpegvideo,m4v,ivf,obu,"
    /* bare sound streams that can be told by their syntax */
    "aac,mp3,ac3,eac3,flac,amr,"
    /* uncompressed sound and what shares its containers */
    "wav,w64,aiff,caf,au,"
    /* pictures, one file each */
    "jpeg_pipe,png_pipe,apng,gif,webp_pipe,bmp_pipe,tiff_pipe,jpegxl_pipe,jpegxl_anim";

const char mt_allowed_decoders[] =
    /* video of today */
    "h264,hevc,vp8,vp9,libdav1d,"
    /* video of yesterday */
    "mpeg1video,mpeg2video,mpeg4,h263,h263i,flv,theora,vc1,wmv1,wmv2,wmv3,"
    "msmpeg4v1,msmpeg4v2,msmpeg4,vp6,vp6f,dvvideo,"
    /* production and uncompressed video */
    "prores,dnxhd,mjpeg,ffv1,rawvideo,v210,jpeg2000,libopenjpeg,"
    /* pictures */
    "png,apng,gif,webp,bmp,tiff,libjxl,"
    /* sound of today */
    "aac,aac_latm,mp3float,mp3,opus,libopus,vorbis,flac,alac,ac3,eac3,"
    /* sound of yesterday and of telephones */
    "mp1float,mp1,mp2float,mp2,amrnb,amrwb,wmav1,wmav2,wmapro,wmalossless,wmavoice,dca,truehd,mlp,"
    "speex,libspeex,nellymoser,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,adpcm_swf,gsm,gsm_ms,"
    /* uncompressed sound */
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_s64le,"
    "pcm_s64be,pcm_u16le,pcm_u16be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,"
    "pcm_bluray,pcm_dvd,s302m,"
    /* subtitles that come inside films */
    "subrip,srt,ass,ssa,webvtt,mov_text,text,dvbsub,dvdsub,pgssub,cc_dec,libzvbi_teletextdec";

static const char images[] = "jpeg_pipe,png_pipe,apng,gif,webp_pipe,bmp_pipe,tiff_pipe,"
                             "jpegxl_pipe,jpegxl_anim";

static const char playlists[] = "hls,applehttp,dash,concat,concatf,imf,sdp,rtsp,rtp,sap,redir,"
                                "webm_dash_manifest,image2,vobsub,tedcaptions";

bool mt_demuxer_allowed(const char *names)
{
    return av_match_list(names, mt_allowed_demuxers, ',') > 0;
}

bool mt_decoder_allowed(const char *name)
{
    return av_match_list(name, mt_allowed_decoders, ',') > 0;
}

bool mt_demuxer_of_images(const char *name)
{
    return av_match_list(name, images, ',') > 0;
}

bool mt_demuxer_of_playlists(const char *name)
{
    return av_match_list(name, playlists, ',') > 0;
}
