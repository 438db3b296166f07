/* SPDX-License-Identifier: GPL-2.0-or-later */
/* path.h - names of files and objects, without touching any. */
#ifndef MT_BASE_PATH_H
#define MT_BASE_PATH_H

#include "base/err.h"

#include <stdbool.h>

/* What follows the last '/'; points into path. "" if path ends with '/'. */
const char *mt_path_base(const char *path);

/*
 * The last extension in lower case without its dot: 1 to 15 ASCII letters and
 * digits; "" if the name ends in nothing of that kind ("Dr. No", ".profile").
 */
void mt_path_ext(const char *path, char ext[16]);

/*
 * Base name without its last extension, fit to begin the name of a new file:
 * no '/', valid UTF-8, no control characters, no leading dot or dash, at most
 * 120 bytes and not cut inside a character; "media" if nothing is left. free() it.
 */
char *mt_path_stem(const char *path);

/*
 * Whether key names an object and nothing else: relative, '/' between
 * non-empty parts of at most 255 bytes, none of them "." or "..", at most 500
 * bytes, valid UTF-8 without control characters (see mt_utf8_is_control()).
 */
bool mt_key_is_safe(const char *key);

/* dir + "/" + name, with one slash between them. free() it. */
char *mt_path_join(const char *dir, const char *name);

/*
 * The path of a "file://" URL with %XX decoded, absolute; NULL if url is no
 * file URL, names another host or holds a NUL. '?' and '#' count as parts of
 * the name, since file URLs have no query. free() it.
 */
char *mt_path_of_file_url(const char *url);

/*
 * The directory of the running program, where its siblings are, with a slash at its end; "" if the
 * system does not say. free() it.
 */
char *mt_path_of_program(void);

/* "file://" + path, bytes outside RFC 3986 pchar and "/" as %XX. free() it. */
char *mt_path_to_file_url(const char *path);

#endif
