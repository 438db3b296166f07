/* SPDX-License-Identifier: GPL-2.0-or-later */
/* catalog.c - assets and variants become visible once, whole, or never. */
#include "catalog.h"

#include "catalog/job.h"
#include "catalog/journal.h"
#include "catalog/variant.h"

#include <sys/wait.h>

/* --- assets --- */

static void test_publish(struct place *p)
{
    char first[MT_UUID_TEXT];
    char second[MT_UUID_TEXT];
    char other[MT_UUID_TEXT];
    char *key;
    char *key2;
    struct mt_err err;

    OK(intend(p, "talk.mov", NULL, first, &key), "an intent and its object");
    OK(!mt_asset_find(p->db, NULL, SUM_A, &err) && err.code == MT_ERR_NOT_FOUND,
       "are not visible yet");
    OK(publish(p, first, SUM_A, other) == 0 && !other[0], "published");
    json_t *row = mt_asset_find(p->db, NULL, SUM_A, &err);
    IS_STR(mt_json_str(row, "id", ""), first, "they are");
    OK(mt_json_num(row, "metadata.duration", 0) == 12.5 &&
           json_is_null(json_object_get(row, "owner")),
       "with what was found out, and nobody's");
    json_decref(row);
    OK(number(p, "SELECT count(*) AS n FROM events WHERE type = 'asset.completed'") == 1 &&
           number(p, "SELECT count(*) AS n FROM audit_log WHERE action = 'asset.completed'") == 1,
       "an event and an audit line tell of it");

    struct mt_job job;
    struct mt_job_plan plan = {.type = "ingest"};
    OK(intend(p, "again.mov", NULL, second, &key2), "the same bytes once more");
    plan.asset_id = second;
    OK(mt_job_start(&job, p->db, &plan, &err) == 0, "with a job");
    OK(publish(p, second, SUM_A, other) == 0, "are published");
    IS_STR(other, first, "as what is there already");
    OK(!has(p, key2) && has(p, key), "the second object goes, the first stays");
    OK(!mt_asset_get(p->db, second, &err) && err.code == MT_ERR_NOT_FOUND, "so does its row");
    row = mt_job_get(p->db, job.id, &err);
    IS_STR(mt_json_str(row, "media_asset_id", ""), first, "the job names the first one");
    json_decref(row);
    struct mt_job_end end = {.status = "completed", .outcome = "ok"};
    OK(mt_job_finish(&job, &end, &err) == 0, "and ends");

    free(key2);
    OK(intend(p, "mine.mov", USER, second, &key2) && publish(p, second, SUM_A, other) == 0 &&
           !other[0],
       "another user may have the same bytes");
    OK(publish(p, second, SUM_B, other) < 0, "nothing is published twice");
    free(key);
    free(key2);
}

static void test_names(struct place *p)
{
    static const char bad[] = {'b', (char)0xe9, '.', 'm', 'o', 'v', '\0'};
    char id[MT_UUID_TEXT];
    char other[MT_UUID_TEXT];
    char longname[400];
    char *key;
    struct mt_err err;

    memset(longname, 'x', sizeof longname - 1);
    longname[sizeof longname - 1] = '\0';
    OK(intend(p, bad, NULL, id, &key) && publish(p, id, SUM_B, other) == 0, "a name in Latin-1");
    json_t *row = mt_asset_get(p->db, id, &err);
    IS_STR(mt_json_str(row, "metadata.name_base64", ""), "YukubW92", "keeps its exact bytes");
    OK(mt_json_num(row, "metadata.duration", 0) == 12.5, "beside the metadata found later");
    json_decref(row);
    free(key);
    OK(intend(p, longname, NULL, id, &key), "a name of 399 bytes");
    row = mt_asset_get(p->db, id, &err);
    OK(strlen(mt_json_str(row, "original_filename", "")) <= 255, "is cut");
    json_decref(row);
    OK(mt_asset_abandon(p->db, p->store, id, &err) == 0 && !has(p, key) &&
           !mt_asset_get(p->db, id, &err),
       "an abandoned intent goes with its object");
    OK(mt_asset_abandon(p->db, p->store, id, &err) == 0, "only once");
    free(key);
}

static void test_lookup(struct place *p)
{
    static const char *const ids[] = {"abcd1111-0000-4000-8000-000000000001",
                                      "abcd1111-0000-4000-8000-000000000002",
                                      "abcd2222-0000-4000-8000-000000000003"};
    struct mt_err err;
    json_t *row;

    for (int i = 0; i < 3; i++) {
        struct mt_asset_intent in = {.id = ids[i],
                                     .name = "x",
                                     .content_type = "audio",
                                     .mime_type = "audio/flac",
                                     .key = ids[i]};
        OK(mt_asset_intend(p->db, &in, &err) == 0, "an asset with a known id");
    }
    row = mt_asset_get(p->db, "ABCD2", &err);
    IS_STR(mt_json_str(row, "id", ""), ids[2], "the beginning of an id is enough");
    json_decref(row);
    row = mt_asset_get(p->db, ids[1], &err);
    IS_STR(mt_json_str(row, "id", ""), ids[1], "the whole too");
    json_decref(row);
    OK(!mt_asset_get(p->db, "abcd", &err) && err.code == MT_ERR_NOT_FOUND &&
           strstr(err.msg, "ambiguous") && strstr(err.msg, ids[0]) && strstr(err.msg, ids[2]),
       "an ambiguous one names the candidates");
    OK(!mt_asset_get(p->db, "abc", &err) && err.code == MT_ERR_NOT_FOUND, "three digits are few");
    OK(!mt_asset_get(p->db, "talk.mov", &err) && err.code == MT_ERR_NOT_FOUND &&
           strstr(err.msg, "talk.mov"),
       "a name is no id");
    OK(!mt_asset_get(p->db, "abcd1111-0000-4000-8000-0000000000012", &err) &&
           err.code == MT_ERR_NOT_FOUND,
       "nor is what is too long");
    for (int i = 0; i < 3; i++)
        OK(mt_asset_abandon(p->db, p->store, ids[i], &err) == 0, "abandoned");
}

static int race_child(void)
{
    struct place p = {NULL, NULL};
    char id[MT_UUID_TEXT];
    char other[MT_UUID_TEXT];
    char *key;

    if (!open_place(&p) || !intend(&p, "race.mov", NULL, id, &key) ||
        publish(&p, id, SUM_C, other) < 0)
        return 9;
    bool clean = has(&p, key) == !other[0];
    free(key);
    close_place(&p);
    return !clean ? 8 : other[0] ? 1 : 0;
}

static void test_race(struct place *p)
{
    int won = 0;
    int lost = 0;
    int status;

    fflush(stdout);
    for (int i = 0; i < 6; i++)
        if (fork() == 0)
            _exit(race_child());
    for (int i = 0; i < 6; i++) {
        if (wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
            won++;
        else if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
            lost++;
    }
    OK(won == 1 && lost == 5, "six processes publish the same bytes: one asset, five duplicates");
    OK(number(p, "SELECT count(*) AS n FROM media_assets WHERE upload_status = 'uploading'") == 0,
       "and no intent is left");
}

/* --- variants --- */

/* Two at once, and then two of which one cannot be. */
static void many(struct place *p, const struct mt_variant_intent *in, const char *key,
                 const struct mt_variant_result *made)
{
    struct mt_variant_intent two[2] = {*in, *in};
    struct mt_variant_result results[2] = {*made, *made};
    enum mt_variant_claim claims[2];
    char ids[2][MT_UUID_TEXT];
    struct mt_err err;

    two[1].key = key;
    OK(mt_variants_intend(p->db, two, 2, ids, claims, &err) == 0 && strcmp(ids[0], ids[1]) != 0 &&
           claims[1] == MT_VARIANT_MINE && put(p, in->key) && put(p, key) &&
           mt_variants_publish(p->db, ids, results, 2, &err) == 0,
       "two variants are announced and published together");
    OK(mt_variants_intend(p->db, two, 2, ids, claims, &err) == 0 && claims[0] == MT_VARIANT_DONE &&
           claims[1] == MT_VARIANT_DONE,
       "and found together");
    json_t *details = json_pack("{s:b}", "representative", 1);
    json_t *row = NULL;
    OK(mt_variant_amend(p->db, ids[1], details, &err) == 0 &&
           (row = mt_variant_find(p->db, in->asset_id, key, &err)) &&
           mt_json_bool(row, "details.representative", false),
       "the details of one are amended");
    OK(mt_variant_amend(p->db, in->asset_id, details, &err) < 0 && err.code == MT_ERR_NOT_FOUND,
       "not those of a variant that is not there");
    json_decref(row);
    json_decref(details);
    two[0].key = "other/key";
    two[1].asset_id = "00000000-0000-4000-8000-000000000000";
    OK(mt_variants_intend(p->db, two, 2, ids, claims, &err) < 0 && err.code == MT_ERR_NOT_FOUND &&
           !mt_variant_find(p->db, in->asset_id, "other/key", &err),
       "if one of two has no asset there is neither");
}

static void test_variants(struct place *p, const char *asset)
{
    char *key = mt_asprintf("%s/720p-abc.mp4", asset);
    char *hls = mt_asprintf("%s/hls-abc/master.m3u8", asset);
    char *part = mt_asprintf("%s/hls-abc/0001.m4s", asset);
    char *prefix = mt_asprintf("%s/hls-abc/", asset);
    struct mt_variant_intent in = {.asset_id = asset,
                                   .type = "high_res",
                                   .format = "mp4",
                                   .quality = "720p",
                                   .recipe = "abc",
                                   .key = key};
    struct mt_variant_result made = {.resolution = "1280x720",
                                     .bitrate = "2500k",
                                     .duration_s = 12,
                                     .file_size = 5,
                                     .checksum = SUM_B,
                                     .verified = true};
    char id[MT_UUID_TEXT];
    char again[MT_UUID_TEXT];
    enum mt_variant_claim claim;
    struct mt_err err;
    json_t *rows;

    OK(mt_variant_intend(p->db, &in, id, &claim, &err) == 0 && claim == MT_VARIANT_MINE,
       "a rendition is begun");
    OK(!mt_variant_find(p->db, asset, key, &err) && err.code == MT_ERR_NOT_FOUND, "not visible");
    OK(put(p, key) && mt_variant_publish(p->db, id, &made, &err) == 0, "published");
    OK(mt_variant_publish(p->db, id, &made, &err) < 0 && err.code == MT_ERR_NOT_FOUND,
       "once and not twice");
    OK(mt_variant_intend(p->db, &in, again, &claim, &err) == 0 && claim == MT_VARIANT_DONE,
       "then there is nothing to do");
    IS_STR(again, id, "for that very one");
    in.force = true;
    OK(mt_variant_intend(p->db, &in, again, &claim, &err) == 0 && claim == MT_VARIANT_MINE &&
           mt_variant_abandon(p->db, p->store, again, &err) == 0 && has(p, key),
       "made again by force and abandoned, the old one stays");
    rows = mt_variants_by_recipe(p->db, asset, "abc", &err);
    OK(json_array_size(rows) == 1 && mt_json_int(json_array_get(rows, 0), "duration", 0) == 12,
       "it is found by its recipe");
    json_decref(rows);

    in = (struct mt_variant_intent){
        .asset_id = asset, .type = "hls", .format = "m3u8", .key = hls, .prefix = prefix};
    OK(mt_variant_intend(p->db, &in, id, &claim, &err) == 0 && put(p, hls) && put(p, part) &&
           mt_variant_abandon(p->db, p->store, id, &err) == 0 && !has(p, hls) && !has(p, part) &&
           has(p, key),
       "an abandoned package goes with all its parts, and nothing else");
    in.key = part;
    in.prefix = NULL;
    many(p, &in, hls, &made);
    in.asset_id = "00000000-0000-4000-8000-000000000000";
    OK(mt_variant_intend(p->db, &in, id, &claim, &err) < 0 && err.code == MT_ERR_NOT_FOUND,
       "no variant without asset");
    free(key);
    free(hls);
    free(part);
    free(prefix);
}

static void test_all(void)
{
    struct place p = {NULL, NULL};
    struct mt_err err;

    if (!OK(open_place(&p), "a database and a store"))
        return;
    test_publish(&p);
    json_t *row = mt_asset_find(p.db, NULL, SUM_A, &err);
    test_names(&p);
    test_lookup(&p);
    test_variants(&p, mt_json_str(row, "id", ""));
    json_decref(row);
    close_place(&p); /* a connection does not survive fork() */
    if (!OK(open_place(&p), "opened again"))
        return;
    test_race(&p);
    close_place(&p);
}

int main(void)
{
    return with_each_database(test_all);
}
