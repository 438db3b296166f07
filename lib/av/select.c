/* SPDX-License-Identifier: GPL-2.0-or-later */
/* select.c - which streams of an opened file matter, their decoders and their shape. */
#include "av/select.h"

#include "av/allow.h"
#include "av/logged.h"

#include <libavutil/display.h>
#include <libavutil/encryption_info.h>
#include <math.h>
#include <string.h>

const uint8_t *mt_in_side_data(const AVStream *stream, enum AVPacketSideDataType type, size_t *size)
{
    *size = 0;
#if LIBAVFORMAT_VERSION_MAJOR >= 61
    const AVPacketSideData *found = av_packet_side_data_get(
        stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, type);
    if (!found)
        return NULL;
    *size = found->size;
    return found->data;
#else
    return av_stream_get_side_data(stream, type, size);
#endif
}

int mt_in_add_side_data(AVStream *stream, enum AVPacketSideDataType type, const void *data,
                        size_t size)
{
    uint8_t *copy;

#if LIBAVFORMAT_VERSION_MAJOR >= 61
    AVPacketSideData *side = av_packet_side_data_new(
        &stream->codecpar->coded_side_data, &stream->codecpar->nb_coded_side_data, type, size, 0);
    copy = side ? side->data : NULL;
#else
    copy = av_stream_new_side_data(stream, type, size);
#endif
    if (!copy)
        return -1;
    memcpy(copy, data, size);
    return 0;
}

bool mt_stream_is_cover(const AVStream *st)
{
    return (st->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS)) != 0;
}

const AVCodec *mt_in_codec(enum AVCodecID id)
{
    const AVCodec *codec = avcodec_find_decoder(id);
    void *state = NULL;

    if (!codec || mt_decoder_allowed(codec->name))
        return codec;
    while ((codec = av_codec_iterate(&state)))
        if (codec->id == id && av_codec_is_decoder(codec) && mt_decoder_allowed(codec->name))
            return codec;
    return NULL;
}

static bool is_protected(const AVStream *st)
{
    static const char *const tags[] = {"encv", "enca", "drmi", "drms"};
    char tag[AV_FOURCC_MAX_STRING_SIZE];
    size_t n;

    av_fourcc_make_string(tag, st->codecpar->codec_tag);
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
        if (strcmp(tag, tags[i]) == 0)
            return true;
    return mt_in_side_data(st, AV_PKT_DATA_ENCRYPTION_INIT_INFO, &n) ||
           av_dict_get(st->metadata, "enc_key_id", NULL, 0);
}

/* How good a stream is as the main one of its kind; 0: not at all. */
static int64_t rank(const AVStream *st)
{
    const AVCodecParameters *par = st->codecpar;
    int64_t score = 1;

    if (!mt_in_codec(par->codec_id))
        return 0;
    if (st->disposition & AV_DISPOSITION_DEFAULT)
        score += INT64_C(1) << 40;
    if (!(st->disposition & (AV_DISPOSITION_HEARING_IMPAIRED | AV_DISPOSITION_VISUAL_IMPAIRED |
                             AV_DISPOSITION_COMMENT)))
        score += INT64_C(1) << 42;
    if (par->codec_type == AVMEDIA_TYPE_VIDEO)
        score += (int64_t)par->width * par->height;
    else if (par->sample_rate > 0)
        score += INT64_C(1) << 41;
    return score;
}

static void choose(AVStream **best, int64_t *score, AVStream *st)
{
    int64_t r = rank(st);

    if (r > *score) {
        *best = st;
        *score = r;
    }
}

static int nothing_chosen(bool any, const AVStream *undecodable, struct mt_err *err)
{
    if (!any)
        return mt_fail(err, MT_ERR_NO_MEDIA, "there is neither picture nor sound in it");

    const AVCodecParameters *par = undecodable->codecpar;
    char tag[AV_FOURCC_MAX_STRING_SIZE];
    if (par->codec_id != AV_CODEC_ID_NONE)
        return mt_fail(err, MT_ERR_UNSUPPORTED_CODEC,
                       "stream %d: the codec %s cannot be decoded here", undecodable->index,
                       avcodec_get_name(par->codec_id));
    return mt_fail(err, MT_ERR_UNSUPPORTED_CODEC, "stream %d: unknown codec '%s'",
                   undecodable->index, av_fourcc_make_string(tag, par->codec_tag));
}

/* A HEIF picture of tiles: no single stream is the picture. */
static bool is_tiled(const AVFormatContext *s)
{
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(61, 7, 100)
    for (unsigned i = 0; i < s->nb_stream_groups; i++)
        if (s->stream_groups[i]->type == AV_STREAM_GROUP_PARAMS_TILE_GRID)
            return true;
#endif
    (void)s;
    return false;
}

int mt_in_select(struct mt_in *in, struct mt_err *err)
{
    int64_t video = 0, audio = 0, cover = 0;
    AVStream *undecodable = NULL;

    if (mt_logged_protected())
        return mt_fail(err, MT_ERR_ENCRYPTED, "picture or sound are protected (DRM)");
    if (is_tiled(in->format))
        return mt_fail(err, MT_ERR_UNSUPPORTED_CODEC,
                       "a HEIF picture made of tiles, which cannot be read here");
    for (unsigned i = 0; i < in->format->nb_streams; i++) {
        AVStream *st = in->format->streams[i];
        enum AVMediaType type = st->codecpar->codec_type;

        if (is_protected(st)) {
            mt_fail(err, MT_ERR_ENCRYPTED, "stream %u is encrypted", i);
            return mt_fail_at(err, (int)i, -1);
        }
        if (type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO)
            continue;
        if (type == AVMEDIA_TYPE_AUDIO)
            choose(&in->audio, &audio, st);
        else if (mt_stream_is_cover(st))
            choose(&in->cover, &cover, st);
        else
            choose(&in->video, &video, st);
        if (!undecodable && !mt_in_codec(st->codecpar->codec_id))
            undecodable = st;
    }
    if (!in->video && !in->audio)
        in->video = in->cover;
    if (in->video || in->audio)
        return 0;
    return nothing_chosen(undecodable != NULL, undecodable, err);
}

int mt_in_decoder(AVCodecContext **out, const struct mt_in *in, const AVStream *st, int threads,
                  struct mt_err *err)
{
    const AVCodec *codec = mt_in_codec(st->codecpar->codec_id);
    AVCodecContext *ctx;

    *out = NULL;
    if (!codec) {
        mt_fail(err, MT_ERR_UNSUPPORTED_CODEC, "stream %d: the codec %s cannot be decoded here",
                st->index, avcodec_get_name(st->codecpar->codec_id));
        return mt_fail_at(err, st->index, -1);
    }
    ctx = avcodec_alloc_context3(codec);
    if (!ctx)
        return mt_fail(err, MT_ERR_IO, "out of memory");
    int av = avcodec_parameters_to_context(ctx, st->codecpar);
    ctx->pkt_timebase = st->time_base;
    ctx->thread_count = threads;
    if (in->pixel_limit > 0)
        ctx->max_pixels = in->pixel_limit;
    if (av >= 0)
        av = avcodec_open2(ctx, codec, NULL);
    if (av < 0) {
        avcodec_free_context(&ctx);
        mt_av_fail(err, av, "stream %d: cannot start decoder %s", st->index, codec->name);
        return mt_fail_at(err, st->index, -1);
    }
    *out = ctx;
    return 0;
}

int mt_matrix_rotation(const int32_t *matrix, int *mirrored)
{
    double a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
    int32_t m[9];

    memcpy(m, matrix, sizeof(m));
    *mirrored = a * d - b * c < 0;
    if (*mirrored) {
        m[0] = -m[0];
        m[1] = -m[1];
    }
    double angle = av_display_rotation_get(m);
    if (isnan(angle))
        return 0;
    int turns = (int)lrint(-angle / 90.0) % 4;
    return (turns < 0 ? turns + 4 : turns) * 90;
}

int mt_in_rotation(const AVStream *st, int *mirrored)
{
    size_t n;
    const uint8_t *data = mt_in_side_data(st, AV_PKT_DATA_DISPLAYMATRIX, &n);
    int32_t matrix[9];

    *mirrored = 0;
    if (!data || n < sizeof(matrix))
        return 0;
    memcpy(matrix, data, sizeof(matrix));
    return mt_matrix_rotation(matrix, mirrored);
}

int mt_in_frame_rotation(const AVStream *st, const AVFrame *frame, int *mirrored)
{
    const AVFrameSideData *sd = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
    int32_t matrix[9];

    if (!sd || sd->size < sizeof(matrix))
        return mt_in_rotation(st, mirrored);
    memcpy(matrix, sd->data, sizeof(matrix));
    return mt_matrix_rotation(matrix, mirrored);
}

void mt_in_display_size(const AVStream *st, int *w, int *h)
{
    const AVCodecParameters *par = st->codecpar;
    AVRational sar =
        st->sample_aspect_ratio.num > 0 ? st->sample_aspect_ratio : par->sample_aspect_ratio;
    int mirrored, turned = mt_in_rotation(st, &mirrored) % 180 != 0;

    *w = par->width;
    *h = par->height;
    if (sar.num > 0 && sar.den > 0 && sar.num != sar.den) {
        double ratio = av_q2d(sar);
        if (ratio > 0.05 && ratio < 20)
            *w = (int)lrint(par->width * ratio);
    }
    if (turned) {
        int t = *w;
        *w = *h;
        *h = t;
    }
}
