/* SPDX-License-Identifier: GPL-2.0-or-later */
/* teaser_stretch.c - the pictures between two times of a film. */
#include "av/teaser_stretch.h"

static int open_feed(struct mt_stretch *s, struct mt_err *err)
{
    const struct mt_av_teaser *spec = s->teaser->spec;
    struct mt_feed *feed = &s->feed;

    if (mt_feed_open(feed, s->teaser->fd, &spec->limits, 0, err) < 0)
        return -1;
    s->open = true;
    mt_in_set_progress(&feed->in, &spec->progress);
    if (feed->in.audio)
        feed->in.audio->discard = AVDISCARD_ALL;
    if (s->rough) {
        feed->decoder->skip_loop_filter = AVDISCARD_ALL;
        feed->decoder->flags2 |= AV_CODEC_FLAG2_FAST;
    }
    return 0;
}

int mt_stretch_open(struct mt_stretch *s, struct mt_teaser *t, bool rough, struct mt_err *err)
{
    *s = (struct mt_stretch){.teaser = t, .rough = rough};
    s->frame = av_frame_alloc();
    s->held = av_frame_alloc();
    s->pending = av_frame_alloc();
    if (!s->frame || !s->held || !s->pending)
        return mt_av_fail(err, AVERROR(ENOMEM), "decoding");
    return open_feed(s, err);
}

static void close_feed(struct mt_stretch *s)
{
    if (s->open) {
        s->errors += s->feed.errors;
        mt_feed_close(&s->feed);
    }
    s->open = false;
    av_frame_unref(s->held);
    av_frame_unref(s->pending);
}

int mt_stretch_begin(struct mt_stretch *s, int64_t from_us, int64_t to_us, struct mt_err *err)
{
    const struct mt_film *film = &s->teaser->film;

    s->from = mt_film_timestamp(film, s->feed.in.video, from_us);
    s->to = mt_film_timestamp(film, s->feed.in.video, to_us);
    s->begun = false;
    av_frame_unref(s->pending);
    if (!s->teaser->linear && mt_feed_jump(&s->feed, s->from, err) == 0) {
        av_frame_unref(s->held);
        return 0;
    }
    /* From where it stands, or from the first byte. */
    if (s->teaser->linear && s->held->buf[0] && s->held->pts <= s->from)
        return 0;
    close_feed(s);
    s->teaser->linear = true;
    *err = (struct mt_err){0};
    return open_feed(s, err);
}

static int keep(AVFrame *to, const AVFrame *from, struct mt_err *err)
{
    av_frame_unref(to);
    return av_frame_ref(to, from) < 0 ? mt_av_fail(err, AVERROR(ENOMEM), "decoding") : 0;
}

/* The first picture that begins within the stretch; the one before it may still be on screen. */
static int begin(struct mt_stretch *s, struct mt_err *err)
{
    const AVFrame *next = s->feed.frame;

    s->begun = true;
    if (!s->held->buf[0] || next->pts == s->from)
        return keep(s->frame, next, err);
    av_frame_unref(s->frame);
    av_frame_move_ref(s->frame, s->held);
    s->frame->pts = s->from;
    return keep(s->pending, next, err);
}

/* The film ends before the stretch begins to change. */
static int end(struct mt_stretch *s)
{
    if (s->begun || !s->held->buf[0])
        return 0;
    s->begun = true;
    av_frame_unref(s->frame);
    av_frame_move_ref(s->frame, s->held);
    s->frame->pts = s->from;
    return 1;
}

int mt_stretch_next(struct mt_stretch *s, struct mt_err *err)
{
    int got = 1;

    if (s->pending->buf[0]) {
        av_frame_unref(s->frame);
        av_frame_move_ref(s->frame, s->pending);
    } else {
        while ((got = mt_feed_next(&s->feed, err)) > 0 && s->feed.frame->pts < s->from)
            if (keep(s->held, s->feed.frame, err) < 0)
                return -1;
        if (got <= 0)
            return got < 0 ? -1 : end(s);
        if ((s->begun ? keep(s->frame, s->feed.frame, err) : begin(s, err)) < 0)
            return -1;
    }
    if (s->frame->pts < s->to)
        return 1;
    av_frame_unref(s->held);
    av_frame_move_ref(s->held, s->frame);
    return 0;
}

int64_t mt_stretch_duration(const struct mt_stretch *s)
{
    int64_t duration = mt_frame_duration(s->frame);

    return duration > 0 ? duration : s->feed.clock.step;
}

int64_t mt_stretch_us(const struct mt_stretch *s, int64_t pts)
{
    return mt_film_time(&s->teaser->film, s->feed.in.video, pts);
}

int64_t mt_stretch_errors(const struct mt_stretch *s)
{
    return s->errors + (s->open ? s->feed.errors : 0);
}

void mt_stretch_close(struct mt_stretch *s)
{
    if (s->open)
        mt_feed_close(&s->feed);
    s->open = false;
    av_frame_free(&s->frame);
    av_frame_free(&s->held);
    av_frame_free(&s->pending);
}
