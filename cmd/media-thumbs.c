/* SPDX-License-Identifier: GPL-2.0-or-later */
/* media-thumbs.c - pictures of films, and other pictures of pictures. */
#include "base/log.h"
#include "cli/cli.h"
#include "drivers.h"
#include "late/late.h"
#include "stage/stage.h"
#include "thumbs/thumbs.h"

struct settings {
    struct mt_common common;
    struct mt_stage_options stage;
    int64_t count, every_us, width, height, quality;
    const char *at, *size, *fit, *cover, *format;
    int64_t tile_every_us, tile;
    const char *sheets, *contact, *gravity, *strip;
    const char *waveform, *wave_size, *wave_colors;
    int64_t wave_points, jobs;
    int64_t preview_us, trailer_us, preview_px, trailer_px;
    const char *clips;
    bool scenes, storyboard, optimise, still, wave_split;
};

static const struct mt_opt opts[] = {
    MT_INT(struct settings, count, 0, "count", "N", 0, MT_THUMBS_MAX, "processing.thumbnail_count",
           "pictures, spread over the film"),
    MT_STR(struct settings, at, 0, "at", "LIST", NULL, "at these times instead: 30,1:00,50%"),
    MT_DURATION(struct settings, every_us, 0, "every", NULL, "one each so much time instead"),
    MT_FLAG(struct settings, scenes, 0, "scenes", "the first of each scene instead"),
    MT_CHOICE(struct settings, cover, 0, "cover", "WHEN", mt_thumbs_covers, NULL,
              "embedded cover art: for want of a film, first, or only"),
    MT_STR(struct settings, size, 0, "size", "LIST", NULL, "instead of both: 320x,160x90,x90"),
    MT_CHOICE(struct settings, fit, 0, "fit", "HOW", mt_thumbs_fits, NULL,
              "into the size: contain, cover (cut), width"),
    MT_INT(struct settings, width, 0, "width", "PIXELS", 0, 16384, NULL,
           "of the picture; 0: as the source"),
    MT_INT(struct settings, height, 0, "height", "PIXELS", 0, 16384, NULL,
           "at most; 0: follows the width"),
    MT_LIST(struct settings, format, 0, "format", "LIST", mt_thumbs_formats, NULL,
            "webp, jpg, png, avif, jxl; of pictures gif, tiff"),
    MT_INT(struct settings, quality, 0, "picture-quality", "N", 1, 100, NULL,
           "of the pictures, 1 to 100"),
    MT_CHOICE(struct settings, gravity, 0, "gravity", "WHERE", mt_thumbs_gravities, NULL,
              "of pictures: what --fit cover keeps; smart looks"),
    MT_FLAG(struct settings, optimise, 0, "optimise", "of pictures: smallest without visible loss"),
    MT_CHOICE(struct settings, strip, 0, "strip", "WHAT", mt_thumbs_strips, NULL,
              "metadata of pictures: all but rights, all, none"),
    MT_FLAG(struct settings, still, 0, "still", "the first frame only of animated pictures"),
    MT_FLAG(struct settings, storyboard, 0, "storyboard",
            "sheets of tiles, WebVTT, JSON, HLS and DASH as well"),
    MT_STR(struct settings, contact, 0, "contact-sheet", "GRID", NULL,
           "a page for people, columns and rows: 4x5"),
    MT_DURATION(struct settings, tile_every_us, 0, "tile-every", NULL,
                "from tile to tile; 0: fitted to the film"),
    MT_INT(struct settings, tile, 0, "tile-size", "PIXELS", 16, 1024, NULL,
           "the longer side of a tile"),
    MT_CHOICE(struct settings, sheets, 0, "sheet-format", "FORMAT", mt_thumbs_sheets, NULL,
              "of sheets: jpg or webp; HLS has jpg only"),
    MT_LIST(struct settings, waveform, 0, "waveform", "LIST", mt_thumbs_waveforms, NULL,
            "the sound too, as json, png, svg"),
    MT_STR(struct settings, wave_size, 0, "waveform-size", "WxH", NULL, "of its pictures"),
    MT_STR(struct settings, wave_colors, 0, "waveform-colors", "FG,BG", NULL,
           "rrggbb of sound and background, or none"),
    MT_INT(struct settings, wave_points, 0, "waveform-points", "N", 1, 1000, NULL,
           "a second, of JSON"),
    MT_FLAG(struct settings, wave_split, 0, "waveform-split", "each channel by itself"),
    MT_DURATION(struct settings, preview_us, 0, "preview", NULL,
                "a silent clip of the most telling scenes, so long: 30"),
    MT_DURATION(struct settings, trailer_us, 0, "trailer", NULL, "the same with sound"),
    MT_LIST(struct settings, clips, 0, "clip-format", "LIST", mt_thumbs_clips, NULL,
            "of both: mp4, webm; previews also webp"),
    MT_INT(struct settings, preview_px, 0, "preview-size", "PIXELS", 16, 2160, NULL,
           "the shorter side of a preview"),
    MT_INT(struct settings, trailer_px, 0, "trailer-size", "PIXELS", 16, 2160, NULL,
           "the shorter side of a trailer"),
    MT_INT(struct settings, jobs, 0, "jobs", "N", 0, 16, NULL,
           "pictures converted at once; 0: one per processor"),
    MT_STAGE_OPTS(struct settings),
    MT_DRY_RUN_OPT(struct settings),
    MT_COMMON_OPTS(struct settings),
    {0},
};

static const struct mt_example examples[] = {
    {"Ten pictures of a film, in WebP and JPEG:", "media-thumbs --count 10 talk.mov"},
    {"At given times, as plain files:", "media-thumbs --at 5,50% -o out talk.mov"},
    {"A photograph, small and whole, without where it was taken:",
     "media-thumbs --size 320x,1280x --format webp,avif -o out photo.jpg"},
    {"A storyboard for players, no thumbnails:", "media-thumbs --count 0 --storyboard talk.mov"},
    {"The sound of a song, for a player and to look at:",
     "media-thumbs --count 0 --waveform json,png -o out song.flac"},
    {"Half a minute to look at, and half a minute to hear as well:",
     "media-thumbs --count 0 --preview 30 --trailer 30 talk.mov"},
    {"As part of a pipeline:", "media-ingest talk.mov | media-thumbs --count 10"},
    {NULL, NULL},
};

/* Those of the libraries for films; pictures are the work of media-picture, which has its own. */
static json_t *versions(void)
{
    struct mt_err err;
    const struct mt_film *film = mt_late_film(&err);

    if (!film)
        mt_log_err(MT_LOG_WARN, &err);
    return film ? film->versions() : json_object();
}

static const struct mt_cli cli = {
    .name = "media-thumbs",
    .summary = "Takes pictures of films, and converts pictures: upright, in shape, in sRGB.",
    .operands = "[FILE|ID ...]",
    .opts = opts,
    .examples = examples,
    .versions = versions,
};

static int run(struct mt_run *r, void *settings, struct mt_err *err)
{
    const struct settings *set = settings;
    struct mt_thumbs spec = {.count = set->count,
                             .at = set->at,
                             .every_us = set->every_us,
                             .scenes = set->scenes,
                             .cover = set->cover,
                             .sizes = set->size,
                             .fit = set->fit,
                             .width_px = set->width,
                             .height_px = set->height,
                             .formats = set->format,
                             .quality = set->quality,
                             .storyboard = set->storyboard,
                             .tile_every_us = set->tile_every_us,
                             .tile_px = set->tile,
                             .sheets = set->sheets,
                             .contact = set->contact,
                             .gravity = set->gravity,
                             .strip = set->strip,
                             .optimise = set->optimise,
                             .still = set->still,
                             .dir = r->dir,
                             .waveform = set->waveform,
                             .wave_size = set->wave_size,
                             .wave_colors = set->wave_colors,
                             .wave_points = set->wave_points,
                             .wave_split = set->wave_split,
                             .preview_us = set->preview_us,
                             .trailer_us = set->trailer_us,
                             .preview_px = set->preview_px,
                             .trailer_px = set->trailer_px,
                             .clips = set->clips,
                             .options = &set->stage};

    if (mt_thumbs_check(&spec, err) < 0)
        return -1;
    json_t *parameters = mt_thumbs_parameters(&spec);
    struct mt_stage stage = {.name = "thumbs",
                             .job_type = "thumbnail",
                             .parameters = parameters,
                             .common = &set->common,
                             .options = &set->stage,
                             .stores = mt_stores,
                             .dbs = mt_dbs,
                             .load_film = mt_late_film,
                             .work = mt_thumbs_work,
                             .knows = mt_thumbs_knows,
                             .jobs = set->jobs,
                             .ctx = &spec};
    int ret = mt_stage_run(&stage, r, err);
    mt_thumbs_end(&spec);
    json_decref(parameters);
    return ret;
}

int main(int argc, char **argv)
{
    struct settings set = {.count = 10,
                           .width = 320,
                           .fit = "contain",
                           .gravity = "center",
                           .strip = "private",
                           .wave_size = "1800x280",
                           .wave_colors = "2563eb,none",
                           .wave_points = 20,
                           .clips = "mp4",
                           .preview_px = 240,
                           .trailer_px = 720,
                           .cover = "fallback",
                           .format = "webp,jpg",
                           .quality = 80,
                           .tile = 240,
                           .sheets = "jpg"};

    mt_stage_defaults(&set.stage);
    return mt_main(&cli, argc, argv, &set, run);
}
