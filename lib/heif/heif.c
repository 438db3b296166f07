/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heif.c - see heif.h. */
#include "heif/heif.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

enum {
    BOXES_MOST = 4096,
    ITEMS_MOST = 65536,
    META_MOST = 4 * 1024 * 1024,
    PROPERTIES_MOST = 4096,
};

/* Bytes in memory that are read from front to back; past the end figures are 0 and bad is set. */
struct bytes {
    const uint8_t *p, *end;
    bool bad;
};

struct mt_heif {
    int fd;
    int64_t at; /* of the contents of the meta box in the file */
    size_t n;
    uint8_t meta[];
};

static uint64_t figure(struct bytes *b, int n)
{
    uint64_t v = 0;

    if (b->end - b->p < n) {
        b->p = b->end;
        b->bad = true;
        return 0;
    }
    for (int i = 0; i < n; i++)
        v = v << 8 | *b->p++;
    return v;
}

static bool more(const struct bytes *b)
{
    return !b->bad && b->p < b->end;
}

/* The next box inside another; its contents go to *inside. */
static bool next_box(struct bytes *b, char type[4], struct bytes *inside)
{
    const uint8_t *from = b->p;

    if (b->end - from < 8)
        return false;
    uint64_t size = figure(b, 4);
    memcpy(type, b->p, 4);
    b->p += 4;
    if (size == 1)
        size = figure(b, 8);
    else if (size == 0)
        size = (uint64_t)(b->end - from);
    if (b->bad || size < (uint64_t)(b->p - from) || size > (uint64_t)(b->end - from))
        return false;
    *inside = (struct bytes){.p = b->p, .end = from + size};
    b->p = from + size;
    return true;
}

static struct bytes box_within(struct bytes b, const char *want)
{
    struct bytes inside;
    char type[4];

    for (int i = 0; i < BOXES_MOST && next_box(&b, type, &inside); i++)
        if (memcmp(type, want, 4) == 0)
            return inside;
    return (struct bytes){.bad = true};
}

/* A box of the meta box, by its name. */
static struct bytes part(const struct mt_heif *h, const char *type)
{
    return box_within((struct bytes){.p = h->meta, .end = h->meta + h->n}, type);
}

/* Version and flags, which most boxes begin with. */
static int version_of(struct bytes *b, uint32_t *flags)
{
    uint64_t v = figure(b, 4);

    if (flags)
        *flags = (uint32_t)(v & 0xFFFFFF);
    return (int)(v >> 24);
}

static bool brand_fits(const uint8_t *p)
{
    static const char brands[][5] = {"heic", "heix", "heim", "heis", "hevc", "hevx",
                                     "mif1", "mif2", "msf1", "avif", "avis"};

    for (size_t i = 0; i < sizeof brands / sizeof *brands; i++)
        if (memcmp(p, brands[i], 4) == 0)
            return true;
    return false;
}

/* Whether the file type box (14496-12, 4.3) has a brand of pictures, as its own or among others. */
static bool is_heif(int fd)
{
    uint8_t h[256];
    ssize_t got = mt_pread_full(fd, h, sizeof h, 0);

    if (got < 16 || memcmp(h + 4, "ftyp", 4) != 0)
        return false;
    struct bytes b = {.p = h, .end = h + 4};
    ssize_t n = (ssize_t)figure(&b, 4);
    for (ssize_t i = 8; i + 4 <= n && i + 4 <= got; i += i == 8 ? 8 : 4)
        if (brand_fits(h + i))
            return true;
    return false;
}

/* Where the contents of the meta box lie; 0 bytes if there is none. */
static struct mt_heif_span find_meta(int fd)
{
    uint8_t h[16] = {0};
    int64_t at = 0;

    for (int i = 0; i < BOXES_MOST && mt_pread_full(fd, h, sizeof h, at) >= 8; i++) {
        struct bytes b = {.p = h, .end = h + sizeof h};
        int64_t header = 8;
        uint64_t size = figure(&b, 4);
        figure(&b, 4);
        if (size == 1) {
            size = figure(&b, 8);
            header = 16;
        }
        if (size < (uint64_t)header || size > INT64_MAX / 2)
            break;
        if (memcmp(h + 4, "meta", 4) == 0)
            return (struct mt_heif_span){at + header + 4, (int64_t)size - header - 4};
        at += (int64_t)size;
    }
    return (struct mt_heif_span){0, 0};
}

struct mt_heif *mt_heif_read(int fd)
{
    struct mt_heif_span meta = is_heif(fd) ? find_meta(fd) : (struct mt_heif_span){0, 0};

    if (meta.bytes <= 0 || meta.bytes > META_MOST)
        return NULL;
    struct mt_heif *h = malloc(sizeof *h + (size_t)meta.bytes);
    if (!h)
        return NULL;
    h->fd = fd;
    h->at = meta.at;
    h->n = (size_t)meta.bytes;
    if (mt_pread_full(fd, h->meta, h->n, h->at) != (ssize_t)h->n)
        mt_heif_free(&h);
    return h;
}

void mt_heif_free(struct mt_heif **heif)
{
    free(*heif);
    *heif = NULL;
}

int64_t mt_heif_primary(const struct mt_heif *h)
{
    struct bytes b = part(h, "pitm");
    int version = version_of(&b, NULL);
    int64_t id = (int64_t)figure(&b, version == 0 ? 2 : 4);

    return b.bad ? -1 : id;
}

/* One entry of iinf (8.11.6). */
struct entry {
    int64_t id;
    bool sealed;
    const char *type; /* four characters, no NUL */
    struct bytes rest;
};

static bool next_entry(struct bytes *list, struct entry *e)
{
    struct bytes b;
    char type[4];

    while (next_box(list, type, &b)) {
        int version = version_of(&b, NULL);
        if (memcmp(type, "infe", 4) != 0 || version < 2)
            continue;
        e->id = (int64_t)figure(&b, version == 2 ? 2 : 4);
        e->sealed = figure(&b, 2) != 0;
        e->type = (const char *)b.p;
        figure(&b, 4);
        e->rest = b;
        if (!b.bad)
            return true;
    }
    return false;
}

static struct bytes entries(const struct mt_heif *h)
{
    struct bytes list = part(h, "iinf");

    figure(&list, version_of(&list, NULL) == 0 ? 2 : 4);
    return list;
}

/* A text up to its NUL; skips it. NULL if it has no end. */
static const char *text(struct bytes *b)
{
    const char *from = (const char *)b->p;
    const uint8_t *end = more(b) ? memchr(b->p, 0, (size_t)(b->end - b->p)) : NULL;

    if (!end)
        return NULL;
    b->p = end + 1;
    return from;
}

static bool mime_is(struct bytes rest, const char *mime)
{
    if (!mime)
        return true;
    text(&rest); /* the item's name */
    const char *got = text(&rest);
    return got && strcmp(got, mime) == 0;
}

int64_t mt_heif_find(const struct mt_heif *h, const char *type, const char *mime)
{
    struct bytes list = entries(h);
    struct entry e;

    for (int i = 0; i < ITEMS_MOST && next_entry(&list, &e); i++)
        if (memcmp(e.type, type, 4) == 0 && (memcmp(type, "mime", 4) != 0 || mime_is(e.rest, mime)))
            return e.id;
    return -1;
}

/* Bytes of each figure in iloc (8.11.3). */
struct widths {
    int version, offset, length, base, index;
};

static void add_extent(struct mt_heif_item *item, int *n, int64_t at, int64_t bytes)
{
    if (*n < MT_HEIF_EXTENTS)
        item->extents[*n] = (struct mt_heif_span){at, bytes};
    ++*n;
}

/*
 * Reads one entry of iloc. True if it is that of the item; its extents are then those in this
 * file. idat: where that box's contents lie in the file; 0: there is none.
 */
static bool take_location(struct bytes *b, const struct widths *w, int64_t id, int64_t idat,
                          struct mt_heif_item *item)
{
    int64_t of = (int64_t)figure(b, w->version < 2 ? 2 : 4);
    uint64_t method = w->version > 0 ? figure(b, 2) & 15 : 0;
    uint64_t reference = figure(b, 2), base = figure(b, w->base), count = figure(b, 2);
    bool ours =
        reference == 0 && (method == 0 || (method == 1 && idat > 0)) && base < INT64_MAX / 4;
    int n = 0;

    for (uint64_t i = 0; i < count && !b->bad; i++) {
        figure(b, w->version > 0 ? w->index : 0);
        uint64_t offset = figure(b, w->offset), length = figure(b, w->length);
        ours &= offset < INT64_MAX / 4 && length < INT64_MAX / 4;
        if (of == id && ours)
            add_extent(item, &n, (int64_t)(base + offset) + (method ? idat : 0), (int64_t)length);
    }
    if (of != id)
        return false;
    item->n_extents = ours && !b->bad && n <= MT_HEIF_EXTENTS ? n : 0;
    return true;
}

static void locate(const struct mt_heif *h, int64_t id, struct mt_heif_item *item)
{
    struct bytes b = part(h, "iloc"), idat = part(h, "idat");
    int64_t at = idat.bad ? 0 : h->at + (idat.p - h->meta);
    struct widths w = {.version = version_of(&b, NULL)};
    uint64_t sizes = figure(&b, 2);

    w.offset = (int)(sizes >> 12 & 15);
    w.length = (int)(sizes >> 8 & 15);
    w.base = (int)(sizes >> 4 & 15);
    w.index = (int)(sizes & 15);
    if (w.offset > 8 || w.length > 8 || w.base > 8 || w.index > 8)
        return;
    uint64_t count = figure(&b, w.version < 2 ? 2 : 4);
    for (uint64_t i = 0; i < count && !b.bad; i++)
        if (take_location(&b, &w, id, at, item))
            return;
}

bool mt_heif_item(const struct mt_heif *h, int64_t id, struct mt_heif_item *item)
{
    struct bytes list = entries(h);
    struct entry e;

    *item = (struct mt_heif_item){.type = ""};
    for (int i = 0; i < ITEMS_MOST && next_entry(&list, &e); i++)
        if (e.id == id) {
            memcpy(item->type, e.type, 4);
            item->sealed = e.sealed;
            locate(h, id, item);
            return true;
        }
    return false;
}

unsigned char *mt_heif_load(const struct mt_heif *h, const struct mt_heif_item *item, size_t most,
                            size_t *n)
{
    size_t total = 0, at = 0;

    for (int i = 0; i < item->n_extents; i++) {
        if ((uint64_t)item->extents[i].bytes > most - total)
            return NULL;
        total += (size_t)item->extents[i].bytes;
    }
    unsigned char *data = total > 0 ? malloc(total) : NULL;
    for (int i = 0; data && i < item->n_extents; i++) {
        size_t want = (size_t)item->extents[i].bytes;
        if (mt_pread_full(h->fd, data + at, want, item->extents[i].at) != (ssize_t)want) {
            free(data);
            data = NULL;
        }
        at += want;
    }
    *n = total;
    return data;
}

/* iref (8.11.12): the references of one kind from one item. */
int mt_heif_parts(const struct mt_heif *h, int64_t id, int64_t parts[MT_HEIF_TILES])
{
    struct bytes list = part(h, "iref"), b;
    int width = version_of(&list, NULL) == 0 ? 2 : 4;
    char type[4];

    while (next_box(&list, type, &b)) {
        if ((int64_t)figure(&b, width) != id || memcmp(type, "dimg", 4) != 0)
            continue;
        int count = (int)figure(&b, 2);
        if (count > MT_HEIF_TILES)
            return -1;
        for (int i = 0; i < count; i++)
            parts[i] = (int64_t)figure(&b, width);
        return b.bad ? 0 : count;
    }
    return 0;
}

/* The property number index, counted from 1 (23008-12, 9.3). */
static struct bytes property_at(struct bytes list, uint64_t index, char type[4])
{
    struct bytes inside;

    for (uint64_t i = 1; i < PROPERTIES_MOST && next_box(&list, type, &inside); i++)
        if (i == index)
            return inside;
    return (struct bytes){.bad = true};
}

/* Calls each with the properties of an item in order, until it says that it has enough. */
static void each_property(const struct mt_heif *h, int64_t id,
                          bool (*each)(void *ctx, const char type[4], struct bytes b), void *ctx)
{
    struct bytes iprp = part(h, "iprp"), list = box_within(iprp, "ipco"), ipma;
    char kind[4], type[4];

    for (int i = 0; i < BOXES_MOST && next_box(&iprp, kind, &ipma); i++) {
        uint32_t flags;
        if (memcmp(kind, "ipma", 4) != 0)
            continue;
        int version = version_of(&ipma, &flags);
        uint64_t count = figure(&ipma, 4);
        for (uint64_t e = 0; e < count && !ipma.bad; e++) {
            int64_t of = (int64_t)figure(&ipma, version == 0 ? 2 : 4);
            uint64_t n = figure(&ipma, 1);
            for (uint64_t k = 0; k < n && !ipma.bad; k++) {
                uint64_t index = flags & 1 ? figure(&ipma, 2) & 0x7FFF : figure(&ipma, 1) & 0x7F;
                struct bytes b =
                    of == id ? property_at(list, index, type) : (struct bytes){.bad = true};
                if (!b.bad && each(ctx, type, b))
                    return;
            }
        }
    }
}

struct wanted {
    const char *type;
    int nth;
    struct bytes found;
};

static bool pick(void *ctx, const char type[4], struct bytes b)
{
    struct wanted *w = ctx;

    if (memcmp(type, w->type, 4) != 0 || w->nth-- > 0)
        return false;
    w->found = b;
    return true;
}

const uint8_t *mt_heif_property(const struct mt_heif *h, int64_t id, const char *type, int nth,
                                size_t *n)
{
    struct wanted w = {.type = type, .nth = nth};

    each_property(h, id, pick, &w);
    *n = (size_t)(w.found.end - w.found.p);
    return w.found.p;
}

bool mt_heif_size(const struct mt_heif *h, int64_t id, int64_t *width, int64_t *height)
{
    size_t n;
    const uint8_t *p = mt_heif_property(h, id, "ispe", 0, &n);
    struct bytes b = {.p = p, .end = p ? p + n : p};

    version_of(&b, NULL);
    *width = (int64_t)figure(&b, 4);
    *height = (int64_t)figure(&b, 4);
    return !b.bad && *width > 0 && *height > 0;
}

struct turn {
    bool mirrored;
    int degrees;
};

/* Each is applied to what the ones before it made of the picture. */
static bool turn_on(void *ctx, const char type[4], struct bytes b)
{
    struct turn *t = ctx;
    int v = b.p < b.end ? *b.p : 0;

    if (memcmp(type, "irot", 4) == 0) {
        t->degrees = (t->degrees + 360 - 90 * (v & 3)) % 360;
    } else if (memcmp(type, "imir", 4) == 0) {
        t->degrees = ((v & 1 ? 360 : 180) - t->degrees + 360) % 360;
        t->mirrored = !t->mirrored;
    }
    return false;
}

int mt_heif_turn(const struct mt_heif *h, int64_t id, bool *mirrored)
{
    struct turn t = {0};

    each_property(h, id, turn_on, &t);
    *mirrored = t.mirrored;
    return t.degrees;
}
