/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ladder.c - see ladder.h. */
#include "transcode/ladder.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const mt_qualities[] = {"2160p", "1440p", "1080p", "720p", "480p",
                                    "360p",  "240p",  "144p",  NULL};

/* Peak rates at 16:9 and up to 30 pictures a second. */
static const struct {
    int height_px;
    int64_t max_bps, audio_bps;
} table[] = {
    {144, 200000, 64000},    {240, 350000, 64000},     {360, 600000, 96000},
    {480, 1000000, 128000},  {720, 2500000, 128000},   {1080, 5000000, 192000},
    {1440, 9000000, 192000}, {2160, 18000000, 192000}, {4320, 50000000, 192000},
};
enum { ROWS = sizeof table / sizeof *table };

static void set_rung(struct mt_rung *rung, int height)
{
    int i = 0;

    while (i + 1 < ROWS && table[i].height_px < height)
        i++;
    snprintf(rung->name, sizeof rung->name, "%dp", height);
    rung->height_px = height;
    rung->max_bps = table[i].max_bps;
    rung->audio_bps = table[i].audio_bps;
    if (table[i].height_px != height && i > 0) {
        double a = (double)table[i - 1].height_px * table[i - 1].height_px;
        double b = (double)table[i].height_px * table[i].height_px;
        double share = ((double)height * height - a) / (b - a);
        double rate = (double)table[i - 1].max_bps +
                      share * (double)(table[i].max_bps - table[i - 1].max_bps);
        rung->max_bps = (int64_t)(rate / 1000) * 1000;
    }
}

static int by_height(const void *a, const void *b)
{
    return ((const struct mt_rung *)b)->height_px - ((const struct mt_rung *)a)->height_px;
}

static int add_rung(struct mt_ladder *ladder, const char *word, struct mt_err *err)
{
    char *end;
    long height = strtol(word, &end, 10);

    if (end == word || strcmp(end, "p") != 0 || height < 16 || height > 4320) {
        mt_fail(err, MT_ERR_USAGE, "--quality does not know '%s'", word);
        return mt_hint_nearest(err, word, mt_qualities,
                               "lines with p, highest first: 1080p,720p,480p");
    }
    for (int i = 0; i < ladder->n; i++)
        if (ladder->rungs[i].height_px == height)
            return mt_fail(err, MT_ERR_USAGE, "--quality names '%s' twice", word);
    if (ladder->n == MT_RUNGS_MAX)
        return mt_fail(err, MT_ERR_USAGE, "--quality takes at most %d qualities",
                       (int)MT_RUNGS_MAX);
    set_rung(&ladder->rungs[ladder->n++], (int)height);
    return 0;
}

int mt_ladder_parse(struct mt_ladder *ladder, const char *text, struct mt_err *err)
{
    char *copy = mt_strdup(text);
    char *rest = copy;
    char *word;
    int ret = 0;

    ladder->n = 0;
    while (ret == 0 && (word = strsep(&rest, ",")))
        ret = add_rung(ladder, word, err);
    free(copy);
    qsort(ladder->rungs, (size_t)ladder->n, sizeof *ladder->rungs, by_height);
    return ret;
}

void mt_ladder_fit(struct mt_ladder *ladder, int display_w, int display_h, json_t *dropped)
{
    int side = display_w < display_h ? display_w : display_h;
    int even = side > 1 ? side & ~1 : 2;
    struct mt_ladder fit = {.n = 0};

    for (int i = 0; i < ladder->n; i++) {
        if (ladder->rungs[i].height_px <= side) {
            fit.rungs[fit.n++] = ladder->rungs[i];
            continue;
        }
        char *reason =
            mt_asprintf("the source has only %dx%d, nothing is enlarged", display_w, display_h);
        json_array_append_new(
            dropped, json_pack("{s:s, s:s}", "quality", ladder->rungs[i].name, "reason", reason));
        free(reason);
    }
    if (fit.n == 0)
        set_rung(&fit.rungs[fit.n++], even);
    *ladder = fit;
}
