/* SPDX-License-Identifier: GPL-2.0-or-later */
/* light.c - see light.h. */
#include "av/light.h"

#include "av/input.h"

#include <libavutil/mastering_display_metadata.h>
#include <libavutil/mem.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHROMA = 50000, LUMINANCE = 10000, BRIGHTEST = 10000 /* cd/m2, of PQ */ };

static int in_units(AVRational value, int units)
{
    double n = value.den != 0 ? av_q2d(value) * units : -1;

    return n >= 0 && n <= (double)BRIGHTEST * LUMINANCE ? (int)lrint(n) : -1;
}

static bool is_volume(const int volume[10])
{
    for (int i = 0; i < 8; i++)
        if (volume[i] < 0 || volume[i] > CHROMA)
            return false;
    return volume[8] >= 0 && volume[9] > volume[8] && volume[9] <= BRIGHTEST * LUMINANCE;
}

static void take_volume(struct mt_light *light, const AVMasteringDisplayMetadata *m)
{
    if (!m->has_primaries || !m->has_luminance)
        return;
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++)
            light->volume[2 * i + k] = in_units(m->display_primaries[i][k], CHROMA);
    for (int k = 0; k < 2; k++)
        light->volume[6 + k] = in_units(m->white_point[k], CHROMA);
    light->volume[8] = in_units(m->min_luminance, LUMINANCE);
    light->volume[9] = in_units(m->max_luminance, LUMINANCE);
    light->mastered = is_volume(light->volume);
}

static void take_level(struct mt_light *light, unsigned cll, unsigned fall)
{
    light->measured = cll > 0 && cll <= UINT16_MAX && fall <= cll;
    light->cll = light->measured ? (int)cll : 0;
    light->fall = light->measured ? (int)fall : 0;
}

void mt_light_read(struct mt_light *light, const AVStream *stream, const AVFrame *frame)
{
    const AVFrameSideData *volume =
        av_frame_get_side_data(frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
    const AVFrameSideData *level = av_frame_get_side_data(frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    size_t n = 0, n_level = 0;
    const void *box = mt_in_side_data(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, &n);
    const void *box_level = mt_in_side_data(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, &n_level);

    *light = (struct mt_light){.mastered = false};
    if (volume)
        take_volume(light, (const AVMasteringDisplayMetadata *)(const void *)volume->data);
    else if (box && n >= sizeof(AVMasteringDisplayMetadata))
        take_volume(light, box);
    if (level)
        box_level = level->data;
    if (box_level && (level || n_level >= sizeof(AVContentLightMetadata))) {
        const AVContentLightMetadata *l = box_level;

        take_level(light, l->MaxCLL, l->MaxFALL);
    }
}

json_t *mt_light_to_json(const struct mt_light *light)
{
    json_t *volume = json_null();

    if (light->mastered) {
        volume = json_array();
        for (int i = 0; i < 10; i++)
            json_array_append_new(volume, json_integer(light->volume[i]));
    }
    return json_pack("{s:o, s:o}", "mastering", volume, "light",
                     light->measured ? json_pack("[i, i]", light->cll, light->fall) : json_null());
}

void mt_light_from_json(struct mt_light *light, const json_t *value)
{
    const json_t *volume = json_object_get(value, "mastering");
    const json_t *level = json_object_get(value, "light");

    *light = (struct mt_light){.mastered = false};
    for (size_t i = 0; i < 10; i++)
        light->volume[i] = (int)json_integer_value(json_array_get(volume, i));
    light->mastered = json_array_size(volume) == 10 && is_volume(light->volume);
    if (json_array_size(level) == 2)
        take_level(light, (unsigned)json_integer_value(json_array_get(level, 0)),
                   (unsigned)json_integer_value(json_array_get(level, 1)));
}

void mt_light_tell_x265(const struct mt_light *light, char *text, size_t room)
{
    const int *v = light->volume;
    size_t n = strlen(text);

    if (light->mastered)
        n += (size_t)snprintf(text + n, room - n,
                              ":master-display=G(%d,%d)B(%d,%d)R(%d,%d)WP(%d,%d)L(%d,%d)", v[2],
                              v[3], v[4], v[5], v[0], v[1], v[6], v[7], v[9], v[8]);
    if (light->measured && n < room)
        snprintf(text + n, room - n, ":max-cll=%d,%d", light->cll, light->fall);
}

static double chroma(int n)
{
    return (double)n / CHROMA;
}

void mt_light_tell_svt(const struct mt_light *light, char *text, size_t room)
{
    const int *v = light->volume;
    size_t n = strlen(text);

    if (light->mastered)
        n += (size_t)snprintf(
            text + n, room - n,
            "%smastering-display=G(%.5f,%.5f)B(%.5f,%.5f)R(%.5f,%.5f)WP(%.5f,%.5f)L(%.4f,%.4f)",
            n > 0 ? ":" : "", chroma(v[2]), chroma(v[3]), chroma(v[4]), chroma(v[5]), chroma(v[0]),
            chroma(v[1]), chroma(v[6]), chroma(v[7]), (double)v[9] / LUMINANCE,
            (double)v[8] / LUMINANCE);
    if (light->measured && n < room)
        snprintf(text + n, room - n, "%scontent-light=%d,%d", n > 0 ? ":" : "", light->cll,
                 light->fall);
}

static int attach_volume(const struct mt_light *light, AVStream *stream)
{
    AVMasteringDisplayMetadata *m = av_mastering_display_metadata_alloc();
    int ret;

    if (!m)
        return -1;
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++)
            m->display_primaries[i][k] = (AVRational){light->volume[2 * i + k], CHROMA};
    for (int k = 0; k < 2; k++)
        m->white_point[k] = (AVRational){light->volume[6 + k], CHROMA};
    m->min_luminance = (AVRational){light->volume[8], LUMINANCE};
    m->max_luminance = (AVRational){light->volume[9], LUMINANCE};
    m->has_primaries = m->has_luminance = 1;
    ret = mt_in_add_side_data(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, m, sizeof *m);
    av_free(m);
    return ret;
}

int mt_light_attach(const struct mt_light *light, AVStream *stream)
{
    AVContentLightMetadata level = {.MaxCLL = (unsigned)light->cll,
                                    .MaxFALL = (unsigned)light->fall};

    if (light->mastered && attach_volume(light, stream) < 0)
        return -1;
    return light->measured
               ? mt_in_add_side_data(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, &level, sizeof level)
               : 0;
}
