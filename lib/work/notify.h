/* SPDX-License-Identifier: GPL-2.0-or-later */
/* notify.h - what a service tells its manager; the protocol of sd_notify(3), without its library.
 */
#ifndef MT_WORK_NOTIFY_H
#define MT_WORK_NOTIFY_H

#include <stdint.h>

struct mt_notify {
    int fd;              /* -1: nobody wants to know */
    int64_t watchdog_us; /* say WATCHDOG=1 at least so often; 0: not at all */
};

/* env: where NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID stand. */
void mt_notify_open(struct mt_notify *n, const char *const *env);
void mt_notify_close(struct mt_notify *n);

/* "READY=1", "STATUS=...": one or several lines. Never fails. */
void mt_notify_send(const struct mt_notify *n, const char *text);

#endif
