/* SPDX-License-Identifier: GPL-2.0-or-later */
/* allow.h - what of the media libraries may be used at all. Private to lib/av. */
#ifndef MT_AV_ALLOW_H
#define MT_AV_ALLOW_H

#include <stdbool.h>

/*
 * Comma-separated names of demuxers and decoders, as the libraries' whitelist
 * options take them. Whatever is not listed is not run: formats that name other
 * files (playlists, concat scripts, RTSP, image sequences), text drawn as
 * pictures, and decoders that hardly anybody needs and everybody attacks.
 */
extern const char mt_allowed_demuxers[];
extern const char mt_allowed_decoders[];

/* Whether one of the comma-separated names is listed. */
bool mt_demuxer_allowed(const char *names);
bool mt_decoder_allowed(const char *name);

/* Whether the demuxer reads a kind of file that holds a picture rather than a film. */
bool mt_demuxer_of_images(const char *name);

/* Whether the demuxer (never used here) would follow references to other files. */
bool mt_demuxer_of_playlists(const char *name);

#endif
