/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host.h - the addresses of a host, without waiting longer than one wants. */
#ifndef MT_INGEST_HOST_H
#define MT_INGEST_HOST_H

#include "base/err.h"

#include <netdb.h>
#include <stdint.h>

/*
 * Asks the system's resolver for stream addresses of the host. *out is to be freed with
 * freeaddrinfo(). MT_ERR_NO_FILE: there is no such host; MT_ERR_BUSY: it cannot be asked now, or
 * gave no answer within wall_us microseconds; MT_ERR_CANCELLED: stopped(), which is asked a few
 * times a second, said so. The resolver cannot be interrupted: a thread that waits for it may
 * stay behind until it gives up.
 */
int mt_host_lookup(const char *host, int64_t wall_us, int (*stopped)(void), struct addrinfo **out,
                   struct mt_err *err) MT_MUST_USE;

#endif
