/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check.h - what engines write, held against the protocol. */
#ifndef MT_ENGINE_CHECK_H
#define MT_ENGINE_CHECK_H

#include "engine/engine.h"

/* Reads a description into engine, whose path and name are set. -1 says what is wrong with it. */
int mt_engine_describe(struct mt_engine *engine, json_t *about, struct mt_err *err) MT_MUST_USE;

/* Whether a finding is one; duration_s 0: of any length. */
int mt_engine_check_finding(const json_t *finding, double duration_s,
                            struct mt_err *err) MT_MUST_USE;

#endif
