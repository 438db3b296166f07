/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment_encode.c - a run of segments from one decode: decode, filter, cut, encode, compare. */
#include "av/segment_parts.h"

#include "av/burn.h"
#include "base/mem.h"
#include "json/json.h"

#include <malloc.h>
#include <stdlib.h>

struct run {
    const struct mt_av_segments *spec;
    const json_t *segments;
    int fd;
    struct mt_feed reader;
    struct mt_look look;
    struct mt_pictures pictures;
    AVRational source_base, base;
    int64_t origin;      /* of the film, in source_base */
    int64_t begin, lead; /* in source_base: the first picture wanted, and for the filters */
    struct mt_lane *lanes;
    struct mt_lane_film film; /* what they have in common */
    int largest;              /* of the lanes */
    int n_segments, segment;  /* how many there are; the one under way, -1: none */
    int next;                 /* the one that follows what is finished */
    unsigned mask;            /* its renditions */
    bool over;                /* nothing more is wanted */
    bool settled;             /* the first picture wanted was seen */
    int64_t frames, end_us;   /* of the segment; where what was decoded ends */
    int64_t missing, backwards;
    uint32_t hash;
    int64_t last_duration;
    int64_t errors_before;
};

static const json_t *segment_at(const struct run *r, int i)
{
    return json_array_get(r->segments, (size_t)i);
}

/* Where a segment ends, in the film's base. */
static int64_t end_of(const struct run *r, int i)
{
    return i + 1 < r->n_segments ? mt_json_int(segment_at(r, i + 1), "start", INT64_MAX)
                                 : INT64_MAX;
}

/* ---- encoding ---- */

static AVRational rational(const json_t *value)
{
    return (AVRational){(int)json_integer_value(json_array_get(value, 0)),
                        (int)json_integer_value(json_array_get(value, 1))};
}

static int begin_segment(struct run *r, int segment, struct mt_err *err)
{
    r->mask = r->spec->claim(r->spec->ctx, segment);
    r->over = r->mask == 0;
    if (r->over)
        return 0;
    r->segment = segment;
    r->frames = 0;
    r->hash = MT_TIMES_HASH;
    for (int i = 0; i < r->spec->n; i++)
        if (r->mask & 1U << i &&
            mt_lane_open(&r->lanes[i], &r->film, r->look.sizes[i], segment_at(r, segment), err) < 0)
            return mt_fail_in(err, "rendition '%s'", r->lanes[i].rendition->name);
    return 0;
}

static json_t *report_lane(const struct run *r, int i)
{
    const struct mt_lane *lane = &r->lanes[i];

    return json_pack("{s:i, s:I, s:I, s:I, s:I, s:o}", "rendition", i, "offset",
                     (json_int_t)lane->file.offset, "size",
                     (json_int_t)(lane->file.pos - lane->file.offset), "frames",
                     (json_int_t)lane->video.frames, "video_bytes", (json_int_t)lane->file.bytes,
                     "score", r->spec->score ? mt_score_report(&lane->score) : json_null());
}

static int report_segment(struct run *r, struct mt_err *err)
{
    json_t *lines = NULL, *all = json_array(), *report;
    int64_t logged = mt_av_log_take(&lines);
    int64_t errors = r->reader.errors - r->errors_before;
    int ret;

    for (int i = 0; i < r->spec->n; i++)
        if (r->mask & 1U << i)
            json_array_append_new(all, report_lane(r, i));
    report = json_pack("{s:i, s:I, s:I, s:o, s:I, s:I, s:I, s:o}", "segment", r->segment, "frames",
                       (json_int_t)r->frames, "errors", (json_int_t)FFMAX(logged, errors),
                       "messages", lines ? lines : json_array(), "end_us", (json_int_t)r->end_us,
                       "missing", (json_int_t)(r->reader.clock.missing - r->missing), "backwards",
                       (json_int_t)(r->reader.clock.backwards - r->backwards), "renditions", all);
    r->missing = r->reader.clock.missing;
    r->backwards = r->reader.clock.backwards;
    r->errors_before = r->reader.errors;
    ret = r->spec->done(r->spec->ctx, report, err);
    json_decref(report);
    return ret;
}

static int differs(int64_t frames, int64_t planned, struct mt_err *err)
{
    return mt_fail(err, MT_ERR_VERIFY,
                   "the pictures after the access point are not those of the plan (%lld, %lld "
                   "planned)",
                   (long long)frames, (long long)planned);
}

/* Segments of which no picture decodes are finished without having been begun. */
static int pass_over(struct run *r, int from, int to, struct mt_err *err)
{
    for (int i = from; i < to && !r->over; i++) {
        int64_t planned = mt_json_int(segment_at(r, i), "frames", 0);

        if (i == r->spec->first && !r->spec->wider && planned > 0 &&
            json_object_get(segment_at(r, i), "access"))
            return differs(0, planned, err);
        r->mask = r->spec->claim(r->spec->ctx, i);
        r->over = r->mask == 0;
        r->segment = i;
        r->frames = 0;
        r->mask = 0;
        if (!r->over && report_segment(r, err) < 0)
            return -1;
        r->segment = -1;
    }
    return 0;
}

/* What a decoder gives after a jump into the film may lack pictures or have others. */
static int compare_with_plan(const struct run *r, struct mt_err *err)
{
    const json_t *planned = segment_at(r, r->segment);

    if (r->segment != r->spec->first || r->spec->wider || !json_object_get(planned, "access"))
        return 0;
    if (r->frames == mt_json_int(planned, "frames", -1) &&
        r->hash == (uint32_t)mt_json_int(planned, "hash", 0))
        return 0;
    return differs(r->frames, mt_json_int(planned, "frames", -1), err);
}

static int finish_segment(struct run *r, struct mt_err *err)
{
    int64_t last;

    if (r->segment < 0)
        return 0;
    last = av_rescale_q(r->last_duration, r->source_base, r->base);
    if (compare_with_plan(r, err) < 0)
        return -1;
    for (int i = 0; i < r->spec->n; i++)
        if (r->mask & 1U << i && mt_lane_finish(&r->lanes[i], end_of(r, r->segment), last, err) < 0)
            return mt_fail_in(err, "rendition '%s'", r->lanes[i].rendition->name);
    if (report_segment(r, err) < 0)
        return -1;
    for (int i = 0; i < r->spec->n; i++)
        mt_lane_close(&r->lanes[i]);
    r->next = r->segment + 1;
    r->segment = -1;
    return 0;
}

/* The segment that a picture of this time is in, from the one given on. */
static int segment_of(const struct run *r, int from, int64_t pts)
{
    while (pts >= end_of(r, from))
        from++;
    return from;
}

static int write_text(const struct run *r, struct mt_lane *lane, struct mt_err *err)
{
    if (!lane->burn)
        return 0;
    return mt_burn(lane->burn, &r->look, lane->frame,
                   av_rescale_q(lane->frame->pts, r->base, AV_TIME_BASE_Q), err);
}

/* Shows all lanes the largest version of the picture, as it is now in one of them. */
static int show_largest(struct run *r, struct mt_err *err)
{
    for (int i = 0; r->spec->common && i < r->spec->n; i++) {
        av_frame_unref(r->lanes[i].largest);
        if (r->mask & 1U << i && av_frame_ref(r->lanes[i].largest, r->lanes[r->largest].frame) < 0)
            return mt_av_fail(err, AVERROR(ENOMEM), "encoding");
    }
    return 0;
}

/* All lanes' versions of one picture. */
static int take_pictures(struct run *r, struct mt_err *err)
{
    int64_t pts = r->lanes[0].frame->pts;
    int segment = segment_of(r, r->segment < 0 ? r->next : r->segment, pts);

    if (segment != r->segment) {
        int next = r->segment < 0 ? r->next : r->segment + 1;

        if (finish_segment(r, err) < 0 || pass_over(r, next, segment, err) < 0)
            return -1;
        if (!r->over && begin_segment(r, segment, err) < 0)
            return -1;
        if (r->over)
            return 0;
    }
    r->frames++;
    r->hash = mt_times_hash(r->hash, pts + r->origin);
    for (int i = 0; i < r->spec->n; i++)
        if (r->mask & 1U << i && write_text(r, &r->lanes[i], err) < 0)
            return mt_fail_in(err, "rendition '%s'", r->lanes[i].rendition->name);
    if (show_largest(r, err) < 0)
        return -1;
    for (int i = 0; i < r->spec->n; i++)
        if (r->mask & 1U << i && mt_lane_send(&r->lanes[i], err) < 0)
            return mt_fail_in(err, "rendition '%s'", r->lanes[i].rendition->name);
    return 0;
}

/* ---- decoding and filtering ---- */

/* The branches of the graph give as many pictures as each other. 1, 0 or -1. */
static int receive_all(struct run *r, struct mt_err *err)
{
    for (int i = 0; i < r->spec->n; i++) {
        AVFrame *frame = r->lanes[i].frame;
        int got;

        av_frame_unref(frame);
        got = mt_pictures_receive(&r->pictures, i, frame, r->base, err);
        if (got < 0 || (got == 0 && i == 0))
            return got;
        if (got == 0)
            return mt_fail(err, MT_ERR_BUG, "the filters keep a picture back");
    }
    return 1;
}

static int pump(struct run *r, struct mt_err *err)
{
    int64_t begin = r->begin == INT64_MIN
                        ? INT64_MIN
                        : av_rescale_q(r->begin - r->origin, r->source_base, r->base);
    int got = 0;

    while (!r->over && (got = receive_all(r, err)) > 0)
        if (r->lanes[0].frame->pts >= begin && take_pictures(r, err) < 0)
            return -1;
    return got < 0 ? -1 : 0;
}

static int drain(struct run *r, struct mt_err *err)
{
    if (!r->pictures.graph)
        return 0;
    if (mt_pictures_send(&r->pictures, NULL, err) < 0)
        return -1;
    return pump(r, err);
}

/* From the first picture that counts on, failures count. */
static void settle(struct run *r)
{
    if (r->settled || r->reader.frame->pts < r->begin)
        return;
    r->settled = true;
    if (r->begin == INT64_MIN)
        return;
    r->errors_before = r->reader.errors;
    r->missing = r->reader.clock.missing;
    r->backwards = r->reader.clock.backwards;
    (void)mt_av_log_take(NULL);
}

static int filter_picture(struct run *r, struct mt_err *err)
{
    AVFrame *frame = r->reader.frame;
    int64_t end;

    settle(r);
    if (frame->pts < r->lead)
        return 0;
    r->last_duration = mt_feed_duration(&r->reader);
    frame->pts -= r->origin;
    end = av_rescale_q(frame->pts + r->last_duration, r->source_base, AV_TIME_BASE_Q);
    r->end_us = FFMAX(r->end_us, end);
    if (!mt_pictures_fit(&r->pictures, frame) &&
        (drain(r, err) < 0 ||
         mt_pictures_open(&r->pictures, &r->look, frame, r->source_base, err) < 0))
        return -1;
    if (mt_pictures_send(&r->pictures, frame, err) < 0)
        return -1;
    return pump(r, err);
}

/* A failure knows at which picture it happened. */
static int take_frame(struct run *r, struct mt_err *err)
{
    int64_t total = mt_json_int(r->spec->plan, "duration_us", 0);

    if (filter_picture(r, err) < 0)
        return mt_fail_at(err, r->reader.in.video->index, r->end_us);
    return mt_in_tell(&r->reader.in, r->end_us, total, err);
}

static int encode_all(struct run *r, struct mt_err *err)
{
    int got = 0;

    while (!r->over && (got = mt_feed_next(&r->reader, err)) > 0)
        if (take_frame(r, err) < 0)
            return -1;
    if (got < 0)
        return -1;
    if (!r->over && drain(r, err) < 0)
        return -1;
    if (finish_segment(r, err) < 0)
        return -1;
    return r->over ? 0 : pass_over(r, r->next, r->n_segments, err);
}

/* ---- beginning ---- */

/*
 * Where to begin to decode for a segment: AV_NOPTS_VALUE for the file's beginning. Farther back
 * is another access point, that of an earlier segment.
 */
static int64_t access_for(const struct run *r)
{
    int64_t own = mt_json_int(segment_at(r, r->spec->first), "access", AV_NOPTS_VALUE);

    if (!r->spec->wider || own == AV_NOPTS_VALUE)
        return own;
    for (int i = r->spec->first - 1; i > 0; i--) {
        int64_t earlier = mt_json_int(segment_at(r, i), "access", AV_NOPTS_VALUE);

        if (earlier != own)
            return earlier;
    }
    return AV_NOPTS_VALUE;
}

static int begin(struct run *r, struct mt_err *err)
{
    const json_t *first = segment_at(r, r->spec->first);
    int64_t access = access_for(r);

    r->begin = r->spec->first > 0 ? mt_json_int(first, "first", INT64_MIN) : INT64_MIN;
    r->lead = r->spec->first > 0 ? mt_json_int(first, "lead", INT64_MIN) : INT64_MIN;
    if (mt_feed_open(&r->reader, r->fd, &r->spec->limits, r->spec->threads, err) < 0)
        return -1;
    mt_in_set_progress(&r->reader.in, &r->spec->progress);
    if (mt_json_int(r->spec->plan, "jumps", 0) == 0 && r->reader.in.audio)
        r->reader.in.audio->discard = AVDISCARD_ALL; /* only leaps are told by both streams */
    if (access == AV_NOPTS_VALUE)
        return 0;
    r->reader.wanted = r->spec->wider ? AV_NOPTS_VALUE : r->lead;
    return mt_feed_seek(&r->reader, access, err);
}

static int check_spec(const struct run *r, struct mt_err *err)
{
    if (r->spec->n < 1 || r->spec->n > MT_LANES_MAX)
        return mt_fail(err, MT_ERR_BUG, "%d renditions at once", r->spec->n);
    if (r->spec->first < 0 || r->spec->first >= r->n_segments || r->source_base.den <= 0 ||
        r->base.den <= 0)
        return mt_fail(err, MT_ERR_BUG, "the plan has no segment %d", r->spec->first);
    return 0;
}

static int open_run(struct run *r, struct mt_err *err)
{
    int64_t origin_us = mt_json_int(r->spec->plan, "origin_us", 0);

    r->origin = av_rescale_q(origin_us, AV_TIME_BASE_Q, r->source_base);
    mt_look_from_json(&r->look, json_object_get(r->spec->plan, "look"));
    mt_look_fit(&r->look, r->spec->renditions, r->spec->n);
    r->lanes = mt_alloc((size_t)r->spec->n * sizeof *r->lanes);
    r->film = (struct mt_lane_film){.plan = r->spec->plan,
                                    .look = &r->look,
                                    .base = r->base,
                                    .preset = r->spec->preset,
                                    .threads = r->spec->threads,
                                    .score = r->spec->score,
                                    .packet = av_packet_alloc()};
    for (int i = 1; i < r->spec->n; i++)
        if (r->look.sizes[i].h > r->look.sizes[r->largest].h)
            r->largest = i;
    if (r->spec->common)
        r->film.largest = &r->look.sizes[r->largest];
    for (int i = 0; i < r->spec->n; i++) {
        r->lanes[i].rendition = &r->spec->renditions[i];
        r->lanes[i].frame = av_frame_alloc();
        r->lanes[i].kept = av_frame_alloc();
        r->lanes[i].largest = av_frame_alloc();
        if (!r->lanes[i].frame || !r->lanes[i].kept || !r->lanes[i].largest)
            return mt_av_fail(err, AVERROR(ENOMEM), "encoding");
        if (r->spec->burn && mt_typeset_open(&r->lanes[i].burn, r->spec->burn, r->look.sizes[i].w,
                                             r->look.sizes[i].h, err) < 0)
            return -1;
    }
    return r->film.packet ? begin(r, err) : mt_av_fail(err, AVERROR(ENOMEM), "encoding");
}

static void close_run(struct run *r)
{
    for (int i = 0; r->lanes && i < r->spec->n; i++) {
        mt_lane_close(&r->lanes[i]);
        av_frame_free(&r->lanes[i].frame);
        av_frame_free(&r->lanes[i].kept);
        av_frame_free(&r->lanes[i].largest);
        mt_typeset_close(&r->lanes[i].burn);
    }
    free(r->lanes);
    av_packet_free(&r->film.packet);
    mt_pictures_close(&r->pictures);
    mt_feed_close(&r->reader);
}

/*
 * libx264 looks at memory that it has not written (beyond the edges of pictures whose sides are
 * no multiples of 16), so that what one process encodes after other segments differs in a few bits
 * from what another one makes of it. All memory that is handed out from here on is zero.
 */
static void settle_memory(void)
{
#ifdef M_PERTURB
    mallopt(M_PERTURB, 0xff);
#endif
}

int mt_av_segments_encode(int fd, const struct mt_av_segments *spec, struct mt_err *err)
{
    const json_t *segments = json_object_get(spec->plan, "segments");
    struct run r = {
        .spec = spec,
        .fd = fd,
        .segments = segments,
        .n_segments = (int)json_array_size(segments),
        .segment = -1,
        .next = spec->first,
        .source_base = rational(json_object_get(spec->plan, "source_base")),
        .base = rational(json_object_get(spec->plan, "base")),
        .end_us = INT64_MIN,
    };
    int ret = -1;

    settle_memory();
    if (check_spec(&r, err) == 0 && open_run(&r, err) == 0)
        ret = encode_all(&r, err);
    close_run(&r);
    return ret;
}
