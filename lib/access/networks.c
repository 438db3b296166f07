/* SPDX-License-Identifier: GPL-2.0-or-later */
/* networks.c - lists of addresses. */
#include "access/access.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { NETWORKS_MAX = 10000, BITS = 128, BITS_V4 = 32 };

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Both families in one form. How many bits the text's family has; 0: it is no address. */
static int parse(const char *text, unsigned char out[16])
{
    if (inet_pton(AF_INET6, text, out) == 1)
        return BITS;
    memcpy(out, mapped, sizeof mapped);
    return inet_pton(AF_INET, text, out + sizeof mapped) == 1 ? BITS_V4 : 0;
}

static bool parse_network(char *text, struct mt_network *network)
{
    char *slash = strchr(text, '/');

    if (slash)
        *slash++ = '\0';
    int family = parse(text, network->address);
    if (family == 0)
        return false;
    network->bits = BITS;
    if (!slash)
        return true;
    if (!*slash || strlen(slash) > 3 || slash[strspn(slash, "0123456789")] || atoi(slash) > family)
        return false;
    network->bits = BITS - family + atoi(slash);
    return true;
}

int mt_networks_init(struct mt_networks *networks, const char *what, const char *text,
                     struct mt_err *err)
{
    char *copy = mt_strdup(text ? text : "");
    char *save = NULL;
    int ret = 0;

    *networks = (struct mt_networks){.n = 0};
    for (char *one = strtok_r(copy, ", ", &save); one && ret == 0;
         one = strtok_r(NULL, ", ", &save)) {
        struct mt_network network;
        if (!parse_network(one, &network))
            ret = mt_fail(err, MT_ERR_CONFIG, "%s: '%.60s' is no network like 192.0.2.0/24", what,
                          one);
        else if (networks->n == NETWORKS_MAX)
            ret = mt_fail(err, MT_ERR_CONFIG, "%s: more than %d networks", what, NETWORKS_MAX);
        if (ret < 0)
            break;
        networks->list =
            mt_realloc(networks->list, (size_t)networks->n + 1, sizeof *networks->list);
        networks->list[networks->n++] = network;
    }
    free(copy);
    if (ret < 0)
        mt_networks_free(networks);
    return ret;
}

void mt_networks_free(struct mt_networks *networks)
{
    free(networks->list);
    *networks = (struct mt_networks){.n = 0};
}

static bool matches(const struct mt_network *network, const unsigned char address[16])
{
    int bytes = network->bits / 8;
    int rest = network->bits % 8;

    if (memcmp(network->address, address, (size_t)bytes) != 0)
        return false;
    return rest == 0 || (network->address[bytes] ^ address[bytes]) >> (8 - rest) == 0;
}

bool mt_networks_have(const struct mt_networks *networks, const char *address)
{
    unsigned char bytes[16];

    if (networks->n == 0 || parse(address, bytes) == 0)
        return false;
    for (int i = 0; i < networks->n; i++)
        if (matches(&networks->list[i], bytes))
            return true;
    return false;
}
