/* SPDX-License-Identifier: GPL-2.0-or-later */
/* address.c - see address.h. */
#include "net/address.h"

#include "base/mem.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX = 4096, HOST_MAX = 255 };

bool mt_url_looks_like(const char *text)
{
    return strncasecmp(text, "https://", 8) == 0 || strncasecmp(text, "http://", 7) == 0;
}

void mt_url_free(struct mt_url *url)
{
    free(url->host);
    free(url->path);
    *url = (struct mt_url){.host = NULL};
}

static bool clean(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("\\\"<>^`{|}", *p))
            return false;
    return true;
}

static int parse_port(struct mt_url *url, const char *text, size_t n, struct mt_err *err)
{
    char digits[8];

    url->port = url->secure ? 443 : 80;
    if (n == 0)
        return 0;
    snprintf(digits, sizeof digits, "%.*s", (int)n, text);
    url->port = atoi(digits);
    if (n > 5 || strspn(digits, "0123456789") != n || url->port < 1 || url->port > 65535)
        return mt_fail(err, MT_ERR_POLICY, "the URL has no valid port");
    return 0;
}

static int parse_authority(struct mt_url *url, const char *at, size_t n, struct mt_err *err)
{
    const char *end = at + n;
    const char *host = at;
    const char *host_end;

    if (memchr(at, '@', n))
        return mt_fail(err, MT_ERR_POLICY, "the URL has a user name in it");
    if (n && *at == '[') {
        host++;
        host_end = memchr(at, ']', n);
        at = host_end ? host_end + 1 : end;
    } else {
        host_end = memchr(at, ':', n);
        host_end = host_end ? host_end : end;
        at = host_end;
    }
    if (!host_end || host_end == host || host_end - host > HOST_MAX || (at != end && *at != ':') ||
        memchr(host, '%', (size_t)(host_end - host)))
        return mt_fail(err, MT_ERR_POLICY, "the URL has no valid host");
    url->host = mt_strndup(host, (size_t)(host_end - host));
    return parse_port(url, at + (at != end), (size_t)(end - at) - (at != end), err);
}

int mt_url_parse(struct mt_url *url, const char *text, struct mt_err *err)
{
    *url = (struct mt_url){.host = NULL};
    if (!mt_url_looks_like(text))
        return mt_fail(err, MT_ERR_POLICY, "only https is fetched");
    if (!clean(text) || strlen(text) > URL_MAX)
        return mt_fail(err, MT_ERR_POLICY, "the URL has characters that must be escaped");
    url->secure = strncasecmp(text, "https:", 6) == 0;
    const char *at = strstr(text, "//") + 2;
    size_t n = strcspn(at, "/?#");
    if (parse_authority(url, at, n, err) < 0)
        return -1;
    at += n;
    url->path = mt_asprintf("%s%.*s", *at == '/' ? "" : "/", (int)strcspn(at, "#"), at);
    return 0;
}

char *mt_url_join(const struct mt_url *from, const char *location)
{
    const char *scheme = from->secure ? "https" : "http";
    bool v6 = strchr(from->host, ':') != NULL;
    const char *open = v6 ? "[" : "", *shut = v6 ? "]" : "";

    if (strstr(location, "://") && strcspn(location, ":") < strcspn(location, "/?#"))
        return mt_strdup(location);
    if (location[0] == '/' && location[1] == '/')
        return mt_asprintf("%s:%s", scheme, location);
    if (location[0] == '/')
        return mt_asprintf("%s://%s%s%s:%d%s", scheme, open, from->host, shut, from->port,
                           location);
    char *dir = mt_strndup(from->path, strcspn(from->path, "?"));
    strrchr(dir, '/')[1] = '\0';
    char *out = mt_asprintf("%s://%s%s%s:%d%s%s", scheme, open, from->host, shut, from->port, dir,
                            location);
    free(dir);
    return out;
}

char *mt_url_name(const struct mt_url *url)
{
    size_t n = strcspn(url->path, "?");
    const char *from = url->path + n;

    while (from > url->path && from[-1] != '/')
        from--;
    char *name = mt_strndup(from, n - (size_t)(from - url->path));
    char *out = name;
    for (const char *p = name; *p; p++) {
        unsigned byte = (unsigned char)*p;
        if (*p == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]) &&
            sscanf(p + 1, "%2x", &byte) == 1)
            p += 2;
        if (byte && byte != '/')
            *out++ = (char)byte;
    }
    *out = '\0';
    if (*name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        return name;
    free(name);
    return mt_strdup("download");
}

/* --- addresses --- */

struct net4 {
    uint32_t net;
    int bits;
};

static bool public4(uint32_t a)
{
    /* IANA's special purpose registry. */
    static const struct net4 closed[] = {
        {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
        {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
        {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 4},  {0xf0000000, 4}};

    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if (a >> (32 - closed[i].bits) == closed[i].net >> (32 - closed[i].bits))
            return false;
    return true;
}

/* Only what is given out for use on the network (2000::/3), less what stands for something else. */
static bool public6(const unsigned char a[16])
{
    if (a[0] >> 5 != 1)
        return false;
    if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 */
        return false;
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 0x02) /* Teredo, ORCHID, benchmarks */
        return false;
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8) /* documentation */
        return false;
    return !(a[0] == 0x3f && a[1] == 0xff && a[2] < 0x10); /* documentation */
}

bool mt_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return public4(ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6)
        return public6(((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr);
    return false;
}
