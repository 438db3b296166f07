/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host.h - the addresses of a host, without waiting longer than one wants. */
#ifndef MT_INGEST_HOST_H
#define MT_INGEST_HOST_H

#include "base/err.h"
#include "net/address.h"

#include <netdb.h>
#include <stdbool.h>
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

/*
 * Looks the host up, for wall_us microseconds at most, and gives the first permitted address as
 * text, brackets around IPv6. MT_ERR_POLICY if there are only others; MT_ERR_BUSY if it cannot be
 * looked up now, MT_ERR_NO_FILE if there is none, MT_ERR_CANCELLED after a signal to stop.
 */
int mt_address_of(const struct mt_url *url, bool allow_private, int64_t wall_us, char out[64],
                  struct mt_err *err) MT_MUST_USE;

#endif
