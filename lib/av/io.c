/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io.c - how the libraries read: one descriptor, nothing else. */
#include "av/io.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <libavutil/error.h>
#include <libavutil/mem.h>
#include <stdlib.h>

enum { IO_BUFFER = 64 * 1024, TELL_EVERY_US = 100 * 1000 };

bool mt_io_stopped(struct mt_in_io *io)
{
    if (io->cancelled || !io->progress.tell)
        return io->cancelled;

    int64_t now = mt_mono_us();
    if (now - io->told_at < TELL_EVERY_US)
        return false;
    io->told_at = now;
    io->cancelled = io->progress.tell(io->progress.ctx, io->done_us, io->total_us) != 0;
    return io->cancelled;
}

static int interrupted(void *opaque)
{
    return mt_io_stopped(opaque);
}

static int read_some(void *opaque, uint8_t *data, int n)
{
    struct mt_in_io *io = opaque;

    if (mt_io_stopped(io))
        return AVERROR_EXIT;
    if (io->pos >= io->size)
        return AVERROR_EOF;
    if (n > io->size - io->pos)
        n = (int)(io->size - io->pos);

    ssize_t got = mt_pread_full(io->fd, data, (size_t)n, io->pos);
    if (got < 0) {
        io->failed = errno;
        return AVERROR(errno);
    }
    if (got == 0)
        return AVERROR_EOF;
    io->pos += got;
    return (int)got;
}

static int64_t seek_to(void *opaque, int64_t offset, int whence)
{
    struct mt_in_io *io = opaque;

    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
        return io->size;
    case SEEK_SET:
        break;
    case SEEK_CUR:
        if (offset > INT64_MAX - io->pos)
            return AVERROR(EINVAL);
        offset += io->pos;
        break;
    case SEEK_END:
        if (offset > INT64_MAX - io->size)
            return AVERROR(EINVAL);
        offset += io->size;
        break;
    default:
        return AVERROR(EINVAL);
    }
    if (offset < 0)
        return AVERROR(EINVAL);
    io->pos = offset;
    return offset;
}

static int refuse_open(AVFormatContext *format, AVIOContext **pb, const char *url, int flags,
                       AVDictionary **options)
{
    (void)url;
    (void)flags;
    (void)options;
    struct mt_in_io *io = format->interrupt_callback.opaque;

    io->refused++;
    *pb = NULL;
    return AVERROR(EPERM);
}

int mt_io_open(struct mt_in_io **out, int fd, int64_t size, struct mt_err *err)
{
    struct mt_in_io *io = mt_alloc(sizeof(*io));
    uint8_t *buffer = av_malloc(IO_BUFFER);

    *io = (struct mt_in_io){.fd = fd, .size = size};
    if (buffer)
        io->pb = avio_alloc_context(buffer, IO_BUFFER, 0, io, read_some, NULL, seek_to);
    if (!io->pb) {
        av_free(buffer);
        free(io);
        return mt_fail(err, MT_ERR_IO, "out of memory");
    }
    *out = io;
    return 0;
}

void mt_io_close(struct mt_in_io **io)
{
    if (!*io)
        return;
    av_freep(&(*io)->pb->buffer);
    avio_context_free(&(*io)->pb);
    free(*io);
    *io = NULL;
}

void mt_io_attach(struct mt_in_io *io, AVFormatContext *format)
{
    format->pb = io->pb;
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
    format->io_open = refuse_open;
    format->interrupt_callback = (AVIOInterruptCB){.callback = interrupted, .opaque = io};
}
