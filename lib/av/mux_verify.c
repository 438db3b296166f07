/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mux_verify.c - reading back what was written. */
#include "av/mux_parts.h"

#include "av/input.h"
#include "av/select.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct found {
    AVStream *stream;
    struct mt_hash hash;
    int64_t packets, first, end; /* in the stream's time base */
};

/* The n-th stream of the file that is a track: chapters of MP4 are streams too, behind all. */
static int match(AVFormatContext *format, const struct mt_written *written, struct found *found,
                 int n, struct mt_err *err)
{
    if ((int)format->nb_streams < n)
        return mt_fail(err, MT_ERR_VERIFY, "%d tracks written, %u found", n, format->nb_streams);
    for (int i = 0; i < n; i++) {
        AVStream *st = format->streams[i];

        if (st->codecpar->codec_type != mt_kind_type(written[i].kind))
            return mt_fail(err, MT_ERR_VERIFY, "track %d is not %s any more", i + 1,
                           mt_kind_name(written[i].kind));
        found[i].stream = st;
        found[i].first = INT64_MAX;
        found[i].end = INT64_MIN;
        if (mt_hash_init(&found[i].hash, st->codecpar, err) < 0)
            return -1;
    }
    return 0;
}

static void take(struct found *f, const AVPacket *packet, enum mt_av_kind kind)
{
    /* Where no text is shown, MP4 has empty samples. */
    if (packet->size == 0 || (kind == MT_AV_TEXT && packet->size <= 2))
        return;
    mt_hash_add(&f->hash, packet);
    f->packets++;
    if (packet->pts == AV_NOPTS_VALUE)
        return;
    f->first = FFMIN(f->first, packet->pts);
    f->end = FFMAX(f->end, packet->pts + packet->duration);
}

static int read_all(AVFormatContext *format, const struct mt_written *written, struct found *found,
                    int n, struct mt_err *err)
{
    AVPacket *packet = av_packet_alloc();
    int ret = packet ? 0 : AVERROR(ENOMEM);

    while (ret >= 0 || ret == AVERROR(EAGAIN)) {
        ret = av_read_frame(format, packet);
        if (ret >= 0 && packet->stream_index < n)
            take(&found[packet->stream_index], packet, written[packet->stream_index].kind);
        if (ret >= 0)
            av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return ret == AVERROR_EOF ? 0 : mt_av_fail(err, ret, "cannot read back what was written");
}

/* Times are compared as finely as both know them, and no finer than a millisecond. */
static int compare_times(const struct mt_written *w, const struct found *f, int track,
                         struct mt_err *err)
{
    double meant = (double)w->first * av_q2d(w->base);
    double first = (double)f->first * av_q2d(f->stream->time_base);
    double slack = 0.0011 + av_q2d(w->base) + av_q2d(f->stream->time_base);

    if (w->packets == 0 || f->first == INT64_MAX || w->kind == MT_AV_SOUND)
        return 0;
    if (first > meant + slack || first < meant - slack)
        return mt_fail(err, MT_ERR_VERIFY, "track %d (%s) begins at %.6f s instead of %.6f s",
                       track + 1, mt_kind_name(w->kind), first, meant);
    return 0;
}

static int compare(const struct mt_written *w, struct found *f, int track, struct mt_err *err)
{
    const char *kind = mt_kind_name(w->kind);
    char hash[33];

    mt_hash_end(&f->hash, hash);
    if (w->counted && w->packets != f->packets)
        return mt_fail(err, MT_ERR_VERIFY, "track %d (%s): %lld packets written, %lld found",
                       track + 1, kind, (long long)w->packets, (long long)f->packets);
    if (strcmp(w->hash, hash) != 0)
        return mt_fail(err, MT_ERR_VERIFY, "track %d (%s) is not what was written (%s, not %s)",
                       track + 1, kind, hash, w->hash);
    return compare_times(w, f, track, err);
}

int mt_mux_verify(int fd, const struct mt_written *written, int n, struct mt_err *err)
{
    struct found *found = mt_alloc((size_t)n * sizeof *found);
    AVFormatContext *format = NULL;
    char unused[33];
    int ret = -1;

    if (mt_window_open(&format, fd, 0, 0, err) < 0 || match(format, written, found, n, err) < 0 ||
        read_all(format, written, found, n, err) < 0)
        goto out;
    ret = 0;
    for (int i = 0; i < n && ret == 0; i++)
        ret = compare(&written[i], &found[i], i, err);
out:
    for (int i = 0; i < n; i++)
        mt_hash_end(&found[i].hash, unused);
    mt_window_close(&format);
    free(found);
    return ret;
}
