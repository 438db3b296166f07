/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sidecars.h - captions of a transcription, as files beside the renditions. */
#ifndef MT_ANALYZE_SIDECARS_H
#define MT_ANALYZE_SIDECARS_H

#include "analyze/analyze.h"

/* Whether each word of the list is a format, or it is "none". MT_ERR_USAGE. */
int mt_sidecars_check(const char *formats, struct mt_err *err) MT_MUST_USE;

/*
 * Publishes what was said (lent) as captions in each format of the list that is not there yet, by
 * the same words and rules, and adds all to the document. Nothing was said: nothing is made. The
 * number of those made goes to *made.
 */
int mt_sidecars(struct mt_item *item, const char *formats, const json_t *transcription, int *made,
                struct mt_err *err) MT_MUST_USE;

#endif
