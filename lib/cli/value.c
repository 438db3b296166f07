/* SPDX-License-Identifier: GPL-2.0-or-later */
/* value.c - the text of an option becomes its field, and back. */
#include "cli/internal.h"

#include "base/text.h"
#include "json/json.h"

#include <string.h>

const char *const mt_progress_modes[] = {"auto", "bar", "plain", "json", "none", NULL};
const char *const mt_log_formats[] = {"text", "json", "journal", NULL};
const char *const mt_color_modes[] = {"auto", "always", "never", NULL};

static int store_choice(const struct mt_opt *o, const char *what, const char *text,
                        const char **field, struct mt_err *err)
{
    for (const char *const *c = o->choices; *c; c++)
        if (strcmp(*c, text) == 0) {
            *field = *c;
            return 0;
        }
    mt_fail(err, MT_ERR_USAGE, "%s does not know '%s'", what, text);
    return mt_hint_nearest(err, text, o->choices, NULL);
}

static int store_flag(const char *what, const char *text, bool *field, struct mt_err *err)
{
    static const char *const yes[] = {"1", "true", "yes", "on"};
    static const char *const no[] = {"0", "false", "no", "off", ""};

    for (size_t i = 0; text && i < sizeof no / sizeof *no; i++)
        if (strcmp(text, no[i]) == 0) {
            *field = false;
            return 0;
        }
    for (size_t i = 0; text && i < sizeof yes / sizeof *yes; i++)
        if (strcmp(text, yes[i]) == 0)
            text = NULL;
    if (text)
        return mt_fail(err, MT_ERR_USAGE, "%s is yes or no, not '%s'", what, text);
    *field = true;
    return 0;
}

int mt_opt_store(const struct mt_opt *o, const char *what, const char *text, void *settings,
                 struct mt_err *err)
{
    void *field = (char *)settings + o->offset;

    switch (o->kind) {
    case MT_OPT_FLAG:
        return store_flag(what, text, field, err);
    case MT_OPT_COUNT:
        if (!text) {
            ++*(int64_t *)field;
            return 0;
        }
        return mt_parse_int(what, text, 0, 9, field, err);
    case MT_OPT_STR:
        *(const char **)field = text;
        return 0;
    case MT_OPT_INT:
        return mt_parse_int(what, text, o->min, o->max, field, err);
    case MT_OPT_SIZE:
        return mt_parse_size(what, text, field, err);
    case MT_OPT_DURATION:
        return mt_parse_duration(what, text, field, err);
    case MT_OPT_CHOICE:
        return store_choice(o, what, text, field, err);
    }
    return mt_fail(err, MT_ERR_BUG, "option kind %d", (int)o->kind);
}

json_t *mt_opt_value(const struct mt_opt *o, const void *settings)
{
    const void *field = (const char *)settings + o->offset;

    switch (o->kind) {
    case MT_OPT_FLAG:
        return json_boolean(*(const bool *)field);
    case MT_OPT_STR:
    case MT_OPT_CHOICE:
        return mt_json_text(*(const char *const *)field);
    case MT_OPT_DURATION:
        return mt_json_real((double)*(const int64_t *)field / 1e6, 6);
    case MT_OPT_COUNT:
    case MT_OPT_INT:
    case MT_OPT_SIZE:
        return json_integer(*(const int64_t *)field);
    }
    return json_null();
}
