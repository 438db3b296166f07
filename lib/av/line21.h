/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * line21.h - closed captions as they come with pictures. Private to lib/av.
 *
 * CEA-608 has two fields of two channels each: CC1 to CC4. libavcodec's decoder reads one channel
 * and knows nothing of the others, so pairs are sorted here and each channel has a decoder of its
 * own, which is told that it hears CC1. In roll-up captions lines that stay on the screen are said
 * again with every new one; they are kept once. CEA-708 is recognised, not read: libavcodec cannot.
 */
#ifndef MT_AV_LINE21_H
#define MT_AV_LINE21_H

#include "av/caption_parts.h"

enum { MT_LINE21_CHANNELS = 4 };

struct mt_line21;

struct mt_line21 *mt_line21_new(void);
void mt_line21_free(struct mt_line21 **l);

/*
 * Triplets of cc_data (CEA-708, section 4.4), n bytes, that come with a picture at us, in the order
 * in which pictures are shown.
 */
int mt_line21_hear(struct mt_line21 *l, const uint8_t *data, size_t n, int64_t us,
                   struct mt_err *err) MT_MUST_USE;

/* No more come; the film ends at us. */
int mt_line21_end(struct mt_line21 *l, int64_t us, struct mt_err *err) MT_MUST_USE;

/* What was said on a channel, 0 (CC1) to 3; NULL: it was not used. Lent, to be finished. */
struct mt_cues *mt_line21_cues(struct mt_line21 *l, int channel);

/* The services of CEA-708 that something was said on: bit n is service n, 1 to 63. */
uint64_t mt_line21_services(const struct mt_line21 *l);

#endif
