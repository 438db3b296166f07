/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ledger_parts.h - what the two kinds of ledger have in common. Private to lib/transcode. */
#ifndef MT_TRANSCODE_LEDGER_PARTS_H
#define MT_TRANSCODE_LEDGER_PARTS_H

#include "transcode/ledger.h"

/* One way of keeping a ledger; each slot is the function of ledger.h of that name. */
struct mt_ledger_kind {
    int (*set_plan)(struct mt_ledger *ledger, const json_t *plan, struct mt_err *err);
    int (*data)(struct mt_ledger *ledger, const char *recipe, int slot, struct mt_err *err);
    int (*record)(struct mt_ledger *ledger, const json_t *report, const char *const *recipes,
                  int slot, struct mt_err *err);
    int (*gather)(struct mt_ledger *ledger, const char *recipe, int n, struct mt_err *err);
    struct mt_av_piece (*piece)(const struct mt_ledger *ledger, const char *recipe, int segment);
    int (*sound_data)(struct mt_ledger *ledger, int64_t voice, bool fresh, struct mt_err *err);
    int (*record_sound)(struct mt_ledger *ledger, const json_t *report, const int64_t *voices,
                        int n, struct mt_err *err);
    void (*empty)(struct mt_ledger *ledger); /* removes all that is kept */
    void (*close)(struct mt_ledger *ledger); /* of its own, and itself */
    void (*sweep)(const struct mt_ledger *ledger);
};

/* Each kind's own structure begins with this. */
struct mt_ledger {
    const struct mt_ledger_kind *kind;
    json_t *plan;     /* NULL: none yet */
    json_t *segments; /* by "RECIPE SEGMENT": its rendition's members, and the kind's own */
    json_t *sources;  /* by segment: the rest of its report */
    json_t *sounds;   /* by voice: the report */
};

enum { MT_LEDGER_STALE_S = 7 * 24 * 3600 };

/* Removes a ledger of the kind "directory" that nobody has or has touched for so long; whether. */
bool mt_ledger_discard_dir(const char *dir);

void mt_ledger_init(struct mt_ledger *ledger, const struct mt_ledger_kind *kind);

/* Forgets what is known of the segments and the sound; and sets the plan, which may be NULL. */
void mt_ledger_forget(struct mt_ledger *ledger, const json_t *plan);

/* Notes what is recorded: a rendition of a segment, the rest of the report, a voice. */
void mt_ledger_know_segment(struct mt_ledger *ledger, const char *recipe, int64_t segment,
                            json_t *lane);
void mt_ledger_know_source(struct mt_ledger *ledger, int64_t segment, json_t *source);
void mt_ledger_know_sound(struct mt_ledger *ledger, int64_t voice, json_t *report);

/* What has turned out not to be there. */
void mt_ledger_unknow(struct mt_ledger *ledger, const char *recipe, int64_t segment);
void mt_ledger_unknow_sound(struct mt_ledger *ledger, int64_t voice);

#endif
