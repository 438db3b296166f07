/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copy.c - see copy.h.
 *
 * Hashing and writing cost about the same, so the hash runs in a thread of its
 * own, a chunk behind the copy: a few buffers go round between the two.
 *
 * Large files are written past the page cache. A copy through it costs the processors as
 * much again as the hash (more on virtual machines, whose fresh pages are dear), and
 * throws out of memory what others would have read from there.
 */
#include "ingest/copy.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, SLOTS = 4, WRITEBACK = 32 << 20, UNCACHED = 32 << 20 };

/* A ring of chunks between the copying thread and the hashing one. */
struct ring {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned char *data[SLOTS];
    size_t len[SLOTS];
    unsigned filled, hashed; /* counts; their difference is at most SLOTS */
    bool ended;
    struct mt_sha256 *sha;
    bool alone; /* there is no other thread */
    int failed;
    struct mt_err err;
};

static void *hash_chunks(void *arg)
{
    struct ring *ring = arg;

    pthread_mutex_lock(&ring->lock);
    for (;;) {
        while (ring->hashed == ring->filled && !ring->ended)
            pthread_cond_wait(&ring->changed, &ring->lock);
        if (ring->hashed == ring->filled)
            break;
        unsigned i = ring->hashed % SLOTS;
        pthread_mutex_unlock(&ring->lock);
        int ret =
            ring->failed ? 0 : mt_sha256_add(ring->sha, ring->data[i], ring->len[i], &ring->err);
        pthread_mutex_lock(&ring->lock);
        ring->failed = ring->failed || ret < 0;
        ring->hashed++;
        pthread_cond_signal(&ring->changed);
    }
    pthread_mutex_unlock(&ring->lock);
    return NULL;
}

/* The slot that may be filled next. */
static unsigned wait_for_slot(struct ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    while (ring->filled - ring->hashed == SLOTS)
        pthread_cond_wait(&ring->changed, &ring->lock);
    unsigned i = ring->filled % SLOTS;
    pthread_mutex_unlock(&ring->lock);
    return i;
}

static void pass_on(struct ring *ring, unsigned slot, size_t n)
{
    if (ring->alone) {
        ring->failed =
            ring->failed || mt_sha256_add(ring->sha, ring->data[slot], n, &ring->err) < 0;
        return;
    }
    pthread_mutex_lock(&ring->lock);
    ring->len[slot] = n;
    ring->filled++;
    pthread_cond_signal(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
}

/* Lets the kernel begin to write early, so that the fsync at the end has little left. */
static void write_back(int fd, int64_t from, int64_t n)
{
    if (sync_file_range(fd, from, n, SYNC_FILE_RANGE_WRITE) < 0) {
        /* Only a matter of speed. */
    }
}

static int copy_chunks(const struct mt_copy *copy, struct mt_put *put, struct ring *ring,
                       int64_t *bytes, struct mt_err *err)
{
    int64_t flushed = 0;

    for (*bytes = 0;;) {
        unsigned i = wait_for_slot(ring);
        ssize_t n = mt_read_unless(copy->from, ring->data[i], CHUNK, copy->stopped);
        if (n < 0)
            return mt_fail_errno(err, "cannot read '%s' at byte %lld", copy->name,
                                 (long long)*bytes);
        if (n == 0)
            return 0;
        *bytes += n;
        if (*bytes > copy->max_bytes) {
            char most[MT_FIGURE];
            return mt_fail(err, MT_ERR_TOO_LARGE, "'%s' has more than %s", copy->name,
                           mt_show_bytes(copy->max_bytes, most));
        }
        pass_on(ring, i, (size_t)n);
        if (mt_put_write(put, ring->data[i], (size_t)n, err) < 0)
            return mt_fail_in(err, "storing '%s'", copy->name);
        if (*bytes - flushed >= WRITEBACK) {
            write_back(mt_put_fd(put), flushed, *bytes - flushed);
            flushed = *bytes;
        }
        if (copy->progress)
            copy->progress(copy->ctx, *bytes);
        if (copy->stopped && copy->stopped())
            return mt_fail(err, MT_ERR_CANCELLED, "stopped while storing '%s'", copy->name);
    }
}

static void end_ring(struct ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->ended = true;
    pthread_cond_signal(&ring->changed);
    pthread_mutex_unlock(&ring->lock);
}

static int copy_with_thread(const struct mt_copy *copy, struct mt_put *put, struct ring *ring,
                            int64_t *bytes, struct mt_err *err)
{
    pthread_t thread;
    int problem = pthread_create(&thread, NULL, hash_chunks, ring);

    if (problem) {
        errno = problem;
        return mt_fail_errno(err, "cannot start the hashing thread");
    }
    int ret = copy_chunks(copy, put, ring, bytes, err);
    end_ring(ring);
    pthread_join(thread, NULL);
    return ret;
}

int mt_copy_hashed(const struct mt_copy *copy, struct mt_put *put, int64_t *bytes,
                   char hex[MT_SHA256_TEXT], struct mt_err *err)
{
    struct ring ring = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    int slots = SLOTS;

    ring.alone = copy->expected >= 0 && copy->expected <= CHUNK;
    if (ring.alone)
        slots = 1;
    if (mt_sha256_open(&ring.sha, err) < 0)
        return -1;
    for (int i = 0; i < slots; i++)
        ring.data[i] = mt_alloc_aligned(CHUNK, MT_PUT_ALIGN);
    if (copy->expected >= UNCACHED)
        mt_put_uncached(put, true);
    int ret = ring.alone ? copy_chunks(copy, put, &ring, bytes, err)
                         : copy_with_thread(copy, put, &ring, bytes, err);
    mt_put_uncached(put, false);
    if (ret == 0 && ring.failed) {
        *err = ring.err;
        ret = -1;
    }
    if (ret == 0)
        ret = mt_sha256_end(ring.sha, hex, err);
    for (int i = 0; i < slots; i++)
        free(ring.data[i]);
    mt_sha256_close(&ring.sha);
    return ret;
}
