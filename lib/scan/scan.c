/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scan.c - see scan.h. */
#include "scan/scan.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { REST_MAX = 256, BASE_S = 120, BYTES_PER_S = 1000000 };

struct mt_scanner {
    const struct mt_scan_driver *driver;
    int64_t max_age_us;
    void *priv;
};

static int open_with(struct mt_scanner **out, const struct mt_scan_driver *driver, const char *rest,
                     const struct mt_scan_config *config, struct mt_err *err)
{
    struct mt_scanner *scanner = mt_alloc(sizeof *scanner);

    *scanner = (struct mt_scanner){.driver = driver, .max_age_us = config->max_age_us};
    scanner->priv = mt_alloc(driver->priv_size + 1);
    if (driver->open(scanner->priv, rest, config, err) < 0) {
        free(scanner->priv);
        free(scanner);
        return -1;
    }
    *out = scanner;
    return 0;
}

/* "clamd:, clamav:, none:" */
static void list_schemes(const struct mt_scan_driver *const drivers[], char *text, size_t size)
{
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; drivers[i] && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%s:", i ? ", " : "", drivers[i]->scheme);
}

int mt_scan_open(struct mt_scanner **out, const char *url,
                 const struct mt_scan_driver *const drivers[], const struct mt_scan_config *config,
                 struct mt_err *err)
{
    char text[REST_MAX];

    *out = NULL;
    for (size_t i = 0; drivers[i]; i++) {
        size_t n = strlen(drivers[i]->scheme);
        if (url && strncmp(url, drivers[i]->scheme, n) == 0 && url[n] == ':')
            return open_with(out, drivers[i], url + n + 1, config, err);
        if (!url && drivers[i]->detect(config, text, sizeof text))
            return open_with(out, drivers[i], text, config, err);
    }
    list_schemes(drivers, text, sizeof text);
    mt_fail(err, MT_ERR_CONFIG, "no virus scanner is called '%s'", url ? url : "");
    return mt_hint(err, "known are %s", text);
}

void mt_scan_close(struct mt_scanner **scanner)
{
    if (!*scanner)
        return;
    (*scanner)->driver->close((*scanner)->priv);
    free((*scanner)->priv);
    free(*scanner);
    *scanner = NULL;
}

const char *mt_scan_scheme(const struct mt_scanner *scanner)
{
    return scanner->driver->scheme;
}

/* A descriptor that shares no position with the caller's and cannot be written to. */
static int open_anew(int fd, struct mt_err *err)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int anew = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return anew < 0 ? mt_fail_errno(err, "cannot open the file anew for the scan") : anew;
}

/* What no driver may forget. */
static void judge(const struct mt_scanner *scanner, struct mt_scan_result *r)
{
    int64_t age_us = r->database_age_s * 1000000;
    char have[MT_FIGURE], most[MT_FIGURE];

    if (r->verdict != MT_SCAN_CLEAN)
        return;
    if (r->bytes_scanned < r->bytes_total)
        mt_scan_incomplete(r, "%s of %s were scanned", mt_show_bytes(r->bytes_scanned, have),
                           mt_show_bytes(r->bytes_total, most));
    else if (scanner->max_age_us > 0 && age_us > scanner->max_age_us)
        mt_scan_incomplete(r, "the signatures are %lld days old",
                           (long long)(r->database_age_s / 86400));
}

static int check_length(const struct mt_scan_request *request, struct mt_err *err)
{
    struct stat st;

    if (fstat(request->fd, &st) < 0)
        return mt_fail_errno(err, "cannot stat '%s'", request->name);
    return st.st_size >= request->size
               ? 0
               : mt_fail(err, MT_ERR_CHANGED, "'%s' became shorter", request->name);
}

int mt_scan_run(struct mt_scanner *scanner, const struct mt_scan_request *request,
                struct mt_scan_result *result, struct mt_err *err)
{
    struct mt_scan_request own = *request;
    int ret = -1;

    *result = (struct mt_scan_result){
        .verdict = MT_SCAN_INCOMPLETE, .database_age_s = -1, .bytes_total = request->size};
    if (own.wall_us <= 0)
        own.wall_us = (BASE_S + request->size / BYTES_PER_S) * INT64_C(1000000);
    own.fd = open_anew(request->fd, err);
    if (own.fd >= 0 && check_length(&own, err) == 0)
        ret = scanner->driver->scan(scanner->priv, &own, result, err);
    if (ret == 0)
        ret = check_length(&own, err);
    mt_fd_close(&own.fd);
    if (ret < 0 && err->code == MT_ERR_CANCELLED)
        return -1;
    if (ret < 0 && result->verdict != MT_SCAN_INFECTED)
        mt_scan_incomplete(result, "%s", err->msg);
    judge(scanner, result);
    return 0;
}
