/* SPDX-License-Identifier: GPL-2.0-or-later */
/* internal.h - shared by the files of lib/thumbs only. */
#ifndef MT_THUMBS_INTERNAL_H
#define MT_THUMBS_INTERNAL_H

#include "film/film.h"
#include "thumbs/thumbs.h"

/* read.c: what the options say, as the media libraries take it. All -1 with MT_ERR_USAGE. */

/* The extension of a format's files. */
const char *mt_picture_ext(enum mt_av_picture_format format);

/* How many were read. */
int mt_read_formats(const char *text, const struct mt_film *film,
                    enum mt_av_picture_format out[MT_AV_PICTURE_FORMATS], struct mt_err *err);
int mt_read_boxes(const struct mt_thumbs *spec, struct mt_av_box out[MT_AV_BOXES_MAX],
                  struct mt_err *err);
int mt_read_times(const char *text, int64_t duration_us, int64_t times[MT_THUMBS_MAX],
                  struct mt_err *err);

enum mt_av_fit mt_read_fit(const char *text);

/* The words are formats that media-thumbs knows, each once. */
int mt_check_formats(const char *text, struct mt_err *err);

/*
 * helper.c: media-picture --serve, started at the first picture. The request has "name", "spec"
 * and limits; each line of the answer but the last goes to on_line, as of mt_worker_spec.
 */
int mt_helper_picture(struct mt_thumbs *spec, int fd, const json_t *request,
                      int (*on_line)(void *ctx, const json_t *line, const void *data, size_t n,
                                     struct mt_err *err),
                      void *ctx, struct mt_err *err);

/*
 * stills.c: a photograph or drawing in sizes and formats, by the helper. Whether it is one: by its
 * first bytes, unless times of an animation were asked for. With --cover only, the attached
 * pictures of any file, likewise.
 */
bool mt_is_still(const struct mt_thumbs *spec, int fd);
int mt_thumbs_stills(struct mt_item *item, struct mt_thumbs *spec, bool *made, struct mt_err *err);

/* pictures.c: the thumbnails. *made: whether anything had to be. */
int mt_thumbs_pictures(struct mt_item *item, const struct mt_thumbs *spec, bool *made,
                       struct mt_err *err);

/* Whether pictures are asked for at all. */
bool mt_wants_pictures(const struct mt_thumbs *spec);

/* The settings that decide what pictures come out. New. */
json_t *mt_pictures_parameters(const struct mt_thumbs *spec);

/* storyboard.c: sheets of tiles and what describes them to players. */
int mt_thumbs_storyboard(struct mt_item *item, const struct mt_thumbs *spec, bool *made,
                         struct mt_err *err);
json_t *mt_storyboard_parameters(const struct mt_thumbs *spec);

/* covers.c: the bytes of attached pictures, each behind a descriptor to be closed. How many. */
int mt_covers_read(struct mt_item *item, const struct mt_thumbs *spec, int fds[MT_AV_COVERS_MAX],
                   struct mt_err *err);

/* waveform.c: the sound, as pictures and as data for players. */
int mt_thumbs_waveform(struct mt_item *item, const struct mt_thumbs *spec, bool *made,
                       struct mt_err *err);
json_t *mt_waveform_parameters(const struct mt_thumbs *spec);
int mt_read_waveform(const struct mt_thumbs *spec, struct mt_av_waveform *wave, struct mt_err *err);

/* teaser.c: previews and, with sound, trailers. */
int mt_thumbs_teaser(struct mt_item *item, const struct mt_thumbs *spec, bool trailer, bool *made,
                     struct mt_err *err);
json_t *mt_teaser_parameters(const struct mt_thumbs *spec, bool trailer);
int mt_check_teasers(const struct mt_thumbs *spec, struct mt_err *err);

/* contact.c: the page for people. */
int mt_thumbs_contact(struct mt_item *item, const struct mt_thumbs *spec, bool *made,
                      struct mt_err *err);
json_t *mt_contact_parameters(const struct mt_thumbs *spec);
int mt_read_grid(const char *text, int *columns, int *rows, struct mt_err *err);

/*
 * playlists.c: one set of tiles as different players want it. board is the report of
 * mt_av_storyboard() with "ext", the sheets' extension, and "size" (bytes) in each of its sheets.
 * Sheets are called sheet-N.ext and lie in the same directory. All texts are new.
 */
char *mt_board_vtt(const json_t *board);        /* W3C WebVTT, cues with #xywh= (Media Fragments) */
char *mt_board_json(const json_t *board);       /* the same as JSON */
char *mt_board_hls_master(const json_t *board); /* offers the next two; of JPEG only */
char *mt_board_hls_images(const json_t *board); /* image media playlist: EXT-X-IMAGES-ONLY */
char *mt_board_hls_iframes(const json_t *board); /* the same as I-frames of codec mjpg */
char *mt_board_dash(const json_t *board); /* MPD with one image AdaptationSet (DASH-IF IOP 6.2.6) */

/* Adds notes, an array or NULL, to those of the stage. */
void mt_add_notes(struct mt_item *item, const json_t *notes);
void mt_add_note(struct mt_item *item, const char *text);

#endif
