/* SPDX-License-Identifier: GPL-2.0-or-later */
/* path.h - names of files and objects, without touching any. */
#ifndef MT_BASE_PATH_H
#define MT_BASE_PATH_H

#include "base/err.h"

#include <stdbool.h>

/* What follows the last '/'; points into path. "" if path ends with '/'. */
const char *mt_path_base(const char *path);

/* The last extension in lower case without its dot, at most 15 bytes; "" if there is none. */
void mt_path_ext(const char *path, char ext[16]);

/*
 * Base name without its last extension, fit to begin the name of a new file:
 * no '/', no control characters, no leading dot or dash, at most 120 bytes and
 * not cut inside a character; "media" if nothing is left. free() it.
 */
char *mt_path_stem(const char *path);

/*
 * Whether key names an object and nothing else: relative, '/' between
 * non-empty parts, none of them "." or "..", at most 500 bytes, printable.
 */
bool mt_key_is_safe(const char *key);

/* dir + "/" + name, with one slash between them. free() it. */
char *mt_path_join(const char *dir, const char *name);

/*
 * The path of a "file://" URL with %XX decoded, absolute; NULL if url is no
 * file URL, names another host or holds a NUL. free() it.
 */
char *mt_path_of_file_url(const char *url);

/* "file://" + path, bytes outside RFC 3986 pchar and "/" as %XX. free() it. */
char *mt_path_to_file_url(const char *path);

#endif
