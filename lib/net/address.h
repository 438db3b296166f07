/* SPDX-License-Identifier: GPL-2.0-or-later */
/* address.h - URLs taken apart, and which addresses on the network may be asked. */
#ifndef MT_NET_ADDRESS_H
#define MT_NET_ADDRESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* The parts of an http or https URL. */
struct mt_url {
    bool secure;
    char *host; /* without the brackets of an IPv6 address */
    int port;
    char *path; /* with query, from the first '/' */
};

/*
 * Takes text apart. MT_ERR_POLICY for another scheme, a user name or password in it,
 * characters that have no place in a URL, no host, or a bad port. Free with mt_url_free(), also
 * after a failure.
 */
int mt_url_parse(struct mt_url *url, const char *text, struct mt_err *err) MT_MUST_USE;
void mt_url_free(struct mt_url *url);

/* Whether it begins like a URL of the network. */
bool mt_url_looks_like(const char *text);

/* Where a redirect from `from` to `location` leads. free() it. */
char *mt_url_join(const struct mt_url *from, const char *location);

/* Last part of the path, decoded and without '/'; "download" if there is none. free() it. */
char *mt_url_name(const struct mt_url *url);

/*
 * Whether the address belongs to the public network: none of this machine, of private or
 * shared networks, link-local, multicast, documentation, reserved, nor an IPv6
 * address that stands for an IPv4 one (mapped, compatible, 6to4, Teredo, NAT64).
 */
bool mt_address_is_public(const struct sockaddr *address);

#endif
