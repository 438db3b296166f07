/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exif.h - what a camera wrote into a picture (CIPA DC-008, EXIF 2.32).
 *
 * libexif reads the block; where it lies is found here. Both parse foreign
 * bytes: to be called in a jailed child.
 */
#ifndef MT_EXIF_EXIF_H
#define MT_EXIF_EXIF_H

#include <jansson.h>

/*
 * The EXIF of the JPEG, PNG, WebP, TIFF, AVIF or HEIF file behind fd, a new reference, or NULL
 * if there is none that can be read. Members, each only where it is known:
 *   orientation          1 to 8, as EXIF counts: 1 upright, 6 to be turned clockwise by 90 degrees
 *   make, model, lens_make, lens_model, software
 *   taken_at             "2024-05-30T15:56:01", of the camera's clock, with "+02:00" if it tells
 *   exposure_time_s, f_number, iso, exposure_bias_ev, focal_length_mm, focal_length_35mm_mm
 *   flash                whether it fired
 *   artist, copyright, description, comment
 *   owner, serial_number, lens_serial_number
 *   gps                  {latitude, longitude (decimal degrees, WGS 84; north and east are
 *                        positive), altitude_m, direction_deg (true or magnetic north),
 *                        taken_at (UTC)}
 *   thumbnail_bytes      of the picture embedded in it
 * Texts are valid UTF-8 without control characters, at most 1000 bytes. Figures that cannot be
 * (latitude 200, a denominator of 0) are left out. Maker notes are not looked at.
 */
json_t *mt_exif_read(int fd);

/*
 * The EXIF block of the file behind fd, from its byte order mark on (what follows "Exif\0\0" in
 * a JPEG), to be freed, and *n, its bytes; NULL if there is none.
 */
unsigned char *mt_exif_find(int fd, size_t *n);

#endif
