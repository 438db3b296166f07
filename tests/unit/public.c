/* SPDX-License-Identifier: GPL-2.0-or-later */
/* public.c - nothing private is left in the public view of a document. */
#include "doc/public.h"
#include "json/json.h"

#include "../tap.h"

#include <stdlib.h>

static const char private[] =
    "{\"schema\": 1, \"asset\": {\"original_filename\": \"a.mov\", \"uploaded_by\": \"SECRET\","
    "\"metadata\": {\"duration\": 2.5, \"source_url\": \"https://SECRET\","
    "\"name_base64\": \"SECRET\", \"user\": {\"note\": \"SECRET\"},"
    "\"processing_options\": {\"x\": \"SECRET\"},"
    "\"tags\": {\"title\": \"Kept\", \"copyright\": \"Kept too\", \"encoder\": \"Lavf\","
    " \"location\": \"+51.5SECRET\", \"location-eng\": \"SECRET\","
    " \"com.apple.quicktime.location.iso6709\": \"SECRET\","
    " \"com.apple.quicktime.location.accuracy.horizontal\": \"SECRET\","
    " \"com.apple.quicktime.model\": \"SECRET\", \"com.android.version\": \"SECRET\","
    " \"id3v2_priv.xmp\": \"SECRET\", \"xmp\": \"SECRET\", \"comment\": \"SECRET\","
    " \"description\": \"SECRET\", \"synopsis\": \"SECRET\", \"lyrics\": \"SECRET\","
    " \"encoded_by\": \"SECRET\", \"account_id\": \"SECRET\", \"purchase_date\": \"SECRET\","
    " \"material_package_umid\": \"SECRET\", \"body_serial_number\": \"SECRET\","
    " \"what nobody thought of\": \"SECRET\"},"
    "\"streams\": [{\"index\": 0, \"type\": \"video\", \"tags\": {\"handler_name\": \"Kept\","
    " \"comment\": \"SECRET\", \"reel_name\": \"SECRET\", \"file_package_umid\": \"SECRET\"}}],"
    "\"exif\": {\"orientation\": 6, \"model\": \"Kept\", \"copyright\": \"Kept too\","
    " \"owner\": \"SECRET\", \"serial_number\": \"SECRET\", \"lens_serial_number\": \"SECRET\","
    " \"gps\": {\"latitude\": 51.5, \"taken_at\": \"SECRET\"}, \"comment\": \"SECRET\","
    " \"description\": \"SECRET\", \"thumbnail_bytes\": 7, \"of the future\": \"SECRET\"}}}}";

static void test_view(void)
{
    struct mt_err err;
    json_t *doc = mt_json_parse("test", private, sizeof(private) - 1, &err);

    OK(doc != NULL, "the document is one");
    mt_doc_make_public(doc);
    char *text = mt_json_compact(doc);
    OK(!strstr(text, "SECRET") && !strstr(text, "51.5"), "nothing private is left");
    OK(!strstr(text, "thumbnail_bytes"), "nor word of an older picture inside");
    IS_STR(mt_json_str(doc, "asset.metadata.tags.copyright", ""), "Kept too", "rights stay");
    IS_STR(mt_json_str(doc, "asset.metadata.exif.copyright", ""), "Kept too", "in EXIF too");
    IS_STR(mt_json_str(doc, "asset.metadata.tags.title", ""), "Kept", "the title stays");
    OK(mt_json_int(doc, "asset.metadata.exif.orientation", 0) == 6, "and how to turn the picture");
    OK(mt_json_bool(doc, "asset.metadata.public", false), "it says that it is the public view");
    json_t *stream = json_array_get(mt_json_at(doc, "asset.metadata.streams"), 0);
    IS_STR(mt_json_str(stream, "tags.handler_name", ""), "Kept", "streams keep what they may");
    if (strstr(text, "SECRET"))
        printf("# %s\n", text);
    free(text);
    json_decref(doc);
}

static void test_odd(void)
{
    static const char *const texts[] = {
        "{\"schema\": 1}",
        "{\"schema\": 1, \"asset\": null}",
        "{\"schema\": 1, \"asset\": {\"metadata\": []}}",
        "{\"schema\": 1, \"asset\": {\"metadata\": {\"tags\": 7, \"exif\": [], \"streams\": {}}}}",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct mt_err err;
        json_t *doc = mt_json_parse("test", texts[i], strlen(texts[i]), &err);
        mt_doc_make_public(doc);
        OK(json_is_object(doc), texts[i]);
        json_decref(doc);
    }
}

int main(void)
{
    test_view();
    test_odd();
    return tap_done();
}
