/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * asset.h - the originals, as rows of media_assets.
 *
 * An original becomes visible in three steps: mt_asset_intend() says that this
 * process is about to store it under a key; the caller puts the object there,
 * durably; mt_asset_publish() makes both visible in one transaction. If the
 * process dies in between, mt_sweep() removes what it left. The same bytes
 * (SHA-256) are visible once for each user.
 */
#ifndef MT_CATALOG_ASSET_H
#define MT_CATALOG_ASSET_H

#include "base/clock.h"
#include "catalog/lookup.h"
#include "db/db.h"
#include "store/store.h"

struct mt_asset_intent {
    const char *id;           /* a new UUID, from mt_uuid() */
    const char *name;         /* of the file as it was met, any bytes, any length */
    const char *content_type; /* video, audio, image */
    const char *mime_type;
    int64_t file_size;       /* bytes as far as known, 0 if not */
    const char *bucket;      /* NULL: "local" */
    const char *key;         /* where the object will be; "{id}/original.{ext}" */
    const char *uploaded_by; /* UUID of a user, recorded if new; NULL: nobody */
};

/*
 * Records the intent: a row with upload_status "uploading", owned by this
 * process. A name over 255 bytes or not UTF-8 is recorded cut and cleaned, its
 * exact bytes in metadata.name_base64. End it with mt_asset_publish() or
 * mt_asset_abandon(), with the same process.
 */
int mt_asset_intend(struct mt_db *db, const struct mt_asset_intent *intent,
                    struct mt_err *err) MT_MUST_USE;

/* The same within a writing transaction of the caller's. */
int mt_asset_intend_within(struct mt_db *db, const struct mt_asset_intent *intent,
                           struct mt_err *err) MT_MUST_USE;

struct mt_asset_result {
    const char *status;   /* completed, held; or rejected, failed: recorded, never visible */
    const char *outcome;  /* ok, degraded; NULL: unknown */
    const char *checksum; /* SHA-256 in 64 hex digits; NULL only if rejected or failed */
    int64_t file_size;
    const char *content_type; /* NULL: as intended */
    const char *mime_type;    /* NULL: as intended */
    const json_t *metadata;   /* lent; object or NULL. A name_base64 of the intent is kept */
    const json_t *scan;       /* lent; object or NULL */
};

/*
 * Makes the asset what result says, with its audit line and its event
 * "asset.<status>". If the same user has the same bytes visible already, that
 * asset's id goes into duplicate, and the intent is abandoned with its object;
 * else duplicate is "". Jobs that named the intent name the older asset then.
 * MT_ERR_NOT_FOUND if the intent is gone (somebody erased or swept it).
 */
int mt_asset_publish(struct mt_db *db, struct mt_store *store, const char *id,
                     const struct mt_asset_result *result, char duplicate[MT_UUID_TEXT],
                     struct mt_err *err) MT_MUST_USE;

/*
 * The same within a writing transaction of the caller's, so that many become
 * visible at once. 1 with duplicate set if the same user has the same bytes:
 * nothing is changed then, and mt_asset_publish() after the transaction does
 * the rest.
 */
int mt_asset_publish_within(struct mt_db *db, const char *id, const struct mt_asset_result *result,
                            char duplicate[MT_UUID_TEXT], struct mt_err *err) MT_MUST_USE;

/*
 * Removes an intent of this process: the objects below "{id}/" and at its key,
 * then the row. Jobs that named it name no asset then. Nothing happens if there
 * is no such intent. store NULL: no objects are touched.
 */
int mt_asset_abandon(struct mt_db *db, struct mt_store *store, const char *id,
                     struct mt_err *err) MT_MUST_USE;

/* The row of an asset by its id or the first four or more digits of it; see mt_lookup(). New. */
json_t *mt_asset_get(struct mt_db *db, const char *id, struct mt_err *err);

/* The visible asset of the user (NULL: nobody) with this checksum; MT_ERR_NOT_FOUND. New. */
json_t *mt_asset_find(struct mt_db *db, const char *uploaded_by, const char *checksum,
                      struct mt_err *err);

/* Which assets a list shows; NULL: all. */
struct mt_asset_filter {
    const char *status;
    const char *content_type;
    const char *uploaded_by;
};

/* Assets, newest first; see mt_lookup_page(). New. */
json_t *mt_asset_list(struct mt_db *db, const struct mt_asset_filter *filter,
                      const struct mt_page *page, char **next, struct mt_err *err);

/* How many there are: rows of {upload_status, content_type, n, bytes}. New. */
json_t *mt_asset_counts(struct mt_db *db, struct mt_err *err);

/*
 * For mt_sweep(): removes the intent if it is still owner's. heir (may be NULL)
 * is the asset that its jobs name from now on.
 */
int mt_asset_discard(struct mt_db *db, struct mt_store *store, const json_t *row, const char *owner,
                     const char *heir, struct mt_err *err) MT_MUST_USE;

#endif
