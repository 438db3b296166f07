/* SPDX-License-Identifier: GPL-2.0-or-later */
/* public.h - what of a document may be shown to anybody. */
#ifndef MT_DOC_PUBLIC_H
#define MT_DOC_PUBLIC_H

#include <jansson.h>

/*
 * Takes out of asset and its metadata what tells about people, places and single devices. Known
 * names stay, all others go, since nobody knows what cameras and programs will write next:
 *
 * - exif keeps orientation, make, model, lens_make, lens_model, software, taken_at, the figures
 *   of the exposure, artist and copyright. So gps, owner, serial_number, lens_serial_number,
 *   description, comment and thumbnail_bytes go.
 * - tags of the file and of its streams keep what is said of the work (title, artist, album,
 *   performer, composer, genre, track, disc, date, year, publisher, language, isrc, show and
 *   episode), of rights (copyright, license, rights) and of the file's making (encoder, brands,
 *   statistics of Matroska, creation_time, handler_name, mimetype, timecode). So places
 *   (location, com.apple.quicktime.location.*), all of com.apple and com.android, XMP, private
 *   frames of ID3, comments, descriptions, lyrics, encoded_by, accounts of shops and identifiers
 *   of material go.
 * - user, processing_options, source_url, name_base64 and extension_mismatch, which are about who
 *   sent the file, and asset.uploaded_by go. original_filename and url stay.
 *
 * asset.metadata.public is true then. A document without an asset stays as it is.
 */
void mt_doc_make_public(json_t *doc);

#endif
