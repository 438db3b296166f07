/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs.c - see thumbs.h. */
#include "thumbs/internal.h"

#include "json/json.h"

#include <string.h>

json_t *mt_thumbs_parameters(const struct mt_thumbs *spec)
{
    return mt_wants_pictures(spec) ? mt_pictures_parameters(spec) : json_object();
}

int mt_thumbs_work(struct mt_item *item, void *ctx, struct mt_err *err)
{
    const struct mt_thumbs *spec = ctx;
    bool made = false;

    if (strcmp(mt_json_str(item->doc, "asset.content_type", "video"), "audio") == 0 &&
        !mt_json_bool(item->doc, "asset.metadata.embedded.cover_art", false))
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no picture in an audio file");
    if (mt_wants_pictures(spec) && mt_thumbs_pictures(item, spec, &made, err) < 0)
        return -1;
    if (!made)
        item->status = "skipped";
    return 0;
}
