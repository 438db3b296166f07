/* SPDX-License-Identifier: GPL-2.0-or-later */
/* input.c - opening a media file safely. */
#include "av/input.h"

#include "av/allow.h"
#include "av/boxes.h"
#include "av/detect.h"
#include "av/io.h"
#include "av/limits.h"
#include "av/logged.h"
#include "av/select.h"
#include "av/still_heif.h"
#include "av/tags_limit.h"
#include "base/text.h"

#include <errno.h>
#include <libavutil/avstring.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PROBE_BYTES = 16 * 1000 * 1000,
    ANALYZE_US = 10 * 1000 * 1000,
    TEXT_BYTES = 16 * 1024 * 1024,
    WHOLE_IMAGE_MOST = 512 * 1024 * 1024,
};

static enum mt_code code_for(int av)
{
    switch (av) {
    case AVERROR_EXIT:
        return MT_ERR_CANCELLED;
    case AVERROR_EOF:
        return MT_ERR_TRUNCATED;
    case AVERROR_DEMUXER_NOT_FOUND:
        return MT_ERR_UNSUPPORTED_TYPE;
    case AVERROR_DECODER_NOT_FOUND:
    case AVERROR_PATCHWELCOME:
        return MT_ERR_UNSUPPORTED_CODEC;
    case AVERROR(ENOMEM):
        return MT_ERR_LIMIT;
    case AVERROR(ENOSPC):
        return MT_ERR_NO_SPACE;
    case AVERROR(EIO):
        return MT_ERR_IO;
    case AVERROR_INVALIDDATA:
    case AVERROR(EPERM): /* what old demuxers answer: -1 */
    case AVERROR(EINVAL):
    case AVERROR(ERANGE):
        return MT_ERR_DAMAGED;
    default:
        return MT_ERR_FAILED;
    }
}

int mt_av_fail(struct mt_err *err, int av, const char *fmt, ...)
{
    char what[256], text[MT_LOGGED_LINE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    mt_logged_last(text);
    if (!text[0] && av == AVERROR(EPERM))
        snprintf(text, sizeof(text), "malformed data");
    else if (!text[0])
        av_strerror(av, text, sizeof(text));
    mt_fail(err, code_for(av), "%s: %s", what, text);
    if (av == AVERROR(EIO))
        err->os_errno = EIO;
    return mt_logged_words(err);
}

void mt_in_set_progress(struct mt_in *in, const struct mt_av_progress *progress)
{
    in->io->progress = progress ? *progress : (struct mt_av_progress){0};
}

int mt_in_tell(struct mt_in *in, int64_t done_us, int64_t total_us, struct mt_err *err)
{
    in->io->done_us = done_us;
    in->io->total_us = total_us;
    if (mt_io_stopped(in->io))
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    return 0;
}

bool mt_in_read_failed(const struct mt_in *in)
{
    return in->io->failed != 0;
}

int64_t mt_in_refused_opens(const struct mt_in *in)
{
    return in->io->refused;
}

static AVFormatContext *new_format(struct mt_in_io *io, const struct mt_av_limits *limits)
{
    AVFormatContext *s = avformat_alloc_context();

    if (!s)
        return NULL;
    mt_io_attach(io, s);
    s->format_whitelist = av_strdup(mt_allowed_demuxers);
    s->codec_whitelist = av_strdup(mt_allowed_decoders);
    s->protocol_whitelist = av_strdup("");
    s->probesize = PROBE_BYTES;
    s->max_analyze_duration = ANALYZE_US;
    s->max_streams = limits->streams > 0 && limits->streams < 10000 ? (int)limits->streams : 1000;
    if (!s->format_whitelist || !s->codec_whitelist || !s->protocol_whitelist) {
        avformat_free_context(s);
        return NULL;
    }
    return s;
}

/* What is wrong with an ISO file that could not be opened, in terms of its boxes. */
static int explain_boxes(const struct mt_boxes *b, struct mt_err *err)
{
    if (b->short_by > 0 && !b->moov)
        return mt_fail(err, MT_ERR_TRUNCATED,
                       "the index of the film is missing (no moov box) and the '%s' box is "
                       "%lld bytes longer than the file",
                       b->short_box, (long long)b->short_by);
    if (b->short_by > 0)
        return mt_fail(err, MT_ERR_TRUNCATED, "the '%s' box is %lld bytes longer than the file",
                       b->short_box, (long long)b->short_by);
    if (b->heif && b->meta)
        return mt_fail(err, MT_ERR_UNSUPPORTED_CODEC,
                       "a HEIF picture that this build of FFmpeg cannot read");
    if (!b->moov)
        return mt_fail(err, MT_ERR_TRUNCATED,
                       "the index of the film is missing (no moov box); the recording or upload "
                       "that made the file was not finished");
    return 0;
}

static int explain_failure(int av, const struct mt_boxes *boxes, const struct mt_in_io *io,
                           const struct mt_av_limits *limits, struct mt_err *err)
{
    if (av == AVERROR_EXIT || io->cancelled)
        return mt_fail(err, MT_ERR_CANCELLED, "stopped on request");
    if (mt_logged_protected())
        return mt_fail(err, MT_ERR_ENCRYPTED, "picture or sound are protected (DRM)");
    if (mt_logged_too_many_streams())
        return mt_fail(err, MT_ERR_LIMIT, "more than %lld streams", (long long)limits->streams);
    if (io->failed) {
        errno = io->failed;
        return mt_fail_errno(err, "cannot read the file");
    }
    if (boxes && explain_boxes(boxes, err) < 0)
        return -1;
    return mt_av_fail(err, av == AVERROR(EIO) ? AVERROR_INVALIDDATA : av,
                      "cannot read the headers");
}

static int refuse_encrypted_boxes(const struct mt_boxes *boxes, struct mt_err *err)
{
    if (!boxes->encrypted)
        return 0;
    return mt_fail(err, MT_ERR_ENCRYPTED, "picture or sound are encrypted (%s)",
                   boxes->scheme[0] ? boxes->scheme : "scheme not named");
}

static int open_format(struct mt_in *in, const AVInputFormat *type, const struct mt_boxes *boxes,
                       const struct mt_av_limits *limits, struct mt_err *err)
{
    AVDictionary *options = NULL;

    in->format = new_format(in->io, limits);
    if (!in->format)
        return mt_fail(err, MT_ERR_IO, "out of memory");
    if (strstr(type->name, "_pipe") && in->size <= WHOLE_IMAGE_MOST)
        av_dict_set_int(&options, "frame_size", in->size, 0);
    mt_logged_mark();
    int av = avformat_open_input(&in->format, "", type, &options);
    av_dict_free(&options);
    if (av < 0)
        return explain_failure(av, boxes, in->io, limits, err);
    return 0;
}

static int find_streams(struct mt_in *in, const struct mt_av_limits *limits, struct mt_err *err)
{
    unsigned n = in->format->nb_streams;
    AVDictionary **options = n ? av_calloc(n, sizeof(*options)) : NULL;

    for (unsigned i = 0; options && i < n; i++)
        if (limits->pixels > 0)
            av_dict_set_int(&options[i], "max_pixels", limits->pixels, 0);
    int av = avformat_find_stream_info(in->format, options);
    for (unsigned i = 0; options && i < n; i++)
        av_dict_free(&options[i]);
    av_free(options);
    if (av < 0)
        return explain_failure(av, NULL, in->io, limits, err);
    return 0;
}

static int read_headers(struct mt_in *in, int fd, const struct mt_av_limits *limits,
                        struct mt_err *err)
{
    const AVInputFormat *type = NULL;
    struct mt_boxes boxes = {0};

    if (mt_in_detect(&type, fd, in->size, err) < 0)
        return -1;
    bool iso = av_strstart(type->name, "mov,", NULL);
    if (iso) {
        mt_boxes_scan(&boxes, fd, in->size);
        if (refuse_encrypted_boxes(&boxes, err) < 0)
            return -1;
    }
    in->image = mt_demuxer_of_images(type->name) || boxes.heif;
    if (strcmp(type->name, "mpegts") == 0 && mt_ts_scrambled(fd, in->size, err) < 0)
        return -1;
    if (mt_limits_check_png(fd, limits, err) < 0 ||
        mt_tags_check(type->name, fd, in->size, err) < 0)
        return -1;
    if (open_format(in, type, iso ? &boxes : NULL, limits, err) < 0 ||
        mt_limits_check(in->format, limits, err) < 0 || find_streams(in, limits, err) < 0 ||
        mt_limits_check(in->format, limits, err) < 0)
        return -1;
    return 0;
}

int mt_in_open(struct mt_in *in, int fd, const struct mt_av_limits *limits, struct mt_err *err)
{
    struct stat st;

    *in = (struct mt_in){.pixel_limit = limits->pixels};
    if (fstat(fd, &st) < 0)
        return mt_fail_errno(err, "cannot look at the file");
    if (!S_ISREG(st.st_mode))
        return mt_fail(err, MT_ERR_NOT_REGULAR, "not a regular file");
    if (st.st_size == 0)
        return mt_fail(err, MT_ERR_EMPTY, "the file is empty");
    in->size = st.st_size;
    if (mt_io_open(&in->io, fd, in->size, err) < 0)
        return -1;
    int ret = read_headers(in, fd, limits, err);
    if (ret == 0)
        ret = mt_in_select(in, err);
    if (ret == 0 && in->image && in->video && mt_still_turn(in->video, fd) < 0)
        ret = mt_fail(err, MT_ERR_IO, "out of memory");
    if (ret < 0)
        mt_in_close(in);
    return ret;
}

static const char *kind_of_text(int fd)
{
    char head[64] = "";
    const char *text = head;

    if (pread(fd, head, sizeof head - 1, 0) <= 0)
        return "srt";
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    if (strncmp(text, "WEBVTT", 6) == 0)
        return "webvtt";
    return strncmp(text, "[Script Info]", 13) == 0 ? "ass" : "srt";
}

static int read_text(struct mt_in *in, int fd, const struct mt_av_limits *limits,
                     struct mt_err *err)
{
    const char *kind = kind_of_text(fd);
    int av;

    in->format = new_format(in->io, limits);
    if (!in->format)
        return mt_fail(err, MT_ERR_IO, "out of memory");
    av_freep(&in->format->format_whitelist);
    in->format->format_whitelist = av_strdup(kind);
    mt_logged_mark();
    av = avformat_open_input(&in->format, "", av_find_input_format(kind), NULL);
    if (av == AVERROR(ENOMEM))
        return mt_av_fail(err, av, "subtitles");
    if (av >= 0 && in->format->nb_streams == 1)
        return 0;
    mt_fail(err, MT_ERR_UNSUPPORTED_TYPE, "it is not a file of subtitles");
    return mt_hint(err, "SubRip (.srt), WebVTT (.vtt) and ASS (.ass) in UTF-8 are known");
}

int mt_in_open_text(struct mt_in *in, int fd, const struct mt_av_limits *limits, struct mt_err *err)
{
    struct stat st;

    *in = (struct mt_in){.pixel_limit = limits->pixels};
    if (fstat(fd, &st) < 0)
        return mt_fail_errno(err, "cannot look at the file");
    if (!S_ISREG(st.st_mode))
        return mt_fail(err, MT_ERR_NOT_REGULAR, "not a regular file");
    if (st.st_size == 0)
        return mt_fail(err, MT_ERR_EMPTY, "the file is empty");
    if (st.st_size > TEXT_BYTES)
        return mt_fail(err, MT_ERR_LIMIT, "subtitles of more than %d bytes", (int)TEXT_BYTES);
    in->size = st.st_size;
    if (mt_io_open(&in->io, fd, in->size, err) < 0)
        return -1;
    if (read_text(in, fd, limits, err) == 0)
        return 0;
    mt_in_close(in);
    return -1;
}

void mt_in_close(struct mt_in *in)
{
    avformat_close_input(&in->format);
    mt_io_close(&in->io);
    *in = (struct mt_in){0};
}
