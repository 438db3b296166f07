/* SPDX-License-Identifier: GPL-2.0-or-later */
/* light.h - what a film in HDR was mastered on, and how bright it is. Private to lib/av. */
#ifndef MT_AV_LIGHT_H
#define MT_AV_LIGHT_H

#include <jansson.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>

/*
 * SMPTE ST 2086 and CTA-861.3, in the units of their SEI messages (ITU-T H.265, D.3.28 and D.3.35):
 * x and y of red, green, blue and white in 1/50000, least and most luminance in 1/10000 cd/m2;
 * the brightest pixel and the brightest mean of a picture in cd/m2.
 */
struct mt_light {
    bool mastered;
    int volume[10];
    bool measured;
    int cll, fall;
};

/* What a stream and its first picture say of it; only what can be true. */
void mt_light_read(struct mt_light *light, const AVStream *stream, const AVFrame *frame);

/* {"mastering": null or [ten numbers], "light": null or [cll, fall]}, new. */
json_t *mt_light_to_json(const struct mt_light *light);
void mt_light_from_json(struct mt_light *light, const json_t *value);

/* Adds them to the options of libx265 and of SVT-AV1, in the words of each. */
void mt_light_tell_x265(const struct mt_light *light, char *text, size_t room);
void mt_light_tell_svt(const struct mt_light *light, char *text, size_t room);

/* Adds them to a stream that is written. -1: no memory. */
int mt_light_attach(const struct mt_light *light, AVStream *stream);

#endif
