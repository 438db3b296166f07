/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * still_heif.c - see still_heif.h.
 *
 * Cameras write HEIC pictures as a grid of tiles, each an HEVC picture of its own. FFmpeg before
 * 7.1 reads none of them, and later ones give the tiles as streams. Here they are found by their
 * items and decoded one by one; nothing is put together, since only the format and the damage
 * are asked for.
 */
#include "av/still_heif.h"

#include "av/bytes.h"
#include "av/limits.h"
#include "av/logged.h"
#include "av/select.h"
#include "heif/heif.h"

#include <libavutil/display.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TILE_MOST = 256 * 1024 * 1024 };

struct tiles {
    struct mt_heif *heif;
    struct mt_still *still;
    int64_t primary;
    int64_t ids[MT_HEIF_TILES];
    int n;
    int64_t size; /* of the file */
    const uint8_t *config;
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame;
    int decoded;
    char first_error[MT_LOGGED_LINE];
};

/* The codec of a coded picture, and the property that has what its decoder needs first. */
static enum AVCodecID codec_of(const char *type, const char **config)
{
    if (strcmp(type, "hvc1") == 0) {
        *config = "hvcC";
        return AV_CODEC_ID_HEVC;
    }
    *config = "av1C";
    return strcmp(type, "av01") == 0 ? AV_CODEC_ID_AV1 : AV_CODEC_ID_NONE;
}

/* Which items are to be decoded. 0 if the picture is of another kind. */
static int list_tiles(struct tiles *t, struct mt_err *err)
{
    struct mt_heif_item item;

    t->primary = mt_heif_primary(t->heif);
    if (!mt_heif_item(t->heif, t->primary, &item))
        return 0;
    if (item.sealed)
        return mt_fail(err, MT_ERR_ENCRYPTED, "the picture is encrypted");
    t->ids[0] = t->primary;
    t->n = 1;
    if (strcmp(item.type, "grid") == 0) {
        t->n = mt_heif_parts(t->heif, t->primary, t->ids);
        if (t->n < 0)
            return mt_fail(err, MT_ERR_LIMIT, "a picture of more than %d tiles", MT_HEIF_TILES);
    }
    return t->n > 0;
}

static int set_extradata(AVCodecParameters *par, const uint8_t *data, size_t n)
{
    uint8_t *copy = av_mallocz(n + AV_INPUT_BUFFER_PADDING_SIZE);

    if (!copy)
        return -1;
    memcpy(copy, data, n);
    av_freep(&par->extradata);
    par->extradata = copy;
    par->extradata_size = (int)n;
    return 0;
}

/* A colr box: figures (nclx) or an ICC profile (14496-12, 12.1.5). */
static int read_colors(const struct tiles *t, AVStream *st)
{
    size_t n;
    const uint8_t *p;

    for (int i = 0; (p = mt_heif_property(t->heif, t->primary, "colr", i, &n)); i++) {
        if (n >= 11 && memcmp(p, "nclx", 4) == 0) {
            st->codecpar->color_primaries = (enum AVColorPrimaries)mt_be16(p + 4);
            st->codecpar->color_trc = (enum AVColorTransferCharacteristic)mt_be16(p + 6);
            st->codecpar->color_space = (enum AVColorSpace)mt_be16(p + 8);
            st->codecpar->color_range = p[10] & 0x80 ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
        } else if (n > 4 && (memcmp(p, "prof", 4) == 0 || memcmp(p, "rICC", 4) == 0)) {
            if (mt_in_add_side_data(st, AV_PKT_DATA_ICC_PROFILE, p + 4, n - 4) < 0)
                return -1;
        }
    }
    return 0;
}

/* The first row of a display matrix negated mirrors what it then turns. */
static int set_turn(AVStream *st, const struct mt_heif *heif, int64_t id)
{
    int32_t matrix[9];
    bool mirrored;
    int degrees = mt_heif_turn(heif, id, &mirrored);

    if (degrees == 0 && !mirrored)
        return 0;
    av_display_rotation_set(matrix, degrees);
    if (mirrored) {
        matrix[0] = -matrix[0];
        matrix[1] = -matrix[1];
    }
    return mt_in_add_side_data(st, AV_PKT_DATA_DISPLAYMATRIX, matrix, sizeof matrix);
}

int mt_still_turn(AVStream *stream, int fd)
{
    struct mt_heif *heif = NULL;
    size_t n;
    int ret = 0;

    if (!mt_in_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &n))
        heif = mt_heif_read(fd);
    if (heif)
        ret = set_turn(stream, heif, mt_heif_primary(heif));
    mt_heif_free(&heif);
    return ret;
}

/* The stream that a demuxer would have made. 0 if the codec is none of ours. */
static int make_stream(struct tiles *t, struct mt_err *err)
{
    struct mt_in *in = &t->still->in;
    struct mt_heif_item tile;
    const char *config;
    int64_t width, height;

    if (!mt_heif_item(t->heif, t->ids[0], &tile) ||
        codec_of(tile.type, &config) == AV_CODEC_ID_NONE)
        return 0;
    if (!mt_heif_size(t->heif, t->primary, &width, &height) || width > INT32_MAX ||
        height > INT32_MAX)
        return mt_fail(err, MT_ERR_DAMAGED, "the size of the picture is not told");
    in->format = avformat_alloc_context();
    AVStream *st = in->format ? avformat_new_stream(in->format, NULL) : NULL;
    if (!st)
        return mt_fail(err, MT_ERR_IO, "out of memory");
    in->format->iformat = av_find_input_format("mov");
    in->format->duration = AV_NOPTS_VALUE;
    in->video = st;
    in->image = true;
    in->size = t->size;
    st->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    st->codecpar->codec_id = codec_of(tile.type, &config);
    st->codecpar->width = (int)width;
    st->codecpar->height = (int)height;
    if (read_colors(t, st) < 0 || set_turn(st, t->heif, t->primary) < 0)
        return mt_fail(err, MT_ERR_IO, "out of memory");
    return 1;
}

static void note(struct tiles *t, int av)
{
    if (t->first_error[0])
        return;
    mt_logged_last(t->first_error);
    if (!t->first_error[0] && av == AVERROR_EOF)
        snprintf(t->first_error, sizeof t->first_error, "the decoder gives no picture");
    else if (!t->first_error[0])
        av_strerror(av, t->first_error, sizeof t->first_error);
}

/* A decoder for what the tile's own configuration says, the last one's if that is the same. */
static int ready(struct tiles *t, int64_t id, const char *config, struct mt_err *err)
{
    AVStream *st = t->still->in.video;
    size_t n;
    const uint8_t *p = mt_heif_property(t->heif, id, config, 0, &n);

    if (!p || n == 0)
        return mt_fail(err, MT_ERR_DAMAGED, "a tile has no '%s'", config);
    if (t->decoder && p == t->config) {
        avcodec_flush_buffers(t->decoder);
        return 0;
    }
    avcodec_free_context(&t->decoder);
    t->config = p;
    if (set_extradata(st->codecpar, p, n) < 0)
        return mt_fail(err, MT_ERR_IO, "out of memory");
    if (mt_in_decoder(&t->decoder, &t->still->in, st, 1, err) < 0)
        return -1;
    t->decoder->err_recognition |= AV_EF_CRCCHECK;
    return 0;
}

/* One picture through the decoder; whether it came out without a complaint. */
static bool decode(struct tiles *t)
{
    int64_t logged = mt_logged_count();
    int frames = 0;

    mt_logged_mark();
    int av = avcodec_send_packet(t->decoder, t->packet);
    if (av >= 0)
        av = avcodec_send_packet(t->decoder, NULL);
    while (av >= 0 && (av = avcodec_receive_frame(t->decoder, t->frame)) >= 0) {
        bool good = !(t->frame->flags & AV_FRAME_FLAG_CORRUPT) && !t->frame->decode_error_flags;
        frames += good;
        if (good && !t->still->sample.video.first)
            t->still->sample.video.first = av_frame_clone(t->frame);
        av_frame_unref(t->frame);
    }
    if (frames > 0 && mt_logged_count() == logged)
        return true;
    note(t, av);
    return false;
}

/* False if the tile is not there or does not decode. */
static int take_tile(struct tiles *t, int64_t id, struct mt_issues *issues, struct mt_err *err)
{
    struct mt_heif_item item;
    const char *config;
    size_t n;

    if (!mt_heif_item(t->heif, id, &item) || codec_of(item.type, &config) == AV_CODEC_ID_NONE)
        return mt_fail(err, MT_ERR_DAMAGED, "a tile is no picture");
    for (int i = 0; i < item.n_extents; i++)
        if (item.extents[i].at + item.extents[i].bytes > t->size) {
            mt_issue_truncated(issues, "a part of the picture lies beyond the end of the file");
            return 0;
        }
    unsigned char *data = mt_heif_load(t->heif, &item, TILE_MOST, &n);
    if (!data)
        return 0;
    int ret = ready(t, id, config, err);
    if (ret == 0 && av_new_packet(t->packet, (int)n) < 0)
        ret = mt_fail(err, MT_ERR_IO, "out of memory");
    if (ret == 0) {
        memcpy(t->packet->data, data, n);
        t->decoded += decode(t);
        t->still->walk.streams[0].bytes += (int64_t)n;
    }
    av_packet_unref(t->packet);
    free(data);
    return ret;
}

static int decode_all(struct tiles *t, struct mt_issues *issues, struct mt_err *err)
{
    for (int i = 0; i < t->n; i++)
        if (take_tile(t, t->ids[i], issues, err) < 0)
            return -1;
    if (t->decoded == 0)
        return mt_fail(err, issues->truncated ? MT_ERR_TRUNCATED : MT_ERR_DAMAGED,
                       "the picture does not decode: %s",
                       t->first_error[0] ? t->first_error : "it is not there");
    if (t->decoded < t->n)
        mt_issue(issues, "decode_error", 0, "of %d tiles, %d do not decode cleanly: %s", t->n,
                 t->n - t->decoded, t->first_error[0] ? t->first_error : "they are not there");
    return 0;
}

/* What only the decoder knows. */
static void complete(const struct tiles *t)
{
    AVCodecParameters *par = t->still->in.video->codecpar;

    par->format = t->decoder->pix_fmt;
    par->profile = t->decoder->profile;
    par->bits_per_raw_sample = t->decoder->bits_per_raw_sample;
}

static int read_picture(struct tiles *t, const struct mt_av_limits *limits,
                        struct mt_issues *issues, struct mt_err *err)
{
    struct mt_still *s = t->still;
    int ret = list_tiles(t, err);

    if (ret == 1)
        ret = make_stream(t, err);
    if (ret != 1)
        return ret;
    s->in.pixel_limit = limits->pixels;
    s->walk = (struct mt_walk){.in = &s->in, .n = 1, .complete = true};
    s->walk.streams = calloc(1, sizeof *s->walk.streams);
    t->packet = av_packet_alloc();
    t->frame = av_frame_alloc();
    if (!s->walk.streams || !t->packet || !t->frame)
        return mt_fail(err, MT_ERR_IO, "out of memory");
    s->walk.streams[0].packets = 1;
    s->walk.streams[0].end_us = AV_NOPTS_VALUE;
    if (mt_limits_check(s->in.format, limits, err) < 0 || decode_all(t, issues, err) < 0)
        return -1;
    complete(t);
    return 1;
}

int mt_still_heif(struct mt_still *still, int fd, const struct mt_av_limits *limits,
                  struct mt_issues *issues, struct mt_err *err)
{
    struct tiles t = {.still = still};
    struct stat st;
    int ret = 0;

    if (fstat(fd, &st) < 0)
        return mt_fail_errno(err, "cannot look at the file");
    t.size = st.st_size;
    *still = (struct mt_still){.sample = {.in = &still->in}};
    t.heif = mt_heif_read(fd);
    if (t.heif)
        ret = read_picture(&t, limits, issues, err);
    avcodec_free_context(&t.decoder);
    av_packet_free(&t.packet);
    av_frame_free(&t.frame);
    mt_heif_free(&t.heif);
    if (ret != 1)
        mt_still_free(still);
    return ret;
}

void mt_still_free(struct mt_still *still)
{
    mt_walk_free(&still->walk);
    mt_sample_close(&still->sample);
    if (still->in.format)
        still->in.format->iformat = NULL; /* nothing of the demuxer's was ever made */
    avformat_free_context(still->in.format);
    still->in.format = NULL;
}
