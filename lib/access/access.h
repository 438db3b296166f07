/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * access.h - who may do what: roles, networks, signed URLs, and how often.
 */
#ifndef MT_ACCESS_ACCESS_H
#define MT_ACCESS_ACCESS_H

#include "base/clock.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- roles --- */

/* What a role permits. */
enum mt_may {
    MT_MAY_READ = 1 << 0,       /* see what is one's own */
    MT_MAY_SUBMIT = 1 << 1,     /* upload, have work done, cancel what is one's own */
    MT_MAY_ALL_JOBS = 1 << 2,   /* see, cancel and retry everybody's jobs, and the queue */
    MT_MAY_ALL_ASSETS = 1 << 3, /* see everybody's assets */
    MT_MAY_REVIEW = 1 << 4,     /* decide about what is held */
    MT_MAY_ADMIN = 1 << 5,      /* all the rest */
};

/* Names of the roles, ending with NULL: viewer, uploader, operator, moderator, admin. */
extern const char *const mt_roles[];

/* What the role permits; 0 for one that there is not. */
unsigned mt_role_may(const char *role);

/* Who a token speaks for. */
struct mt_claims {
    char user[MT_UUID_TEXT]; /* "sub" if it is a UUID, else one made of issuer and "sub" */
    char subject[256];       /* "sub" as it is */
    unsigned may;            /* of all roles together */
    int64_t expires_us;      /* since 1970 */
};

/*
 * Takes them from verified claims: roles from "roles" (array of words, or
 * words with spaces between), "role" (a word), and "scope" ("media:ROLE" among others).
 * MT_ERR_POLICY for a member of another type.
 */
int mt_claims_of(struct mt_claims *claims, const json_t *token, struct mt_err *err) MT_MUST_USE;

/* --- networks --- */

/* "10.0.0.0/8,2001:db8::/32,192.0.2.7": addresses and networks. */
struct mt_networks {
    struct mt_network {
        unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d */
        int bits;                  /* of 128 */
    } * list;
    int n;
};

/* what is named in messages: "api.allow". text NULL is none. MT_ERR_CONFIG for what is no network.
 */
int mt_networks_init(struct mt_networks *networks, const char *what, const char *text,
                     struct mt_err *err) MT_MUST_USE;
void mt_networks_free(struct mt_networks *networks);

/* Whether the address, as text, lies in one of them; false for what is no address. */
bool mt_networks_have(const struct mt_networks *networks, const char *address);

/* --- signed URLs --- */

/*
 * A URL of media that holds for a while, for whoever has it. Two forms:
 *
 *   BASE/ASSET/720p-x.mp4?exp=SECONDS&kid=KEY&sig=MAC         one object
 *   BASE/t/KEY.SECONDS.DEPTH.FLAGS.MAC/ASSET/hls-x/a.m3u8     all below the first DEPTH parts
 *
 * The second is for trees such as HLS and DASH, whose players make the URLs of
 * segments from that of the playlist and would lose a query. With "&ip=1", or the flag
 * 'i', the MAC holds for one address only, which is not told; "&raw=1" or the flag 'o' is
 * wanted for originals. MAC is HMAC-SHA256, as base64url, over
 * "media-url-1\nKID\nEXP\nKEY-OR-PREFIX\nADDRESS\nRAW". Two keys are live: the first signs,
 * both verify, so that keys can be changed without refusing anybody.
 */
enum { MT_URL_KEYS = 2, MT_URL_TTL_MAX_S = 7 * 86400 };

struct mt_url_keys {
    struct mt_url_key {
        char kid[33];
        unsigned char *secret;
        size_t n;
    } keys[MT_URL_KEYS];
    int n;
};

/* Reads a JWKS of one or two keys of kind "oct", 32 bytes or more. */
int mt_url_keys_open(struct mt_url_keys *keys, const char *file, struct mt_err *err) MT_MUST_USE;
void mt_url_keys_free(struct mt_url_keys *keys);

struct mt_url_grant {
    const char *key;     /* of the object, or of one in the tree */
    int depth;           /* 0: this object; else so many parts of key are the prefix */
    int64_t expires_s;   /* since 1970 */
    const char *address; /* the only one that may use it; NULL: any */
    bool original;       /* it may be an original */
};

/* What follows BASE ("/media/"): free() it. */
char *mt_url_sign(const struct mt_url_keys *keys, const struct mt_url_grant *grant,
                  struct mt_err *err);

/*
 * Whether what follows BASE in a URL that somebody at that address has asked for is permitted
 * at now_s. 0: yes, and *key (free() it) is the object's; MT_ERR_POLICY: no, and why.
 */
int mt_url_check(const struct mt_url_keys *keys, const char *path, const char *query,
                 const char *address, int64_t now_s, char **key, struct mt_err *err) MT_MUST_USE;

/* Whether the key is that of an original: "ASSET/original.EXT". */
bool mt_url_is_original(const char *key);

/* --- rates --- */

/*
 * A bucket for each name (a user, an address) that fills by rate a second up to burst; each
 * request takes one. Processes share the account through a file, threads through
 * memory; a name may have to share a bucket when 4096 of them are busy.
 */
struct mt_rates;

struct mt_rate_answer {
    bool ok;
    int64_t left;    /* whole requests still in the bucket */
    int64_t reset_s; /* until it is full again, rounded up */
    int64_t retry_s; /* until the next request is possible; 0 if ok */
};

int mt_rates_open(struct mt_rates **out, int64_t rate, int64_t burst, const char *file,
                  struct mt_err *err) MT_MUST_USE;
void mt_rates_close(struct mt_rates **rates);
void mt_rates_take(struct mt_rates *rates, const char *name, int64_t now_us,
                   struct mt_rate_answer *answer);

#endif
