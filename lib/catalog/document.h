/* SPDX-License-Identifier: GPL-2.0-or-later */
/* document.h - the rows about one asset as its media document. */
#ifndef MT_CATALOG_DOCUMENT_H
#define MT_CATALOG_DOCUMENT_H

#include "db/db.h"
#include "store/store.h"

/*
 * The document (see doc/doc.h) that a pipeline would have made of the asset: asset,
 * finished variants and thumbnails, the newest analysis of each type, and how
 * the newest job of each type ended as stages ("thumbs" for thumbnail jobs).
 * id may be the beginning of one; see mt_lookup(). URLs are the store's; without
 * store (NULL) they are null. New.
 */
json_t *mt_document_of_asset(struct mt_db *db, struct mt_store *store, const char *id,
                             struct mt_err *err);

/* The parts of it, each from one row. New. */
json_t *mt_document_asset(const json_t *row, struct mt_store *store);
json_t *mt_document_variant(const json_t *row, struct mt_store *store);
json_t *mt_document_thumbnail(const json_t *row, struct mt_store *store);

/* The stage that jobs of the type are ("thumbs" for "thumbnail"); others are called as their type.
 */
const char *mt_document_stage_of(const char *job_type);

#endif
