#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# scan-huge.t - around and beyond the limits of engines: what is there is found, or not all is called clean.
#
# The files are holes and cost no disk. MT_HUGE=1 adds those that take minutes.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../clamav.sh"
[ -z "${MT_QUICK-}${MT_SAN-}" ] || skip_rest 'takes a minute'
unset MEDIA_SCANNER

cd "$T" || exit 1
MB=1000000 MiB=1048576
signatures "$T/db"
# One as Debian has it, and one as upstream does, both silent about their limits; and one that speaks.
clamd_start "$T/debian" 'MaxFileSize 25M' 'MaxScanSize 100M' 'StreamMaxLength 25M' || exit 1
debian_pid=$clamd_pid
clamd_start "$T/upstream" || exit 1
upstream_pid=$clamd_pid
clamd_start "$T/candid" 'AlertExceedsMax yes' 'StreamMaxLength 25M' || exit 1
candid_pid=$clamd_pid
at_exit() { kill -9 "$debian_pid" "$upstream_pid" "$candid_pid" 2>/dev/null; }

# with SIZE OFFSET: the file f of so many bytes, the test string at an offset ('' for none)
with() {
    rm -f f
    truncate -s "$1" f
    [ -z "$2" ] || eicar | dd of=f bs=64K oflag=seek_bytes seek="$2" conv=notrunc status=none
}
# verdict WANT NAME SCANNER...: of f by each
verdict() {
    local want=$1 name=$2 scanner url
    shift 2
    for scanner; do
        case $scanner in clamav) url=clamav:$T/db ;; *) url=clamd:$T/$scanner/s ;; esac
        run media-scan --scanner "$url" f
        json_is .asset.scan.verdict "$want" "$scanner: $name"
        cat "$out" >>documents
        [ "$want" != clean ] ||
            json_true '.asset.scan | .bytes_scanned == .bytes_total' "$scanner: $name: every byte"
    done
}

with 0 ''
verdict clean 'nothing' clamav debian upstream candid
for size in 99 101 399 401; do
    with $((size * MB)) $((size * MB - 100))
    verdict infected "$size MB, at the end" clamav debian
done
verdict infected '401 MB, at the end' upstream candid
with $((101 * MB)) ''
verdict clean '101 MB of nothing' clamav candid upstream debian
json_true '.asset.scan.windows > 1 and (.asset.scan.not_applicable | length) == 4' 'by windows, which it says'
with $((27 * MB)) $((24 * MiB - 30))
verdict infected 'across the end of a window' debian candid
with $((401 * MB)) 0
verdict infected '401 MB, at the beginning' debian candid

with $((2100 * MB)) $((512 * MiB - 30))
verdict infected '2.1 GB, across the end of a window of our own' clamav
with $((2200 * MB)) $((2200 * MB - 100))
verdict infected '2.2 GB, at the end' clamav
exits 6 'which is refused'
json_true '.asset.scan.windows > 1 and (.asset.scan.not_applicable | length) == 4' 'by windows'

# Archives that no window can see into.
rm -f f
truncate -s 2200M inner
python3 - <<'PY'
import zipfile
with zipfile.ZipFile('f', 'w', zipfile.ZIP_STORED) as z:
    z.write('inner', 'a')
PY
verdict incomplete 'an archive of 2.2 GB' clamav debian candid
rm -f f inner

if [ -n "${MT_HUGE-}" ]; then
    with $((2200 * MB)) $((2200 * MB - 100))
    verdict infected '2.2 GB, at the end' debian candid
    with $((5000 * MB)) $((5000 * MB - 100))
    verdict infected '5 GB, at the end' clamav debian candid
    with $((401 * MB)) ''
    verdict clean '401 MB of nothing' clamav debian candid upstream
    with $((2100 * MB)) ''
    verdict clean '2.1 GB of nothing' clamav debian candid
    with $((5000 * MB)) ''
    verdict clean '5 GB of nothing' clamav debian
else
    skip 'MT_HUGE=1 scans files of up to 5 GB by all of them'
fi
rm -f f
document 'all the documents are valid' documents
done_testing
