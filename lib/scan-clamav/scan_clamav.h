/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan_clamav.h - the scan driver for libclamav, "clamav:" or "clamav:/path/to/database".
 *
 * The library is another program's: "media-scan --serve", beside this one, has
 * the signatures loaded for a batch of files and scans each in a jailed child.
 * It starts with the first scan, and again should it die.
 */
#ifndef MT_SCAN_CLAMAV_SCAN_CLAMAV_H
#define MT_SCAN_CLAMAV_SCAN_CLAMAV_H

#include "scan/scan.h"

extern const struct mt_scan_driver mt_scan_clamav;

#endif
