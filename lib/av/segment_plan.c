/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment_plan.c - where a film is cut, from its packets and its first picture. */
#include "av/limits.h"
#include "av/segment_parts.h"

#include "base/mem.h"
#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLEAN = 16, /* pictures on both sides of a cut whose times must rise */
    LEAD = 3,   /* pictures that filters see before the first they are asked for */
    READ_ERRORS_MAX = 16,
};

struct key {
    int64_t dts, pts;
};

struct scan {
    struct mt_in in;
    AVCodecContext *video, *audio;
    struct mt_stamps stamps;
    AVPacket *packet;
    AVFrame *frame;
    int64_t *pts; /* of all pictures that are shown; in order of packets, then of time */
    int64_t n, room;
    struct key *keys;
    int64_t n_keys, room_keys;
    struct mt_spent spent;
    int64_t missing;          /* pictures without a time */
    bool seen, heard;         /* the first picture, the first sound was decoded */
    int64_t first_pts;        /* of that picture */
    int64_t sound_us, end_us; /* where sound begins, where the last packet ends */
    bool interlaced;
    struct mt_look look;
    const struct mt_av_limits *limits;
};

/* Both lists grow by halves; a film has at most 10^7 pictures unless its limit is lifted. */
static void *grown(void *list, int64_t n, int64_t *room, size_t size)
{
    if (n < *room)
        return list;
    *room = *room + *room / 2 + 1024;
    return mt_realloc(list, (size_t)*room, size);
}

/* ---- reading ---- */

static void see(struct scan *s)
{
    s->seen = true;
    s->first_pts = s->frame->best_effort_timestamp;
    if (s->first_pts == AV_NOPTS_VALUE)
        s->first_pts = 0;
    s->interlaced = mt_frame_interlaced(s->frame) ||
                    (s->in.video->codecpar->field_order != AV_FIELD_UNKNOWN &&
                     s->in.video->codecpar->field_order != AV_FIELD_PROGRESSIVE);
    mt_look_choose(&s->look, s->in.video, s->frame);
}

static void hear(struct scan *s)
{
    if (s->frame->nb_samples <= 0 || s->frame->best_effort_timestamp == AV_NOPTS_VALUE)
        return;
    s->heard = true;
    s->sound_us =
        av_rescale_q(s->frame->best_effort_timestamp, s->in.audio->time_base, AV_TIME_BASE_Q);
}

/* Decodes until the first frame is there. packet NULL: the end. */
static int try_first(struct scan *s, AVCodecContext *codec, const AVPacket *packet,
                     struct mt_err *err)
{
    const bool *done = codec == s->video ? &s->seen : &s->heard;
    int ret = avcodec_send_packet(codec, packet);

    while (ret != AVERROR(ENOMEM) && !*done) {
        ret = avcodec_receive_frame(codec, s->frame);
        if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
            return 0;
        if (ret == 0 && codec == s->video)
            see(s);
        else if (ret == 0)
            hear(s);
        else if (ret != AVERROR(ENOMEM))
            return 0;
        av_frame_unref(s->frame);
    }
    return ret == AVERROR(ENOMEM) ? mt_av_fail(err, ret, "decoding") : 0;
}

static void note_end(struct scan *s, AVRational base)
{
    int64_t at = s->packet->pts != AV_NOPTS_VALUE ? s->packet->pts : s->packet->dts;

    if (at == AV_NOPTS_VALUE)
        return;
    at = av_rescale_q(at + s->packet->duration, base, AV_TIME_BASE_Q);
    s->end_us = FFMAX(s->end_us, at);
}

static int take_picture(struct scan *s, struct mt_err *err)
{
    const AVPacket *packet = s->packet;

    if (packet->pts == AV_NOPTS_VALUE || packet->dts == AV_NOPTS_VALUE)
        s->missing++;
    if (packet->flags & AV_PKT_FLAG_KEY && packet->dts != AV_NOPTS_VALUE) {
        s->keys = grown(s->keys, s->n_keys, &s->room_keys, sizeof *s->keys);
        s->keys[s->n_keys++] = (struct key){packet->dts, packet->pts};
    }
    if (!(packet->flags & AV_PKT_FLAG_DISCARD)) {
        if (mt_limits_check_frame(s->in.video, packet, s->n, s->limits, err) < 0)
            return -1;
        s->pts = grown(s->pts, s->n, &s->room, sizeof *s->pts);
        s->pts[s->n++] = packet->pts;
    }
    if (packet->pts != AV_NOPTS_VALUE)
        mt_spent_add(&s->spent, av_rescale_q(packet->pts, s->in.video->time_base, AV_TIME_BASE_Q),
                     packet->size);
    note_end(s, s->in.video->time_base);
    return s->seen ? 0 : try_first(s, s->video, packet, err);
}

static int take(struct scan *s, struct mt_err *err)
{
    if (s->packet->stream_index == s->in.video->index) {
        mt_stamps_fix(&s->stamps, 0, s->packet, s->in.video->time_base);
        return take_picture(s, err);
    }
    if (s->in.audio && s->packet->stream_index == s->in.audio->index) {
        mt_stamps_fix(&s->stamps, 1, s->packet, s->in.audio->time_base);
        note_end(s, s->in.audio->time_base);
        if (s->audio && !s->heard)
            return try_first(s, s->audio, s->packet, err);
    }
    return 0;
}

/* Whether the source goes on for longer than is permitted, whatever its headers claimed. */
static int within(const struct scan *s, struct mt_err *err)
{
    int64_t limit = s->limits->duration_us;
    int64_t start_us = av_rescale_q(s->first_pts, s->in.video->time_base, AV_TIME_BASE_Q);

    if (limit > 0 && s->seen && s->end_us - start_us > limit)
        return mt_fail(err, MT_ERR_LIMIT, "the source is more than %lld s long",
                       (long long)(limit / AV_TIME_BASE));
    return 0;
}

static int read_all(struct scan *s, struct mt_err *err)
{
    int64_t total = FFMAX(s->in.format->duration, 0);
    int errors = 0, ret;

    for (;;) {
        ret = av_read_frame(s->in.format, s->packet);
        if ((ret == AVERROR(EAGAIN) || ret == AVERROR_INVALIDDATA) && ++errors < READ_ERRORS_MAX)
            continue;
        if (ret < 0)
            break;
        errors = 0;
        ret = take(s, err);
        av_packet_unref(s->packet);
        if (ret < 0 || within(s, err) < 0 || mt_in_tell(&s->in, s->end_us, total, err) < 0)
            return -1;
    }
    if (ret == AVERROR_EXIT)
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    if (mt_in_read_failed(&s->in) || ret == AVERROR(ENOMEM))
        return mt_av_fail(err, ret, "reading the source");
    if (!s->seen && try_first(s, s->video, NULL, err) < 0)
        return -1;
    return s->seen ? 0 : mt_fail(err, MT_ERR_DAMAGED, "not one picture decodes");
}

static int open_scan(struct scan *s, struct mt_err *err)
{
    struct mt_err ignored;

    if (mt_in_decoder(&s->video, &s->in, s->in.video, 1, err) < 0)
        return -1;
    if (s->in.audio && mt_in_decoder(&s->audio, &s->in, s->in.audio, 1, &ignored) < 0)
        s->audio = NULL; /* whoever makes the sound will say so */
    for (unsigned i = 0; i < s->in.format->nb_streams; i++)
        if (s->in.format->streams[i] != s->in.video && s->in.format->streams[i] != s->in.audio)
            s->in.format->streams[i]->discard = AVDISCARD_ALL;
    s->stamps.leaps = s->in.format->iformat->flags & AVFMT_TS_DISCONT;
    s->packet = av_packet_alloc();
    s->frame = av_frame_alloc();
    return s->packet && s->frame ? 0 : mt_av_fail(err, AVERROR(ENOMEM), "planning");
}

/* ---- cutting ---- */

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The times as they will be when decoded, from the first picture that decodes on. */
static void settle(struct scan *s)
{
    int64_t step = av_rescale_q(1, av_inv_q(mt_honest_rate(&s->in)), s->in.video->time_base);
    struct mt_clock clock;
    int64_t n = 0;

    mt_clock_init(&clock, step);
    qsort(s->pts, (size_t)s->n, sizeof *s->pts, by_time);
    for (int64_t i = 0; i < s->n; i++)
        if (s->pts[i] >= s->first_pts)
            s->pts[n++] = mt_clock_next(&clock, s->pts[i]);
    s->n = n;
}

static bool clean(const struct scan *s, const int64_t *raw, int64_t i)
{
    int64_t from = FFMAX(i - CLEAN, 1), to = FFMIN(i + CLEAN, s->n);

    for (int64_t k = from; k < to; k++)
        if (raw[k] <= raw[k - 1] || s->pts[k] != raw[k])
            return false;
    return true;
}

/* The last packet in the file from which on all pictures from pts on come out whole. */
static const struct key *access_before(const struct scan *s, int64_t pts)
{
    int64_t low = 0, high = s->n_keys; /* keys before low are decoded at pts or earlier */

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (s->keys[middle].dts <= pts)
            low = middle + 1;
        else
            high = middle;
    }
    while (low > 0 && (s->keys[low - 1].pts == AV_NOPTS_VALUE || s->keys[low - 1].pts > pts))
        low--;
    return low > 0 ? &s->keys[low - 1] : NULL;
}

/* Whether the format can be asked for any other place than its beginning. */
static bool seeks(struct scan *s)
{
    const struct key *key = s->n_keys > 0 ? &s->keys[s->n_keys / 2] : NULL;
    bool found = false;

    if (!key || av_seek_frame(s->in.format, s->in.video->index, key->dts, AVSEEK_FLAG_BACKWARD) < 0)
        return false;
    while (!found && av_read_frame(s->in.format, s->packet) >= 0) {
        bool video = s->packet->stream_index == s->in.video->index;

        if (video && s->packet->dts == key->dts && s->packet->pts == key->pts)
            found = true;
        else if (video && s->packet->dts > key->dts)
            break;
        av_packet_unref(s->packet);
    }
    av_packet_unref(s->packet);
    return found;
}

static const char *indivisible(struct scan *s, AVRational base)
{
    if (s->missing > 0)
        return "pictures without time stamps";
    if (s->stamps.jumps > 0)
        return "the time line leaps";
    if (av_cmp_q(base, s->in.video->time_base) != 0)
        return "the time base of the source is beyond reason";
    if (!seeks(s))
        return "no access points can be found in it";
    return NULL;
}

/* Seconds between cuts: a few GOPs; the longer the film, the more. */
static int64_t pace(int64_t duration_us)
{
    int64_t s = duration_us / AV_TIME_BASE;

    return s <= 120 ? 2 * MT_GOP_S : s <= 240 ? 3 * MT_GOP_S : 4 * MT_GOP_S;
}

static uint32_t hash_of(const int64_t *pts, int64_t n)
{
    uint32_t hash = MT_TIMES_HASH;

    for (int64_t i = 0; i < n; i++)
        hash = mt_times_hash(hash, pts[i]);
    return hash;
}

uint32_t mt_times_hash(uint32_t hash, int64_t pts)
{
    for (int i = 0; i < 64; i += 8)
        hash = (hash ^ (uint8_t)((uint64_t)pts >> i)) * 16777619U; /* FNV-1a, 32 bits */
    return hash;
}

struct cutter {
    const struct scan *scan;
    AVRational base;    /* of the film, the source's if there are several segments */
    int64_t origin;     /* in the source's base */
    const int64_t *raw; /* times before they were settled */
    json_t *segments;
};

static int64_t on_film(const struct cutter *c, int64_t pts)
{
    return av_rescale_q(pts - c->origin, c->scan->in.video->time_base, c->base);
}

/* What the source spends on the pictures from i on up to the one before k. */
static int64_t spent_on(const struct scan *s, int64_t i, int64_t k)
{
    AVRational base = s->in.video->time_base;

    return mt_spent_between(&s->spent, av_rescale_q(s->pts[i], base, AV_TIME_BASE_Q),
                            k < s->n ? av_rescale_q(s->pts[k], base, AV_TIME_BASE_Q) : s->end_us);
}

/* The pictures from i on up to the one before k. */
static void add_segment(const struct cutter *c, int64_t i, int64_t k)
{
    const struct scan *s = c->scan;
    int64_t lead = s->pts[s->interlaced ? FFMAX(i - LEAD, 0) : i];
    const struct key *key = i > 0 ? access_before(s, lead) : NULL;
    json_t *o = json_pack("{s:I, s:I, s:I, s:o}", "start", (json_int_t)on_film(c, s->pts[i]),
                          "frames", (json_int_t)(k - i), "first", (json_int_t)s->pts[i], "end",
                          k < s->n ? json_integer(s->pts[k]) : json_null());

    if (key) {
        json_object_set_new(o, "lead", json_integer(lead));
        json_object_set_new(o, "access", json_integer(key->dts));
    }
    json_object_set_new(o, "hash", json_integer(hash_of(s->pts + i, k - i)));
    json_object_set_new(o, "bytes", json_integer(spent_on(s, i, k)));
    json_array_append_new(c->segments, o);
}

static void cut(const struct cutter *c, int64_t pace_s)
{
    const struct scan *s = c->scan;
    int64_t begun = 0, next = 0; /* the segment's first picture; the time of the next cut */

    for (int64_t i = 0; i < s->n; i++) {
        int64_t at = on_film(c, s->pts[i]);
        int64_t gop = av_rescale_q_rnd(at, c->base, (AVRational){MT_GOP_S, 1}, AV_ROUND_DOWN);
        int64_t before = i > 0 ? av_rescale_q_rnd(on_film(c, s->pts[i - 1]), c->base,
                                                  (AVRational){MT_GOP_S, 1}, AV_ROUND_DOWN)
                               : gop;

        if (i > 0 && (gop < next || gop == before || !clean(s, c->raw, i)))
            continue;
        if (i > 0) {
            add_segment(c, begun, i);
            begun = i;
        }
        next = gop + pace_s / MT_GOP_S;
    }
    add_segment(c, begun, s->n);
}

static json_t *segments_of(struct scan *s, AVRational base, int64_t origin_us, bool divided)
{
    int64_t origin = av_rescale_q(origin_us, AV_TIME_BASE_Q, s->in.video->time_base);
    struct cutter c = {.scan = s, .base = base, .origin = origin, .segments = json_array()};
    int64_t *raw, n = 0;

    if (!divided || s->n == 0) {
        json_array_append_new(c.segments, json_pack("{s:I, s:I}", "start",
                                                    (json_int_t)on_film(&c, s->first_pts), "frames",
                                                    (json_int_t)s->n));
        return c.segments;
    }
    raw = mt_realloc(NULL, (size_t)s->n, sizeof *raw);
    qsort(s->pts, (size_t)s->n, sizeof *s->pts, by_time);
    for (int64_t i = 0; i < s->n; i++)
        if (s->pts[i] >= s->first_pts)
            raw[n++] = s->pts[i];
    settle(s);
    c.raw = raw;
    if (s->n > 0)
        cut(&c, pace(s->end_us - origin_us));
    free(raw);
    return c.segments;
}

static json_t *ratio(AVRational q)
{
    return json_pack("[i, i]", q.num, q.den);
}

static json_t *language_of(const struct scan *s)
{
    const AVDictionaryEntry *tag =
        s->in.audio ? av_dict_get(s->in.audio->metadata, "language", NULL, 0) : NULL;

    return tag && strlen(tag->value) <= 35 ? mt_json_text(tag->value) : json_null();
}

static json_t *plan_of(struct scan *s, int fd)
{
    int64_t picture_us = av_rescale_q(s->first_pts, s->in.video->time_base, AV_TIME_BASE_Q);
    int64_t first_us = s->heard ? FFMIN(picture_us, s->sound_us) : picture_us;
    int64_t origin_us = mt_film_origin(&s->in, fd, first_us);
    AVRational base = mt_honest_base(s->in.video->time_base);
    const char *why = indivisible(s, base);
    json_t *segments = segments_of(s, base, origin_us, why == NULL);

    return json_pack("{s:i, s:o, s:o, s:o, s:b, s:I, s:I, s:I, s:b, s:b, s:o, s:I, s:o, s:s?, s:o}",
                     "version", 1, "source_base", ratio(s->in.video->time_base), "base",
                     ratio(base), "rate", ratio(mt_honest_rate(&s->in)), "constant_rate",
                     mt_rate_is_constant(&s->in), "origin_us", (json_int_t)origin_us, "duration_us",
                     (json_int_t)FFMAX(s->end_us - origin_us, 0), "frames", (json_int_t)s->n,
                     "interlaced", s->interlaced, "sound", s->heard, "language", language_of(s),
                     "jumps", (json_int_t)s->stamps.jumps, "look", mt_look_to_json(&s->look),
                     "undivided", why, "segments", segments);
}

static void close_scan(struct scan *s)
{
    avcodec_free_context(&s->video);
    avcodec_free_context(&s->audio);
    av_packet_free(&s->packet);
    av_frame_free(&s->frame);
    free(s->pts);
    free(s->keys);
    free(s->spent.bytes);
    mt_in_close(&s->in);
}

json_t *mt_av_plan(int fd, const struct mt_av_limits *limits, const struct mt_av_progress *progress,
                   struct mt_err *err)
{
    struct scan s = {.end_us = INT64_MIN, .limits = limits};
    json_t *plan = NULL;

    if (mt_in_open(&s.in, fd, limits, err) < 0)
        return NULL;
    mt_in_set_progress(&s.in, progress);
    if (mt_in_check_film(&s.in, err) == 0 && open_scan(&s, err) == 0 && read_all(&s, err) == 0)
        plan = plan_of(&s, fd);
    close_scan(&s);
    return plan;
}

void mt_av_plan_size(const json_t *plan, const struct mt_av_rendition *rendition, int *w, int *h)
{
    struct mt_look look;

    mt_look_from_json(&look, json_object_get(plan, "look"));
    mt_look_fit(&look, rendition, 1);
    *w = look.sizes[0].w;
    *h = look.sizes[0].h;
}
