/* SPDX-License-Identifier: GPL-2.0-or-later */
/* covers.c - see covers.h. */
#include "av/covers.h"

#include "av/input.h"

#include <string.h>

/* The bytes of the picture: a packet, or the body of an attachment whose type says picture. */
static const void *bytes_of(const AVStream *stream, size_t *n)
{
    const AVDictionaryEntry *type = av_dict_get(stream->metadata, "mimetype", NULL, 0);

    *n = 0;
    if (stream->disposition & AV_DISPOSITION_ATTACHED_PIC && stream->attached_pic.size > 0) {
        *n = (size_t)stream->attached_pic.size;
        return stream->attached_pic.data;
    }
    if (stream->codecpar->codec_type != AVMEDIA_TYPE_ATTACHMENT || !type ||
        strncmp(type->value, "image/", 6) != 0)
        return NULL;
    *n = (size_t)stream->codecpar->extradata_size;
    return stream->codecpar->extradata;
}

int mt_av_covers(int fd, const struct mt_av_limits *limits,
                 int (*emit)(void *ctx, const void *data, size_t n, struct mt_err *err), void *ctx,
                 struct mt_err *err)
{
    struct mt_in in = {0};
    int found = 0, ret;

    ret = mt_in_open(&in, fd, limits, err);
    for (unsigned i = 0; ret == 0 && i < in.format->nb_streams && found < MT_AV_COVERS_MAX; i++) {
        size_t n;
        const void *data = bytes_of(in.format->streams[i], &n);
        if (!data || n == 0 || n > MT_AV_COVER_BYTES)
            continue;
        ret = emit(ctx, data, n, err);
        found++;
    }
    if (ret == 0 && found == 0)
        ret = mt_fail(err, MT_ERR_NOT_APPLICABLE, "no picture is attached to it");
    mt_in_close(&in);
    return ret < 0 ? -1 : found;
}
