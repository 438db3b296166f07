/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan_clamd.h - the scan driver for a running clamd, "clamd:/run/clamav/clamd.ctl".
 *
 * Nobody can read a foreign daemon's limits over its socket, and by default it
 * answers OK to what lies beyond them (Debian's: 25 MB a file, 100 MB with what
 * is unpacked from it, 120 s; upstream's: 100 MB, 400 MB, 120 s). But one question
 * shows whether it would say so: a sparse file of 2 GiB, more than any clamd takes,
 * is "OK" or "Heuristics.Limits.Exceeded.MaxFileSize FOUND" (AlertExceedsMax)
 * at once. Hence:
 *
 * - A daemon that tells is handed the file (FILDES) and believed, up to 2 GiB. If
 *   the file is over a limit of size, windows follow, as above 2 GiB.
 * - One that does not tell is believed for files of up to MT_CLAMD_WINDOW bytes;
 *   larger ones go through it in windows of that size (INSTREAM, whose limit is
 *   25 MB in both), up to 100 MB after a look at the whole, which may find more.
 *   Archives stay incomplete: it may have skipped members.
 * - Archives that do not fit are incomplete: windows do not see what is packed.
 */
#ifndef MT_SCAN_CLAMD_SCAN_CLAMD_H
#define MT_SCAN_CLAMD_SCAN_CLAMD_H

#include "scan/scan.h"

#define MT_CLAMD_WINDOW (INT64_C(24) << 20)

extern const struct mt_scan_driver mt_scan_clamd;

#endif
