/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thumbs.c - see thumbs.h. */
#include "thumbs/internal.h"

#include "json/json.h"

#include <string.h>

json_t *mt_thumbs_parameters(const struct mt_thumbs *spec)
{
    json_t *p = mt_wants_pictures(spec) ? mt_pictures_parameters(spec) : json_object();

    if (spec->storyboard)
        json_object_set_new(p, "storyboard", mt_storyboard_parameters(spec));
    return p;
}

void mt_add_notes(struct mt_item *item, const json_t *notes)
{
    json_t *all = json_object_get(item->report, "notes");

    if (json_array_size(notes) == 0)
        return;
    if (!json_is_array(all)) {
        all = json_array();
        json_object_set_new(item->report, "notes", all);
    }
    json_array_extend(all, (json_t *)(uintptr_t)notes);
}

/* A part that does not apply, a storyboard of a photograph, is no failure where others were made.
 */
static int storyboard(struct mt_item *item, const struct mt_thumbs *spec, bool *made,
                      struct mt_err *err)
{
    bool alone = !mt_wants_pictures(spec);

    if (mt_thumbs_storyboard(item, spec, made, err) == 0)
        return 0;
    if (alone || err->code != MT_ERR_NOT_APPLICABLE)
        return -1;
    json_t *note = json_pack("[s]", err->msg);
    mt_add_notes(item, note);
    json_decref(note);
    return 0;
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
    if (spec->storyboard && storyboard(item, spec, &made, err) < 0)
        return -1;
    if (!made)
        item->status = "skipped";
    return 0;
}
