/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sniff.c - a few bytes of everything, and what they are. */
#include "sniff/sniff.h"
#include "../tap.h"
#include "base/file.h"
#include "jail/jail.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNKNOWN "application/octet-stream"
#define FTYP(brand)                                                                                \
    "\0\0\0\x1c"                                                                                   \
    "ftyp" brand "\0\0\2\0" brand "isommp41"
#define BYTES(s) s, sizeof(s) - 1

struct sample {
    const char *name, *bytes;
    size_t n;
    const char *mime;
};

static const struct sample samples[] = {
    {"mp4 (isom)", BYTES(FTYP("isom")), "video/mp4"},
    {"mp4 (mp42)", BYTES(FTYP("mp42")), "video/mp4"},
    {"mp4 (avc1)", BYTES(FTYP("avc1")), "video/mp4"},
    {"m4v", BYTES(FTYP("M4V ")), "video/mp4"},
    {"m4a", BYTES(FTYP("M4A ")), "audio/mp4"},
    {"mov", BYTES(FTYP("qt  ")), "video/quicktime"},
    {"3gp", BYTES(FTYP("3gp4")), "video/3gpp"},
    {"avif", BYTES(FTYP("avif")), "image/avif"},
    {"heic", BYTES(FTYP("heic")), "image/heic"},
    {"webm", BYTES("\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webm\x42\x87\x81\4"),
     "video/webm"},
    {"matroska", BYTES("\x1a\x45\xdf\xa3\xa3\x42\x86\x81\1\x42\x82\x88matroska\x42\x87\x81\4"),
     "video/x-matroska"},
    {"flv", BYTES("FLV\1\5\0\0\0\x9\0\0\0\0"), "video/x-flv"},
    {"avi", BYTES("RIFF\0\0\1\0AVI LIST\0\1\0\0hdrlavih"), "video/x-msvideo"},
    {"wav", BYTES("RIFF\0\0\1\0WAVEfmt \x10\0\0\0\1\0\1\0\x44\xac\0\0\x88\x58\1\0\2\0\x10\0data"),
     "audio/wav"},
    {"aiff", BYTES("FORM\0\0\1\0AIFFCOMM\0\0\0\x12\0\1"), "audio/aiff"},
    {"flac", BYTES("fLaC\0\0\0\x22\x10\0\x10\0"), "audio/flac"},
    {"ogg opus", BYTES("OggS\0\2\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\2\3\4\1\x13OpusHead\1\2\0\0"),
     "audio/opus"},
    {"ogg vorbis",
     BYTES("OggS\0\2\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\2\3\4\1\x1e\1vorbis\0\0\0\0\2"),
     "audio/ogg"},
    {"amr", BYTES("#!AMR\n\x3c\0"), "audio/amr"},
    {"amr-wb", BYTES("#!AMR-WB\n\4\0"), "audio/amr-wb"},
    {"caf", BYTES("caff\0\1\0\0desc"), "audio/x-caf"},
    {"wavpack", BYTES("wvpk\x10\0\0\0\x10\4"), "audio/x-wavpack"},
    {"ivf", BYTES("DKIF\0\0\x20\0VP80"), "video/x-ivf"},
    {"y4m", BYTES("YUV4MPEG2 W160 H120\n"), "video/x-yuv4mpeg"},
    {"program stream", BYTES("\0\0\1\xba\x44\0\4\0\4\1\0\0\3\xf8"), "video/mpeg"},
    {"jpeg", BYTES("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1"), "image/jpeg"},
    {"png", BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x8\2\0\0\0"), "image/png"},
    {"gif", BYTES("GIF89a\1\0\1\0\0\0\0"), "image/gif"},
    {"webp", BYTES("RIFF\x20\0\0\0WEBPVP8 "), "image/webp"},
    {"jxl codestream", BYTES("\xff\x0a\x7f\2\x8\0"), "image/jxl"},
    {"jxl container",
     BYTES("\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14"
           "ftypjxl "),
     "image/jxl"},
    {"tiff", BYTES("II*\0\x8\0\0\0\1\0"), "image/tiff"},
    {"svg", BYTES("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), "image/svg+xml"},
    {"html", BYTES("<!DOCTYPE html><html><body>"), "text/html"},
    {"shell script", BYTES("#!/bin/sh\nexit 0\n"), "text/x-shellscript"},
    {"zip",
     BYTES(
         "\120\113\003\004\012\000\000\000\000\000\364\175\166\135\057\072\332\351\022\000\000\000"
         "\022\000\000\000\004\000\034\000\163\056\163\150\125\124\011\000\003\234\016\003\153\234"
         "\016\003\153\165\170\013\000\001\004\000\000\000\000\004\000\000\000\000\043\041"),
     "application/zip"},
    {"pdf", BYTES("%PDF-1.7\n"), "application/pdf"},
    {"hls", BYTES("#EXTM3U\n#EXT-X-VERSION:3\nfile:///etc/passwd\n"),
     "application/vnd.apple.mpegurl"},
    {"hls with a mark", BYTES("\xef\xbb\xbf\r\n#extm3u\r\n"), "application/vnd.apple.mpegurl"},
    {"pls", BYTES("[Playlist]\nFile1=http://localhost/\n"), "application/x-scpls"},
    {"ffconcat", BYTES("ffconcat version 1.0\nfile /etc/passwd\n"), "application/x-ffconcat"},
    {"dash", BYTES("<?xml version=\"1.0\"?>\n<!-- -->\n<MPD xmlns=\"urn:mpeg\">"),
     "application/dash+xml"},
    {"xspf", BYTES("<?xml version=\"1.0\"?><playlist xmlns=\"http://xspf.org/ns/0/\">"),
     "application/xspf+xml"},
    {"asx", BYTES("<ASX version=\"3.0\"><entry>"), "application/x-ms-asx"},
    {"sdp", BYTES("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\n"), "application/sdp"},
    {"text", BYTES("v=0 is what the letter said\n"), "text/plain"},
    {"two bytes of mp3", BYTES("\xff\xfb\x90\0this is not music at all, far from it"), UNKNOWN},
    {"two bytes of aac", BYTES("\xff\xf1\x50\x80this is not music at all, far from it"), UNKNOWN},
    {"a tag alone", BYTES("ID3\4\0\0\0\0\0\4abcdnothing of interest"), UNKNOWN},
    {"zeros", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0"), UNKNOWN},
    {"nothing", BYTES(""), "application/x-empty"},
};

static struct mt_sniff_type sniff_bytes(struct mt_sniff *sniff, const void *p, size_t n)
{
    struct mt_sniff_type type = {"failed", ""};
    struct mt_err err;
    FILE *f = tmpfile();

    if (!f || mt_write_all(fileno(f), p, n) < 0 || mt_sniff_fd(sniff, fileno(f), &type, &err) < 0 ||
        lseek(fileno(f), 0, SEEK_CUR) != (off_t)n)
        printf("# failed\n");
    if (f)
        fclose(f);
    return type;
}

/* n bytes of lead, then frames of the header, each of size bytes. */
static struct mt_sniff_type sniff_frames(struct mt_sniff *sniff, const char *lead, size_t n,
                                         const char *header, size_t size, size_t count)
{
    size_t total = n + size * count;
    char *p = calloc(1, total + 8);

    if (n)
        memcpy(p, lead, n);
    for (size_t i = 0; i < count; i++)
        memcpy(p + n + i * size, header, 7);
    struct mt_sniff_type type = sniff_bytes(sniff, p, total);
    free(p);
    return type;
}

static void test_frames(struct mt_sniff *sniff)
{
    static const char mp3[] = "\xff\xfb\x90\0\0\0\0";   /* MPEG-1 III, 128 kb/s, 44.1 kHz: 417 */
    static const char low[] = "\xff\xf3\x40\xc0\0\0\0"; /* MPEG-2 III, 32 kb/s, 22.05 kHz: 104 */
    static const char aac[] = "\xff\xf1\x50\x80\x10\x1f\xfc"; /* LC, 44.1 kHz: 128 */
    static const char ts[] = "\x47\x40\0\x10\0\0\0";
    static const char bdav[] = "\1\2\3\4\x47\x40\0";
    static const char tag[] = "ID3\4\0\0\0\0\0\4abcd";
    static char zeros[300], junk[100 << 10];

    memset(junk, 0xa5, sizeof junk);
    IS_STR(sniff_frames(sniff, NULL, 0, mp3, 417, 5).mime, "audio/mpeg", "mp3 without a tag");
    IS_STR(sniff_frames(sniff, NULL, 0, low, 104, 5).mime, "audio/mpeg", "mp3 of MPEG-2");
    IS_STR(sniff_frames(sniff, tag, 14, mp3, 417, 5).mime, "audio/mpeg", "mp3 with a tag");
    IS_STR(sniff_frames(sniff, zeros, 300, mp3, 417, 5).mime, "audio/mpeg", "mp3 behind zeros");
    IS_STR(sniff_frames(sniff, junk, sizeof junk, mp3, 417, 50).mime, "text/plain",
           "not mp3 behind 100 KB of something else");
    IS_STR(sniff_frames(sniff, NULL, 0, mp3, 416, 5).mime, UNKNOWN, "frames that do not join");
    IS_STR(sniff_frames(sniff, NULL, 0, aac, 128, 5).mime, "audio/aac", "aac");
    IS_STR(sniff_frames(sniff, tag, 14, aac, 128, 5).mime, "audio/aac", "aac with a tag");
    IS_STR(sniff_frames(sniff, tag, 14, "fLaC\0\0\0", 42, 1).mime, "audio/flac", "flac with a tag");
    IS_STR(sniff_frames(sniff, NULL, 0, ts, 188, 8).mime, "video/mp2t", "transport stream");
    IS_STR(sniff_frames(sniff, NULL, 0, ts, 204, 8).mime, "video/mp2t", "with parity");
    IS_STR(sniff_frames(sniff, NULL, 0, bdav, 192, 8).mime, "video/mp2t", "with time stamps");
    IS_STR(sniff_frames(sniff, NULL, 0, ts, 190, 8).mime, UNKNOWN, "wrong distance");
}

static void test_text(struct mt_sniff *sniff)
{
    char comment[] = "\x89PNG\r\n\x1a\n";
    struct mt_sniff_type type = sniff_bytes(sniff, comment, sizeof comment);
    bool clean = true;

    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        type = sniff_bytes(sniff, samples[i].bytes, samples[i].n);
        for (const char *p = type.text; *p; p++)
            clean &= *p >= ' ' && *p <= '~';
        clean &= type.text[0] != '\0';
    }
    OK(clean, "all descriptions are printable");
}

static void test_media(void)
{
    OK(mt_sniff_is_media("video/mp4") && mt_sniff_is_media("image/png") &&
           mt_sniff_is_media("audio/flac") && mt_sniff_is_media("application/mxf"),
       "media is media");
    OK(!mt_sniff_is_media("image/svg+xml") && !mt_sniff_is_media("text/html") &&
           !mt_sniff_is_media("application/vnd.apple.mpegurl") && !mt_sniff_is_media(UNKNOWN) &&
           !mt_sniff_is_media("audio/x-mpegurl") && !mt_sniff_is_media("application/zip"),
       "the rest is not");
}

/* The same in a jail: the database is loaded before, nothing is opened after. */
static void test_jailed(struct mt_sniff *sniff)
{
    struct mt_sniff_type type;
    struct mt_err err;
    int status = 1;
    FILE *f = tmpfile();

    if (!OK(f && mt_write_all(fileno(f), BYTES(FTYP("qt  "))) == 0, "a file"))
        return;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(mt_jail_enter(MT_JAIL_PROBE, NULL, &err) < 0 ||
              mt_sniff_fd(sniff, fileno(f), &type, &err) < 0 ||
              strcmp(type.mime, "video/quicktime") != 0);
    waitpid(pid, &status, 0);
    fclose(f);
    OK(status == 0, "works in a jail");
}

int main(void)
{
    struct mt_sniff *sniff = NULL;
    struct mt_err err;

    if (!OK(mt_sniff_open(&sniff, &err) == 0, "the database"))
        return tap_done();
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        IS_STR(sniff_bytes(sniff, samples[i].bytes, samples[i].n).mime, samples[i].mime,
               samples[i].name);
    test_frames(sniff);
    test_text(sniff);
    test_media();
    test_jailed(sniff);
    mt_sniff_close(&sniff);
    mt_sniff_close(&sniff);
    OK(sniff == NULL, "closed twice");
    return tap_done();
}
