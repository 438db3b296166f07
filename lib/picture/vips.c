/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vips.c - the library: started with little, and kept to a few loaders. */
#include "picture/internal.h"

#include "base/text.h"

#include <dlfcn.h>
#include <gmodule.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vips/vector.h>

const char *const mt_picture_names[MT_PICTURE_FORMATS] = {"webp", "jpg", "png", "avif",
                                                          "jxl",  "gif", "tiff"};

enum { WARNING_MAX = 256 };

/* The library's own state is global; so is ours about it. */
static struct {
    int count;
    char last[WARNING_MAX];
} warnings;

static void hear(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data)
{
    (void)domain;
    (void)level;
    (void)data;
    warnings.count++;
    snprintf(warnings.last, sizeof warnings.last, "%s", text);
}

int mt_vips_warnings(const char **last)
{
    int n = warnings.count;

    *last = warnings.last;
    warnings.count = 0;
    return n;
}

int mt_vips_fail(struct mt_err *err, enum mt_code code, const char *what)
{
    char *text = mt_text_printable(vips_error_buffer(), WARNING_MAX);

    vips_error_clear();
    text[strcspn(text, "\n")] = '\0';
    mt_fail(err, code, "%s: %s", what, *text ? text : "no reason given");
    free(text);
    return -1;
}

/* All loaders are blocked but those of formats that are wanted and well tested. */
static void block(void)
{
    static const char *const wanted[] = {
        "VipsForeignLoadJpeg", "VipsForeignLoadPng",  "VipsForeignLoadNsgif",
        "VipsForeignLoadWebp", "VipsForeignLoadTiff", "VipsForeignLoadHeif",
    };

    vips_operation_block_set("VipsForeignLoad", TRUE);
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        vips_operation_block_set(wanted[i], FALSE);
}

/* Classes are set up when they are first met: here once, rather than in each child. */
static void warm(void)
{
    static const char *const used[] = {
        "thumbnail_source",
        "thumbnail_image",
        "jpegload_source",
        "pngload_source",
        "webpload_source",
        "webpsave_buffer",
        "jpegsave_buffer",
        "copy",
        "cast",
        "resize",
        "reduce",
        "reduceh",
        "reducev",
        "shrink",
        "shrinkh",
        "shrinkv",
        "colourspace",
        "extract_area",
        "flatten",
        "rot",
        "sequential",
        "tilecache",
        "linecache",
        "premultiply",
        "unpremultiply",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(used); i++) {
        GType type = vips_type_find("VipsOperation", used[i]);
        if (type)
            g_type_class_ref(type);
    }
}

/*
 * vips_init() loads all modules, ImageMagick's and poppler's too, which costs as much as all the
 * rest: it is sent to look for them where there are none. Temporary files cannot be made in a
 * jail; orc makes code at run time, which a jail forbids.
 */
int mt_picture_open(struct mt_err *err)
{
    setenv("VIPSHOME", "/nonexistent", 1);
    setenv("VIPS_DISC_THRESHOLD", "1000g", 1);
    setenv("ORC_CODE", "emulate", 1);
    if (VIPS_INIT("media-picture") != 0)
        return mt_vips_fail(err, MT_ERR_UNAVAILABLE, "cannot start libvips");
    vips_cache_set_max(0);
    vips_vector_set_enabled(FALSE);
    g_log_set_handler("VIPS", G_LOG_LEVEL_MASK, hear, NULL);
    block();
    warm();
    return 0;
}

/* A module lies beside the library: .../libvips.so.42, .../vips-modules-8.14/vips-heif.so. */
static void load_module(const char *name)
{
    Dl_info where;
    union {
        int (*function)(const char *);
        void *address;
    } init = {.function = vips_init};

    if (dladdr(init.address, &where) == 0)
        return;
    char *dir = g_path_get_dirname(where.dli_fname);
    char *path = g_strdup_printf("%s/vips-modules-%d.%d/vips-%s.so", dir, VIPS_MAJOR_VERSION,
                                 VIPS_MINOR_VERSION, name);
    GModule *module = g_module_open(path, G_MODULE_BIND_LAZY);
    if (module)
        g_module_make_resident(module);
    g_free(path);
    g_free(dir);
    block();
}

/* Whether an operation is there, after having looked for its module. */
static bool have(const char *operation, const char *module)
{
    if (!vips_type_find("VipsOperation", operation))
        load_module(module);
    return vips_type_find("VipsOperation", operation) != 0;
}

static bool wants(const struct mt_picture_spec *spec, enum mt_picture_format format)
{
    for (int i = 0; i < spec->n_formats; i++)
        if (spec->formats[i] == format)
            return true;
    return false;
}

static int lacks(const char *what, struct mt_err *err)
{
    mt_fail(err, MT_ERR_UNAVAILABLE, "this libvips has no %s", what);
    return mt_hint(err, "install its module, in Debian of libvips42, or choose another format");
}

int mt_picture_prepare(int fd, const struct mt_picture_spec *spec, struct mt_err *err)
{
    char head[12] = "";

    if (pread(fd, head, sizeof head, 0) == sizeof head && memcmp(head + 4, "ftyp", 4) == 0 &&
        !have("heifload_source", "heif"))
        return lacks("HEIF", err);
    if (wants(spec, MT_PICTURE_AVIF) && !have("heifsave_buffer", "heif"))
        return lacks("AVIF", err);
    if (wants(spec, MT_PICTURE_JXL) && !have("jxlsave_buffer", "jxl"))
        return lacks("JPEG XL", err);
    return 0;
}

json_t *mt_picture_versions(void)
{
    char text[32];

    snprintf(text, sizeof text, "%d.%d.%d", vips_version(0), vips_version(1), vips_version(2));
    return json_pack("{s:s}", "libvips", text);
}
