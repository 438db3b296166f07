/* SPDX-License-Identifier: GPL-2.0-or-later */
/* identify.c - what an input is, and whether that is accepted. */
#include "ingest/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A name that promises media over bytes that are something else is a type
 * mismatch: the remedy differs from that for a file that never claimed to be.
 */
static void explain_refusal(const struct mt_entry *e, const json_t *seen, struct mt_err *err)
{
    const char *mime = mt_json_str(seen, "mime_type", NULL);
    char ext[16];

    if (err->code != MT_ERR_UNSUPPORTED_TYPE || !mime)
        return;
    mt_path_ext(e->base, ext);
    if (mt_ext_known(ext, NULL) &&
        (mt_str_starts(mime, "text/") || mt_str_starts(mime, "application/")) &&
        strcmp(mime, "application/octet-stream") != 0)
        mt_fail(err, MT_ERR_TYPE_MISMATCH, "'%s' is named .%s, but its content is %s", e->name, ext,
                mime);
}

static int accept_format(struct mt_entry *e, struct mt_err *err)
{
    const char *container = mt_json_str(e->found, "metadata.container", "?");
    char ext[16];

    e->format = mt_format_of(e->found);
    if (!e->format || !mt_format_accepted(e->format, &e->in->spec->formats))
        return mt_fail(err, MT_ERR_UNSUPPORTED_TYPE, "'%s' is %s (%s), which is not accepted",
                       e->name, e->format ? e->format->name : container,
                       mt_json_str(e->found, "mime_type", "?"));
    mt_path_ext(e->base, ext);
    if (!mt_ext_known(ext, NULL) || mt_format_has_ext(e->format, ext))
        return 0;
    if (!mt_ext_known(ext, e->format->type))
        return mt_fail(err, MT_ERR_TYPE_MISMATCH, "'%s' is named .%s, but its content is %s",
                       e->name, ext, e->format->mime);
    e->note = mt_asprintf("'%s' is named .%s, but is %s", e->name, ext, e->format->name);
    mt_json_set(e->metadata, "extension_mismatch",
                json_pack("{s:s, s:s}", "extension", ext, "format", e->format->name));
    return 0;
}

/* The prober's metadata, and what the user sent along. */
static void compose_metadata(struct mt_entry *e)
{
    const struct mt_ingest *spec = e->in->spec;
    json_t *metadata = json_object_get(e->found, "metadata");
    const json_t *name = mt_json_at(e->doc, "asset.metadata.name_base64");

    e->metadata = metadata ? json_incref(metadata) : json_object();
    if (name)
        json_object_set(e->metadata, "name_base64", (json_t *)(uintptr_t)name);
    if (e->is_url) /* what follows the '?' may be a secret */
        json_object_set_new(e->metadata, "source_url",
                            json_stringn(e->name, strcspn(e->name, "?#")));
    if (spec->metadata)
        json_object_set(e->metadata, "user", spec->metadata);
    if (spec->options)
        json_object_set(e->metadata, "processing_options", spec->options);
}

int mt_entry_identify(struct mt_entry *e, struct mt_helper *helper, struct mt_err *err)
{
    char ext[16];
    json_t *seen = NULL;

    e->found = mt_helper_ask(helper, e->fd, e->name, &seen, err);
    if (!e->found) {
        explain_refusal(e, seen, err);
        json_object_update(json_object_get(e->doc, "asset"), seen);
        json_decref(seen);
        return -1;
    }
    compose_metadata(e);
    if (accept_format(e, err) < 0)
        return -1;
    if (!e->key) {
        snprintf(ext, sizeof ext, "%.*s", (int)strcspn(e->format->extensions, " "),
                 e->format->extensions);
        mt_entry_set_key(e, ext);
    }
    return 0;
}
