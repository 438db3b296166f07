/* SPDX-License-Identifier: GPL-2.0-or-later */
/* none.c - the driver that scans nothing. */
#include "scan/scan.h"

#include <stdio.h>

static bool detect(const struct mt_scan_config *config, char *rest, size_t size)
{
    (void)config;
    snprintf(rest, size, "%s", "");
    return true;
}

static int open_none(void *priv, const char *rest, const struct mt_scan_config *config,
                     struct mt_err *err)
{
    (void)priv;
    (void)config;
    return *rest ? mt_fail(err, MT_ERR_CONFIG, "nothing may follow none:, not '%s'", rest) : 0;
}

static void close_none(void *priv)
{
    (void)priv;
}

static int scan(void *priv, const struct mt_scan_request *request, struct mt_scan_result *result,
                struct mt_err *err)
{
    (void)priv;
    (void)request;
    (void)err;
    result->verdict = MT_SCAN_SKIPPED;
    return 0;
}

const struct mt_scan_driver mt_scan_none = {
    .scheme = "none",
    .help = "no scan; the verdict is skipped",
    .detect = detect,
    .open = open_none,
    .close = close_none,
    .scan = scan,
};
