/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * late.h - parts of a program that are loaded when they are first needed.
 *
 * A part is a shared object in libexec/media-toolkit/parts, made of modules that the program
 * itself lacks (part.NAME in lib/modules.mk); what both need it takes from the program.
 */
#ifndef MT_LATE_LATE_H
#define MT_LATE_LATE_H

#include "film/film.h"

/*
 * The table of the part "film", which stays loaded; a call costs nothing once it is. To be called
 * single-threaded, and before a jail is entered, in which nothing can be loaded. NULL with
 * MT_ERR_UNAVAILABLE: it is missing, of another build, or lacks a library of its own.
 */
const struct mt_film *mt_late_film(struct mt_err *err);

#endif
