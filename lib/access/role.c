/* SPDX-License-Identifier: GPL-2.0-or-later */
/* role.c - roles and who has them. */
#include "access/access.h"

#include "base/mem.h"
#include "base/text.h"
#include "digest/digest.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const mt_roles[] = {"viewer", "uploader", "operator", "moderator", "admin", NULL};

static const unsigned permits[] = {
    MT_MAY_READ,
    MT_MAY_READ | MT_MAY_SUBMIT,
    MT_MAY_READ | MT_MAY_SUBMIT | MT_MAY_ALL_JOBS | MT_MAY_ALL_ASSETS,
    MT_MAY_READ | MT_MAY_ALL_ASSETS | MT_MAY_REVIEW,
    MT_MAY_READ | MT_MAY_SUBMIT | MT_MAY_ALL_JOBS | MT_MAY_ALL_ASSETS | MT_MAY_REVIEW |
        MT_MAY_ADMIN,
};

unsigned mt_role_may(const char *role)
{
    for (size_t i = 0; mt_roles[i]; i++)
        if (strcmp(mt_roles[i], role) == 0)
            return permits[i];
    return 0;
}

/* Words with spaces between; of those with prefix what follows it. */
static unsigned may_of_words(const char *text, const char *prefix)
{
    char word[32];
    unsigned may = 0;

    while (*text) {
        size_t n = strcspn(text, " ");
        if (n < sizeof word) {
            memcpy(word, text, n);
            word[n] = '\0';
            if (mt_str_starts(word, prefix))
                may |= mt_role_may(word + strlen(prefix));
        }
        text += n + (text[n] == ' ');
    }
    return may;
}

static int add_roles(unsigned *may, const json_t *value, const char *prefix, struct mt_err *err)
{
    size_t i;
    json_t *word;

    if (!value)
        return 0;
    if (json_is_string(value)) {
        *may |= may_of_words(json_string_value(value), prefix);
        return 0;
    }
    if (!json_is_array(value))
        return mt_fail(err, MT_ERR_POLICY, "the token has roles that are no words");
    json_array_foreach((json_t *)(uintptr_t)value, i, word)
    {
        if (!json_is_string(word))
            return mt_fail(err, MT_ERR_POLICY, "the token has roles that are no words");
        *may |= mt_role_may(json_string_value(word));
    }
    return 0;
}

/* The same subject of the same issuer has the same identifier, always (RFC 9562, version 8). */
static int user_of(const char *issuer, const char *subject, char out[MT_UUID_TEXT],
                   struct mt_err *err)
{
    char hex[MT_SHA256_TEXT];

    if (mt_uuid_valid(subject)) {
        strcpy(out, subject);
        mt_str_lower(out);
        return 0;
    }
    char *name = mt_asprintf("media-user\n%s\n%s", issuer, subject);
    int ret = mt_sha256_of(name, strlen(name), hex, err);
    free(name);
    if (ret == 0)
        snprintf(out, MT_UUID_TEXT, "%.8s-%.4s-8%.3s-%c%.3s-%.12s", hex, hex + 8, hex + 13,
                 "89ab"[(hex[16] & 3)], hex + 17, hex + 20);
    return ret;
}

int mt_claims_of(struct mt_claims *claims, const json_t *token, struct mt_err *err)
{
    const char *subject = mt_json_str(token, "sub", "");
    const json_t *exp = json_object_get(token, "exp");

    *claims = (struct mt_claims){.may = 0};
    snprintf(claims->subject, sizeof claims->subject, "%s", subject);
    claims->expires_us = (int64_t)(json_number_value(exp) * 1e6);
    if (add_roles(&claims->may, json_object_get(token, "roles"), "", err) < 0 ||
        add_roles(&claims->may, json_object_get(token, "role"), "", err) < 0 ||
        add_roles(&claims->may, json_object_get(token, "scope"), "media:", err) < 0)
        return -1;
    return user_of(mt_json_str(token, "iss", ""), subject, claims->user, err);
}
