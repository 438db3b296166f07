/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rates.c - how often each may ask.
 *
 * A bucket is one 64-bit word, changed by compare-and-swap: the time at which it
 * will be full again, in microseconds (the generic cell rate algorithm: what GCRA calls
 * the theoretical arrival time). So neither a lock nor a process that died can stop anybody.
 */
#include "access/access.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BUCKETS = 4096, PROBES = 8 };

struct bucket {
    _Atomic uint64_t name; /* hash of it; 0: free */
    _Atomic int64_t full_us;
};

struct mt_rates {
    struct bucket *buckets;
    int64_t step_us; /* one request */
    int64_t burst;
};

int mt_rates_open(struct mt_rates **out, int64_t rate, int64_t burst, const char *file,
                  struct mt_err *err)
{
    size_t size = BUCKETS * sizeof(struct bucket);
    int fd = -1;

    *out = NULL;
    if (file) {
        fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 || ftruncate(fd, (off_t)size) < 0) {
            mt_fail_errno(err, "cannot use '%s' for rates", file);
            mt_fd_close(&fd);
            return -1;
        }
    }
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | (file ? 0 : MAP_ANONYMOUS), fd, 0);
    mt_fd_close(&fd);
    if (memory == MAP_FAILED)
        return mt_fail_errno(err, "no memory for rates");
    struct mt_rates *rates = mt_alloc(sizeof *rates);
    *rates =
        (struct mt_rates){memory, 1000000 / rate > 0 ? 1000000 / rate : 1, burst > 0 ? burst : 1};
    *out = rates;
    return 0;
}

void mt_rates_close(struct mt_rates **rates)
{
    if (!*rates)
        return;
    munmap((*rates)->buckets, BUCKETS * sizeof(struct bucket));
    free(*rates);
    *rates = NULL;
}

/* FNV-1a. */
static uint64_t hash_of(const char *name)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return h ? h : 1;
}

/* The name's own bucket, a free one, or one that is full again; at worst somebody else's. */
static struct bucket *bucket_of(struct mt_rates *rates, const char *name, int64_t now_us)
{
    uint64_t hash = hash_of(name);

    for (uint64_t i = 0; i < PROBES; i++) {
        struct bucket *b = &rates->buckets[(hash + i) % BUCKETS];
        if (atomic_load(&b->name) == hash)
            return b;
    }
    for (uint64_t i = 0; i < PROBES; i++) {
        struct bucket *b = &rates->buckets[(hash + i) % BUCKETS];
        uint64_t old = atomic_load(&b->name);
        if ((!old || atomic_load(&b->full_us) <= now_us) &&
            atomic_compare_exchange_strong(&b->name, &old, hash))
            return b;
    }
    return &rates->buckets[hash % BUCKETS];
}

void mt_rates_take(struct mt_rates *rates, const char *name, int64_t now_us,
                   struct mt_rate_answer *answer)
{
    struct bucket *b = bucket_of(rates, name, now_us);
    int64_t span = rates->step_us * rates->burst;
    int64_t full = atomic_load(&b->full_us);
    int64_t next;

    do {
        /* A clock that was set back, or a file of a machine that went on, is no debt. */
        int64_t from = full < now_us || full > now_us + span ? now_us : full;
        next = from + rates->step_us;
        answer->ok = next - now_us <= span;
        if (!answer->ok) {
            next = from;
            break;
        }
    } while (!atomic_compare_exchange_weak(&b->full_us, &full, next));
    answer->left = (span - (next - now_us)) / rates->step_us;
    answer->reset_s = (next - now_us + 999999) / 1000000;
    answer->retry_s = answer->ok ? 0 : (next + rates->step_us - now_us - span + 999999) / 1000000;
}
