/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff.c - see sniff.h. */
#include "sniff/sniff.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "sniff/checks.h"

#include <magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 1 << 20, BEHIND_TAG = 64 << 10 };

#define UNKNOWN "application/octet-stream"

/* No compressed content, no programs' sections, no OLE: what is in them is not asked. */
#define FLAGS                                                                                      \
    (MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF | MAGIC_NO_CHECK_CDF | MAGIC_NO_CHECK_TOKENS)

struct mt_sniff {
    magic_t magic;
    unsigned char *prefix; /* PREFIX bytes */
};

static void bound(magic_t magic)
{
    static const struct {
        int param;
        size_t value;
    } limits[] = {
        {MAGIC_PARAM_INDIR_MAX, 10},          {MAGIC_PARAM_NAME_MAX, 50},
        {MAGIC_PARAM_REGEX_MAX, 4096},        {MAGIC_PARAM_BYTES_MAX, PREFIX},
        {MAGIC_PARAM_ENCODING_MAX, 64 << 10},
    };

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        magic_setparam(magic, limits[i].param, &limits[i].value);
}

int mt_sniff_open(struct mt_sniff **out, struct mt_err *err)
{
    magic_t magic = magic_open(FLAGS | MAGIC_MIME_TYPE);

    if (!magic)
        return mt_fail_errno(err, "cannot start libmagic");
    if (magic_load(magic, NULL) < 0) {
        mt_fail(err, MT_ERR_UNAVAILABLE, "cannot load the magic database: %s", magic_error(magic));
        magic_close(magic);
        return mt_hint(err, "install libmagic-mgc");
    }
    bound(magic);
    struct mt_sniff *sniff = mt_alloc(sizeof *sniff);
    sniff->magic = magic;
    sniff->prefix = mt_alloc(PREFIX);
    *out = sniff;
    return 0;
}

void mt_sniff_close(struct mt_sniff **sniff)
{
    if (!*sniff)
        return;
    magic_close((*sniff)->magic);
    free((*sniff)->prefix);
    free(*sniff);
    *sniff = NULL;
}

static void copy_ascii(char *out, size_t size, const char *text)
{
    size_t n = 0;

    for (; text[n] && n < size - 1; n++)
        out[n] = (text[n] >= ' ' && text[n] <= '~') ? text[n] : '?';
    out[n] = '\0';
}

static void set(struct mt_sniff_type *type, const char *mime, const char *text)
{
    copy_ascii(type->mime, sizeof type->mime, mime);
    if (text)
        copy_ascii(type->text, sizeof type->text, text);
}

static int ask_magic(struct mt_sniff *sniff, size_t n, struct mt_sniff_type *type,
                     struct mt_err *err)
{
    magic_setflags(sniff->magic, FLAGS | MAGIC_MIME_TYPE);
    const char *mime = magic_buffer(sniff->magic, sniff->prefix, n);
    if (!mime)
        return mt_fail(err, MT_ERR_FAILED, "libmagic failed: %s", magic_error(sniff->magic));
    set(type, *mime ? mime : UNKNOWN, NULL);
    magic_setflags(sniff->magic, FLAGS);
    const char *text = magic_buffer(sniff->magic, sniff->prefix, n);
    set(type, type->mime, text && *text ? text : "data");
    return 0;
}

/* The registered or the usual name for one that only libmagic uses. */
static void rename_type(struct mt_sniff_type *type)
{
    static const char *const names[][2] = {
        {"audio/x-wav", "audio/wav"},     {"audio/x-w64", "audio/wav"},
        {"audio/x-m4a", "audio/mp4"},     {"audio/x-hx-aac-adts", "audio/aac"},
        {"audio/x-aiff", "audio/aiff"},   {"video/MP2T", "video/mp2t"},
        {"video/x-m4v", "video/mp4"},     {"image/x-ms-bmp", "image/bmp"},
        {"application/ogg", "audio/ogg"}, {"audio/x-flac", "audio/flac"},
        {"audio/AMR", "audio/amr"},       {"audio/vnd.dolby.dd-raw", "audio/ac3"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(type->mime, names[i][0]) == 0)
            set(type, names[i][1], NULL);
    if (strcmp(type->mime, "audio/ogg") == 0 && strstr(type->text, "Opus audio"))
        set(type, "audio/opus", NULL);
}

/* What stands behind the tag; the tag alone says nothing. */
static int look_behind_tag(int fd, int64_t offset, struct mt_sniff_type *type, struct mt_err *err)
{
    unsigned char *p = mt_alloc(BEHIND_TAG);
    ssize_t n = mt_pread_full(fd, p, BEHIND_TAG, offset);
    struct mt_sniff_bytes bytes = {p, n > 0 ? (size_t)n : 0, n < BEHIND_TAG};
    struct mt_sniff_found found = mt_sniff_audio(&bytes);

    free(p);
    if (n < 0)
        return mt_fail_errno(err, "cannot read");
    if (found.mime)
        set(type, found.mime, strcmp(type->text, "data") == 0 ? found.text : NULL);
    else
        set(type, UNKNOWN, "ID3 tag without audio behind it");
    return 0;
}

static bool is_vague(const char *mime)
{
    return strcmp(mime, UNKNOWN) == 0 || mt_str_starts(mime, "text/") ||
           strcmp(mime, "audio/x-mpegurl") == 0 || strcmp(mime, "audio/x-scpls") == 0 ||
           strcmp(mime, "application/xml") == 0 ||
           strcmp(mime, "application/x-wine-extension-ini") == 0;
}

/* libmagic believes in MPEG audio after two bytes. */
static bool is_hasty(const char *mime)
{
    return strcmp(mime, "audio/mpeg") == 0 || strcmp(mime, "audio/aac") == 0;
}

static int correct(const struct mt_sniff_bytes *bytes, int fd, struct mt_sniff_type *type,
                   struct mt_err *err)
{
    int64_t tag = mt_sniff_id3(bytes);
    struct mt_sniff_found found = {NULL, NULL};
    bool vague = is_vague(type->mime);

    if (tag > 0)
        return look_behind_tag(fd, tag, type, err);
    if (vague && strcmp(type->mime, "text/html") != 0)
        found = mt_sniff_playlist(bytes);
    if (!found.mime && (vague || mt_sniff_is_media(type->mime)))
        found = mt_sniff_binary(bytes);
    if (!found.mime && (strcmp(type->mime, UNKNOWN) == 0 || is_hasty(type->mime)))
        found = mt_sniff_audio(bytes);
    if (found.mime)
        set(type, found.mime, vague ? found.text : NULL);
    else if (is_hasty(type->mime))
        set(type, UNKNOWN, "data");
    return 0;
}

int mt_sniff_fd(struct mt_sniff *sniff, int fd, struct mt_sniff_type *type, struct mt_err *err)
{
    ssize_t n = mt_pread_full(fd, sniff->prefix, PREFIX, 0);

    if (n < 0)
        return mt_fail_errno(err, "cannot read");
    if (ask_magic(sniff, (size_t)n, type, err) < 0)
        return -1;
    rename_type(type);
    struct mt_sniff_bytes bytes = {sniff->prefix, (size_t)n, n < PREFIX};
    return correct(&bytes, fd, type, err);
}

bool mt_sniff_is_media(const char *mime)
{
    static const char *const not_media[] = {"image/svg",      "audio/x-mpegurl", "audio/x-scpls",
                                            "image/vnd.djvu", "image/wmf",       "image/emf",
                                            "image/x-eps"};

    if (strcmp(mime, "application/mxf") == 0 || strcmp(mime, "application/vnd.rn-realmedia") == 0)
        return true;
    for (size_t i = 0; i < sizeof not_media / sizeof *not_media; i++)
        if (mt_str_starts(mime, not_media[i]))
            return false;
    return mt_str_starts(mime, "audio/") || mt_str_starts(mime, "video/") ||
           mt_str_starts(mime, "image/");
}
