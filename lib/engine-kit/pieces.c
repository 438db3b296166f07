/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pieces.c - see pieces.h. */
#include "engine-kit/pieces.h"

#include "base/mem.h"
#include "base/text.h"
#include "engine-kit/kit.h"
#include "json/json.h"

#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct mt_kit_piece *mt_kit_pieces(const json_t *task, double most_s, double gap_s, size_t *n)
{
    const json_t *spans = json_object_get(task, "spans");
    struct mt_kit_piece *pieces = mt_alloc((json_array_size(spans) + 1) * sizeof *pieces);
    const json_t *span;
    size_t i;

    *n = 0;
    json_array_foreach(spans, i, span)
    {
        double start = mt_json_num(span, "start_s", 0), end = mt_json_num(span, "end_s", 0);
        struct mt_kit_piece *last = *n > 0 ? &pieces[*n - 1] : NULL;
        if (last && start - last->end_s <= gap_s && end - last->start_s <= most_s)
            last->end_s = end;
        else if (end > start)
            pieces[(*n)++] = (struct mt_kit_piece){start, end};
    }
    if (*n > 0)
        return pieces;
    free(pieces);
    return NULL;
}

struct wav {
    char riff[4];
    uint32_t rest;
    char wave[4], fmt[4];
    uint32_t fmt_bytes;
    uint16_t format, channels;
    uint32_t rate, bytes_per_s;
    uint16_t align, bits;
    char data[4];
    uint32_t data_bytes;
};

void *mt_kit_wav(const json_t *task, const struct mt_kit_piece *piece, size_t *bytes,
                 struct mt_err *err)
{
    uint32_t rate = (uint32_t)mt_json_int(task, "input.rate_hz", 16000);
    json_t *span = json_pack("{s:f, s:f}", "start_s", piece->start_s, "end_s", piece->end_s);
    size_t n = 0;
    int16_t *samples = mt_kit_samples(task, span, &n, err);

    json_decref(span);
    if (!samples)
        return NULL;
    uint32_t size = (uint32_t)(n * sizeof *samples);
    struct wav head = {.riff = {'R', 'I', 'F', 'F'},
                       .rest = htole32((uint32_t)sizeof head - 8 + size),
                       .wave = {'W', 'A', 'V', 'E'},
                       .fmt = {'f', 'm', 't', ' '},
                       .fmt_bytes = htole32(16),
                       .format = htole16(1),
                       .channels = htole16(1),
                       .rate = htole32(rate),
                       .bytes_per_s = htole32(2 * rate),
                       .align = htole16(2),
                       .bits = htole16(16),
                       .data = {'d', 'a', 't', 'a'},
                       .data_bytes = htole32(size)};
    char *file = mt_alloc(sizeof head + size);
    memcpy(file, &head, sizeof head);
    memcpy(file + sizeof head, samples, size);
    free(samples);
    *bytes = sizeof head + size;
    return file;
}

int mt_kit_number(const json_t *options, const char *name, int64_t lo, int64_t hi, int64_t fallback,
                  int64_t *out, struct mt_err *err)
{
    const char *text = mt_json_str(options, name, NULL);
    char *what = mt_asprintf("option '%s'", name);
    int ret = 0;

    *out = fallback;
    if (text && (ret = mt_parse_int(what, text, lo, hi, out, err)) < 0)
        err->code = MT_ERR_CONFIG;
    free(what);
    return ret;
}

const char *mt_kit_only_language(const json_t *task)
{
    const json_t *languages = json_object_get(task, "languages");

    return json_array_size(languages) == 1 ? json_string_value(json_array_get(languages, 0)) : NULL;
}
