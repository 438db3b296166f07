/* SPDX-License-Identifier: GPL-2.0-or-later */
/* findings.h - from what an engine found to what a document says. */
#ifndef MT_ANALYZE_FINDINGS_H
#define MT_ANALYZE_FINDINGS_H

#include "engine/engine.h"

#include <jansson.h>

/*
 * The result of the type, a new reference, from its findings in any order (lent, reordered):
 *   transcription {language, confidence, text, timestamps [{start, end, text, confidence, language,
 *                 speaker, words}], dropped [{start, end, text, reason}], adjusted, voice}
 *   objects, faces [{label, confidence, timestamp, end, box}]
 *   moderation {safe, confidence, flags [{label, confidence, start, end, text, box}], examined}
 * spans: where speech may be, or NULL; voice: what was heard in all, or NULL; examined: how much
 * the engine was handed. Without anything examined nothing is called safe: safe is null then.
 *
 * Of speech is dropped, and listed with its reason: what lies outside of all spans ("no voice"),
 * what repeats itself three times and more ("loop"), and what cannot be spoken in its
 * time ("too fast": over 40 characters a second), and what the engine itself doubts, with its
 * words for it. A cue in no language gets that of its script, Arabic or English. adjusted counts
 * the cues whose times the engine had to mend; absent if there are none.
 */
json_t *mt_findings_result(const char *type, json_t *findings, const json_t *spans,
                           const json_t *voice, int64_t examined);

/*
 * A transcription of cues [{start, end, text, language}] (lent) that were read, not heard: in their
 * order, nothing dropped, without confidence. New.
 */
json_t *mt_findings_read(const json_t *cues);

#endif
