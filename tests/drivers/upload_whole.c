/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upload_whole.c - uploads that are whole, and that nobody has handed on. */
#include "upload_help.h"

static bool only_tus(void *ctx, const json_t *remember, int64_t ended_us)
{
    ++*(int *)ctx;
    return ended_us == INT64_C(1000000) * 1000000 &&
           strcmp(mt_json_str(remember, "protocol", ""), "tus") == 0;
}

/* Complete, and its process died: as if the client had never come back. */
static void test_whole(struct mt_db *db)
{
    struct mt_uploads *area = open_area("whole", (struct mt_upload_rules){0});
    json_t *tus = json_pack("{s:s}", "protocol", "tus");
    struct mt_upload_spec specs[] = {{.length = 10, .remember = tus},
                                     {.length = 10},
                                     {.length = 10, .remember = tus, .partial = true},
                                     {.length = 11, .remember = tus},
                                     {.length = 10, .remember = tus}};
    char ids[5][MT_UUID_TEXT];
    struct mt_upload *up = NULL;
    struct mt_upload_info info;
    int64_t n = 0;
    int asked = 0;

    if (mt_db_exec(db, NULL, &err, "DELETE FROM uploads", "") < 0)
        return;
    for (int i = 0; i < 5; i++) {
        struct feed f = from_to(0, 10);
        up = begin(area, db, &specs[i], ids[i]);
        if (!up || append(up, &f, NULL) < 0)
            printf("# %s\n", err.msg);
        mt_upload_release(&up);
        if (i < 4)
            set_old(db, "whole", ids[i]);
    }
    DOES(mt_upload_sweep_whole(area, db, only_tus, &asked, &n, &err), "a sweep for whole uploads");
    OK(n == 1 && asked == 2,
       "hands one on: not a part, one with bytes missing, or one of just now");
    for (int i = 0; i < 5; i++) {
        DOES(mt_upload_look(area, db, &alice, ids[i], &info, &err), "it is known");
        IS_STR(info.status, i ? "uploading" : "processing", i ? "as it was" : "to be with its job");
        OK((info.job_id != NULL) == (i == 0), "and has a job only then");
        mt_upload_info_free(&info);
    }
    asked = 0;
    DOES(mt_upload_sweep_whole(area, db, only_tus, &asked, &n, &err), "another");
    OK(n == 0 && asked == 1, "does nothing twice");
    json_decref(tus);
    mt_uploads_close(&area);
}

int main(void)
{
    return on_all(test_whole);
}
