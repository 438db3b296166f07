/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * subtitles.c - see subtitles.h.
 *
 * Whether pictures carry captions is only known once they are decoded, which takes long. The mark
 * that captions have is seen in the packets already, so only films that have it are decoded.
 */
#include "av/subtitles.h"

#include "av/film.h"
#include "av/subtitles_parts.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

enum { TRACKS_MAX = 128, READ_ERRORS_MAX = 16, PAGES_MAX = 8 };

struct track {
    struct mt_reading reading;
    struct mt_line21 *line21; /* of a track of CEA-608 */
    bool teletext;
    char page[8];
    char language[16];
    char *page_ass; /* what stays on a page of teletext, the last of the cues; NULL: nothing */
};

struct session {
    const struct mt_av_subtitles *spec;
    struct mt_in in;
    struct mt_film film;
    struct track tracks[TRACKS_MAX];
    int n;
    bool marked;              /* pictures carry captions */
    struct mt_line21 *line21; /* of the pictures; NULL unless they carry any */
    AVCodecContext *decoder;  /* of them */
    AVFrame *frame;
    int64_t errors, end_us;
    struct mt_told told;
};

/* ---- which ---- */

/* The text decoder, with options where it wants any. */
static int open_decoder(AVCodecContext **out, const AVStream *stream, const char *page)
{
    const AVCodec *codec = mt_in_codec(stream->codecpar->codec_id);
    AVDictionary *options = NULL;
    AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
    int av = c ? avcodec_parameters_to_context(c, stream->codecpar) : AVERROR_DECODER_NOT_FOUND;

    if (page && av >= 0) {
        av_dict_set(&options, "txt_page", *page ? page : "subtitle", 0);
        av_dict_set(&options, "txt_format", "text", 0);
    }
    if (av >= 0) {
        c->pkt_timebase = stream->time_base;
        av = avcodec_open2(c, codec, &options);
    }
    av_dict_free(&options);
    if (av < 0)
        avcodec_free_context(&c);
    *out = c;
    return av;
}

static void add_track(struct session *s, AVStream *stream, const char *page, const char *language)
{
    bool teletext = stream->codecpar->codec_id == AV_CODEC_ID_DVB_TELETEXT;
    struct track *t = &s->tracks[s->n];

    if (s->n == TRACKS_MAX) {
        mt_told_unread(&s->told, stream, NULL, "there are too many tracks of text");
        return;
    }
    *t = (struct track){.reading = {.stream = stream, .origin_us = s->film.origin_us},
                        .teletext = teletext};
    snprintf(t->page, sizeof t->page, "%s", page ? page : "");
    snprintf(t->language, sizeof t->language, "%.15s", language ? language : "");
    if (stream->codecpar->codec_id == AV_CODEC_ID_EIA_608)
        t->line21 = mt_line21_new();
    else if (open_decoder(&t->reading.decoder, stream, teletext ? t->page : NULL) < 0) {
        mt_told_unread(&s->told, stream, NULL, "its decoder does not start");
        return;
    }
    s->n++;
}

/*
 * The pages of subtitles that the descriptor names (ETSI EN 300 468, 6.2.43), two bytes each as
 * libavformat keeps them, languages in the same order with commas between.
 */
static void add_teletext(struct session *s, AVStream *stream)
{
    const AVCodecParameters *p = stream->codecpar;
    const char *languages = mt_told_tag(stream, "language");
    int found = 0;

    for (int i = 0; i + 1 < p->extradata_size && found < PAGES_MAX; i += 2) {
        int type = p->extradata[i] >> 3, magazine = p->extradata[i] & 7;
        size_t n = languages ? strcspn(languages, ",") : 0;
        char page[8], language[16];

        snprintf(page, sizeof page, "%d%02x", magazine ? magazine : 8, p->extradata[i + 1]);
        snprintf(language, sizeof language, "%.*s", (int)FFMIN(n, 15), languages ? languages : "");
        languages = languages && languages[n] ? languages + n + 1 : languages;
        if (type != 2 && type != 5)
            continue;
        add_track(s, stream, page, language);
        found++;
    }
    if (found == 0)
        add_track(s, stream, "", NULL);
}

static void add_stream(struct session *s, AVStream *stream)
{
    const AVCodecDescriptor *d = avcodec_descriptor_get(stream->codecpar->codec_id);

    if (stream->codecpar->codec_id == AV_CODEC_ID_DVB_TELETEXT)
        add_teletext(s, stream);
    else if (d && (d->props & AV_CODEC_PROP_BITMAP_SUB))
        mt_told_unread(&s->told, stream, NULL,
                       "its text is pictures, which would have to be recognised");
    else if (!mt_in_codec(stream->codecpar->codec_id))
        mt_told_unread(&s->told, stream, NULL, "the media libraries have no decoder of it");
    else
        add_track(s, stream, NULL, mt_told_tag(stream, "language"));
}

/* Tracks of TTML in MP4 (ISO/IEC 14496-30), which libavformat takes for data. */
static bool is_ttml(const AVStream *stream)
{
    return stream->codecpar->codec_tag == MKTAG('s', 't', 'p', 'p');
}

static bool may_carry_captions(const AVStream *stream)
{
    enum AVCodecID id = stream ? stream->codecpar->codec_id : AV_CODEC_ID_NONE;

    return id == AV_CODEC_ID_H264 || id == AV_CODEC_ID_HEVC || id == AV_CODEC_ID_MPEG2VIDEO ||
           id == AV_CODEC_ID_AV1;
}

/* ---- reading ---- */

/* User data of ATSC and of DVDs. */
static bool is_marked(const AVPacket *packet)
{
    static const char atsc[] = "GA94\x03", dvd[] = "CC\x01\xf8";
    size_t n = (size_t)packet->size;

    return memmem(packet->data, n, atsc, sizeof atsc - 1) ||
           memmem(packet->data, n, dvd, sizeof dvd - 1);
}

static void take_text(struct track *t, const AVPacket *packet)
{
    mt_reading_take(&t->reading, packet);
}

/* Pages are sent again and again, and stay until another comes: an empty one ends them. */
static void take_page(struct track *t, const AVPacket *packet)
{
    struct mt_reading *r = &t->reading;
    struct mt_cues *cues = &r->cues;
    AVSubtitle sub = {0};
    int64_t at, length;
    int got = 0;

    if (packet->size == 0)
        return;
    if (!mt_reading_time(r, packet, &at, &length)) {
        cues->left_out++;
        return;
    }
    if (avcodec_decode_subtitle2(r->decoder, &sub, &got, (AVPacket *)(uintptr_t)packet) < 0) {
        r->errors++;
        return;
    }
    if (!got)
        return;
    const char *ass = sub.num_rects > 0 ? sub.rects[0]->ass : NULL;
    const char *said = ass ? strchr(ass, ',') : NULL; /* behind its number */
    if (t->page_ass && (!said || strcmp(said, t->page_ass) != 0)) {
        cues->list[cues->n - 1].end_us = at;
        free(t->page_ass);
        t->page_ass = NULL;
    }
    if (said && !t->page_ass && mt_cues_add(cues, at, -1, ass))
        t->page_ass = mt_strdup(said);
    avsubtitle_free(&sub);
}

static int take(struct session *s, struct track *t, const AVPacket *packet, struct mt_err *err)
{
    int64_t at, length;

    if (!t->line21) {
        (t->teletext ? take_page : take_text)(t, packet);
        return 0;
    }
    if (!mt_reading_time(&t->reading, packet, &at, &length)) {
        t->reading.errors++;
        return 0;
    }
    s->end_us = FFMAX(s->end_us, at + length);
    return mt_line21_hear(t->line21, packet->data, (size_t)packet->size, at, err);
}

static int take_packet(struct session *s, const AVPacket *packet, struct mt_err *err)
{
    const AVStream *stream = s->in.format->streams[packet->stream_index];
    int64_t us =
        mt_film_time(&s->film, stream, packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts);

    if (us != AV_NOPTS_VALUE)
        s->end_us = FFMAX(s->end_us, us);
    if (stream == s->in.video)
        s->marked = s->marked || is_marked(packet);
    for (int i = 0; i < s->n; i++)
        if (s->tracks[i].reading.stream == stream && take(s, &s->tracks[i], packet, err) < 0)
            return -1;
    return mt_in_tell(&s->in, FFMAX(s->end_us, 0), 2 * s->film.duration_us, err);
}

/* Calls each for every packet that is not discarded. */
static int read_packets(struct session *s,
                        int (*each)(struct session *s, const AVPacket *packet, struct mt_err *err),
                        struct mt_err *err)
{
    AVPacket *packet = av_packet_alloc();
    int av = packet ? 0 : AVERROR(ENOMEM), ret = 0, errors = 0;

    while (av >= 0 && ret == 0) {
        av = av_read_frame(s->in.format, packet);
        if ((av == AVERROR(EAGAIN) || av == AVERROR_INVALIDDATA) && ++errors < READ_ERRORS_MAX) {
            av = 0;
            continue;
        }
        if (av < 0)
            break;
        ret = each(s, packet, err);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    s->errors += errors;
    if (ret < 0)
        return -1;
    if (mt_in_read_failed(&s->in) || av == AVERROR(ENOMEM) || av == AVERROR_EXIT)
        return mt_av_fail(err, av, "reading the source");
    return 0;
}

static int open_film(struct session *s, int fd, struct mt_err *err)
{
    if (mt_in_open(&s->in, fd, &s->spec->limits, err) < 0)
        return -1;
    mt_in_set_progress(&s->in, &s->spec->progress);
    mt_film_look(&s->film, &s->in, s->in.video);
    for (unsigned i = 0; i < s->in.format->nb_streams; i++)
        s->in.format->streams[i]->discard = AVDISCARD_ALL;
    return 0;
}

static int read_tracks(struct session *s, struct mt_err *err)
{
    bool look = !s->film.still && may_carry_captions(s->in.video);

    for (unsigned i = 0; i < s->in.format->nb_streams; i++) {
        AVStream *stream = s->in.format->streams[i];

        if (is_ttml(stream))
            mt_told_unread(&s->told, stream, "ttml", "the media libraries have no decoder of TTML");
        else if (stream->codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE)
            add_stream(s, stream);
    }
    if (s->n == 0 && !look)
        return 0;
    for (int i = 0; i < s->n; i++)
        s->tracks[i].reading.stream->discard = AVDISCARD_DEFAULT;
    if (look)
        s->in.video->discard = AVDISCARD_DEFAULT;
    if (read_packets(s, take_packet, err) < 0)
        return -1;
    for (int i = 0; i < s->n; i++)
        if (s->tracks[i].line21 && mt_line21_end(s->tracks[i].line21, s->end_us, err) < 0)
            return -1;
    return 0;
}

/* ---- captions of pictures ---- */

static int take_picture(struct session *s, const AVPacket *packet, struct mt_err *err)
{
    int av = avcodec_send_packet(s->decoder, packet), ret = 0;

    if (av == AVERROR(ENOMEM))
        return mt_av_fail(err, av, "cannot decode");
    s->errors += av < 0 && av != AVERROR_EOF;
    while (ret == 0 && avcodec_receive_frame(s->decoder, s->frame) >= 0) {
        const AVFrameSideData *data = av_frame_get_side_data(s->frame, AV_FRAME_DATA_A53_CC);
        int64_t us = mt_film_time(&s->film, s->in.video, s->frame->best_effort_timestamp);

        if (us != AV_NOPTS_VALUE)
            s->end_us = FFMAX(s->end_us, us + s->film.frame_us);
        if (data && us != AV_NOPTS_VALUE)
            ret = mt_line21_hear(s->line21, data->data, data->size, us, err);
        av_frame_unref(s->frame);
    }
    if (ret < 0)
        return -1;
    return mt_in_tell(&s->in, s->film.duration_us + FFMAX(s->end_us, 0), 2 * s->film.duration_us,
                      err);
}

static int read_pictures(struct session *s, int fd, struct mt_err *err)
{
    mt_in_close(&s->in);
    s->end_us = 0;
    if (open_film(s, fd, err) < 0)
        return -1;
    if (mt_in_decoder(&s->decoder, &s->in, s->in.video, 0, err) < 0)
        return err->code == MT_ERR_UNSUPPORTED_CODEC ? 0 : -1;
    s->frame = av_frame_alloc();
    if (!s->frame)
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot decode");
    /* What the pictures look like does not matter here. */
    s->decoder->skip_loop_filter = AVDISCARD_ALL;
    s->decoder->skip_idct = AVDISCARD_ALL;
    s->in.video->discard = AVDISCARD_DEFAULT;
    s->line21 = mt_line21_new();
    if (read_packets(s, take_picture, err) < 0 || take_picture(s, NULL, err) < 0)
        return -1;
    return mt_line21_end(s->line21, s->end_us, err);
}

/* ---- what came of it ---- */

/* Before the film is opened anew for its pictures: the streams go with it. */
static void put_tracks(struct session *s)
{
    s->told.duration_us = s->film.duration_us;
    for (int i = 0; i < s->n; i++) {
        struct track *t = &s->tracks[i];
        const AVStream *stream = t->reading.stream;

        s->errors += t->reading.errors;
        if (t->line21)
            mt_told_line21(&s->told, stream, t->line21);
        else
            mt_told_track(&s->told, stream, avcodec_get_name(stream->codecpar->codec_id),
                          t->teletext ? "teletext" : "subtitles", t->page, t->language,
                          &t->reading.cues);
    }
}

static int run(struct session *s, int fd, struct mt_err *err)
{
    if (open_film(s, fd, err) < 0)
        return -1;
    if (s->in.audio && mt_told_tag(s->in.audio, "language"))
        json_object_set_new(s->told.report, "audio_language",
                            mt_json_text(mt_told_tag(s->in.audio, "language")));
    if (s->in.image)
        return 0;
    if (read_tracks(s, err) < 0)
        return -1;
    put_tracks(s);
    if (!s->marked)
        return 0;
    if (read_pictures(s, fd, err) < 0)
        return -1;
    if (s->line21)
        mt_told_line21(&s->told, s->in.video, s->line21);
    return 0;
}

static void free_session(struct session *s)
{
    for (int i = 0; i < s->n; i++) {
        avcodec_free_context(&s->tracks[i].reading.decoder);
        mt_cues_free(&s->tracks[i].reading.cues);
        mt_line21_free(&s->tracks[i].line21);
        free(s->tracks[i].page_ass);
    }
    mt_line21_free(&s->line21);
    avcodec_free_context(&s->decoder);
    av_frame_free(&s->frame);
    mt_in_close(&s->in);
    free(s);
}

json_t *mt_av_subtitles(int fd, const struct mt_av_subtitles *spec, struct mt_err *err)
{
    struct session *s = mt_alloc(sizeof *s);

    *s = (struct session){.spec = spec};
    mt_told_init(&s->told);
    int ret = run(s, fd, err);
    json_t *report = s->told.report;
    json_object_set_new(report, "errors", json_integer(s->errors));
    free_session(s);
    if (ret == 0)
        return report;
    json_decref(report);
    return NULL;
}
