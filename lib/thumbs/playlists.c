/* SPDX-License-Identifier: GPL-2.0-or-later */
/* playlists.c - one set of tiles as different players want it. */
#include "thumbs/internal.h"

#include "base/mem.h"
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECOND = 1000000 };

/* The figures of a board. */
struct board {
    int width, height, columns, rows; /* of a tile in pixels, of a full sheet in tiles */
    int tiles, sheets;
    int64_t interval_us, duration_us;
    const char *ext;
};

static struct board read_board(const json_t *b)
{
    return (struct board){.width = (int)mt_json_int(b, "tile_width", 1),
                          .height = (int)mt_json_int(b, "tile_height", 1),
                          .columns = (int)mt_json_int(b, "columns", 1),
                          .rows = (int)mt_json_int(b, "rows", 1),
                          .tiles = (int)json_array_size(mt_json_at(b, "times_us")),
                          .sheets = (int)json_array_size(mt_json_at(b, "sheets")),
                          .interval_us = mt_json_int(b, "interval_us", 1),
                          .duration_us = mt_json_int(b, "duration_us", 1),
                          .ext = mt_json_str(b, "ext", "jpg")};
}

/* Grows the text at *text, which is freed. */
static void MT_PRINTF(2, 3) add(char **text, const char *fmt, ...)
{
    char *more = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&more, fmt, ap) < 0)
        more = mt_strdup("");
    va_end(ap);
    char *all = mt_asprintf("%s%s", *text ? *text : "", more);
    free(more);
    free(*text);
    *text = all;
}

/* Where a tile is. */
struct cell {
    int sheet, x, y;
    int64_t from_us, to_us;
};

static struct cell cell_of(const struct board *b, int i)
{
    int on = i % (b->columns * b->rows);

    return (struct cell){.sheet = i / (b->columns * b->rows),
                         .x = on % b->columns * b->width,
                         .y = on / b->columns * b->height,
                         .from_us = i * b->interval_us,
                         .to_us = i + 1 == b->tiles ? b->duration_us : (i + 1) * b->interval_us};
}

static void clock_text(int64_t us, char out[32])
{
    long long ms = (us + 500) / 1000;

    snprintf(out, 32, "%02lld:%02lld:%02lld.%03lld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
             ms % 1000);
}

char *mt_board_vtt(const json_t *board)
{
    struct board b = read_board(board);
    size_t room = 64 + (size_t)b.tiles * 120, used;
    char *text = mt_alloc(room);

    used = (size_t)snprintf(text, room, "WEBVTT\n");
    for (int i = 0; i < b.tiles; i++) {
        struct cell c = cell_of(&b, i);
        char from[32], to[32];

        clock_text(c.from_us, from);
        clock_text(c.to_us, to);
        used += (size_t)snprintf(text + used, room - used,
                                 "\n%s --> %s\nsheet-%d.%.8s#xywh=%d,%d,%d,%d\n", from, to, c.sheet,
                                 b.ext, c.x, c.y, b.width, b.height);
    }
    return text;
}

static json_t *tiles_of(const struct board *b, const json_t *times)
{
    json_t *tiles = json_array();

    for (int i = 0; i < b->tiles; i++) {
        struct cell c = cell_of(b, i);
        double shown = (double)json_integer_value(json_array_get(times, (size_t)i)) / SECOND;

        json_array_append_new(tiles, json_pack("{s:o, s:o, s:o, s:i, s:i, s:i}", "start",
                                               mt_json_real((double)c.from_us / SECOND, 3), "end",
                                               mt_json_real((double)c.to_us / SECOND, 3), "frame",
                                               mt_json_real(shown, 3), "sheet", c.sheet, "x", c.x,
                                               "y", c.y));
    }
    return tiles;
}

char *mt_board_json(const json_t *board)
{
    struct board b = read_board(board);
    json_t *sheets = json_array();
    const json_t *sheet;
    size_t i;

    json_array_foreach(mt_json_at(board, "sheets"), i, sheet)
    {
        char url[40];

        snprintf(url, sizeof url, "sheet-%zu.%.8s", i, b.ext);
        json_array_append_new(sheets, json_pack("{s:s, s:O, s:O, s:O}", "url", url, "width",
                                                json_object_get(sheet, "width"), "height",
                                                json_object_get(sheet, "height"), "tiles",
                                                json_object_get(sheet, "tiles")));
    }
    json_t *all = json_pack("{s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o}", "tile_width", b.width,
                            "tile_height", b.height, "columns", b.columns, "rows", b.rows,
                            "interval", mt_json_real((double)b.interval_us / SECOND, 3), "duration",
                            mt_json_real((double)b.duration_us / SECOND, 3), "sheets", sheets,
                            "tiles", tiles_of(&b, mt_json_at(board, "times_us")));
    char *text = mt_json_compact(all);
    json_decref(all);
    return text;
}

/* How long a sheet is shown, and how it is laid out. */
static int64_t sheet_us(const struct board *b, int i)
{
    int64_t full = b->interval_us * b->columns * b->rows;

    return i + 1 == b->sheets ? b->duration_us - i * full : full;
}

static int sheet_columns(const struct board *b, const json_t *board, int i)
{
    const json_t *sheet = json_array_get(mt_json_at(board, "sheets"), (size_t)i);

    return (int)mt_json_int(sheet, "width", 1) / b->width;
}

static int sheet_rows(const struct board *b, const json_t *board, int i)
{
    const json_t *sheet = json_array_get(mt_json_at(board, "sheets"), (size_t)i);

    return (int)mt_json_int(sheet, "height", 1) / b->height;
}

/* The peak, in bits per second of film. */
static int64_t bandwidth(const struct board *b, const json_t *board)
{
    int64_t most = 1;

    for (int i = 0; i < b->sheets; i++) {
        const json_t *sheet = json_array_get(mt_json_at(board, "sheets"), (size_t)i);
        double bps = (double)mt_json_int(sheet, "size", 0) * 8 * SECOND / (double)sheet_us(b, i);

        most = bps > (double)most ? (int64_t)bps + 1 : most;
    }
    return most;
}

static char *media_playlist(const json_t *board, const char *kind)
{
    struct board b = read_board(board);
    int64_t longest = 0;
    char *text = NULL;

    for (int i = 0; i < b.sheets; i++)
        longest = sheet_us(&b, i) > longest ? sheet_us(&b, i) : longest;
    add(&text,
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%lld\n#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n%s\n",
        (long long)((longest + SECOND - 1) / SECOND), kind);
    for (int i = 0; i < b.sheets; i++)
        add(&text,
            "#EXTINF:%.3f,\n#EXT-X-TILES:RESOLUTION=%dx%d,LAYOUT=%dx%d,DURATION=%.3f\n"
            "sheet-%d.%.8s\n",
            (double)sheet_us(&b, i) / SECOND, b.width, b.height, sheet_columns(&b, board, i),
            sheet_rows(&b, board, i), (double)b.interval_us / SECOND, i, b.ext);
    add(&text, "#EXT-X-ENDLIST\n");
    return text;
}

char *mt_board_hls_images(const json_t *board)
{
    return media_playlist(board, "#EXT-X-IMAGES-ONLY");
}

char *mt_board_hls_iframes(const json_t *board)
{
    return media_playlist(board, "#EXT-X-I-FRAMES-ONLY");
}

char *mt_board_hls_master(const json_t *board)
{
    struct board b = read_board(board);
    long long bps = bandwidth(&b, board);

    return mt_asprintf("#EXTM3U\n#EXT-X-VERSION:7\n"
                       "#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=%lld,RESOLUTION=%dx%d,CODECS=\"jpeg\","
                       "URI=\"images.m3u8\"\n"
                       "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=%lld,RESOLUTION=%dx%d,CODECS=\"mjpg\","
                       "URI=\"iframes.m3u8\"\n",
                       bps, b.width, b.height, bps, b.width, b.height);
}

char *mt_board_dash(const json_t *board)
{
    struct board b = read_board(board);
    int columns = sheet_columns(&b, board, 0), rows = sheet_rows(&b, board, 0);

    return mt_asprintf(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\""
        " profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"static\""
        " mediaPresentationDuration=\"PT%.3fS\" minBufferTime=\"PT2S\">\n"
        "  <Period id=\"0\" start=\"PT0S\">\n"
        "    <AdaptationSet id=\"1\" contentType=\"image\" mimeType=\"image/%s\">\n"
        "      <SegmentTemplate media=\"sheet-$Number$.%.8s\" timescale=\"1000000\""
        " duration=\"%lld\" startNumber=\"0\"/>\n"
        "      <Representation id=\"thumbnails\" bandwidth=\"%lld\" width=\"%d\" height=\"%d\">\n"
        "        <EssentialProperty schemeIdUri=\"http://dashif.org/guidelines/thumbnail_tile\""
        " value=\"%dx%d\"/>\n"
        "      </Representation>\n    </AdaptationSet>\n  </Period>\n</MPD>\n",
        (double)b.duration_us / SECOND, b.ext[0] == 'w' ? "webp" : "jpeg", b.ext,
        (long long)(b.interval_us * columns * rows), (long long)bandwidth(&b, board),
        columns * b.width, rows * b.height, columns, rows);
}
