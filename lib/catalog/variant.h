/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * variant.h - what was made from an original, as rows of media_variants.
 *
 * Renditions, thumbnails, sprites, captions, packages: each has a key that
 * names the recipe it was made by, so that finding the key is knowing that
 * nothing is to be done. As with assets: intend, put the object, publish.
 */
#ifndef MT_CATALOG_VARIANT_H
#define MT_CATALOG_VARIANT_H

#include "base/clock.h"
#include "db/db.h"
#include "store/store.h"

struct mt_variant_intent {
    const char *asset_id;
    const char *type;    /* high_res, low_res, audio_only, thumbnail, preview, caption, hls ... */
    const char *format;  /* mp4, webp ... */
    const char *quality; /* 720p; may be NULL */
    const char *recipe;  /* hash of settings and tool version; may be NULL */
    const char *bucket;  /* NULL: "local" */
    const char *key;
    const char *prefix; /* ends with '/': every object below it belongs to the variant; or NULL */
    bool force;         /* make it again although it is there; it stays visible meanwhile */
};

/* What mt_variant_intend() found. */
enum mt_variant_claim {
    MT_VARIANT_MINE, /* this process is to make it */
    MT_VARIANT_DONE, /* it is there already */
};

/*
 * Records that this process is about to make the variant; its id goes into id.
 * An intent of a dead process is taken over, and one of a lease that is over. MT_ERR_LOCKED if a
 * living one makes it (also one elsewhere, about which nothing is known); MT_ERR_NOT_FOUND if there
 * is no such asset. End an intent with mt_variant_publish() or mt_variant_abandon().
 */
int mt_variant_intend(struct mt_db *db, const struct mt_variant_intent *intent,
                      char id[MT_UUID_TEXT], enum mt_variant_claim *claim,
                      struct mt_err *err) MT_MUST_USE;

/* Many at once in one transaction: all of them or none. ids and claims have n members. */
int mt_variants_intend(struct mt_db *db, const struct mt_variant_intent *intents, int n,
                       char (*ids)[MT_UUID_TEXT], enum mt_variant_claim *claims,
                       struct mt_err *err) MT_MUST_USE;

struct mt_variant_result {
    const char *resolution; /* "1280x720", or NULL */
    const char *bitrate;    /* "2500k", or NULL */
    int64_t duration_s;     /* -1: has none */
    int64_t file_size;      /* bytes, of all its objects */
    const char *checksum;   /* SHA-256 of the object at its key */
    bool verified;
    const json_t *score;   /* lent, {"metric", "value"}; or NULL */
    const json_t *details; /* lent; timestamp, width, height of a thumbnail ...; or NULL */
};

/* Makes it visible, with its event. MT_ERR_NOT_FOUND when intent or asset are gone meanwhile. */
int mt_variant_publish(struct mt_db *db, const char *id, const struct mt_variant_result *result,
                       struct mt_err *err) MT_MUST_USE;

/* Many at once in one transaction: all of them or none. */
int mt_variants_publish(struct mt_db *db, char (*ids)[MT_UUID_TEXT],
                        const struct mt_variant_result *results, int n,
                        struct mt_err *err) MT_MUST_USE;

/* The same within a writing transaction of the caller's. */
int mt_variants_publish_within(struct mt_db *db, char (*ids)[MT_UUID_TEXT],
                               const struct mt_variant_result *results, int n,
                               struct mt_err *err) MT_MUST_USE;

/* Replaces the details of a finished variant. MT_ERR_NOT_FOUND when it is gone meanwhile. */
int mt_variant_amend(struct mt_db *db, const char *id, const json_t *details,
                     struct mt_err *err) MT_MUST_USE;

/*
 * Removes this process's intent and its objects; a finished variant that was to
 * be made again stays. Nothing happens if there is no such intent. store NULL:
 * no objects are touched.
 */
int mt_variant_abandon(struct mt_db *db, struct mt_store *store, const char *id,
                       struct mt_err *err) MT_MUST_USE;

/* Finished variants of the asset, in the order in which they were begun. New. */
json_t *mt_variants_of(struct mt_db *db, const char *asset_id, struct mt_err *err);

/* The finished variant at the key; MT_ERR_NOT_FOUND. New. */
json_t *mt_variant_find(struct mt_db *db, const char *asset_id, const char *key,
                        struct mt_err *err);

/* Finished variants of the asset that were made by the recipe. New. */
json_t *mt_variants_by_recipe(struct mt_db *db, const char *asset_id, const char *recipe,
                              struct mt_err *err);

/* For mt_sweep(): removes the intent if it is still owner's. */
int mt_variant_discard(struct mt_db *db, struct mt_store *store, const json_t *row,
                       const char *owner, struct mt_err *err) MT_MUST_USE;

#endif
