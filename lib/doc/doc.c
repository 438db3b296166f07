/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doc.c - see doc.h. */
#include "doc/doc.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

json_t *mt_doc_new(const char *name)
{
    json_t *doc = json_pack("{s:i, s:{}}", "schema", MT_DOC_SCHEMA, "asset");

    mt_doc_set_name(json_object_get(doc, "asset"), mt_path_base(name));
    return doc;
}

void mt_doc_set_name(json_t *asset, const char *name)
{
    size_t n = strlen(name);
    char *clean = mt_utf8_clean(name, n);
    bool exact = strcmp(clean, name) == 0 && n <= MT_DOC_NAME_MAX;

    if (strlen(clean) > MT_DOC_NAME_MAX) {
        size_t end = MT_DOC_NAME_MAX;
        while (((unsigned char)clean[end] & 0xc0) == 0x80)
            end--;
        clean[end] = '\0';
    }
    json_object_set_new(asset, "original_filename", json_string(clean));
    if (!exact) {
        char *bytes = mt_base64(name, n);
        mt_json_set(asset, "metadata.name_base64", json_string(bytes));
        free(bytes);
    }
    free(clean);
}

int mt_doc_check(const json_t *doc, struct mt_err *err)
{
    if (!json_is_object(doc))
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "not a JSON object");
    int64_t schema = mt_json_int(doc, "schema", -1);
    if (schema != MT_DOC_SCHEMA)
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "'schema' is not %d", (int)MT_DOC_SCHEMA);
    const json_t *error = json_object_get(doc, "error");
    if (error && !json_is_null(error) && !json_is_object(error))
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "'error' is neither null nor an object");
    if (!json_is_object(json_object_get(doc, "asset")) && !json_is_object(error))
        return mt_fail(err, MT_ERR_BAD_DOCUMENT, "neither 'asset' nor 'error' in it");
    return 0;
}

void mt_doc_fail(json_t *doc, const char *stage, const struct mt_err *err)
{
    json_t *error = mt_err_to_json(err);

    json_object_set_new(error, "stage", json_string(stage));
    json_object_set_new(doc, "error", error);
}

void mt_doc_set_stage(json_t *doc, const char *stage, const char *status, const struct mt_err *err,
                      int64_t took_ms)
{
    json_t *stages = json_object_get(doc, "stages");
    json_t *error = err ? mt_err_to_json(err) : json_null();
    json_t *row = json_pack("{s:s, s:o, s:I}", "status", status, "error", error, "took_ms",
                            (json_int_t)took_ms);

    if (err)
        json_object_set_new(error, "stage", json_string(stage));
    if (!json_is_object(stages)) {
        stages = json_object();
        json_object_set_new(doc, "stages", stages);
    }
    json_object_set_new(stages, stage, row);
}

bool mt_doc_failed(const json_t *doc)
{
    return json_is_object(json_object_get(doc, "error"));
}

/* The code that an error names; one that names success is a failure all the same. */
static enum mt_code code_of(const json_t *failed)
{
    enum mt_code code = mt_code_by_name(mt_json_str(failed, "error.code", "failed"));

    return code == MT_OK || code == MT_ERR_NOT_APPLICABLE ? MT_ERR_FAILED : code;
}

enum mt_code mt_doc_code(const json_t *doc)
{
    const char *name;
    json_t *stage;

    if (mt_doc_failed(doc))
        return code_of(doc);
    json_object_foreach(json_object_get(doc, "stages"), name,
                        stage) if (strcmp(mt_json_str(stage, "status", ""), "failed") ==
                                   0) return code_of(stage);
    return MT_OK;
}

static int by_time(const json_t *a, const json_t *b)
{
    double d = mt_json_num(a, "timestamp", 0) - mt_json_num(b, "timestamp", 0);
    int64_t wider = mt_json_int(b, "width", 0) - mt_json_int(a, "width", 0);

    if (d < 0 || d > 0)
        return d < 0 ? -1 : 1;
    if (wider != 0)
        return wider < 0 ? -1 : 1;
    return strcmp(mt_json_str(b, "format", ""), mt_json_str(a, "format", ""));
}

void mt_doc_insert_thumbnail(json_t *thumbnails, json_t *entry)
{
    size_t at = json_array_size(thumbnails);

    while (at > 0 && by_time(json_array_get(thumbnails, at - 1), entry) > 0)
        at--;
    json_array_insert_new(thumbnails, at, entry);
}

void mt_doc_add_variant(json_t *doc, json_t *entry)
{
    json_t *variants = json_object_get(doc, "variants");
    const char *url = mt_json_str(entry, "url", "");
    json_t *old;
    size_t i;

    if (!json_is_array(variants)) {
        variants = json_array();
        json_object_set_new(doc, "variants", variants);
    }
    json_array_foreach(variants, i, old) if (strcmp(mt_json_str(old, "url", "?"), url) == 0)
    {
        json_array_set_new(variants, i, entry);
        return;
    }
    json_array_append_new(variants, entry);
}
