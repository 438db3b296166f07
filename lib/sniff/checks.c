/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checks.c - see checks.h. */
#include "sniff/checks.h"

#include <string.h>
#include <strings.h>

static const struct mt_sniff_found nothing = {NULL, NULL};

struct beginning {
    const char *bytes;
    struct mt_sniff_found found;
};

static const struct beginning beginnings[] = {
    /* Apple Core Audio Format Specification 1.0, CAF file header: version 1, flags 0 */
    {"caff\0\1", {"audio/x-caf", "Core Audio Format"}},
    /* WavPack 4 & 5 Binary File Format, 2.0 */
    {"wvpk", {"audio/x-wavpack", "WavPack audio"}},
    /* TTA1 Lossless Audio Format Specification, 3.1 */
    {"TTA1", {"audio/x-tta", "True Audio"}},
    /* RFC 4867 section 5.1 */
    {"#!AMR-WB\n", {"audio/amr-wb", "Adaptive Multi-Rate Wideband audio"}},
    /* libvpx, ivfdec.c: signature and version 0 */
    {"DKIF\0\0", {"video/x-ivf", "IVF video"}},
    /* yuv4mpeg(5) of mjpegtools */
    {"YUV4MPEG2 ", {"video/x-yuv4mpeg", "YUV4MPEG2 raw video"}},
    /* NUT Open Container Format, file_id_string */
    {"nut/multimedia container", {"video/x-nut", "NUT container"}},
    /* MPEG-2 program stream: ISO/IEC 13818-1 table 2-38, pack start code */
    {"\0\0\1\272", {"video/mpeg", "MPEG program stream"}},
    /* APPNOTE.TXT of PKWARE, 4.3.7; libmagic 5.46 asks for the end of the file too */
    {"PK\3\4", {"application/zip", "Zip archive"}},
};

/* The lengths of beginnings[], which hold NULs. */
static const unsigned char lengths[] = {6, 4, 4, 9, 6, 10, 24, 4, 4};

/* ISO/IEC 13818-1 2.4.3.2: 0x47 every 188 bytes; 192 with a time stamp (BDAV), 204 with parity. */
static bool is_transport_stream(const struct mt_sniff_bytes *b)
{
    static const struct {
        size_t first, step;
    } layouts[] = {{0, 188}, {4, 192}, {0, 204}};
    enum { PACKETS = 5 };

    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        size_t n = 0;
        for (size_t at = layouts[i].first; at < b->n && b->p[at] == 0x47 && n < PACKETS;
             at += layouts[i].step)
            n++;
        if (n == PACKETS)
            return true;
    }
    return false;
}

struct mt_sniff_found mt_sniff_binary(const struct mt_sniff_bytes *b)
{
    for (size_t i = 0; i < sizeof lengths; i++)
        if (b->n >= lengths[i] && memcmp(b->p, beginnings[i].bytes, lengths[i]) == 0)
            return beginnings[i].found;
    if (is_transport_stream(b))
        return (struct mt_sniff_found){"video/mp2t", "MPEG transport stream"};
    return nothing;
}

/* Leaves out what players leave out before the first word: a byte order mark and white space. */
static struct mt_sniff_bytes trimmed(const struct mt_sniff_bytes *b)
{
    struct mt_sniff_bytes t = *b;

    if (t.n >= 3 && memcmp(t.p, "\xef\xbb\xbf", 3) == 0) {
        t.p += 3;
        t.n -= 3;
    }
    while (t.n > 0 && strchr(" \t\r\n", *t.p) && *t.p) {
        t.p++;
        t.n--;
    }
    return t;
}

static bool begins(const struct mt_sniff_bytes *b, const char *word)
{
    size_t n = strlen(word);

    return b->n >= n && strncasecmp((const char *)b->p, word, n) == 0;
}

/* The word somewhere in the first 4 KiB, where the root element of XML is. */
static bool mentions(const struct mt_sniff_bytes *b, const char *word)
{
    struct mt_sniff_bytes rest = {b->p, b->n < 4096 ? b->n : 4096, false};

    for (; rest.n > 0; rest.p++, rest.n--)
        if (begins(&rest, word))
            return true;
    return false;
}

struct mt_sniff_found mt_sniff_playlist(const struct mt_sniff_bytes *bytes)
{
    static const struct {
        const char *word, *too;
        struct mt_sniff_found found;
    } texts[] = {
        /* RFC 8216 sections 4 and 10; M3U without the extensions is the same thing to a player */
        {"#EXTM3U", "", {"application/vnd.apple.mpegurl", "M3U or HLS playlist"}},
        {"#EXT-X-", "", {"application/vnd.apple.mpegurl", "M3U or HLS playlist"}},
        {"[playlist]", "", {"application/x-scpls", "PLS playlist"}},
        {"[reference]", "", {"application/x-ms-asx", "ASX playlist"}},
        {"<asx", "", {"application/x-ms-asx", "ASX playlist"}},
        /* FFmpeg, concat demuxer; without the line it needs file directives */
        {"ffconcat version", "", {"application/x-ffconcat", "FFmpeg concat script"}},
        /* RFC 8866 section 5 */
        {"v=0", "\no=", {"application/sdp", "SDP session description"}},
        {"<smil", "", {"application/smil+xml", "SMIL presentation"}},
    };
    static const struct {
        const char *root;
        struct mt_sniff_found found;
    } roots[] = {
        {"<MPD", {"application/dash+xml", "DASH manifest"}}, /* ISO/IEC 23009-1 5.2 */
        {"<SmoothStreamingMedia", {"application/vnd.ms-sstr+xml", "Smooth Streaming manifest"}},
        {"xspf.org/ns/", {"application/xspf+xml", "XSPF playlist"}},
        {"<smil", {"application/smil+xml", "SMIL presentation"}},
        {"<asx", {"application/x-ms-asx", "ASX playlist"}},
    };
    struct mt_sniff_bytes b = trimmed(bytes);

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (begins(&b, texts[i].word) && (!*texts[i].too || mentions(&b, texts[i].too)))
            return texts[i].found;
    for (size_t i = 0; begins(&b, "<") && i < sizeof roots / sizeof *roots; i++)
        if (mentions(&b, roots[i].root))
            return roots[i].found;
    return nothing;
}
