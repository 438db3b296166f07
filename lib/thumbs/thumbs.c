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
    if (spec->contact)
        json_object_set_new(p, "contact_sheet", mt_contact_parameters(spec));
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

/*
 * A part that does not apply, a storyboard of a photograph, is no failure where pictures were made.
 */
static int forgive(struct mt_item *item, const struct mt_thumbs *spec, int ret,
                   const struct mt_err *err)
{
    if (ret == 0 || err->code != MT_ERR_NOT_APPLICABLE || !mt_wants_pictures(spec))
        return ret;
    json_t *note = json_pack("[s]", err->msg);
    mt_add_notes(item, note);
    json_decref(note);
    return 0;
}

int mt_thumbs_work(struct mt_item *item, void *ctx, struct mt_err *err)
{
    struct mt_thumbs *spec = ctx;
    bool made = false;

    if (strcmp(mt_json_str(item->doc, "asset.content_type", "video"), "audio") == 0 &&
        !mt_json_bool(item->doc, "asset.metadata.embedded.cover_art", false))
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no picture in an audio file");
    if (mt_wants_pictures(spec) &&
        (mt_is_still(spec, item->fd) ? mt_thumbs_stills(item, spec, &made, err)
                                     : mt_thumbs_pictures(item, spec, &made, err)) < 0)
        return -1;
    if (spec->storyboard &&
        forgive(item, spec, mt_thumbs_storyboard(item, spec, &made, err), err) < 0)
        return -1;
    if (spec->contact && forgive(item, spec, mt_thumbs_contact(item, spec, &made, err), err) < 0)
        return -1;
    if (!made)
        item->status = "skipped";
    return 0;
}
