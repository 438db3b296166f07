/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shape.h - what a document says of its source, as far as a ladder needs it. */
#ifndef MT_TRANSCODE_SHAPE_H
#define MT_TRANSCODE_SHAPE_H

#include "transcode/ladder.h"

#include <jansson.h>
#include <stdbool.h>

/* The stream of the first moving picture that is no cover, lent; NULL. */
const json_t *mt_source_pictures(const json_t *doc);

bool mt_source_has_sound(const json_t *doc);

/*
 * The size that a viewer sees, the pictures a second and the rate (0: not known) of the first
 * moving picture that is no cover; zeros for a source of sound alone. MT_ERR_NOT_APPLICABLE for one
 * of neither.
 */
int mt_source_shape(const json_t *doc, struct mt_shape *shape, struct mt_err *err) MT_MUST_USE;

#endif
