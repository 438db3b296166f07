/* SPDX-License-Identifier: GPL-2.0-or-later */
/* subtitles.h - all the text that a film carries with it: subtitles, closed captions, teletext. */
#ifndef MT_AV_SUBTITLES_H
#define MT_AV_SUBTITLES_H

#include "av/av.h"

struct mt_av_subtitles {
    struct mt_av_limits limits;
    struct mt_av_progress progress;
};

/*
 * The C library's conversions of characters that teletext is read with. They come from files, which
 * nobody opens in a jail: hold them open while a jailed child may need them.
 */
struct mt_av_conversions;
struct mt_av_conversions *mt_av_conversions_open(void);
void mt_av_conversions_close(struct mt_av_conversions **c);

/*
 * Reads the film once, and decodes its pictures too if some of them carry captions (ATSC A/53 part
 * 4). The report, new; times in seconds from the start of the film:
 *   tracks [{stream, codec, kind, service, language, title, role, default, cues, left_out}]
 *           with at least one cue. kind: "subtitles", "closed_captions" (CEA-608; service "CC1" to
 *           "CC4"), "teletext" (service: the page, "888"). language: as the file says; absent if
 *           it does not. role: "forced" (foreign words alone), "hearing_impaired", "commentary",
 *           "descriptions" (of pictures), "metadata" (for programs); absent for dialogue.
 *           cues [{start, end, text}] in order of time; left_out: how many were unusable
 *   unread [{stream, codec, kind, service, language, reason}] what is text and cannot be read:
 *           pictures of text, codecs without a decoder, services of CEA-708
 *   audio_language: that of the main sound, if the file says
 *   errors: how much was damaged
 * Both arrays are empty when the film has no text. An image has none.
 *
 * Errors as mt_av_measure(). Call it jailed.
 */
json_t *mt_av_subtitles(int fd, const struct mt_av_subtitles *spec, struct mt_err *err);

#endif
