/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scanners.h - the virus scanners that programs are linked with, in the order of preference.
 *
 * As drivers.h, with uses.scanners of lib/modules.mk; for the programs that scan.
 */
#ifndef MT_CMD_SCANNERS_H
#define MT_CMD_SCANNERS_H

#include "scan-clamav/scan_clamav.h"
#include "scan-clamd/scan_clamd.h"

static const struct mt_scan_driver *const mt_scanners[] = {&mt_scan_clamd, &mt_scan_clamav,
                                                           &mt_scan_none, NULL};

#endif
