/* SPDX-License-Identifier: GPL-2.0-or-later */
/* measure.c - measuring a film by listening and looking once. */
#include "av/measure.h"

#include "av/measure_parts.h"
#include "av/measure_tap.h"

static const unsigned of_sound = MT_AV_LOUDNESS | MT_AV_SILENCE;
static const unsigned of_picture = MT_AV_BLACK | MT_AV_FREEZE | MT_AV_SCENES;

struct work {
    const struct mt_av_measure *spec;
    struct mt_in in;
    struct mt_film film;
    AVCodecContext *audio, *video; /* NULL: not there or not asked for */
    AVPacket *packet;
    AVFrame *frame;
    struct mt_listener listener;
    struct mt_watcher watcher;
    struct mt_sound_tap ears[MT_AV_TAPS_MAX];
    struct mt_sight_tap eyes[MT_AV_TAPS_MAX];
    int64_t errors;
};

static bool wants_sound(const struct mt_av_measure *spec)
{
    return (spec->what & of_sound) || spec->n_ears > 0;
}

static bool wants_picture(const struct mt_av_measure *spec)
{
    return (spec->what & of_picture) || spec->n_eyes > 0;
}

static int check_spec(const struct mt_av_measure *spec, struct mt_err *err)
{
    if (!wants_sound(spec) && !wants_picture(spec))
        return mt_fail(err, MT_ERR_USAGE, "nothing is to be measured");
    if (spec->n_ears < 0 || spec->n_ears > MT_AV_TAPS_MAX || spec->n_eyes < 0 ||
        spec->n_eyes > MT_AV_TAPS_MAX)
        return mt_fail(err, MT_ERR_BUG, "too many ears or eyes");
    if (spec->silence_us < 0 || spec->black_us < 0 || spec->freeze_us < 0)
        return mt_fail(err, MT_ERR_USAGE, "a shortest stretch is negative");
    if (!(spec->silence_db >= -150 && spec->silence_db <= 0))
        return mt_fail(err, MT_ERR_USAGE, "the silence level is %g dB, not -150 to 0",
                       spec->silence_db);
    if (!(spec->scene_threshold >= 0 && spec->scene_threshold <= 100))
        return mt_fail(err, MT_ERR_USAGE, "the scene threshold is %g, not 0 to 100",
                       spec->scene_threshold);
    return 0;
}

static bool is_picture(const struct work *w, const AVStream *stream)
{
    return stream && stream == w->in.video && !w->film.still &&
           !(stream->disposition & AV_DISPOSITION_ATTACHED_PIC);
}

/* Opens a decoder unless the codec is unknown, which leaves it NULL. */
static int try_decoder(AVCodecContext **out, const struct mt_in *in, const AVStream *stream,
                       struct mt_err *err)
{
    if (mt_in_decoder(out, in, stream, 0, err) == 0)
        return 0;
    *out = NULL;
    return err->code == MT_ERR_UNSUPPORTED_CODEC ? 0 : -1;
}

static int open_work(struct work *w, int fd, struct mt_err *err)
{
    if (mt_in_open(&w->in, fd, &w->spec->limits, err) != 0)
        return -1;
    mt_in_set_progress(&w->in, &w->spec->progress);
    mt_film_look(&w->film, &w->in, w->in.video);
    for (int i = 0; i < w->spec->n_eyes; i++)
        mt_sight_tap_init(&w->eyes[i], &w->spec->eyes[i], w->film.duration_us);
    if (!w->in.audio && !is_picture(w, w->in.video))
        return mt_fail(err, MT_ERR_NOT_APPLICABLE, "neither sound nor moving pictures in it");
    w->packet = av_packet_alloc();
    w->frame = av_frame_alloc();
    if (!w->packet || !w->frame)
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot measure");
    if (w->in.audio && wants_sound(w->spec) &&
        try_decoder(&w->audio, &w->in, w->in.audio, err) != 0)
        return -1;
    if (is_picture(w, w->in.video) && wants_picture(w->spec) &&
        try_decoder(&w->video, &w->in, w->in.video, err) != 0)
        return -1;
    for (unsigned i = 0; i < w->in.format->nb_streams; i++) {
        AVStream *s = w->in.format->streams[i];

        if (!(w->audio && s == w->in.audio) && !(w->video && s == w->in.video))
            s->discard = AVDISCARD_ALL;
    }
    return 0;
}

static int listen(struct work *w, int64_t us, struct mt_err *err)
{
    for (int i = 0; i < w->spec->n_ears; i++)
        if (mt_sound_tap_hear(&w->ears[i], w->frame, us, err) != 0)
            return -1;
    return w->spec->what & of_sound ? mt_listener_hear(&w->listener, w->frame, us, err) : 0;
}

static int take_frame(struct work *w, bool sound, struct mt_err *err)
{
    const AVStream *stream = sound ? w->in.audio : w->in.video;
    int64_t us = mt_film_time(&w->film, stream, w->frame->best_effort_timestamp), length;

    if (mt_frame_damaged(w->frame))
        w->errors++;
    if (sound)
        return listen(w, us, err);
    length = av_rescale_q(mt_frame_duration(w->frame), stream->time_base, AV_TIME_BASE_Q);
    if (length <= 0 || length > 10 * w->film.frame_us)
        length = w->film.frame_us;
    if (mt_watcher_see(&w->watcher, w->frame, us, length, err) != 0)
        return -1;
    for (int i = 0; i < w->spec->n_eyes; i++)
        if (mt_sight_tap_see(&w->eyes[i], w->frame, us, w->watcher.cut_us, &w->in, &w->film, err) !=
            0)
            return -1;
    return 0;
}

/* Decodes one packet; NULL: the end of the stream. */
static int decode(struct work *w, bool sound, const AVPacket *packet, struct mt_err *err)
{
    AVCodecContext *decoder = sound ? w->audio : w->video;
    int av = avcodec_send_packet(decoder, packet);

    if (av == AVERROR(ENOMEM))
        return mt_av_fail(err, av, "cannot decode");
    if (av < 0 && av != AVERROR_EOF)
        w->errors++;
    while ((av = avcodec_receive_frame(decoder, w->frame)) != AVERROR(EAGAIN) &&
           av != AVERROR_EOF) {
        if (av < 0) {
            w->errors++;
            break;
        }
        if (take_frame(w, sound, err) != 0)
            return -1;
        av_frame_unref(w->frame);
    }
    return 0;
}

static int64_t heard_until(const struct work *w)
{
    int64_t end = w->listener.end_us;

    for (int i = 0; i < w->spec->n_ears; i++)
        end = w->ears[i].end_us > end ? w->ears[i].end_us : end;
    return end;
}

static int tell(struct work *w, struct mt_err *err)
{
    int64_t done = w->video ? w->watcher.end_us : heard_until(w);

    return mt_in_tell(&w->in, done > 0 ? done : 0, w->film.duration_us, err);
}

static int run(struct work *w, struct mt_err *err)
{
    int av;

    while ((av = av_read_frame(w->in.format, w->packet)) >= 0) {
        bool sound = w->audio && w->packet->stream_index == w->in.audio->index;
        bool sight = w->video && w->packet->stream_index == w->in.video->index;
        int ret = sound || sight ? decode(w, sound, w->packet, err) : 0;

        if ((sound || sight) && (w->packet->flags & AV_PKT_FLAG_CORRUPT))
            w->errors++;
        av_packet_unref(w->packet);
        if (ret != 0 || tell(w, err) != 0)
            return -1;
    }
    if (av == AVERROR_EXIT)
        return mt_av_fail(err, av, "cannot read the film");
    if (av != AVERROR_EOF)
        w->errors++;
    if (w->audio && (decode(w, true, NULL, err) != 0 || mt_listener_end(&w->listener, err) != 0))
        return -1;
    for (int i = 0; w->audio && i < w->spec->n_ears; i++)
        if (mt_sound_tap_hear(&w->ears[i], NULL, 0, err) != 0)
            return -1;
    if (w->video && (decode(w, false, NULL, err) != 0 || mt_watcher_end(&w->watcher, err) != 0))
        return -1;
    if ((w->audio || w->video) && heard_until(w) == INT64_MIN && w->watcher.frames == 0)
        return mt_av_fail(err, AVERROR_INVALIDDATA, "nothing in it can be decoded");
    return 0;
}

/* The end of what was heard and seen, of the film as its headers say when that was not all. */
static int64_t end_of(const struct work *w)
{
    int64_t heard = heard_until(w);
    int64_t end = heard > w->watcher.end_us ? heard : w->watcher.end_us;
    bool all = (!w->in.audio || w->audio) && (!is_picture(w, w->in.video) || w->video);

    if ((!all && w->film.duration_us > end) || end <= 0)
        end = w->film.duration_us;
    return end;
}

static const char *why_not(const struct work *w, bool sound)
{
    if (sound)
        return !w->in.audio ? "no audio stream" : "the sound cannot be decoded";
    return !is_picture(w, w->in.video) ? "no video stream" : "the pictures cannot be decoded";
}

static json_t *member(struct work *w, enum mt_av_measure_what what, int64_t end)
{
    switch (what) {
    case MT_AV_LOUDNESS:
        return mt_listener_loudness(&w->listener);
    case MT_AV_SILENCE:
        return json_incref(w->listener.silences.list);
    case MT_AV_BLACK:
        return json_incref(w->watcher.blacks.list);
    case MT_AV_FREEZE:
        return json_incref(w->watcher.freezes.list);
    default:
        return mt_watcher_scenes(&w->watcher, end);
    }
}

static json_t *report(struct work *w)
{
    static const struct {
        enum mt_av_measure_what what;
        const char *name;
    } members[] = {{MT_AV_LOUDNESS, "loudness"},
                   {MT_AV_SILENCE, "silence"},
                   {MT_AV_BLACK, "black"},
                   {MT_AV_FREEZE, "freeze"},
                   {MT_AV_SCENES, "scenes"}};
    json_t *doc = json_object(), *absent = json_object(), *messages = NULL;
    int64_t end = end_of(w), logged;

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        bool sound = (members[i].what & of_sound) != 0;
        bool known = sound ? w->listener.samples > 0 : w->watcher.frames > 0;

        if (!(w->spec->what & members[i].what))
            continue;
        if (known)
            json_object_set_new(doc, members[i].name, member(w, members[i].what, end));
        else
            json_object_set_new(absent, members[i].name, json_string(why_not(w, sound)));
    }
    if (w->spec->n_ears > 0 && w->ears[0].end_us == INT64_MIN)
        json_object_set_new(absent, "ears", json_string(why_not(w, true)));
    if (w->spec->n_eyes > 0 && w->eyes[0].handed == 0)
        json_object_set_new(absent, "eyes", json_string(why_not(w, false)));
    logged = mt_av_log_take(&messages);
    json_object_set_new(doc, "not_applicable", absent);
    json_object_set_new(doc, "errors", json_integer(logged > w->errors ? logged : w->errors));
    json_object_set_new(doc, "messages", messages ? messages : json_array());
    json_object_set_new(doc, "duration", mt_seconds(end));
    return doc;
}

json_t *mt_av_measure(int fd, const struct mt_av_measure *spec, struct mt_err *err)
{
    struct work w = {.spec = spec};
    json_t *doc = NULL;

    if (check_spec(spec, err) != 0)
        return NULL;
    mt_listener_init(&w.listener, spec);
    mt_watcher_init(&w.watcher, spec);
    for (int i = 0; i < spec->n_ears; i++)
        mt_sound_tap_init(&w.ears[i], &spec->ears[i]);
    if (open_work(&w, fd, err) == 0 && run(&w, err) == 0)
        doc = report(&w);
    mt_listener_free(&w.listener);
    mt_watcher_free(&w.watcher);
    for (int i = 0; i < spec->n_ears; i++)
        mt_sound_tap_free(&w.ears[i]);
    avcodec_free_context(&w.audio);
    avcodec_free_context(&w.video);
    av_packet_free(&w.packet);
    av_frame_free(&w.frame);
    mt_in_close(&w.in);
    return doc;
}
