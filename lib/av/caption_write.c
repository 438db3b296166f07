/* SPDX-License-Identifier: GPL-2.0-or-later */
/* caption_write.c - files of cues. */
#include "av/caption_parts.h"

#include "av/input.h"
#include "base/file.h"

#include <inttypes.h>
#include <libavutil/mem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PACKET_MAX = 64 * 1024 };

/* ---- WebVTT by itself (W3C WebVTT: The Web Video Text Tracks Format) ---- */

static void put_time(FILE *f, int64_t us)
{
    int64_t ms = us / 1000;

    fprintf(f, "%02" PRId64 ":%02d:%02d.%03d", ms / 3600000, (int)(ms / 60000 % 60),
            (int)(ms / 1000 % 60), (int)(ms % 1000));
}

/* An empty line would end the cue, an arrow would be taken for times. */
static void put_text(FILE *f, const char *text)
{
    char last = '\n';

    for (; *text; text++) {
        if (*text == '\n' && last == '\n')
            continue;
        if (*text == '&')
            fputs("&amp;", f);
        else if (*text == '<')
            fputs("&lt;", f);
        else if (*text == '>')
            fputs("&gt;", f);
        else
            fputc(*text, f);
        last = *text;
    }
    fputs(last == '\n' ? "\n" : "\n\n", f);
}

static bool has_words(const char *text)
{
    return text[strspn(text, " \n")] != '\0';
}

static int write_vtt(const struct mt_cues *cues, int fd, struct mt_err *err)
{
    char *data = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&data, &size);
    int ret;

    if (!f)
        return mt_fail_errno(err, "cannot write the captions");
    fputs("WEBVTT\n\n", f);
    for (int i = 0; i < cues->n; i++) {
        char *text = mt_cue_text(&cues->list[i]);

        if (has_words(text)) {
            put_time(f, cues->list[i].start_us);
            fputs(" --> ", f);
            put_time(f, cues->list[i].end_us);
            fputc('\n', f);
            put_text(f, text);
        }
        free(text);
    }
    ret = fclose(f) == 0 && mt_write_all(fd, data, size) == 0
              ? 0
              : mt_fail_errno(err, "cannot write the captions");
    free(data);
    return ret;
}

/* ---- a track, for the muxer ---- */

struct track {
    AVCodecContext *encoder;
    struct mt_sink sink;
    AVPacket *packet;
};

static const char default_header[] =
    "[Script Info]\r\nScriptType: v4.00+\r\nPlayResX: 384\r\nPlayResY: 288\r\n\r\n"
    "[V4+ Styles]\r\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, "
    "OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, "
    "Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\r\n"
    "Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\r\n"
    "\r\n[Events]\r\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, "
    "Text\r\n";

static int set_header(AVCodecContext *c, const uint8_t *header, int size)
{
    const char *text = size > 0 ? (const char *)header : default_header;
    size_t n = size > 0 ? (size_t)size : sizeof default_header - 1;

    c->subtitle_header = av_mallocz(n + 1);
    if (!c->subtitle_header)
        return AVERROR(ENOMEM);
    memcpy(c->subtitle_header, text, n);
    c->subtitle_header_size = (int)n;
    return 0;
}

static int open_track(struct track *t, const char *format, const char *codec, const uint8_t *header,
                      int header_size, int fd, struct mt_err *err)
{
    const struct mt_format *f = mt_format_find(format);
    const AVCodec *encoder = avcodec_find_encoder_by_name(codec);
    AVStream *st;
    int ret;

    t->sink.fd = -1;
    if (!encoder || !f)
        return mt_fail(err, MT_ERR_UNAVAILABLE, "this libavcodec has no encoder '%s'", codec);
    if (mt_sink_open(&t->sink, f->muxer, fd, err) < 0)
        return -1;
    t->encoder = avcodec_alloc_context3(encoder);
    t->packet = av_packet_alloc();
    st = avformat_new_stream(t->sink.format, NULL);
    ret = t->encoder && t->packet && st ? set_header(t->encoder, header, header_size)
                                        : AVERROR(ENOMEM);
    if (ret >= 0) {
        t->encoder->time_base = (AVRational){1, 1000};
        ret = avcodec_open2(t->encoder, encoder, NULL);
    }
    if (ret >= 0)
        ret = avcodec_parameters_from_context(st->codecpar, t->encoder);
    if (ret >= 0) {
        st->time_base = (AVRational){1, 1000};
        t->sink.format->avoid_negative_ts = 0;
        ret = avformat_write_header(t->sink.format, NULL);
    }
    return ret < 0 ? mt_sink_fail(&t->sink, ret, err) : 0;
}

static int write_cue(struct track *t, const struct mt_cue *cue)
{
    AVSubtitleRect rect = {.type = SUBTITLE_ASS, .ass = cue->ass}, *rects = &rect;
    AVSubtitle sub = {.num_rects = 1, .rects = &rects};
    int64_t length = (cue->end_us - cue->start_us) / 1000;
    int n, ret = av_new_packet(t->packet, PACKET_MAX);

    if (ret < 0)
        return ret;
    sub.end_display_time = (uint32_t)FFMIN(length, UINT32_MAX);
    n = avcodec_encode_subtitle(t->encoder, t->packet->data, PACKET_MAX, &sub);
    if (n <= 0) {
        av_packet_unref(t->packet);
        return n;
    }
    av_shrink_packet(t->packet, n);
    t->packet->pts = t->packet->dts = cue->start_us / 1000;
    t->packet->duration = length;
    t->packet->stream_index = 0;
    t->packet->flags = AV_PKT_FLAG_KEY;
    av_packet_rescale_ts(t->packet, (AVRational){1, 1000}, t->sink.format->streams[0]->time_base);
    ret = av_write_frame(t->sink.format, t->packet);
    av_packet_unref(t->packet);
    return ret;
}

static int write_track(const struct mt_cues *cues, const char *format, const char *codec,
                       const uint8_t *header, int header_size, int fd, struct mt_err *err)
{
    struct track t = {.encoder = NULL};
    int ret = open_track(&t, format, codec, header, header_size, fd, err), av = 0;

    for (int i = 0; ret == 0 && av >= 0 && i < cues->n; i++)
        av = write_cue(&t, &cues->list[i]);
    if (ret == 0 && av >= 0)
        av = av_write_trailer(t.sink.format);
    if (ret == 0 && t.sink.format->pb)
        avio_flush(t.sink.format->pb);
    if (ret == 0 && (av < 0 || t.sink.failed_errno))
        ret = mt_sink_fail(&t.sink, av, err);
    avcodec_free_context(&t.encoder);
    av_packet_free(&t.packet);
    mt_sink_close(&t.sink);
    return ret;
}

/* ---- a script by itself ---- */

static void put_script_time(FILE *f, int64_t us)
{
    int64_t cs = us / 10000;

    fprintf(f, "%d:%02d:%02d.%02d", (int)(cs / 360000), (int)(cs / 6000 % 60), (int)(cs / 100 % 60),
            (int)(cs % 100));
}

/* An event begins with its number and its layer; the rest is as in a script. */
static void put_event(FILE *f, const struct mt_cue *cue)
{
    const char *layer = strchr(cue->ass, ','), *rest = layer ? strchr(layer + 1, ',') : NULL;

    if (!rest)
        return;
    fprintf(f, "Dialogue: %.*s,", (int)(rest - layer - 1), layer + 1);
    put_script_time(f, cue->start_us);
    fputc(',', f);
    put_script_time(f, cue->end_us);
    fprintf(f, "%s\r\n", rest);
}

static int write_script(const struct mt_cues *cues, const uint8_t *header, int size, int fd,
                        struct mt_err *err)
{
    const char *text = size > 0 ? (const char *)header : default_header;
    size_t length = size > 0 ? strnlen(text, (size_t)size) : sizeof default_header - 1, n = 0;
    char *data = NULL;
    FILE *f = open_memstream(&data, &n);
    int ret;

    if (!f)
        return mt_fail_errno(err, "cannot write the subtitles");
    fwrite(text, 1, length, f);
    if (!memmem(text, length, "[Events]", 8))
        fputs("\r\n[Events]\r\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, "
              "Effect, Text\r\n",
              f);
    fputs("\r\n", f);
    for (int i = 0; i < cues->n; i++)
        put_event(f, &cues->list[i]);
    ret = fclose(f) == 0 && mt_write_all(fd, data, n) == 0
              ? 0
              : mt_fail_errno(err, "cannot write the subtitles");
    free(data);
    return ret;
}

int mt_cues_write(const struct mt_cues *cues, const char *format, enum AVCodecID codec,
                  const uint8_t *header, int header_size, int fd, struct mt_err *err)
{
    bool styled = codec == AV_CODEC_ID_ASS || codec == AV_CODEC_ID_SSA;

    if (strcmp(format, "vtt") == 0)
        return write_vtt(cues, fd, err);
    if (strcmp(format, "mp4") == 0 || strcmp(format, "mov") == 0)
        return write_track(cues, format, "mov_text", NULL, 0, fd, err);
    if (strcmp(format, "webm") == 0)
        return write_track(cues, format, "webvtt", NULL, 0, fd, err);
    if (strcmp(format, "ass") == 0)
        return write_script(cues, header, header_size, fd, err);
    if (styled)
        return write_track(cues, "mkv", "ass", header, header_size, fd, err);
    return write_track(cues, "mkv", "srt", NULL, 0, fd, err);
}
