/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io.h - how the libraries read: one descriptor, nothing else. Private to lib/av. */
#ifndef MT_AV_IO_H
#define MT_AV_IO_H

#include "av/av.h"

#include <libavformat/avformat.h>
#include <stdbool.h>

struct mt_in_io {
    int fd; /* the caller's */
    int64_t pos;
    int64_t size;
    int64_t refused; /* nested opens */
    int failed;      /* errno of a read that failed, or 0 */
    struct mt_av_progress progress;
    int64_t done_us, total_us; /* as last told */
    int64_t told_at;           /* mt_mono_us() of the last call of progress.tell */
    bool cancelled;
    AVIOContext *pb;
};

/* Reads fd, of size bytes, from its start. *out is freed with mt_io_close(). */
int mt_io_open(struct mt_in_io **out, int fd, int64_t size, struct mt_err *err) MT_MUST_USE;

void mt_io_close(struct mt_in_io **io);

/* Makes format read through io only: its AVIO, no nested opens, no protocols, interruptible. */
void mt_io_attach(struct mt_in_io *io, AVFormatContext *format);

/* Whether the work is to end; asks progress at most ten times per second. */
bool mt_io_stopped(struct mt_in_io *io);

#endif
