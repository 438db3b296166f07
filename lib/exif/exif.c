/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exif.c - see exif.h. */
#include "exif/exif.h"

#include "base/text.h"
#include "json/json.h"

#include <libexif/exif-data.h>
#include <libexif/exif-utils.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MOST = 1000 };

static const ExifEntry *entry(const ExifData *d, ExifIfd ifd, int tag)
{
    return exif_content_get_entry(d->ifd[ifd], (ExifTag)tag);
}

/* Value i of an entry as a number; NAN if there is none. */
static double number(const ExifData *d, ExifIfd ifd, int tag, unsigned i)
{
    const ExifEntry *e = entry(d, ifd, tag);
    ExifByteOrder order = exif_data_get_byte_order((ExifData *)(uintptr_t)d);

    if (!e || !e->data || i >= e->components)
        return NAN;
    unsigned size = exif_format_get_size(e->format);
    const unsigned char *p = e->data + (size_t)i * size;
    if (size == 0 || ((size_t)i + 1) * size > e->size)
        return NAN;
    ExifRational r;
    ExifSRational s;
    switch (e->format) {
    case EXIF_FORMAT_BYTE:
        return *p;
    case EXIF_FORMAT_SHORT:
        return exif_get_short(p, order);
    case EXIF_FORMAT_LONG:
        return exif_get_long(p, order);
    case EXIF_FORMAT_RATIONAL:
        r = exif_get_rational(p, order);
        return r.denominator ? (double)r.numerator / r.denominator : NAN;
    case EXIF_FORMAT_SRATIONAL:
        s = exif_get_srational(p, order);
        return s.denominator ? (double)s.numerator / s.denominator : NAN;
    default:
        return NAN;
    }
}

static void set_number(json_t *o, const char *name, double v, double least, double most, int digits)
{
    if (v >= least && v <= most)
        json_object_set_new(o, name, mt_json_real(v, digits));
}

/* Without the zeros and spaces at its end; NULL if that is nothing. */
static char *text_of(const void *data, size_t n)
{
    const char *p = data;

    n = strnlen(p, n);
    while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\n'))
        n--;
    if (n == 0)
        return NULL;
    char *clean = mt_utf8_clean(p, n);
    char *shown = mt_text_printable(clean, TEXT_MOST);
    free(clean);
    return shown;
}

static void set_text(json_t *o, const char *name, const ExifEntry *e, size_t skip)
{
    char *text = e && e->data && e->size > skip ? text_of(e->data + skip, e->size - skip) : NULL;

    if (text)
        json_object_set_new(o, name, json_string(text));
    free(text);
}

/* The encoding is in the first eight bytes; only ASCII is certain (DC-008, 4.6.5, UserComment). */
static void set_comment(json_t *o, const ExifData *d)
{
    const ExifEntry *e = entry(d, EXIF_IFD_EXIF, EXIF_TAG_USER_COMMENT);

    if (e && e->data && e->size > 8 && memcmp(e->data, "ASCII\0\0", 8) == 0)
        set_text(o, "comment", e, 8);
}

/* "2024:05:30 15:56:01" and "+02:00" as RFC 3339 has them; blanks stand for what is not known. */
static void set_time(json_t *o, const ExifEntry *date, const ExifEntry *zone)
{
    int y, mo, d, h, mi, s, used = 0, zh, zm;
    char text[64] = "", offset[16] = "", sign;

    if (!date || !date->data || date->size < 19)
        return;
    memcpy(text, date->data, 19);
    text[19] = '\0';
    if (sscanf(text, "%4d:%2d:%2d %2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &s, &used) != 6 ||
        used != 19 || y < 1 || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 ||
        mi > 59 || s < 0 || s > 60)
        return;
    if (zone && zone->data && zone->size >= 6) {
        memcpy(offset, zone->data, 6);
        offset[6] = '\0';
        if (sscanf(offset, "%c%2d:%2d", &sign, &zh, &zm) != 3 || (sign != '+' && sign != '-') ||
            zh < 0 || zh > 14 || zm < 0 || zm > 59)
            offset[0] = '\0';
    }
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%s", y, mo, d, h, mi, s, offset);
    json_object_set_new(o, "taken_at", json_string(text));
}

/* Degrees, minutes and seconds as degrees; the hemisphere is a letter of its own. */
static double degrees(const ExifData *d, int value, int letter, char negative)
{
    const ExifEntry *e = entry(d, EXIF_IFD_GPS, letter);
    double deg = number(d, EXIF_IFD_GPS, value, 0), min = number(d, EXIF_IFD_GPS, value, 1);
    double sec = number(d, EXIF_IFD_GPS, value, 2);

    deg += (isnan(min) ? 0 : min / 60) + (isnan(sec) ? 0 : sec / 3600);
    return e && e->data && e->size > 0 && e->data[0] == (unsigned char)negative ? -deg : deg;
}

static void set_gps_time(json_t *o, const ExifData *d)
{
    const ExifEntry *date = entry(d, EXIF_IFD_GPS, EXIF_TAG_GPS_DATE_STAMP);
    double h = number(d, EXIF_IFD_GPS, EXIF_TAG_GPS_TIME_STAMP, 0);
    double m = number(d, EXIF_IFD_GPS, EXIF_TAG_GPS_TIME_STAMP, 1);
    double s = number(d, EXIF_IFD_GPS, EXIF_TAG_GPS_TIME_STAMP, 2);
    char text[64];
    int y, mo, day;

    if (!date || !date->data || date->size < 10 || !(h >= 0 && h < 24 && m >= 0 && m < 60) ||
        !(s >= 0 && s < 61))
        return;
    memcpy(text, date->data, 10);
    text[10] = '\0';
    if (sscanf(text, "%4d:%2d:%2d", &y, &mo, &day) != 3 || y < 1 || mo < 1 || mo > 12 || day < 1 ||
        day > 31)
        return;
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", y, mo, day, (int)h, (int)m,
             (int)s);
    json_object_set_new(o, "taken_at", json_string(text));
}

/* Nobody is at 0, 0 with all figures 0: cameras without a fix write that. */
static json_t *gps(const ExifData *d)
{
    double lat = degrees(d, EXIF_TAG_GPS_LATITUDE, EXIF_TAG_GPS_LATITUDE_REF, 'S');
    double lon = degrees(d, EXIF_TAG_GPS_LONGITUDE, EXIF_TAG_GPS_LONGITUDE_REF, 'W');
    double below = number(d, EXIF_IFD_GPS, EXIF_TAG_GPS_ALTITUDE_REF, 0);
    double height = number(d, EXIF_IFD_GPS, EXIF_TAG_GPS_ALTITUDE, 0);
    json_t *o = json_object();

    if (fabs(lat) <= 90 && fabs(lon) <= 180 && (lat < 0 || lat > 0 || lon < 0 || lon > 0)) {
        json_object_set_new(o, "latitude", mt_json_real(lat, 7));
        json_object_set_new(o, "longitude", mt_json_real(lon, 7));
    }
    set_number(o, "altitude_m", below > 0 ? -height : height, -12000, 100000, 2);
    set_number(o, "direction_deg", number(d, EXIF_IFD_GPS, EXIF_TAG_GPS_IMG_DIRECTION, 0), 0, 360,
               2);
    set_gps_time(o, d);
    if (json_object_size(o) > 0)
        return o;
    json_decref(o);
    return NULL;
}

static void set_texts(json_t *o, const ExifData *d)
{
    static const struct {
        const char *name;
        ExifIfd ifd;
        int tag;
    } texts[] = {
        {"make", EXIF_IFD_0, EXIF_TAG_MAKE},
        {"model", EXIF_IFD_0, EXIF_TAG_MODEL},
        {"lens_make", EXIF_IFD_EXIF, EXIF_TAG_LENS_MAKE},
        {"lens_model", EXIF_IFD_EXIF, EXIF_TAG_LENS_MODEL},
        {"software", EXIF_IFD_0, EXIF_TAG_SOFTWARE},
        {"artist", EXIF_IFD_0, EXIF_TAG_ARTIST},
        {"copyright", EXIF_IFD_0, EXIF_TAG_COPYRIGHT},
        {"description", EXIF_IFD_0, EXIF_TAG_IMAGE_DESCRIPTION},
        {"owner", EXIF_IFD_EXIF, EXIF_TAG_CAMERA_OWNER_NAME},
        {"serial_number", EXIF_IFD_EXIF, EXIF_TAG_BODY_SERIAL_NUMBER},
        {"lens_serial_number", EXIF_IFD_EXIF, EXIF_TAG_LENS_SERIAL_NUMBER},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        set_text(o, texts[i].name, entry(d, texts[i].ifd, texts[i].tag), 0);
    set_comment(o, d);
}

static void set_exposure(json_t *o, const ExifData *d)
{
    const ExifIfd x = EXIF_IFD_EXIF;
    double flash = number(d, x, EXIF_TAG_FLASH, 0);

    set_number(o, "exposure_time_s", number(d, x, EXIF_TAG_EXPOSURE_TIME, 0), 1e-9, 1e6, 9);
    set_number(o, "f_number", number(d, x, EXIF_TAG_FNUMBER, 0), 0.1, 1000, 3);
    set_number(o, "iso", number(d, x, EXIF_TAG_ISO_SPEED_RATINGS, 0), 1, 1e8, 0);
    set_number(o, "exposure_bias_ev", number(d, x, EXIF_TAG_EXPOSURE_BIAS_VALUE, 0), -50, 50, 3);
    set_number(o, "focal_length_mm", number(d, x, EXIF_TAG_FOCAL_LENGTH, 0), 0.01, 1e5, 3);
    set_number(o, "focal_length_35mm_mm", number(d, x, EXIF_TAG_FOCAL_LENGTH_IN_35MM_FILM, 0), 1,
               1e5, 0);
    if (flash >= 0)
        json_object_set_new(o, "flash", json_boolean((unsigned)flash & 1));
}

static json_t *describe(const ExifData *d)
{
    json_t *o = json_object(), *place = gps(d);
    double orientation = number(d, EXIF_IFD_0, EXIF_TAG_ORIENTATION, 0);

    if (orientation >= 1 && orientation <= 8)
        json_object_set_new(o, "orientation", json_integer((json_int_t)orientation));
    set_texts(o, d);
    set_time(o, entry(d, EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL),
             entry(d, EXIF_IFD_EXIF, EXIF_TAG_OFFSET_TIME_ORIGINAL));
    set_exposure(o, d);
    if (place)
        json_object_set_new(o, "gps", place);
    if (d->data && d->size > 0)
        json_object_set_new(o, "thumbnail_bytes", json_integer(d->size));
    return o;
}

/* With the name that libexif wants before the block. */
static ExifData *load(const unsigned char *block, size_t n)
{
    unsigned char *named = malloc(n + 6);
    ExifData *d = named ? exif_data_new() : NULL;

    if (d) {
        /* Nothing is to be repaired: a default that was filled in would pass for the camera's. */
        exif_data_unset_option(d, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
        memcpy(named, "Exif\0", 6);
        memcpy(named + 6, block, n);
        exif_data_load_data(d, named, (unsigned)(n + 6));
    }
    free(named);
    return d;
}

json_t *mt_exif_read(int fd)
{
    size_t n;
    unsigned char *block = mt_exif_find(fd, &n);
    ExifData *d = block ? load(block, n) : NULL;
    json_t *o = d ? describe(d) : NULL;

    if (d)
        exif_data_unref(d);
    free(block);
    if (o && json_object_size(o) == 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}
