/* SPDX-License-Identifier: GPL-2.0-or-later */
/* film.c - see film.h. */
#include "film/film.h"

const struct mt_film mt_film = {
    .version = MT_VERSION,
    .size = sizeof(struct mt_film),
    .versions = mt_av_versions,
    .log_capture = mt_av_log_capture,
    .log_aloud = mt_av_log_aloud,
    .prober_open = mt_prober_open,
    .prober_close = mt_prober_close,
    .prober_run = mt_prober_run,
    .can_encode = mt_av_can_encode,
    .thumbs = mt_av_thumbs,
    .storyboard = mt_av_storyboard,
    .contact = mt_av_contact,
    .texts_open = mt_av_texts_open,
    .texts_close = mt_av_texts_close,
    .waveform = mt_av_waveform,
    .can_clip = mt_av_can_clip,
    .teaser = mt_av_teaser,
    .covers = mt_av_covers,
};
