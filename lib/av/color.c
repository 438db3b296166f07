/* SPDX-License-Identifier: GPL-2.0-or-later */
/* color.c - what the colours of a picture mean. */
#include "av/describe.h"

#include "av/icc.h"
#include "json/json.h"

#include <libavutil/dovi_meta.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixdesc.h>

static json_t *name_or_null(const char *name, bool known)
{
    return known && name ? json_string(name) : json_null();
}

/* The side data of the stream, or that of a frame, at least n bytes long; or NULL. */
static const void *either(const AVStream *st, enum AVPacketSideDataType of_stream,
                          const AVFrame *frame, enum AVFrameSideDataType of_frame, size_t n)
{
    size_t size;
    const void *data = mt_in_side_data(st, of_stream, &size);
    const AVFrameSideData *sd = frame ? av_frame_get_side_data(frame, of_frame) : NULL;

    if (data && size >= n)
        return data;
    return sd && sd->size >= n ? sd->data : NULL;
}

static json_t *point(const AVRational xy[2])
{
    json_t *p = json_array();

    json_array_append_new(p, mt_json_real(av_q2d(xy[0]), 5));
    json_array_append_new(p, mt_json_real(av_q2d(xy[1]), 5));
    return p;
}

/* SMPTE ST 2086: chromaticities as CIE x, y; luminances in cd/m2. */
static json_t *mastering(const AVMasteringDisplayMetadata *m)
{
    json_t *o;

    if (!m || (!m->has_primaries && !m->has_luminance))
        return NULL;
    o = json_object();
    if (m->has_primaries) {
        json_object_set_new(o, "red", point(m->display_primaries[0]));
        json_object_set_new(o, "green", point(m->display_primaries[1]));
        json_object_set_new(o, "blue", point(m->display_primaries[2]));
        json_object_set_new(o, "white_point", point(m->white_point));
    }
    if (m->has_luminance) {
        json_object_set_new(o, "min_luminance", mt_json_real(av_q2d(m->min_luminance), 4));
        json_object_set_new(o, "max_luminance", mt_json_real(av_q2d(m->max_luminance), 4));
    }
    return o;
}

static void add_dovi(json_t *o, const AVStream *st)
{
    size_t n;
    const void *data = mt_in_side_data(st, AV_PKT_DATA_DOVI_CONF, &n);
    const AVDOVIDecoderConfigurationRecord *r = data;

    if (!data || n < sizeof(*r))
        return;
    json_object_set_new(o, "hdr", json_string("dolby_vision"));
    json_object_set_new(o, "dolby_vision",
                        json_pack("{s:i, s:i, s:i, s:b, s:b}", "profile", (int)r->dv_profile,
                                  "level", (int)r->dv_level, "compatibility",
                                  (int)r->dv_bl_signal_compatibility_id, "enhancement_layer",
                                  r->el_present_flag, "metadata", r->rpu_present_flag));
}

static const char *hdr_kind(enum AVColorTransferCharacteristic trc)
{
    if (trc == AVCOL_TRC_SMPTE2084)
        return "hdr10";
    return trc == AVCOL_TRC_ARIB_STD_B67 ? "hlg" : "sdr";
}

static void add_profile(json_t *o, const AVStream *st, const AVFrame *frame)
{
    const AVFrameSideData *sd =
        frame ? av_frame_get_side_data(frame, AV_FRAME_DATA_ICC_PROFILE) : NULL;
    size_t n = 0;
    const uint8_t *data = sd ? sd->data : mt_in_side_data(st, AV_PKT_DATA_ICC_PROFILE, &n);
    json_t *profile = mt_icc_describe(data, sd ? sd->size : n);

    if (profile)
        json_object_set_new(o, "icc_profile", profile);
}

json_t *mt_describe_color(const AVStream *st, const AVFrame *frame)
{
    const AVCodecParameters *par = st->codecpar;
    enum AVColorPrimaries primaries = par->color_primaries;
    enum AVColorTransferCharacteristic trc = par->color_trc;
    enum AVColorSpace matrix = par->color_space;
    enum AVColorRange range = par->color_range;
    json_t *o = json_object(), *m;

    if (frame && primaries == AVCOL_PRI_UNSPECIFIED)
        primaries = frame->color_primaries;
    if (frame && trc == AVCOL_TRC_UNSPECIFIED)
        trc = frame->color_trc;
    if (frame && matrix == AVCOL_SPC_UNSPECIFIED)
        matrix = frame->colorspace;
    if (frame && range == AVCOL_RANGE_UNSPECIFIED)
        range = frame->color_range;
    json_object_set_new(
        o, "primaries",
        name_or_null(av_color_primaries_name(primaries), primaries != AVCOL_PRI_UNSPECIFIED));
    json_object_set_new(o, "transfer",
                        name_or_null(av_color_transfer_name(trc), trc != AVCOL_TRC_UNSPECIFIED));
    json_object_set_new(o, "matrix",
                        name_or_null(av_color_space_name(matrix), matrix != AVCOL_SPC_UNSPECIFIED));
    json_object_set_new(o, "range",
                        name_or_null(av_color_range_name(range), range != AVCOL_RANGE_UNSPECIFIED));
    json_object_set_new(o, "hdr", json_string(hdr_kind(trc)));
    m = mastering(either(st, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, frame,
                         AV_FRAME_DATA_MASTERING_DISPLAY_METADATA,
                         sizeof(AVMasteringDisplayMetadata)));
    if (m)
        json_object_set_new(o, "mastering_display", m);
    const AVContentLightMetadata *light = either(st, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, frame,
                                                 AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, sizeof(*light));
    if (light)
        json_object_set_new(o, "content_light",
                            json_pack("{s:I, s:I}", "max_cll", (json_int_t)light->MaxCLL,
                                      "max_fall", (json_int_t)light->MaxFALL));
    add_dovi(o, st);
    if (frame && av_frame_get_side_data(frame, AV_FRAME_DATA_DYNAMIC_HDR_PLUS))
        json_object_set_new(o, "hdr10_plus", json_true());
    add_profile(o, st, frame);
    return o;
}
