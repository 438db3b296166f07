/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mux_io.c - files within files to read from, a descriptor to write into. */
#include "av/mux_parts.h"

#include "av/allow.h"
#include "av/input.h"
#include "base/mem.h"

#include <errno.h>
#include <libavutil/mem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BUFFER = 64 * 1024, WRITE_BUFFER = 256 * 1024 };

/* ---- reading ---- */

struct window {
    int fd;
    int64_t offset, size, pos;
};

static int window_read(void *opaque, uint8_t *data, int n)
{
    struct window *w = opaque;
    ssize_t got;

    if (n > w->size - w->pos)
        n = (int)(w->size - w->pos);
    if (n <= 0)
        return AVERROR_EOF;
    do {
        got = pread(w->fd, data, (size_t)n, w->offset + w->pos);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return AVERROR(errno);
    w->pos += got;
    return got == 0 ? AVERROR_EOF : (int)got;
}

/* Where a seek leads to in a file of that size, or an error. */
static int64_t target(int64_t pos, int64_t size, int64_t offset, int whence)
{
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return size;
    if (whence == SEEK_CUR && offset <= INT64_MAX - pos)
        offset += pos;
    else if (whence == SEEK_END && offset <= INT64_MAX - size)
        offset += size;
    else if (whence != SEEK_SET)
        return AVERROR(EINVAL);
    return offset < 0 ? AVERROR(EINVAL) : offset;
}

static int64_t window_seek(void *opaque, int64_t offset, int whence)
{
    struct window *w = opaque;
    int64_t to = target(w->pos, w->size, offset, whence);

    if (to >= 0 && (whence & ~AVSEEK_FORCE) != AVSEEK_SIZE)
        w->pos = to;
    return to;
}

static int refuse_open(AVFormatContext *format, AVIOContext **pb, const char *url, int flags,
                       AVDictionary **options)
{
    (void)format;
    (void)url;
    (void)flags;
    (void)options;
    *pb = NULL;
    return AVERROR(EPERM);
}

static void free_pb(AVIOContext **pb)
{
    if (!*pb)
        return;
    free((*pb)->opaque);
    av_freep(&(*pb)->buffer);
    avio_context_free(pb);
}

static AVIOContext *window_pb(int fd, int64_t offset, int64_t size)
{
    struct window *w = mt_alloc(sizeof *w);
    uint8_t *buffer = av_malloc(READ_BUFFER);
    AVIOContext *pb = NULL;

    *w = (struct window){.fd = fd, .offset = offset, .size = size};
    if (buffer)
        pb = avio_alloc_context(buffer, READ_BUFFER, 0, w, window_read, NULL, window_seek);
    if (!pb) {
        av_free(buffer);
        free(w);
    }
    return pb;
}

static int open_with(AVFormatContext **out, AVIOContext *pb, struct mt_err *err)
{
    AVFormatContext *s = avformat_alloc_context();
    int ret = AVERROR(ENOMEM);

    if (s) {
        s->pb = pb;
        s->flags |= AVFMT_FLAG_CUSTOM_IO;
        s->io_open = refuse_open;
        s->format_whitelist = av_strdup(mt_allowed_demuxers);
        s->codec_whitelist = av_strdup(mt_allowed_decoders);
        s->protocol_whitelist = av_strdup("");
        ret = avformat_open_input(&s, "", NULL, NULL);
    }
    if (ret < 0)
        return mt_av_fail(err, ret, "cannot read the headers");
    *out = s;
    return 0;
}

int mt_window_open(AVFormatContext **out, int fd, int64_t offset, int64_t size, struct mt_err *err)
{
    struct stat st;
    AVIOContext *pb;

    if (fstat(fd, &st) < 0)
        return mt_fail_errno(err, "cannot look at the file");
    if (offset < 0 || offset >= st.st_size || size < 0 || size > st.st_size - offset)
        return mt_fail(err, MT_ERR_TRUNCATED, "it lies beyond the end of the file");
    pb = window_pb(fd, offset, size ? size : st.st_size - offset);
    if (!pb)
        return mt_av_fail(err, AVERROR(ENOMEM), "cannot read the headers");
    if (open_with(out, pb, err) < 0) {
        free_pb(&pb);
        return -1;
    }
    return 0;
}

void mt_window_close(AVFormatContext **format)
{
    AVIOContext *pb = *format ? (*format)->pb : NULL;

    avformat_close_input(format);
    free_pb(&pb);
}

/* ---- writing ---- */

/* One position in the file; a muxer has one to write and, to move its index, one to read. */
struct place {
    struct mt_sink *sink;
    int64_t pos;
};

static int failed(struct mt_sink *sink)
{
    if (!sink->failed_errno)
        sink->failed_errno = errno;
    return AVERROR(errno);
}

static int place_read(void *opaque, uint8_t *data, int n)
{
    struct place *p = opaque;
    ssize_t got;

    do {
        got = pread(p->sink->fd, data, (size_t)n, p->pos);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return failed(p->sink);
    p->pos += got;
    return got == 0 ? AVERROR_EOF : (int)got;
}

#if LIBAVFORMAT_VERSION_MAJOR >= 61
static int place_write(void *opaque, const uint8_t *data, int n)
#else
static int place_write(void *opaque, uint8_t *data, int n)
#endif
{
    struct place *p = opaque;
    int done = 0;

    while (done < n) {
        ssize_t put = pwrite(p->sink->fd, data + done, (size_t)(n - done), p->pos);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return failed(p->sink);
        done += (int)put;
        p->pos += put;
    }
    return n;
}

static int64_t place_seek(void *opaque, int64_t offset, int whence)
{
    struct place *p = opaque;
    int64_t size = lseek(p->sink->fd, 0, SEEK_END), to;

    if (size < 0)
        return failed(p->sink);
    to = target(p->pos, size, offset, whence);
    if (to >= 0 && (whence & ~AVSEEK_FORCE) != AVSEEK_SIZE)
        p->pos = to;
    return to;
}

static AVIOContext *sink_pb(struct mt_sink *sink, bool write)
{
    struct place *p = mt_alloc(sizeof *p);
    uint8_t *buffer = av_malloc(WRITE_BUFFER);
    AVIOContext *pb = NULL;

    *p = (struct place){.sink = sink};
    if (buffer)
        pb =
            avio_alloc_context(buffer, WRITE_BUFFER, write, p, place_read, place_write, place_seek);
    if (!pb) {
        av_free(buffer);
        free(p);
    }
    return pb;
}

/* A muxer opens its own output once more to read it back; it gets that and nothing else. */
static int reopen(AVFormatContext *format, AVIOContext **pb, const char *url, int flags,
                  AVDictionary **options)
{
    (void)options;
    if (flags != AVIO_FLAG_READ || strcmp(url, format->url) != 0)
        return AVERROR(EPERM);
    *pb = sink_pb(format->opaque, false);
    return *pb ? 0 : AVERROR(ENOMEM);
}

static int reclose(AVFormatContext *format, AVIOContext *pb)
{
    (void)format;
    free_pb(&pb);
    return 0;
}

int mt_sink_open(struct mt_sink *sink, const char *muxer, int fd, struct mt_err *err)
{
    int ret;

    *sink = (struct mt_sink){.fd = fd};
    ret = avformat_alloc_output_context2(&sink->format, NULL, muxer, NULL);
    if (ret < 0)
        return mt_fail(err, MT_ERR_UNAVAILABLE, "this libavformat cannot write %s", muxer);
    sink->format->opaque = sink;
    sink->format->io_open = reopen;
    sink->format->io_close2 = reclose;
    sink->format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    /* FLAC in MP4 was an experiment to libavformat 59; players have it for years. */
    sink->format->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    sink->format->pb = sink_pb(sink, true);
    if (sink->format->pb)
        return 0;
    mt_sink_close(sink);
    return mt_av_fail(err, AVERROR(ENOMEM), "%s", muxer);
}

int mt_sink_fail(const struct mt_sink *sink, int av, struct mt_err *err)
{
    if (sink->failed_errno) {
        errno = sink->failed_errno;
        return mt_fail_errno(err, "cannot write the rendition");
    }
    return mt_av_fail(err, av, "%s", sink->format->oformat->name);
}

void mt_sink_close(struct mt_sink *sink)
{
    if (sink->format) {
        free_pb(&sink->format->pb);
        avformat_free_context(sink->format);
    }
    *sink = (struct mt_sink){.fd = -1};
}
