/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_pictures.c - an asset's pictures within the page itself. */
#include "status/report.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PICTURES_MAX = 200, ONE_MAX = 900 * 1000 };

struct picture {
    char *key;
    const char *mime;
    double at;    /* seconds; below 0: of the whole film */
    int64_t size; /* bytes in the store */
    bool used;
};

struct pictures {
    struct picture list[PICTURES_MAX];
    int n;
    bool left_out;
};

static const char *mime_of(const char *format)
{
    static const char *const types[][2] = {
        {"webp", "image/webp"}, {"jpg", "image/jpeg"},  {"jpeg", "image/jpeg"},
        {"png", "image/png"},   {"avif", "image/avif"},
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i][0], format) == 0)
            return types[i][1];
    return NULL;
}

/* Of one moment's pictures in several formats the smallest stays. */
static bool is_better(struct pictures *p, const struct picture *fresh)
{
    for (int i = 0; fresh->at >= 0 && i < p->n; i++) {
        struct picture *old = &p->list[i];
        if (old->at != fresh->at)
            continue;
        if (fresh->size < old->size) {
            free(old->key);
            *old = *fresh;
            return true;
        }
        return false;
    }
    if (p->n == PICTURES_MAX) {
        p->left_out = true;
        return false;
    }
    p->list[p->n++] = *fresh;
    return true;
}

static void consider(struct pictures *p, struct mt_store *store, const json_t *entry, double at)
{
    struct mt_err ignored;
    const char *url = mt_json_str(entry, "url", NULL);
    struct picture fresh = {.mime = mime_of(mt_json_str(entry, "format", "")), .at = at};

    if (!fresh.mime || !url)
        return;
    fresh.key = mt_store_key_of(store, url);
    if (!fresh.key || mt_store_stat(store, fresh.key, &fresh.size, &ignored) < 0 ||
        !is_better(p, &fresh))
        free(fresh.key);
}

static bool is_overview(const char *type)
{
    static const char *const types[] = {"storyboard", "sprite", "waveform", "contact_sheet"};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return false;
}

static void gather(struct pictures *p, const json_t *doc, struct mt_store *store)
{
    size_t i;
    json_t *entry;

    json_array_foreach(mt_json_at(doc, "variants"), i, entry)
    {
        if (is_overview(mt_json_str(entry, "variant_type", "")))
            consider(p, store, entry, -1);
    }
    json_array_foreach(mt_json_at(doc, "thumbnails"), i, entry)
    {
        consider(p, store, entry, mt_json_num(entry, "timestamp", 0));
    }
}

/* The largest go first until the rest fits; base 64 makes four bytes of three. */
static void choose(struct pictures *p)
{
    int64_t sum = 0;

    for (int i = 0; i < p->n; i++) {
        p->list[i].used = p->list[i].size > 0 && p->list[i].size <= ONE_MAX;
        p->left_out |= p->list[i].size > ONE_MAX;
        sum += p->list[i].used ? p->list[i].size : 0;
    }
    while (sum / 3 * 4 > MT_PAGE_PICTURES) {
        int worst = -1;
        for (int i = 0; i < p->n; i++)
            if (p->list[i].used && (worst < 0 || p->list[i].size > p->list[worst].size))
                worst = i;
        p->list[worst].used = false;
        p->left_out = true;
        sum -= p->list[worst].size;
    }
}

/* The object's bytes in base 64; NULL if it cannot be read or is not what it was. free() it. */
static char *encoded(const struct picture *picture, struct mt_store *store)
{
    struct mt_err ignored;
    size_t size = (size_t)picture->size;
    int fd = mt_store_get(store, picture->key, &ignored);
    char *bytes = mt_alloc(size);
    char *text = NULL;

    if (fd >= 0 && mt_read_full(fd, bytes, size) == (ssize_t)size)
        text = mt_base64(bytes, size);
    mt_fd_close(&fd);
    free(bytes);
    return text;
}

static void put_picture(struct mt_page_text *page, struct pictures *p,
                        const struct picture *picture, struct mt_store *store)
{
    char *data = encoded(picture, store);
    char at[MT_FIGURE] = "";

    if (!data) {
        p->left_out = true;
        return;
    }
    if (picture->at >= 0 && picture->at < 1e9)
        mt_show_duration((int64_t)(picture->at * 1e6), at);
    mt_page_add(page, "<figure%s><img alt=\"%s\" src=\"data:%s;base64,",
                picture->at < 0 ? " class=\"wide\"" : "", at, picture->mime);
    mt_page_text(page, data);
    mt_page_add(page, "\">");
    if (*at)
        mt_page_add(page, "<figcaption><bdi dir=\"ltr\">%s</bdi></figcaption>", at);
    mt_page_add(page, "</figure>\n");
    free(data);
}

void mt_page_pictures(struct mt_page_text *page, const json_t *document, struct mt_store *store)
{
    if (!store) {
        mt_page_note(page, "The store cannot be read, so there are no pictures.");
        return;
    }
    struct pictures *p = mt_alloc(sizeof *p);
    gather(p, document, store);
    choose(p);
    mt_page_add(page, "<div class=\"pictures\">\n");
    for (int i = 0; i < p->n; i++)
        if (p->list[i].used)
            put_picture(page, p, &p->list[i], store);
    mt_page_add(page, "</div>\n");
    if (p->n == 0)
        mt_page_note(page, "There are no pictures.");
    if (p->left_out)
        mt_page_note(page, "Some pictures are left out, to keep the page small.");
    for (int i = 0; i < p->n; i++)
        free(p->list[i].key);
    free(p);
}
