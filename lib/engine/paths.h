/* SPDX-License-Identifier: GPL-2.0-or-later */
/* paths.h - what an engine's options let it read. */
#ifndef MT_ENGINE_PATHS_H
#define MT_ENGINE_PATHS_H

#include <jansson.h>

/*
 * The absolute paths among the texts of an engine's options (whoever names a model or a key
 * file wants it to be read), NULL-terminated, at most 32. mt_engine_readable_free() frees it.
 */
char **mt_engine_readable(const json_t *options);
void mt_engine_readable_free(char **paths);

#endif
