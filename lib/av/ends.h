/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ends.h - whether a file holds all the bytes its structure announces. Private to lib/av. */
#ifndef MT_AV_ENDS_H
#define MT_AV_ENDS_H

#include "av/issues.h"

#include <stdint.h>

/*
 * Reads the skeleton of the file behind fd, of a kind that the demuxer called
 * name reads, and adds what is missing or does not fit. Reads headers, and all
 * bytes only of pictures with markers and, up to 256 MiB, where checksums are. issues->declared
 * tells whether the file says where it ends; where it does not, a cut at the right place leaves no
 * trace. Kinds it knows nothing about have no issues and declare nothing.
 */
void mt_ends_check(struct mt_issues *issues, const char *name, int fd, int64_t size);

/* The single kinds. */
void mt_ends_iso(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_ebml(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_ts(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_ogg(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_flv(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_asf(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_mxf(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_riff(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_aiff(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_au(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_caf(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_jpeg(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_png(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_gif(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_bmp(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_tiff(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_mp3(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_flac(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_w64(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_program(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_nal(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_hevc(struct mt_issues *issues, int fd, int64_t size);
void mt_ends_mpegvideo(struct mt_issues *issues, int fd, int64_t size);

#endif
