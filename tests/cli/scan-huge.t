#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# scan-huge.t - what lies beyond the 2 GiB that the engine takes is found nevertheless.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../clamav.sh"
[ -z "${MT_QUICK-}" ] || skip_rest 'takes a minute'

cd "$T" || exit 1
signatures "$T/db"
clamd_start "$T/stock" 'MaxFileSize 25M' 'MaxScanSize 100M' || exit 1
truncate -s 2200000000 huge # a hole, which costs no disk
eicar | dd of=huge bs=64K oflag=seek_bytes seek=2199990000 conv=notrunc status=none

for url in "clamav:$T/db" "clamd:$T/stock/s"; do
    run media-scan --scanner "$url" huge
    exits 6 "${url%%:*}: refused"
    json_is .asset.scan.verdict infected "${url%%:*}: found near the end of 2.2 GB"
    json_true '.asset.scan.windows > 1 and (.asset.scan.not_applicable | length) == 4' 'by windows'
    document 'and the document says so'
done
done_testing
