/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doc.h - the media document: one JSON object per asset, growing through a pipeline.
 *
 * {"schema": 1, "asset": {...}, "variants": [...], "thumbnails": [...],
 *  "analysis": {...}, "stages": {NAME: {...}}, "error": {...}}
 * share/schema/media-document.json describes it whole. Members that a program
 * does not know pass through untouched.
 */
#ifndef MT_DOC_DOC_H
#define MT_DOC_DOC_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { MT_DOC_SCHEMA = 1, MT_DOC_NAME_MAX = 255 };

/* A document for the input called name (a path; its base name is recorded). New. */
json_t *mt_doc_new(const char *name);

/*
 * Records a file's name in asset: original_filename is valid UTF-8 of at most
 * MT_DOC_NAME_MAX bytes; where that is not the name itself, its exact bytes go to
 * metadata.name_base64.
 */
void mt_doc_set_name(json_t *asset, const char *name);

/* MT_ERR_BAD_DOCUMENT unless it is an object with "schema": 1 and an asset or an error, which is an
 * object or null. */
int mt_doc_check(const json_t *doc, struct mt_err *err) MT_MUST_USE;

/*
 * Puts an entry (a new reference, taken) where it belongs in a list of thumbnails: in order of
 * time, the larger of one time first, then WebP before PNG, JPEG and AVIF.
 */
void mt_doc_insert_thumbnail(json_t *thumbnails, json_t *entry);

/* Adds an entry (a new reference, taken) to variants, in place of one of the same url. */
void mt_doc_add_variant(json_t *doc, json_t *entry);

/* The failure is fatal to the asset: later programs pass the document on as it is. */
void mt_doc_fail(json_t *doc, const char *stage, const struct mt_err *err);

/*
 * Records how a stage ended: "completed", "degraded", "skipped", "failed" or
 * "not_applicable"; err is NULL unless one of the last two.
 */
void mt_doc_set_stage(json_t *doc, const char *stage, const char *status, const struct mt_err *err,
                      int64_t took_ms);

/*
 * What the document counts as for the exit status: the code of its error, else
 * of its first failed stage, else MT_OK.
 */
enum mt_code mt_doc_code(const json_t *doc);

/* Whether it carries a fatal error. */
bool mt_doc_failed(const json_t *doc);

#endif
