/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store_mem.h - objects in memory, private to one handle: "mem:" or "mem://name".
 *
 * For tests and for work whose results go elsewhere. Everything is gone with
 * mt_store_close(); descriptors that get() gave stay good.
 */
#ifndef MT_STORE_MEM_STORE_MEM_H
#define MT_STORE_MEM_STORE_MEM_H

#include "store/store.h"

extern const struct mt_store_driver mt_store_mem;

#endif
