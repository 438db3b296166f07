/* SPDX-License-Identifier: GPL-2.0-or-later */
/* quarantine.h - copies of refused files, for somebody to look at. */
#ifndef MT_INGEST_QUARANTINE_H
#define MT_INGEST_QUARANTINE_H

#include "base/err.h"

#include <jansson.h>

/*
 * Copies the file behind fd to DIR/SHA256, and about (lent) to DIR/SHA256.json, both
 * durable, with mode 0400. Files that are there already stay. dir is made if it
 * is missing, for its owner alone. sha256 of the copy goes into about.
 */
int mt_quarantine(const char *dir, int fd, json_t *about, struct mt_err *err) MT_MUST_USE;

/* Whether a refusal is one about the bytes, which somebody might want to look at. */
bool mt_quarantine_takes(enum mt_code code);

#endif
