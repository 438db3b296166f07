/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upload_routes.c - the routes of uploads. */
#include "api/api.h"

const struct mt_api_route mt_api_upload_routes[] = {{0}};

int mt_api_upload_sweep(struct mt_api *api, struct mt_db *db, struct mt_err *err)
{
    (void)api;
    (void)db;
    (void)err;
    return 0;
}
