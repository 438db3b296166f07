/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sidecars.c - see sidecars.h. */
#include "analyze/sidecars.h"

#include "base/mem.h"
#include "base/text.h"
#include "captions/captions.h"
#include "doc/doc.h"
#include "language/language.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* Raised when the same words give other captions. */
enum { GENERATION = 1, FILE_MAX = 64 << 20 };

struct sidecars {
    struct mt_item *item;
    json_t *captions;
    char language[16]; /* of most of it, or "" */
    char recipe[9];
    int *made;
};

static const char *format_called(const char *word)
{
    for (int i = 0; mt_caption_formats[i]; i++)
        if (strcmp(word, mt_caption_formats[i]) == 0)
            return mt_caption_formats[i];
    return NULL;
}

/* Calls each(ctx, word) for every word of the list; stops at -1. */
static int each_word(const char *list, int (*each)(void *ctx, const char *word, struct mt_err *err),
                     void *ctx, struct mt_err *err)
{
    char *copy = mt_strdup(list), *rest = copy, *word;
    int ret = 0;

    while (ret == 0 && (word = strsep(&rest, ",")))
        ret = each(ctx, word, err);
    free(copy);
    return ret;
}

static int check_word(void *ctx, const char *word, struct mt_err *err)
{
    (void)ctx;
    if (format_called(word))
        return 0;
    mt_fail(err, MT_ERR_USAGE, "--captions knows no format '%s'", word);
    return mt_hint_nearest(err, word, mt_caption_formats, "vtt, srt, ttml, txt, or none");
}

int mt_sidecars_check(const char *formats, struct mt_err *err)
{
    return strcmp(formats, "none") == 0 ? 0 : each_word(formats, check_word, NULL, err);
}

static int publish(struct sidecars *s, const struct mt_output *output, const struct mt_buf *file,
                   struct mt_err *err)
{
    json_t *entry =
        json_pack("{s:s, s:s, s:s, s:I}", "variant_type", "caption", "format", output->ext,
                  "recipe", s->recipe, "captions", (json_int_t)json_array_size(s->captions));
    struct mt_making making = {0};
    int ret = -1;

    if (*s->language)
        json_object_set_new(entry, "language", json_string(s->language));
    if (mt_item_begin(s->item, output, &making, err) < 0)
        goto out;
    if (mt_put_write(making.put, file->data, file->len, err) < 0 ||
        mt_item_publish(s->item, output, &making, entry, err) < 0)
        goto out;
    mt_doc_add_variant(s->item->doc, json_incref(entry));
    ++*s->made;
    ret = 0;
out:
    mt_item_abandon(s->item, &making);
    json_decref(entry);
    return ret;
}

static int make(void *ctx, const char *format, struct mt_err *err)
{
    struct sidecars *s = ctx;
    char *name = mt_asprintf("captions%s%s", *s->language ? "-" : "", s->language);
    struct mt_output output = {
        .name = name, .recipe = s->recipe, .ext = format_called(format), .type = "caption"};
    struct mt_buf file;
    json_t *entry = NULL;
    int ret = mt_item_made(s->item, &output, &entry, err);

    mt_buf_init(&file, FILE_MAX);
    if (ret > 0)
        mt_doc_add_variant(s->item->doc, json_incref(entry));
    if (ret == 0)
        ret = mt_captions_write(s->captions, format, *s->language ? s->language : NULL, &file,
                                err) < 0
                  ? -1
                  : publish(s, &output, &file, err);
    json_decref(entry);
    mt_buf_free(&file);
    free(name);
    return ret < 0 ? -1 : 0;
}

int mt_sidecars(struct mt_item *item, const char *formats, const json_t *transcription, int *made,
                struct mt_err *err)
{
    struct sidecars s = {.item = item, .made = made};
    int ret = 0;

    *made = 0;
    if (strcmp(formats, "none") == 0)
        return 0;
    s.captions =
        mt_captions_shape(json_object_get(transcription, "timestamps"), &mt_caption_rules_usual);
    mt_language_code(mt_json_str(transcription, "language", ""), s.language);
    json_t *settings = json_pack("{s:O, s:i}", "captions", s.captions, "generation", GENERATION);
    mt_stage_recipe(settings, s.recipe);
    json_decref(settings);
    if (json_array_size(s.captions) > 0)
        ret = each_word(formats, make, &s, err);
    json_decref(s.captions);
    return ret;
}
