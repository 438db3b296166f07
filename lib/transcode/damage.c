/* SPDX-License-Identifier: GPL-2.0-or-later */
/* damage.c - see damage.h. */
#include "transcode/damage.h"

#include "base/log.h"
#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * Seconds of the film that are not in the renditions: what the probe promised and decoding did not
 * give, or what the probe itself found to be lost, such as an end that the headers tell of.
 */
static double seconds_lost(const struct mt_item *item, const json_t *source)
{
    const json_t *metadata = mt_json_at(item->doc, "asset.metadata");
    double promised =
        mt_json_num(metadata, "duration", 0) - fmax(0, mt_json_num(metadata, "start_time", 0));
    double lost = promised - mt_json_num(source, "duration", promised);

    if (lost <= fmax(0.5, promised * 0.001))
        lost = 0;
    return fmax(lost, mt_json_num(metadata, "damage.lost_s", 0));
}

/* What is wrong, for people: figures where there are some, else the first thing that was found. */
static void describe(char text[160], const struct mt_item *item, int64_t errors, double lost)
{
    int n = 0;

    if (errors > 0)
        n = snprintf(text, 160, "%lld %s", (long long)errors, errors == 1 ? "error" : "errors");
    if (lost >= 0.05)
        snprintf(text + n, 160 - (size_t)n, "%s%.1f s lost", n ? ", " : "", lost);
    else if (n == 0)
        snprintf(
            text, 160, "%s",
            mt_json_str(json_array_get(mt_json_at(item->doc, "asset.metadata.damage.issues"), 0),
                        "detail", "media-probe says what"));
}

void mt_damage_report(struct mt_item *item, json_t *source)
{
    int64_t errors = mt_json_int(source, "errors", 0);
    const char *state = mt_json_str(item->doc, "asset.metadata.damage.state", "ok");
    double lost = seconds_lost(item, source);
    char text[160];

    if (source)
        json_object_set(item->report, "source", source);
    if (lost > 0)
        json_object_set_new(item->report, "seconds_lost", mt_json_real(lost, 3));
    if (errors == 0 && lost == 0 && strcmp(state, "ok") == 0)
        return;
    item->status = "degraded";
    describe(text, item, errors, lost);
    mt_log(MT_LOG_WARN, "'%s' is damaged: the renditions lack what could not be decoded (%s)",
           item->name, text);
}
