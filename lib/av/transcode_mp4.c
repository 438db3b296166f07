/* SPDX-License-Identifier: GPL-2.0-or-later */
/* transcode_mp4.c - writing an MP4 into a descriptor. */
#include "av/transcode_parts.h"

#include "base/mem.h"

#include <errno.h>
#include <libavutil/mem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IO_BUFFER = 256 * 1024 };

/* One position in the file; the muxer has one to write and, to move the index, one to read. */
struct mt_mp4_io {
    struct mt_mp4 *mp4;
    int64_t pos;
};

static int failed(struct mt_mp4 *mp4)
{
    if (!mp4->failed_errno)
        mp4->failed_errno = errno;
    return AVERROR(errno);
}

static int io_read(void *opaque, uint8_t *data, int n)
{
    struct mt_mp4_io *io = opaque;
    ssize_t got;

    do {
        got = pread(io->mp4->fd, data, (size_t)n, io->pos);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return failed(io->mp4);
    io->pos += got;
    return got == 0 ? AVERROR_EOF : (int)got;
}

#if LIBAVFORMAT_VERSION_MAJOR >= 61
static int io_write(void *opaque, const uint8_t *data, int n)
#else
static int io_write(void *opaque, uint8_t *data, int n)
#endif
{
    struct mt_mp4_io *io = opaque;
    int done = 0;

    while (done < n) {
        ssize_t put = pwrite(io->mp4->fd, data + done, (size_t)(n - done), io->pos);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return failed(io->mp4);
        done += (int)put;
        io->pos += put;
    }
    return n;
}

static int64_t io_seek(void *opaque, int64_t offset, int whence)
{
    struct mt_mp4_io *io = opaque;
    int64_t size = lseek(io->mp4->fd, 0, SEEK_END);

    if (size < 0)
        return failed(io->mp4);
    if (whence == AVSEEK_SIZE)
        return size;
    if (whence == SEEK_CUR)
        offset += io->pos;
    else if (whence == SEEK_END)
        offset += size;
    if (offset < 0)
        return AVERROR(EINVAL);
    return io->pos = offset;
}

static AVIOContext *io_new(struct mt_mp4 *mp4, bool write)
{
    struct mt_mp4_io *io = mt_alloc(sizeof *io);
    uint8_t *buffer = av_malloc(IO_BUFFER);
    AVIOContext *pb = NULL;

    io->mp4 = mp4;
    if (buffer)
        pb = avio_alloc_context(buffer, IO_BUFFER, write, io, io_read, io_write, io_seek);
    if (!pb) {
        av_free(buffer);
        free(io);
    }
    return pb;
}

static void io_free(AVIOContext **pb)
{
    if (!*pb)
        return;
    free((*pb)->opaque);
    av_freep(&(*pb)->buffer);
    avio_context_free(pb);
}

/* The muxer opens its own output once more to read it back; it gets that and nothing else. */
static int reopen(AVFormatContext *format, AVIOContext **pb, const char *url, int flags,
                  AVDictionary **options)
{
    (void)options;
    if (flags != AVIO_FLAG_READ || strcmp(url, format->url) != 0)
        return AVERROR(EPERM);
    *pb = io_new(format->opaque, false);
    return *pb ? 0 : AVERROR(ENOMEM);
}

static int reclose(AVFormatContext *format, AVIOContext *pb)
{
    (void)format;
    io_free(&pb);
    return 0;
}

static int fail(struct mt_mp4 *mp4, int av, struct mt_err *err)
{
    if (mp4->failed_errno) {
        errno = mp4->failed_errno;
        return mt_fail_errno(err, "cannot write the rendition");
    }
    return mt_av_fail(err, av, "MP4");
}

static int add_stream(AVFormatContext *format, const AVCodecContext *codec)
{
    AVStream *stream = avformat_new_stream(format, NULL);

    if (!stream)
        return AVERROR(ENOMEM);
    stream->time_base = codec->time_base;
    stream->disposition = AV_DISPOSITION_DEFAULT;
    if (codec->codec_type == AVMEDIA_TYPE_VIDEO) {
        stream->avg_frame_rate = codec->framerate;
        stream->sample_aspect_ratio = codec->sample_aspect_ratio;
    }
    return avcodec_parameters_from_context(stream->codecpar, codec);
}

static int start(struct mt_mp4 *mp4, const AVCodecContext *video, const AVCodecContext *audio,
                 const struct mt_in *source, int64_t origin_us)
{
    AVDictionary *options = NULL;
    int ret = avformat_alloc_output_context2(&mp4->format, NULL, "mp4", NULL);

    if (ret < 0)
        return ret;
    mp4->format->opaque = mp4;
    mp4->format->io_open = reopen;
    mp4->format->io_close2 = reclose;
    mp4->format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    mp4->format->pb = io_new(mp4, true);
    ret = !mp4->format->pb ? AVERROR(ENOMEM) : video ? add_stream(mp4->format, video) : 0;
    if (ret >= 0 && audio)
        ret = add_stream(mp4->format, audio);
    if (ret >= 0)
        ret = mt_tags_copy(mp4->format, source, origin_us);
    if (ret < 0)
        return ret;
    av_dict_set(&options, "movflags", "+faststart", 0);
    av_dict_set(&options, "brand", "mp42", 0);
    /* Edit lists count in this: its usual 1000 would move sound by up to a millisecond. */
    av_dict_set(&options, "movie_timescale", "90000", 0);
    ret = avformat_write_header(mp4->format, &options);
    av_dict_free(&options);
    return ret;
}

int mt_mp4_open(struct mt_mp4 *mp4, int fd, const AVCodecContext *video,
                const AVCodecContext *audio, const struct mt_in *source, int64_t origin_us,
                struct mt_err *err)
{
    int ret;

    *mp4 = (struct mt_mp4){.fd = fd};
    ret = start(mp4, video, audio, source, origin_us);
    if (ret < 0) {
        fail(mp4, ret, err);
        mt_mp4_close(mp4);
        return -1;
    }
    return 0;
}

int mt_mp4_write(struct mt_mp4 *mp4, int stream, AVPacket *packet, AVRational base,
                 struct mt_err *err)
{
    int64_t end = av_rescale_q(packet->pts + packet->duration, base, AV_TIME_BASE_Q);
    int ret;

    mp4->packets++;
    mp4->bytes[stream] += packet->size;
    if (end > mp4->end_us[stream])
        mp4->end_us[stream] = end;
    packet->stream_index = FFMIN(stream, (int)mp4->format->nb_streams - 1);
    av_packet_rescale_ts(packet, base, mp4->format->streams[packet->stream_index]->time_base);
    ret = av_interleaved_write_frame(mp4->format, packet);
    if (ret < 0 || mp4->failed_errno)
        return fail(mp4, ret, err);
    return 0;
}

int mt_mp4_finish(struct mt_mp4 *mp4, struct mt_err *err)
{
    int ret = av_write_trailer(mp4->format);

    avio_flush(mp4->format->pb);
    if (ret < 0 || mp4->failed_errno)
        return fail(mp4, ret, err);
    return 0;
}

void mt_mp4_close(struct mt_mp4 *mp4)
{
    if (mp4->format) {
        io_free(&mp4->format->pb);
        avformat_free_context(mp4->format);
    }
    *mp4 = (struct mt_mp4){.fd = -1};
}
