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
    if (spec->waveform)
        json_object_set_new(p, "waveform", mt_waveform_parameters(spec));
    if (spec->preview_us)
        json_object_set_new(p, "preview", mt_teaser_parameters(spec, false));
    if (spec->trailer_us)
        json_object_set_new(p, "trailer", mt_teaser_parameters(spec, true));
    return p;
}

void mt_add_note(struct mt_item *item, const char *text)
{
    json_t *note = json_array();

    json_array_append_new(note, mt_json_text(text));
    mt_add_notes(item, note);
    json_decref(note);
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

/* What came of the parts of the work: a part that does not apply is no failure where others do. */
struct parts {
    int applied;
    struct mt_err why; /* the first that did not apply */
};

static int count(struct mt_item *item, struct parts *parts, int ret, const struct mt_err *err)
{
    if (ret == 0) {
        parts->applied++;
        return 0;
    }
    if (err->code != MT_ERR_NOT_APPLICABLE)
        return -1;
    mt_add_note(item, err->msg);
    if (parts->why.code == MT_OK)
        parts->why = *err;
    return 0;
}

static int take_pictures(struct mt_item *item, struct mt_thumbs *spec, bool *made,
                         struct mt_err *err)
{
    if (strcmp(mt_json_str(item->doc, "asset.content_type", "video"), "audio") == 0 &&
        !mt_json_bool(item->doc, "asset.metadata.embedded.cover_art", false))
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "there is no picture in an audio file");
    return mt_is_still(spec, item->fd) ? mt_thumbs_stills(item, spec, made, err)
                                       : mt_thumbs_pictures(item, spec, made, err);
}

int mt_thumbs_work(struct mt_item *item, void *ctx, struct mt_err *err)
{
    struct mt_thumbs *spec = ctx;
    struct parts parts = {0};
    bool made = false;

    if (mt_wants_pictures(spec) &&
        count(item, &parts, take_pictures(item, spec, &made, err), err) < 0)
        return -1;
    if (spec->storyboard &&
        count(item, &parts, mt_thumbs_storyboard(item, spec, &made, err), err) < 0)
        return -1;
    if (spec->contact && count(item, &parts, mt_thumbs_contact(item, spec, &made, err), err) < 0)
        return -1;
    if (spec->waveform && count(item, &parts, mt_thumbs_waveform(item, spec, &made, err), err) < 0)
        return -1;
    if (spec->preview_us &&
        count(item, &parts, mt_thumbs_teaser(item, spec, false, &made, err), err) < 0)
        return -1;
    if (spec->trailer_us &&
        count(item, &parts, mt_thumbs_teaser(item, spec, true, &made, err), err) < 0)
        return -1;
    if (parts.applied == 0) {
        json_object_del(item->report, "notes");
        *err = parts.why;
        return -1;
    }
    if (!made)
        item->status = "skipped";
    return 0;
}
