/* SPDX-License-Identifier: GPL-2.0-or-later */
/* damage.c - see damage.h. */
#include "transcode/damage.h"

#include "base/log.h"
#include "json/json.h"

#include <math.h>
#include <string.h>

/* Seconds of the film that the probe promised and decoding did not give. */
static double seconds_lost(const struct mt_item *item, const json_t *source)
{
    const json_t *metadata = mt_json_at(item->doc, "asset.metadata");
    double promised =
        mt_json_num(metadata, "duration", 0) - fmax(0, mt_json_num(metadata, "start_time", 0));
    double lost = promised - mt_json_num(source, "duration", promised);

    return lost > fmax(0.5, promised * 0.001) ? lost : 0;
}

void mt_damage_report(struct mt_item *item, json_t *source)
{
    int64_t errors = mt_json_int(source, "errors", 0);
    const char *state = mt_json_str(item->doc, "asset.metadata.damage.state", "ok");
    double lost = seconds_lost(item, source);

    if (source)
        json_object_set(item->report, "source", source);
    if (lost > 0)
        json_object_set_new(item->report, "seconds_lost", mt_json_real(lost, 3));
    if (errors == 0 && lost == 0 && strcmp(state, "ok") == 0)
        return;
    item->status = "degraded";
    mt_log(MT_LOG_WARN,
           "'%s' is damaged: the renditions lack what could not be decoded (%lld errors, %.1f s)",
           item->name, (long long)errors, lost);
}
