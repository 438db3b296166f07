/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exif.c - EXIF in every kind of file, and blocks made to hurt. */
#include "exif/exif.h"
#include "base/file.h"
#include "base/mem.h"
#include "json/json.h"

#include "../tap.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROUNDS = 4000 };

/* Two directories: orientation 8 and maker "Abc"; GPS 10 degrees 30 minutes north, 20 east. */
static const unsigned char block[] = {
    'M',         'M', 0,   42, 0,    0,    0, 8,   0, 3,  0x01, 0x0F, 0, 2,   0, 0, 0,    4,
    'A',         'b', 'c', 0,  0x01, 0x12, 0, 3,   0, 0,  0,    1,    0, 8,   0, 0, 0x88, 0x25,
    0,           4,   0,   0,  0,    1,    0, 0,   0, 50, 0,    0,    0, 0,
    /* 50 */ 0,  4,   0,   1,  0,    2,    0, 0,   0, 2,  'N',  0,    0, 0,   0, 2, 0,    5,
    0,           0,   0,   3,  0,    0,    0, 104, 0, 3,  0,    2,    0, 0,   0, 2, 'E',  0,
    0,           0,   0,   4,  0,    5,    0, 0,   0, 3,  0,    0,    0, 128, 0, 0, 0,    0,
    /* 104 */ 0, 0,   0,   10, 0,    0,    0, 1,   0, 0,  0,    30,   0, 0,   0, 1, 0,    0,
    0,           0,   0,   0,  0,    1,
    /* 128 */ 0, 0,   0,   20, 0,    0,    0, 1,   0, 0,  0,    0,    0, 0,   0, 1, 0,    0,
    0,           0,   0,   0,  0,    1};

static json_t *read_data(const void *data, size_t n)
{
    int fd = memfd_create("exif", MFD_CLOEXEC);
    json_t *o = NULL;

    if (fd >= 0 && mt_write_all(fd, data, n) == 0)
        o = mt_exif_read(fd);
    close(fd);
    return o;
}

static char *put(char *p, const void *data, size_t n)
{
    memcpy(p, data, n);
    return p + n;
}

static char *put32(char *p, size_t v)
{
    for (int i = 0; i < 4; i++)
        *p++ = (char)(v >> (24 - 8 * i) & 0xFF);
    return p;
}

/* A file of a kind around the block; its bytes. */
static size_t wrap(int kind, char *file)
{
    char *p = file;
    const size_t n = sizeof(block);

    switch (kind) {
    case 0:
        p = put(p, "\xFF\xD8\xFF\xE0\0\4ab\xFF\xE1", 10);
        *p++ = (char)((n + 8) >> 8);
        *p++ = (char)((n + 8) & 0xFF);
        p = put(p, "Exif\0", 6);
        p = put(p, block, n);
        p = put(p, "\xFF\xDA\0\2\xFF\xD9", 6);
        break;
    case 1:
        p = put(p, "\x89PNG\r\n\x1A\n\0\0\0\0junk\0\0\0\0", 20);
        p = put32(p, n);
        p = put(p, "eXIf", 4);
        p = put(p, block, n);
        p = put(p, "\0\0\0\0", 4);
        break;
    case 2:
        p = put(p, "RIFF\0\0\0\0WEBPEXIF", 16);
        *p++ = (char)n;
        p = put(p, "\0\0\0", 3);
        p = put(p, block, n);
        break;
    case 3:
        p = put(p, block, n);
        break;
    default: /* ftyp, then meta with iinf, iloc and idat */
        p = put(p, "\0\0\0\20ftypmif1mif1", 16);
        p = put32(p, 8 + 4 + 34 + 32 + 12 + n);
        p = put(p, "meta\0\0\0\0\0\0\0\42iinf\0\0\0\0\0\1\0\0\0\24infe\2\0\0\0\0\7\0\0Exif", 42);
        p = put(p, "\0\0\0\40iloc\1\0\0\0\x44\0\0\1\0\7\0\1\0\0\0\1\0\0\0\0", 28);
        p = put32(p, n + 4);
        p = put32(p, 8 + 4 + n);
        p = put(p, "idat\0\0\0\0", 8);
        p = put(p, block, n);
    }
    return (size_t)(p - file);
}

static void test_kinds(void)
{
    static const char *const names[] = {"JPEG", "PNG", "WebP", "TIFF", "HEIF"};
    char file[1024] = {0};

    for (int kind = 0; kind < 5; kind++) {
        size_t n = wrap(kind, file);
        json_t *o = read_data(file, n);
        OK(mt_json_int(o, "orientation", 0) == 8, names[kind]);
        IS_STR(mt_json_str(o, "make", ""), "Abc", "the maker");
        OK(fabs(mt_json_num(o, "gps.latitude", 0) - 10.5) < 1e-6, "latitude");
        OK(fabs(mt_json_num(o, "gps.longitude", 0) - 20) < 1e-6, "longitude");
        json_decref(o);
    }
}

/* Any byte may be anything; what is said stays within its bounds. */
static void test_mutations(void)
{
    char file[1024] = {0};
    unsigned r = 7, bad = 0, read = 0;

    for (int round = 0; round < ROUNDS; round++) {
        size_t n = wrap(round % 5, file);
        for (int k = 0; k < 1 + round % 7; k++) {
            r = r * 1103515245 + 12345;
            size_t at = (r >> 8) % n;
            r = r * 1103515245 + 12345;
            file[at] = (char)(round % 3 ? r >> 16 & 0xFF : r & 0x10000 ? 0xFF : 0);
        }
        if (round % 11 == 0)
            n = (r >> 8) % n + 1;
        json_t *o = read_data(file, n);
        double lat = mt_json_num(o, "gps.latitude", 0), lon = mt_json_num(o, "gps.longitude", 0);
        int64_t turn = mt_json_int(o, "orientation", 1);
        bad += !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180 && turn >= 1 && turn <= 8);
        read += o != NULL;
        json_decref(o);
    }
    OK(bad == 0, "no figure is out of its bounds");
    OK(read > ROUNDS / 4, "many of the files could still be read");
}

static void test_sizes(void)
{
    char file[1024] = {0};
    size_t n;
    json_t *o;

    /* Entries that claim 2^32 - 1 values, and a directory that is its own successor. */
    n = wrap(3, file);
    memset(file + 14, 0xFF, 4);
    memset(file + 70, 0xFF, 4);
    memcpy(file + 46, "\0\0\0\10", 4);
    o = read_data(file, n);
    OK(!mt_json_at(o, "gps.latitude"), "values that are not there are not read");
    json_decref(o);
    n = wrap(0, file);
    file[10] = file[11] = (char)0xFF;
    o = read_data(file, n);
    OK(o == NULL, "a segment longer than the file has none");
    json_decref(o);
    o = read_data("", 0);
    OK(o == NULL, "an empty file has none");
}

int main(void)
{
    alarm(120);
    test_kinds();
    test_mutations();
    test_sizes();
    return tap_done();
}
