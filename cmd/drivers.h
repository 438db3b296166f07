/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drivers.h - the drivers that the programs are linked with, chosen here and nowhere else.
 *
 * A new driver becomes known to every program by a line here and its name in
 * uses.drivers of lib/modules.mk.
 */
#ifndef MT_CMD_DRIVERS_H
#define MT_CMD_DRIVERS_H

#include "db-pg/db_pg.h"
#include "db-sqlite/db_sqlite.h"
#include "store-fs/store_fs.h"

#include <jansson.h>

static const struct mt_store_driver *const mt_stores[] = {&mt_store_fs, NULL};
static const struct mt_db_driver *const mt_dbs[] = {&mt_db_sqlite, &mt_db_pg, &mt_db_postgres,
                                                    NULL};

/* For --version: the libraries of programs that have none but those of the drivers. New. */
static inline json_t *mt_versions(void)
{
    const char *sqlite;

    mt_sqlite_version(&sqlite);
    return json_pack("{s:s, s:s}", "sqlite", sqlite, "jansson", jansson_version_str());
}

#endif
