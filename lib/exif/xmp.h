/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xmp.h - what programs wrote about a picture: XMP packets (ISO 16684-1).
 *
 * Expat reads them. They are foreign: to be called in a jailed child. A packet with a document
 * type is not read on, so there are no entities to expand.
 */
#ifndef MT_EXIF_XMP_H
#define MT_EXIF_XMP_H

#include <jansson.h>

/*
 * The XMP of the JPEG, PNG, WebP, TIFF, AVIF or HEIF file behind fd, a new reference, or NULL if
 * there is none that can be read. Members, each only where it is known:
 *   title, description, rights, usage_terms, web_statement, headline, credit, source, label
 *   creators, keywords   arrays of text, at most 100
 *   rating               -1 (rejected), or 0 to 5
 *   creator_tool         the program
 *   created_at           as written; ISO 8601, of any precision
 *   make, model, lens_model, serial_number, lens_serial_number, owner
 *   location, city, state, country
 *   gps                  {latitude, longitude}, decimal degrees, WGS 84; north and east positive
 * Texts are valid UTF-8 without control characters, at most 1000 bytes; of several languages it is
 * the default one. The extended packets of JPEG are not read.
 */
json_t *mt_xmp_read(int fd);

#endif
