/* SPDX-License-Identifier: GPL-2.0-or-later */
/* refusal.c - what servers say instead of an answer, and what to do about it. */
#include "asr/asr.h"

#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct meaning {
    long status;
    enum mt_code code;
    const char *what, *hint;
};

static const struct meaning meanings[] = {
    {400, MT_ERR_FAILED, "the server does not understand the request",
     "set 'model' and 'format' to what the server knows"},
    {401, MT_ERR_CONFIG, "the server does not accept the key", "put a valid key into key_file"},
    {402, MT_ERR_CONFIG, "the server wants to be paid", "see to the account that the key is of"},
    {403, MT_ERR_CONFIG, "the key does not permit transcriptions",
     "use a key that may use this model"},
    {404, MT_ERR_CONFIG, "the server has no such path or model",
     "set 'url' to the API, including /v1, and 'model' to one that it has"},
    {405, MT_ERR_CONFIG, "the server has no transcriptions at this path",
     "set 'url' to the API, including /v1"},
    {413, MT_ERR_CONFIG, "the piece of sound is too large for the server",
     "set 'length' to fewer seconds"},
    {415, MT_ERR_FAILED, "the server does not take WAV files", "use a server that does"},
    {422, MT_ERR_FAILED, "the server does not understand the request",
     "set 'model' and 'format' to what the server knows"},
};

/* What it says itself, fit for a message. free() it. */
static char *reason(const struct mt_asr_refusal *refusal)
{
    struct mt_err ignored;
    char *raw = mt_utf8_clean(refusal->text ? refusal->text : "", refusal->n);
    json_t *answer = mt_json_parse("", raw, strlen(raw), &ignored);
    const char *text = mt_json_str(answer, "error.message",
                                   mt_json_str(answer, "error", mt_json_str(answer, "detail", "")));
    char *out = mt_text_printable(*text ? text : raw, 160);

    json_decref(answer);
    free(raw);
    return out;
}

static bool is_exhausted(const struct mt_asr_refusal *refusal)
{
    static const char mark[] = "insufficient_quota";

    return refusal->text && memmem(refusal->text, refusal->n, mark, sizeof mark - 1);
}

bool mt_asr_is_temporary(const struct mt_asr_refusal *refusal)
{
    static const long statuses[] = {408, 425, 429, 500, 502, 503, 504};

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (refusal->status == statuses[i])
            return !is_exhausted(refusal);
    return false;
}

static int refuse_known(long status, const char *why, struct mt_err *err)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].status == status) {
            mt_fail(err, meanings[i].code, "%s (status %ld): %s", meanings[i].what, status, why);
            return mt_hint(err, "%s", meanings[i].hint);
        }
    return mt_fail(err, MT_ERR_FAILED, "the server answered with status %ld: %s", status, why);
}

int mt_asr_refuse(const struct mt_asr_refusal *refusal, struct mt_err *err)
{
    char *why = reason(refusal);

    if (mt_asr_is_temporary(refusal)) {
        mt_fail(err, MT_ERR_BUSY, "the server did not answer in %lld attempts (status %ld): %s",
                (long long)refusal->attempts, refusal->status, why);
        mt_hint(err, "try again later, or lower 'parallel'");
    } else if (is_exhausted(refusal)) {
        mt_fail(err, MT_ERR_CONFIG, "the account's quota is used up: %s", why);
        mt_hint(err, "see to the account that the key is of");
    } else if (refusal->status >= 300 && refusal->status < 400) {
        char *to = mt_text_printable(refusal->redirect ? refusal->redirect : "elsewhere", 200);
        mt_fail(err, MT_ERR_CONFIG, "the server sends us to '%s', which is not followed", to);
        mt_hint(err, "if that is right, set 'url' to it");
        free(to);
    } else {
        refuse_known(refusal->status, why, err);
    }
    free(why);
    return -1;
}
