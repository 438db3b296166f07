/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rights.c - what stays of a picture's metadata: whose it is.
 *
 * EXIF, XMP and IPTC also say where a picture was taken, with which camera by its number, by whom
 * it was edited, and may hold an older, uncut version as a thumbnail. So nothing is taken out of
 * them; they are left behind, and copyright, author, licence and terms of use, wherever they were
 * found, are written anew as EXIF (Artist, Copyright) and XMP (dc:creator, dc:rights,
 * xmpRights:WebStatement, xmpRights:UsageTerms).
 */
#include "picture/internal.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 2000 };

/* Valid, printable UTF-8 without the space around it; NULL if that is nothing. */
static char *tidy(const char *text, size_t n)
{
    char *clean = mt_utf8_clean(text, n);
    char *shown = mt_text_printable(clean, TEXT_MAX);
    char *copy = g_strdup(g_strstrip(shown));

    free(clean);
    free(shown);
    if (*copy)
        return copy;
    g_free(copy);
    return NULL;
}

static void set(char **out, char *text)
{
    if (*out)
        g_free(text);
    else
        *out = text;
}

/* libvips shows a value as "text (text, ASCII, 5 components, 5 bytes)". */
static char *exif_text(VipsImage *image, const char *field)
{
    const char *shown;

    if (!vips_image_get_typeof(image, field) || vips_image_get_string(image, field, &shown) != 0)
        return NULL;
    const char *end = g_strrstr(shown, " (");
    return tidy(shown, end ? (size_t)(end - shown) : strlen(shown));
}

/* Entities of XML that matter in text. */
static void unescape(char *text)
{
    static const struct {
        const char *name;
        char c;
    } entities[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    char *to = text;

    for (char *from = text; *from; to++) {
        size_t step = 1;
        *to = *from;
        for (size_t i = 0; *from == '&' && i < G_N_ELEMENTS(entities); i++)
            if (g_str_has_prefix(from, entities[i].name)) {
                step = strlen(entities[i].name);
                *to = entities[i].c;
            }
        from += step;
    }
    *to = '\0';
}

/* The text between two places without the tags in it. */
static char *untagged(const char *from, const char *to)
{
    GString *text = g_string_new(NULL);
    bool inside = false;

    for (; from < to; from++)
        if (*from == '<')
            inside = true;
        else if (*from == '>')
            inside = false;
        else if (!inside)
            g_string_append_c(text, *from);
    unescape(text->str);
    char *out = tidy(text->str, strlen(text->str));
    g_string_free(text, TRUE);
    return out;
}

/* A property of XMP, written as an element or as an attribute. */
static char *xmp_text(const char *xmp, const char *name)
{
    char *open = g_strdup_printf("<%s", name), *close = g_strdup_printf("</%s>", name);
    char *attribute = g_strdup_printf("%s=\"", name);
    const char *from = strstr(xmp, open), *body = from ? strchr(from, '>') : NULL;
    const char *to = body ? strstr(body, close) : NULL;
    const char *value = strstr(xmp, attribute), *quote = NULL;
    char *out = NULL;

    if (to)
        out = untagged(body + 1, to);
    if (!out && value) {
        value += strlen(attribute);
        quote = strchr(value, '"');
    }
    if (quote)
        out = untagged(value, quote);
    g_free(open);
    g_free(close);
    g_free(attribute);
    return out;
}

/* A dataset of record 2 of IPTC-IIM 4.2, also inside of Photoshop's resources. */
static char *iptc_text(const uint8_t *p, size_t n, uint8_t dataset)
{
    for (size_t i = 0; i + 5 <= n; i++) {
        size_t len = (size_t)p[i + 3] << 8 | p[i + 4];
        if (p[i] == 0x1c && p[i + 1] == 2 && p[i + 2] == dataset && len <= n - i - 5)
            return tidy((const char *)p + i + 5, len);
    }
    return NULL;
}

static void read_xmp(struct mt_rights *r, const void *data, size_t n)
{
    char *xmp = g_strndup(data, n);

    set(&r->copyright, xmp_text(xmp, "dc:rights"));
    set(&r->artist, xmp_text(xmp, "dc:creator"));
    set(&r->licence, xmp_text(xmp, "xmpRights:WebStatement"));
    set(&r->licence, xmp_text(xmp, "cc:license"));
    set(&r->usage, xmp_text(xmp, "xmpRights:UsageTerms"));
    g_free(xmp);
}

void mt_rights_read(struct mt_rights *r, VipsImage *image)
{
    const void *data;
    size_t n;

    set(&r->copyright, exif_text(image, "exif-ifd0-Copyright"));
    set(&r->artist, exif_text(image, "exif-ifd0-Artist"));
    if (vips_image_get_typeof(image, VIPS_META_XMP_NAME) &&
        vips_image_get_blob(image, VIPS_META_XMP_NAME, &data, &n) == 0)
        read_xmp(r, data, n);
    if (vips_image_get_typeof(image, VIPS_META_IPTC_NAME) &&
        vips_image_get_blob(image, VIPS_META_IPTC_NAME, &data, &n) == 0) {
        set(&r->copyright, iptc_text(data, n, 116));
        set(&r->artist, iptc_text(data, n, 80));
    }
    vips_error_clear();
}

void mt_rights_free(struct mt_rights *r)
{
    g_free(r->copyright);
    g_free(r->artist);
    g_free(r->licence);
    g_free(r->usage);
    *r = (struct mt_rights){0};
}

static void add_element(GString *out, const char *name, const char *kind, const char *text)
{
    char *safe = text ? g_markup_escape_text(text, -1) : NULL;

    if (safe && *kind)
        g_string_append_printf(out, "<%s><rdf:%s><rdf:li%s>%s</rdf:li></rdf:%s></%s>", name, kind,
                               strcmp(kind, "Alt") == 0 ? " xml:lang=\"x-default\"" : "", safe,
                               kind, name);
    else if (safe)
        g_string_append_printf(out, "<%s>%s</%s>", name, safe, name);
    g_free(safe);
}

/* An XMP packet (ISO 16684-1) of the rights alone. */
static void set_xmp(const struct mt_rights *r, VipsImage *image)
{
    GString *x =
        g_string_new("<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>"
                     "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
                     "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description "
                     "rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" "
                     "xmlns:xmpRights=\"http://ns.adobe.com/xap/1.0/rights/\">");

    add_element(x, "dc:creator", "Seq", r->artist);
    add_element(x, "dc:rights", "Alt", r->copyright);
    add_element(x, "xmpRights:WebStatement", "", r->licence);
    add_element(x, "xmpRights:UsageTerms", "Alt", r->usage);
    g_string_append(x, "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>");
    vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, x->str, x->len);
    g_string_free(x, TRUE);
}

static void set_exif(VipsImage *image, const char *field, const char *text)
{
    char *shown = text ? g_strdup_printf("%s (%s, ASCII, %zu components, %zu bytes)", text, text,
                                         strlen(text) + 1, strlen(text) + 1)
                       : NULL;

    if (shown)
        vips_image_set_string(image, field, shown);
    g_free(shown);
}

/* What describes pixels and timing, not the picture's story. */
static bool is_technical(const char *field)
{
    static const char *const kept[] = {"width",  "height",         "bands",       "format",
                                       "coding", "interpretation", "xoffset",     "yoffset",
                                       "xres",   "yres",           "page-height", "n-pages",
                                       "loop",   "delay",          "background"};

    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
        if (strcmp(kept[i], field) == 0)
            return true;
    return false;
}

static void remove_fields(VipsImage *image, bool all)
{
    char **fields = vips_image_get_fields(image);

    for (char **f = fields; f && *f; f++)
        if (all ? !is_technical(*f)
                : g_str_has_prefix(*f, "exif-ifd1-") || g_str_has_prefix(*f, "jpeg-thumbnail"))
            vips_image_remove(image, *f);
    g_strfreev(fields);
}

bool mt_rights_apply(const struct mt_rights *r, enum mt_picture_strip strip, VipsImage *image)
{
    remove_fields(image, strip != MT_PICTURE_NONE);
    if (strip == MT_PICTURE_NONE)
        return false;
    if (strip == MT_PICTURE_ALL || !(r->copyright || r->artist || r->licence || r->usage))
        return true;
    set_exif(image, "exif-ifd0-Copyright", r->copyright);
    set_exif(image, "exif-ifd0-Artist", r->artist);
    set_xmp(r, image);
    return false;
}
