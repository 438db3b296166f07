/* SPDX-License-Identifier: GPL-2.0-or-later */
/* restore.c - bytes that the store has lost, back from the file that has them still. */
#include "ingest/internal.h"

#include "base/log.h"
#include "catalog/asset.h"
#include "cli/signals.h"
#include "ingest/copy.h"
#include "json/json.h"

#include <string.h>
#include <unistd.h>

/* Whether the row's object is there in its full length: 1, 0, or -1. */
static int is_there(struct mt_store *store, const json_t *row, struct mt_err *err)
{
    int64_t size = 0;

    if (mt_store_stat(store, mt_json_str(row, "s3_key", ""), &size, err) == 0)
        return size == mt_json_int(row, "file_size", -1);
    return err->code == MT_ERR_NOT_FOUND ? 0 : -1;
}

static int put_back(struct mt_entry *e, const char *key, struct mt_err *err)
{
    struct mt_copy copy = {.from = e->fd,
                           .max_bytes = e->in->spec->max_size,
                           .expected = e->stat.st_size,
                           .name = e->name,
                           .stopped = mt_stop_signal};
    struct mt_put *put = NULL;
    char sha256[MT_SHA256_TEXT];
    int64_t size = 0;
    int ret = -1;

    if (lseek(e->fd, 0, SEEK_SET) < 0)
        return mt_fail_errno(err, "cannot read '%s' again", e->name);
    if (mt_store_begin(e->in->store, key, &put, err) < 0)
        return -1;
    if (mt_copy_hashed(&copy, put, &size, sha256, err) < 0)
        goto out;
    if (strcmp(sha256, e->sha256) != 0) {
        mt_fail(err, MT_ERR_CHANGED, "'%s' changed while it was read", e->name);
        goto out;
    }
    ret = mt_put_commit(&put, sha256, err);
out:
    mt_put_abort(&put);
    return ret;
}

int mt_entry_restore(struct mt_entry *e, const char *id, struct mt_err *err)
{
    json_t *row = mt_asset_get(e->in->db, id, err);
    const char *key = mt_json_str(row, "s3_key", "");
    int ret = row ? is_there(e->in->store, row, err) : -1;

    if (ret == 0) {
        ret = put_back(e, key, err);
        if (ret == 0)
            mt_log(MT_LOG_WARN, "the store had lost '%s'; it was put back from '%s'", key, e->name);
    }
    json_decref(row);
    return ret < 0 ? -1 : 0;
}
