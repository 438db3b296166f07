/* SPDX-License-Identifier: GPL-2.0-or-later */
/* types.c - see types.h. */
#include "analyze/types.h"

#include "analyze/analyze.h"
#include "av/measure.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

const struct mt_analysis_type mt_analysis_types[MT_ANALYSIS_TYPES] = {
    {"loudness", MT_AV_LOUDNESS, NULL},
    {"silence", MT_AV_SILENCE, NULL},
    {"black", MT_AV_BLACK, NULL},
    {"freeze", MT_AV_FREEZE, NULL},
    {"scenes", MT_AV_SCENES, NULL},
    {"transcription", 0,
     "pocketsphinx and pocketsphinx-en-us for English, or set up speech-openai or "
     "speech-whisper-cli"},
    {"moderation", 0, "a moderation engine (see media-engine(7))"},
    {"objects", 0, "a vision engine (see media-engine(7))"},
    {"faces", 0, "a vision engine (see media-engine(7))"},
};

const char *const mt_analyze_types[] = {
    "loudness",      "silence",    "black",   "freeze", "scenes",
    "transcription", "moderation", "objects", "faces",  NULL};
_Static_assert(sizeof mt_analyze_types / sizeof *mt_analyze_types == MT_ANALYSIS_TYPES + 1,
               "each type has its name");

int mt_analysis_type(const char *word, const char *option, struct mt_err *err)
{
    for (int i = 0; i < MT_ANALYSIS_TYPES; i++)
        if (strcmp(mt_analysis_types[i].name, word) == 0)
            return i;
    mt_fail(err, MT_ERR_USAGE, "%s does not know '%s'", option, word);
    return mt_hint_nearest(err, word, mt_analyze_types, NULL);
}

int mt_analysis_each(const char *list, int (*each)(void *ctx, int type, struct mt_err *err),
                     void *ctx, struct mt_err *err)
{
    char *copy = mt_strdup(list);
    char *rest = copy;
    char *word;
    int ret = 0;

    while (ret == 0 && (word = strsep(&rest, ","))) {
        int type = mt_analysis_type(word, "--types", err);
        ret = type < 0 ? -1 : each ? each(ctx, type, err) : 0;
    }
    free(copy);
    return ret;
}
