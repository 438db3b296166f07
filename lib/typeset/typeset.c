/* SPDX-License-Identifier: GPL-2.0-or-later */
/* typeset.c - see typeset.h. */
#include "typeset/typeset.h"

#include "base/mem.h"

#include <ass/ass.h>
#include <stdlib.h>
#include <string.h>

struct mt_typeset {
    ASS_Library *library;
    ASS_Renderer *renderer;
    ASS_Track *track;
};

/* libass writes to stderr otherwise. */
static void say_nothing(int level, const char *format, va_list args, void *data)
{
    (void)level;
    (void)format;
    (void)args;
    (void)data;
}

/* -1: the direction of a paragraph follows from its letters. */
static void settle_styles(ASS_Track *track, const char *family)
{
    for (int i = 0; i < track->n_styles; i++) {
        ASS_Style *style = &track->styles[i];

        free(style->FontName);
        style->FontName = mt_strdup(family);
        style->Encoding = -1;
    }
}

int mt_typeset_open(struct mt_typeset **out, const struct mt_typeset_text *text, int w, int h,
                    struct mt_err *err)
{
    struct mt_typeset *t = mt_alloc(sizeof *t);
    const char *last = text->fonts[text->n_fonts - 1].family;

    *out = t;
    t->library = ass_library_init();
    if (!t->library)
        goto unavailable;
    ass_set_message_cb(t->library, say_nothing, NULL);
    ass_set_extract_fonts(t->library, 0);
    for (int i = 0; i < text->n_fonts; i++)
        ass_add_font(t->library, text->fonts[i].family, (char *)(uintptr_t)text->fonts[i].data,
                     (int)text->fonts[i].size);
    t->renderer = ass_renderer_init(t->library);
    if (!t->renderer)
        goto unavailable;
    ass_set_fonts(t->renderer, NULL, last, ASS_FONTPROVIDER_NONE, NULL, 0);
    ass_set_shaper(t->renderer, ASS_SHAPING_COMPLEX);
    ass_set_frame_size(t->renderer, w, h);
    ass_set_storage_size(t->renderer, w, h);
    t->track = ass_read_memory(t->library, text->script, text->n, NULL);
    if (!t->track) {
        mt_typeset_close(out);
        return mt_fail(err, MT_ERR_DAMAGED, "the subtitles are no script that can be set");
    }
    settle_styles(t->track, text->fonts[0].family);
    return 0;
unavailable:
    mt_typeset_close(out);
    return mt_fail(err, MT_ERR_UNAVAILABLE, "libass does not start");
}

void mt_typeset_close(struct mt_typeset **typeset)
{
    struct mt_typeset *t = *typeset;

    if (!t)
        return;
    if (t->track)
        ass_free_track(t->track);
    if (t->renderer)
        ass_renderer_done(t->renderer);
    if (t->library)
        ass_library_done(t->library);
    free(t);
    *typeset = NULL;
}

void mt_typeset_at(struct mt_typeset *t, int64_t time_us,
                   void (*draw)(void *ctx, const struct mt_typeset_patch *patch), void *ctx)
{
    const ASS_Image *image = ass_render_frame(t->renderer, t->track, time_us / 1000, NULL);

    for (; image; image = image->next) {
        struct mt_typeset_patch patch = {.x = image->dst_x,
                                         .y = image->dst_y,
                                         .w = image->w,
                                         .h = image->h,
                                         .stride = image->stride,
                                         .density = image->bitmap,
                                         .red = (uint8_t)(image->color >> 24),
                                         .green = (uint8_t)(image->color >> 16),
                                         .blue = (uint8_t)(image->color >> 8),
                                         .opacity = (uint8_t)(255 - (image->color & 0xff))};

        if (image->w > 0 && image->h > 0)
            draw(ctx, &patch);
    }
}
