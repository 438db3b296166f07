/* SPDX-License-Identifier: GPL-2.0-or-later */
/* damage.h - what a source lacked. */
#ifndef MT_TRANSCODE_DAMAGE_H
#define MT_TRANSCODE_DAMAGE_H

#include "stage/stage.h"

/*
 * Says in the item's report what was met in the source (as struct mt_engine has it; lent, may be
 * NULL). Damage is not hidden behind renditions that decode: it makes the item "degraded".
 */
void mt_damage_report(struct mt_item *item, json_t *source);

#endif
