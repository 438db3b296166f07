/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk.c - reading all packets once, without decoding. */
#include "av/walk.h"

#include "av/bytes.h"
#include "av/frames.h"
#include "av/io.h"
#include "base/clock.h"
#include "base/mem.h"

#include <libavutil/avstring.h>
#include <stdlib.h>

enum {
    TAIL_BYTES = 64 * 1024 * 1024,
    AUDIO_TAIL = 24,
    HEAD_PACKETS = 400,
    LARGE = 256 * 1024 * 1024,
    WALK_US = 60 * 1000 * 1000,
};

static int64_t to_us(const AVStream *st, int64_t ticks)
{
    return av_rescale_q(ticks, st->time_base, AV_TIME_BASE_Q);
}

static void tail_clear(struct mt_tail *tail)
{
    for (int i = 0; i < tail->n; i++)
        av_packet_free(&tail->packets[i]);
    tail->n = 0;
    tail->bytes = 0;
}

static void tail_drop_first(struct mt_tail *tail)
{
    tail->bytes -= tail->packets[0]->size;
    av_packet_free(&tail->packets[0]);
    tail->n--;
    memmove(tail->packets, tail->packets + 1, sizeof(*tail->packets) * (size_t)tail->n);
    tail->from_start = false;
}

static void tail_add(struct mt_tail *tail, const AVPacket *packet, bool first)
{
    if (tail->n == MT_WALK_TAIL || tail->bytes > TAIL_BYTES) {
        tail_clear(tail);
        tail->overflowed = true;
    }
    if (tail->overflowed)
        return;
    AVPacket *copy = av_packet_clone(packet);
    if (!copy)
        return;
    if (tail->n == 0)
        tail->from_start = first;
    tail->packets[tail->n++] = copy;
    tail->bytes += packet->size;
}

static void keep_tail(struct mt_walk *w, const AVPacket *packet, bool first)
{
    if (w->in->video && packet->stream_index == w->in->video->index) {
        if (packet->flags & AV_PKT_FLAG_KEY) {
            tail_clear(&w->video);
            w->video.overflowed = false;
        }
        tail_add(&w->video, packet, first);
    } else if (w->in->audio && packet->stream_index == w->in->audio->index) {
        if (w->audio.n == AUDIO_TAIL)
            tail_drop_first(&w->audio);
        tail_add(&w->audio, packet, first);
    }
}

/* Widens a stretch of time, INT64_MAX to INT64_MIN at first. */
static void widen(int64_t stretch[2], int64_t start, int64_t end)
{
    if (start < stretch[0])
        stretch[0] = start;
    if (end > stretch[1])
        stretch[1] = end;
}

static void note_hole(struct mt_walked *s, int64_t dts)
{
    int64_t end = s->last_dts_us + s->last_duration_us;

    if (llabs(dts - end) > llabs(s->gap_us)) {
        s->gap_us = dts - end;
        s->gap_at_us = end;
    }
    if (dts - end > MT_WALK_GAP_US && dts - end < MT_WALK_JUMP_US)
        s->hole_us += dts - end;
}

static void note_times(struct mt_walked *s, const AVStream *st, const AVPacket *p)
{
    int64_t shown = p->pts != AV_NOPTS_VALUE ? p->pts : p->dts;
    int64_t sent = p->dts != AV_NOPTS_VALUE ? p->dts : p->pts;

    if (shown == AV_NOPTS_VALUE)
        return;
    int64_t start = to_us(st, shown), end = to_us(st, shown + p->duration);
    int64_t dts = to_us(st, sent);
    if (s->last_dts_us == AV_NOPTS_VALUE)
        s->first_dts_us = dts;
    else
        note_hole(s, dts);
    s->last_dts_us = dts;
    s->last_duration_us = to_us(st, p->duration);
    if (p->flags & AV_PKT_FLAG_DISCARD)
        return;
    if (s->first_us == AV_NOPTS_VALUE || start < s->first_us)
        s->first_us = start;
    if (s->end_us == AV_NOPTS_VALUE || end > s->end_us)
        s->end_us = end;
}

static void note_shown(struct mt_walk *w, const AVStream *st, const AVPacket *p)
{
    if (st == w->in->video && w->n_shown < MT_WALK_SHOWN && p->pts != AV_NOPTS_VALUE)
        w->shown_us[w->n_shown++] = to_us(st, p->pts);
}

static bool is_raw(enum AVCodecID id)
{
    return id == AV_CODEC_ID_RAWVIDEO || id == AV_CODEC_ID_V210;
}

static void note_faults(struct mt_walked *s, const AVStream *st, const AVPacket *p)
{
    int64_t at = p->pts != AV_NOPTS_VALUE ? p->pts : p->dts;
    int64_t start = at == AV_NOPTS_VALUE ? s->end_us : to_us(st, at);
    int64_t end = at == AV_NOPTS_VALUE ? s->end_us : to_us(st, at + p->duration);

    if ((p->flags & AV_PKT_FLAG_CORRUPT) && !av_get_exact_bits_per_sample(st->codecpar->codec_id)) {
        s->corrupt++;
        if (start != AV_NOPTS_VALUE)
            widen(s->corrupt_us, start, end);
    }
    if (st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !is_raw(st->codecpar->codec_id) &&
        mt_bytes_are_zero(p->data, p->size)) {
        s->zeros++;
        if (start != AV_NOPTS_VALUE)
            widen(s->zeros_us, start, end);
    }
}

static void note_rate(struct mt_walk *w, const AVStream *st, const AVPacket *p)
{
    int64_t at = p->dts != AV_NOPTS_VALUE ? p->dts : p->pts;

    if (at != AV_NOPTS_VALUE && !(st->disposition & AV_DISPOSITION_ATTACHED_PIC))
        mt_rate_add(&w->rate, to_us(st, at), p->size);
}

static void note_noise(struct mt_walked *s, const AVPacket *p)
{
    s->noise += p->size;
    if (s->packets == 0)
        return;
    s->tagged |= s->between == 0 && mt_bytes_are_tag(p->data, p->size);
    s->between += p->size;
}

/* A frame follows what came between. */
static void note_between(struct mt_walked *s)
{
    if (!s->tagged)
        s->inside += s->between;
    s->tagged = false;
    s->between = 0;
}

static void note(struct mt_walk *w, AVPacket *p)
{
    if (p->stream_index < 0 || (unsigned)p->stream_index >= w->n)
        return;
    struct mt_walked *s = &w->streams[p->stream_index];
    const AVStream *st = w->in->format->streams[p->stream_index];

    if (mt_frame_is_noise(st->codecpar->codec_id, p->data, p->size)) {
        note_noise(s, p);
        return;
    }
    note_between(s);
    keep_tail(w, p, s->packets == 0);
    s->packets++;
    s->bytes += p->size;
    note_faults(s, st, p);
    s->cut = mt_frame_is_cut(st->codecpar->codec_id, p->data, p->size);
    note_times(s, st, p);
    note_rate(w, st, p);
    note_shown(w, st, p);
    if (w->take)
        w->take(w->ctx, p);
}

static int read_one(struct mt_walk *w, AVPacket *p)
{
    int64_t logged = mt_logged_count();

    mt_logged_mark();
    int av = av_read_frame(w->in->format, p);
    if (mt_logged_count() > logged && w->complaints == 0)
        mt_logged_last(w->complaint);
    w->complaints += mt_logged_count() - logged;
    return av;
}

/* Reads at most n packets. 1: there may be more. */
static int read_packets(struct mt_walk *w, int64_t n, struct mt_err *err)
{
    AVPacket *p = av_packet_alloc();
    int64_t until = mt_mono_us() + WALK_US;

    if (!p)
        return mt_fail(err, MT_ERR_IO, "out of memory");
    for (w->av = 0; n > 0; n--) {
        w->av = read_one(w, p);
        if (w->av == AVERROR(EAGAIN))
            continue;
        if (w->av < 0)
            break;
        note(w, p);
        av_packet_unref(p);
        if ((n & 1023) == 0 && mt_mono_us() > until)
            break;
    }
    av_packet_free(&p);
    if (w->av == AVERROR_EXIT)
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    if (mt_in_read_failed(w->in))
        return mt_av_fail(err, w->av, "cannot read the file");
    return w->av >= 0;
}

static void read_index(struct mt_walked *s, AVStream *st, int64_t size)
{
    int n = avformat_index_get_entries_count(st);
    const AVIndexEntry *e, *last = NULL, *before = NULL;

    s->listed = n;
    for (int i = 0; i < n; i++) {
        e = avformat_index_get_entry(st, i);
        if (e->pos + e->size > size) {
            s->outside++;
            continue;
        }
        before = last;
        last = e;
        s->listed_bytes += e->size;
    }
    if (last && before && last->timestamp > before->timestamp)
        s->listed_end_us = to_us(st, 2 * last->timestamp - before->timestamp);
}

/* Only of these is the index a complete list of packets with places and sizes. */
static bool has_full_index(const struct mt_in *in)
{
    if (!av_strstart(in->format->iformat->name, "mov,", NULL) || in->image)
        return false;
    for (unsigned i = 0; i < in->format->nb_streams; i++) {
        AVStream *st = in->format->streams[i];
        if ((st == in->video || st == in->audio) &&
            (st->nb_frames <= 0 || avformat_index_get_entries_count(st) < st->nb_frames))
            return false;
    }
    return true;
}

static int seek_to_last_key(struct mt_in *in)
{
    AVStream *st = in->video ? in->video : in->audio;
    int n = avformat_index_get_entries_count(st);
    const AVIndexEntry *e = NULL;

    for (int i = n - 1; i >= 0; i--) {
        e = avformat_index_get_entry(st, i);
        if (e->flags & AVINDEX_KEYFRAME)
            break;
    }
    return e ? av_seek_frame(in->format, st->index, e->timestamp, AVSEEK_FLAG_BACKWARD) : -1;
}

static void use_index(struct mt_walk *w)
{
    for (unsigned i = 0; i < w->n; i++) {
        struct mt_walked *s = &w->streams[i];
        AVStream *st = w->in->format->streams[i];
        if (s->listed == 0)
            continue;
        s->packets = s->listed;
        s->bytes = s->listed_bytes;
        for (int e = 0; e < (int)s->listed; e++) {
            const AVIndexEntry *entry = avformat_index_get_entry(st, e);
            if (!(st->disposition & AV_DISPOSITION_ATTACHED_PIC))
                mt_rate_add(&w->rate, to_us(st, entry->timestamp), entry->size);
        }
    }
}

static int read_ends(struct mt_walk *w, struct mt_err *err)
{
    int more = read_packets(w, HEAD_PACKETS, err);

    if (more < 0)
        return -1;
    if (more && seek_to_last_key(w->in) >= 0) {
        tail_clear(&w->video);
        tail_clear(&w->audio);
        for (unsigned i = 0; i < w->n; i++)
            w->streams[i].last_dts_us = AV_NOPTS_VALUE;
        w->take = NULL;
        more = read_packets(w, INT64_MAX, err);
    }
    w->indexed = true;
    w->rate = (struct mt_rate){0};
    use_index(w);
    return more < 0 ? -1 : 0;
}

int mt_walk(struct mt_walk *w, struct mt_in *in, void (*take)(void *ctx, AVPacket *packet),
            void *ctx, struct mt_err *err)
{
    unsigned n = in->format->nb_streams;
    int more;

    *w = (struct mt_walk){.in = in, .n = n, .take = take, .ctx = ctx};
    w->streams = mt_alloc((n + 1) * sizeof(*w->streams));
    for (unsigned i = 0; i < n; i++) {
        w->streams[i].first_us = w->streams[i].end_us = AV_NOPTS_VALUE;
        w->streams[i].last_dts_us = w->streams[i].listed_end_us = AV_NOPTS_VALUE;
        w->streams[i].corrupt_us[0] = w->streams[i].zeros_us[0] = INT64_MAX;
        w->streams[i].corrupt_us[1] = w->streams[i].zeros_us[1] = INT64_MIN;
    }
    bool full = has_full_index(in);
    if (full)
        for (unsigned i = 0; i < n; i++)
            read_index(&w->streams[i], in->format->streams[i], in->size);
    if (full && in->size > LARGE)
        more = read_ends(w, err);
    else
        more = read_packets(w, INT64_MAX, err);
    w->complete = more == 0;
    return more < 0 ? -1 : 0;
}

void mt_walk_free(struct mt_walk *w)
{
    tail_clear(&w->video);
    tail_clear(&w->audio);
    free(w->streams);
    w->streams = NULL;
}
