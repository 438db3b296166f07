/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xmp.c - see xmp.h. */
#include "exif/xmp.h"

#include "base/buf.h"
#include "base/text.h"
#include "exif/find.h"
#include "json/json.h"

#include <expat.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MOST = 1000, LIST_MOST = 100, DEPTH_MOST = 64, PACKET_MOST = 4 * 1024 * 1024 };

#define RDF "http://www.w3.org/1999/02/22-rdf-syntax-ns# "
#define DC "http://purl.org/dc/elements/1.1/ "
#define XMP "http://ns.adobe.com/xap/1.0/ "
#define XMP_RIGHTS "http://ns.adobe.com/xap/1.0/rights/ "
#define PHOTOSHOP "http://ns.adobe.com/photoshop/1.0/ "
#define IPTC "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/ "
#define TIFF "http://ns.adobe.com/tiff/1.0/ "
#define EXIF "http://ns.adobe.com/exif/1.0/ "
#define EXIF_EX "http://cipa.jp/exif/1.0/ "
#define AUX "http://ns.adobe.com/exif/1.0/aux/ "

enum kind { TEXT, LIST, NUMBER, LATITUDE, LONGITUDE };

struct property {
    const char *xml; /* namespace and name, as Expat puts them together */
    const char *name;
    enum kind kind;
};

static const struct property properties[] = {
    {DC "title", "title", TEXT},
    {DC "description", "description", TEXT},
    {DC "rights", "rights", TEXT},
    {DC "creator", "creators", LIST},
    {DC "subject", "keywords", LIST},
    {XMP_RIGHTS "UsageTerms", "usage_terms", TEXT},
    {XMP_RIGHTS "WebStatement", "web_statement", TEXT},
    {PHOTOSHOP "Headline", "headline", TEXT},
    {PHOTOSHOP "Credit", "credit", TEXT},
    {PHOTOSHOP "Source", "source", TEXT},
    {PHOTOSHOP "City", "city", TEXT},
    {PHOTOSHOP "State", "state", TEXT},
    {PHOTOSHOP "Country", "country", TEXT},
    {IPTC "Location", "location", TEXT},
    {XMP "Label", "label", TEXT},
    {XMP "Rating", "rating", NUMBER},
    {XMP "CreatorTool", "creator_tool", TEXT},
    {XMP "CreateDate", "created_at", TEXT},
    {TIFF "Make", "make", TEXT},
    {TIFF "Model", "model", TEXT},
    {AUX "Lens", "lens_model", TEXT},
    {EXIF_EX "LensModel", "lens_model", TEXT},
    {AUX "SerialNumber", "serial_number", TEXT},
    {EXIF_EX "BodySerialNumber", "serial_number", TEXT},
    {AUX "LensSerialNumber", "lens_serial_number", TEXT},
    {EXIF_EX "LensSerialNumber", "lens_serial_number", TEXT},
    {AUX "OwnerName", "owner", TEXT},
    {EXIF_EX "CameraOwnerName", "owner", TEXT},
    {EXIF "GPSLatitude", "latitude", LATITUDE},
    {EXIF "GPSLongitude", "longitude", LONGITUDE},
};

/*
 * rdf:Description holds properties as attributes, or as elements with text, or with a container
 * (Alt, Seq, Bag) whose items are the values. What is deeper is a structure, and passed over.
 */
struct reader {
    XML_Parser parser;
    json_t *found;
    int depth;
    int described;                  /* depth of the rdf:Description we are in, or 0 */
    const struct property *current; /* element we are in, or NULL */
    int current_depth;
    bool in_item;
    int item_depth;
    bool preferred; /* the item is in the default language */
    bool had_items;
    struct mt_buf text;
};

static const struct property *property_of(const char *xml)
{
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (strcmp(properties[i].xml, xml) == 0)
            return &properties[i];
    return NULL;
}

/* Degrees of "51,31.99N" or "51,31,59N" (ISO 16684-1, exif:GPSCoordinate); NAN if it is none. */
static double degrees(const char *text, const char *letters)
{
    double d = 0, m = 0, s = 0;
    char letter = 0;

    if (sscanf(text, "%lf,%lf,%lf%c", &d, &m, &s, &letter) != 4) {
        s = 0;
        if (sscanf(text, "%lf,%lf%c", &d, &m, &letter) != 3)
            return NAN;
    }
    if (!(d >= 0 && m >= 0 && m < 60 && s >= 0 && s < 60) || !letter || !strchr(letters, letter))
        return NAN;
    d += m / 60 + s / 3600;
    return letter == letters[1] ? -d : d;
}

static void set_place(json_t *found, const char *name, double d, double most)
{
    json_t *gps = json_object_get(found, "gps");

    if (!(fabs(d) <= most))
        return;
    if (!gps) {
        gps = json_object();
        json_object_set_new(found, "gps", gps);
    }
    json_object_set_new(gps, name, mt_json_real(d, 7));
}

static void set_list(json_t *found, const char *name, const char *text)
{
    json_t *list = json_object_get(found, name);

    if (!list) {
        list = json_array();
        json_object_set_new(found, name, list);
    }
    if (json_array_size(list) < LIST_MOST)
        json_array_append_new(list, json_string(text));
}

static void set_rating(json_t *found, const char *name, const char *text)
{
    char *end;
    double v = strtod(text, &end);

    if (end != text && *end == '\0' && v >= -1 && v <= 5)
        json_object_set_new(found, name, mt_json_real(v, 2));
}

/* The first value of a property stays, unless a later one is in the default language. */
static void keep(struct reader *r, const struct property *p, const char *raw, size_t n)
{
    while (n > 0 && strchr(" \t\r\n", *raw)) {
        raw++;
        n--;
    }
    while (n > 0 && strchr(" \t\r\n", raw[n - 1]))
        n--;
    if (n == 0)
        return;
    char *clean = mt_utf8_clean(raw, n);
    char *text = mt_text_printable(clean, TEXT_MOST);
    if (p->kind == LIST)
        set_list(r->found, p->name, text);
    else if (p->kind == NUMBER)
        set_rating(r->found, p->name, text);
    else if (p->kind == LATITUDE)
        set_place(r->found, p->name, degrees(text, "NS"), 90);
    else if (p->kind == LONGITUDE)
        set_place(r->found, p->name, degrees(text, "EW"), 180);
    else if (r->preferred || !json_object_get(r->found, p->name))
        json_object_set_new(r->found, p->name, json_string(text));
    free(text);
    free(clean);
}

static void start_description(struct reader *r, const char **attributes)
{
    r->described = r->depth;
    for (; attributes[0]; attributes += 2) {
        const struct property *p = property_of(attributes[0]);
        if (p)
            keep(r, p, attributes[1], strlen(attributes[1]));
    }
}

static void start_item(struct reader *r, const char **attributes)
{
    r->in_item = r->had_items = true;
    r->item_depth = r->depth;
    r->preferred = false;
    mt_buf_clear(&r->text);
    for (; attributes[0]; attributes += 2)
        if (strcmp(attributes[0], "http://www.w3.org/XML/1998/namespace lang") == 0)
            r->preferred = strcmp(attributes[1], "x-default") == 0;
}

static void XMLCALL start(void *ctx, const char *name, const char **attributes)
{
    struct reader *r = ctx;

    if (++r->depth > DEPTH_MOST) {
        XML_StopParser(r->parser, XML_FALSE);
    } else if (!r->described && strcmp(name, RDF "Description") == 0) {
        start_description(r, attributes);
    } else if (r->described && r->depth == r->described + 1) {
        r->current = property_of(name);
        r->current_depth = r->depth;
        r->had_items = false;
        mt_buf_clear(&r->text);
    } else if (r->current && !r->in_item && r->depth == r->current_depth + 2 &&
               strcmp(name, RDF "li") == 0) {
        start_item(r, attributes);
    }
}

static void keep_text(struct reader *r)
{
    if (r->current && r->text.len > 0)
        keep(r, r->current, r->text.data, r->text.len);
    r->preferred = false;
    mt_buf_clear(&r->text);
}

static void XMLCALL end(void *ctx, const char *name)
{
    struct reader *r = ctx;

    (void)name;
    if (r->in_item && r->depth == r->item_depth) {
        keep_text(r);
        r->in_item = false;
    } else if (r->current && r->depth == r->current_depth) {
        if (!r->had_items)
            keep_text(r);
        r->current = NULL;
    } else if (r->described == r->depth) {
        r->described = 0;
    }
    r->depth--;
}

/* Text of the property itself, or of an item; not what is in structures below them. */
static void XMLCALL text(void *ctx, const char *data, int n)
{
    struct reader *r = ctx;
    struct mt_err err;
    bool own = r->in_item ? r->depth == r->item_depth : r->depth == r->current_depth;

    /* What does not fit is left out: it would be cut anyhow. */
    if (r->current && own && n > 0 && mt_buf_add(&r->text, data, (size_t)n, &err) < 0)
        return;
}

static void XMLCALL refuse(void *ctx, const char *name, const char *system, const char *public,
                           int internal)
{
    struct reader *r = ctx;

    (void)name, (void)system, (void)public, (void)internal;
    XML_StopParser(r->parser, XML_FALSE);
}

json_t *mt_xmp_read(int fd)
{
    struct reader r = {.parser = XML_ParserCreateNS(NULL, ' ')};
    size_t n = 0;
    unsigned char *packet = mt_xmp_find(fd, &n);

    if (packet && r.parser && n <= PACKET_MOST) {
        r.found = json_object();
        mt_buf_init(&r.text, 8 * TEXT_MOST);
        XML_SetUserData(r.parser, &r);
        XML_SetElementHandler(r.parser, start, end);
        XML_SetCharacterDataHandler(r.parser, text);
        XML_SetStartDoctypeDeclHandler(r.parser, refuse);
        /* What was read before a fault is told; writers pad packets in ways that are no XML. */
        (void)XML_Parse(r.parser, (const char *)packet, (int)n, 1);
        mt_buf_free(&r.text);
    }
    if (r.parser)
        XML_ParserFree(r.parser);
    free(packet);
    if (r.found && json_object_size(r.found) == 0) {
        json_decref(r.found);
        r.found = NULL;
    }
    return r.found;
}
