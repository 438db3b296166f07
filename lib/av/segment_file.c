/* SPDX-License-Identifier: GPL-2.0-or-later */
/* segment_file.c - one segment of one rendition as fragmented MP4, appended to a file. */
#include "av/segment_parts.h"

#include "base/mem.h"

#include <errno.h>
#include <libavutil/mem.h>
#include <stdlib.h>
#include <unistd.h>

enum { IO_BUFFER = 256 * 1024 };

#if LIBAVFORMAT_VERSION_MAJOR >= 61
static int io_write(void *opaque, const uint8_t *data, int n)
#else
static int io_write(void *opaque, uint8_t *data, int n)
#endif
{
    struct mt_fragments *out = opaque;
    int done = 0;

    while (done < n) {
        ssize_t put = pwrite(out->fd, data + done, (size_t)(n - done), out->pos);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            if (!out->failed_errno)
                out->failed_errno = errno;
            return AVERROR(errno);
        }
        done += (int)put;
        out->pos += put;
    }
    return n;
}

static int fail(struct mt_fragments *out, int av, struct mt_err *err)
{
    if (out->failed_errno) {
        errno = out->failed_errno;
        return mt_fail_errno(err, "cannot write a segment");
    }
    return mt_refused(err, av, "fragmented MP4");
}

static AVIOContext *io_new(struct mt_fragments *out)
{
    uint8_t *buffer = av_malloc(IO_BUFFER);
    AVIOContext *pb = NULL;

    if (buffer)
        pb = avio_alloc_context(buffer, IO_BUFFER, 1, out, NULL, io_write, NULL);
    if (!pb)
        av_free(buffer);
    return pb;
}

/*
 * Times are those of the film (frag_discont), without an edit list: decoding begins with the time
 * of the first picture, and pictures shown before they are decoded have negative offsets, as CMAF
 * has it. The muxer takes the first offset off all of them, which is why it is added here.
 */
static int start(struct mt_fragments *out, const AVCodecContext *codec,
                 const struct mt_light *light)
{
    AVDictionary *options = NULL;
    AVStream *stream;
    int ret = avformat_alloc_output_context2(&out->format, NULL, "mp4", NULL);

    if (ret < 0)
        return ret;
    out->format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    out->format->avoid_negative_ts = 0;
    out->format->pb = io_new(out);
    stream = avformat_new_stream(out->format, NULL);
    if (!out->format->pb || !stream)
        return AVERROR(ENOMEM);
    stream->time_base = codec->time_base;
    stream->avg_frame_rate = codec->framerate;
    stream->sample_aspect_ratio = codec->sample_aspect_ratio;
    ret = avcodec_parameters_from_context(stream->codecpar, codec);
    if (ret >= 0 && mt_light_attach(light, stream) < 0)
        ret = AVERROR(ENOMEM);
    if (ret < 0)
        return ret;
    av_dict_set(&options, "movflags",
                "+empty_moov+default_base_moof+frag_keyframe+frag_discont+negative_cts_offsets", 0);
    av_dict_set(&options, "use_editlist", "0", 0);
    ret = avformat_write_header(out->format, &options);
    av_dict_free(&options);
    return ret;
}

int mt_fragments_open(struct mt_fragments *out, int fd, const AVCodecContext *codec,
                      const struct mt_light *light, struct mt_err *err)
{
    int64_t end = lseek(fd, 0, SEEK_END);
    int ret;

    *out = (struct mt_fragments){.fd = fd, .offset = end, .pos = end};
    if (end < 0)
        return mt_fail_errno(err, "cannot append a segment");
    ret = start(out, codec, light);
    if (ret < 0) {
        fail(out, ret, err);
        mt_fragments_close(out);
        return -1;
    }
    return 0;
}

int mt_fragments_write(struct mt_fragments *out, AVPacket *packet, AVRational base,
                       struct mt_err *err)
{
    int ret;

    if (!out->started) {
        out->started = true;
        out->shift = packet->pts - packet->dts;
    }
    packet->dts += out->shift;
    packet->pts += out->shift;
    out->bytes += packet->size;
    packet->stream_index = 0;
    av_packet_rescale_ts(packet, base, out->format->streams[0]->time_base);
    ret = av_write_frame(out->format, packet);
    av_packet_unref(packet);
    return ret < 0 || out->failed_errno ? fail(out, ret, err) : 0;
}

int mt_fragments_finish(struct mt_fragments *out, struct mt_err *err)
{
    int ret = av_write_trailer(out->format);

    avio_flush(out->format->pb);
    return ret < 0 || out->failed_errno ? fail(out, ret, err) : 0;
}

void mt_fragments_close(struct mt_fragments *out)
{
    if (out->format && out->format->pb) {
        av_freep(&out->format->pb->buffer);
        avio_context_free(&out->format->pb);
    }
    avformat_free_context(out->format);
    *out = (struct mt_fragments){.fd = -1};
}
