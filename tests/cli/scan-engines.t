#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# scan-engines.t - what ClamAV finds, and what it would call OK without having looked.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../clamav.sh"
unset MEDIA_SCANNER

cd "$T" || exit 1
signatures "$T/db"
clamd_start "$T/strict" 'AlertExceedsMax yes' || exit 1
strict_pid=$clamd_pid
clamd_start "$T/stock" 'MaxFileSize 25M' 'MaxScanSize 100M' || exit 1
stock_pid=$clamd_pid
at_exit() { kill -9 "$strict_pid" "$stock_pid" 2>/dev/null; }

# with N ... : a file of N bytes with the test string at an offset (none: no string)
with() {
    rm -f "$3"
    truncate -s "$1" "$3"
    [ -z "$2" ] || eicar | dd of="$3" bs=64K oflag=seek_bytes seek="$2" conv=notrunc status=none
}
scanned() { run media-scan --scanner "$1" "${@:2}"; }
# verdict WANT NAME: of the last run, whose document is kept
verdict() {
    json_is .asset.scan.verdict "$1" "$2"
    cat "$out" >>documents
}

eicar >e
printf 'known by its hash' >known
: >empty
with 300000 0 first
with 300000 299932 last
printf 'plain words' >plain
zip -q packed.zip e
mkdir many && (cd many && seq 10001 | split -l 1 -a 4 - f && zip -q -r ../many.zip .)
cp plain nest
for ((i = 0; i < 20; i++)); do zip -q -m nest.zip nest && mv nest.zip nest; done
zip -q -P secret locked.zip plain
with 27000000 '' big
with 27000000 26999000 big-e

for url in "clamav:$T/db" "clamd:$T/strict/s" "clamd:$T/stock/s"; do
    name=${url%%:*}:$(basename "$(dirname "$url")")
    for f in e first last packed.zip big-e known; do
        scanned "$url" "$f"
        exits 6 "$name: $f is refused"
        verdict infected "$name: $f"
        like "$(json .asset.scan.signature)" '^Test\.(Eicar\.Body|Whole\.Hash)\.UNOFFICIAL$' "$name: and why"
        json_is .error.code infected "$name: in so many words"
    done
    for f in plain empty big; do
        scanned "$url" "$f"
        exits 0 "$name: $f is fine"
        verdict clean "$name: $f"
        json_true '.asset.scan | .bytes_scanned == .bytes_total' "$name: $f: all of it"
        like "$(json .asset.scan.engine)" '^ClamAV [0-9]' "$name: the engine"
    done
    for f in many.zip nest locked.zip; do
        case $name:$f in clamd:strict:locked.zip) continue ;; esac # it has no such alarm
        scanned "$url" "$f"
        exits 0 "$name: $f is no failure"
        verdict incomplete "$name: $f"
        json_true '.asset.scan.reason | length > 10' "$name: and why"
        stderr_like 'not scanned completely' "$name: which is said"
    done
done
json_true '.asset.scan.windows == null' 'a small file has no windows'
scanned "clamd:$T/stock/s" big
json_is '.asset.scan | [.windows, .not_applicable[0]] | tostring' '[2,"file_hash"]' \
    'a daemon of unknown limits gets windows, and their drawbacks are told'

# Signatures that are missing, old or broken.
mkdir none broken
echo 'this is not a signature' >broken/x.ndb
for db in none broken absent; do
    scanned "clamav:$T/$db" plain
    verdict incomplete "signatures: $db"
done
signatures "$T/old"
touch -d '30 days ago' old/*
scanned "clamav:$T/old" plain
verdict incomplete 'old signatures are no proof'
json_is .asset.scan.reason 'the signatures are 30 days old' 'which is the reason'
scanned "clamav:$T/old" --scan-max-age=1000h plain
verdict clean 'unless they are said to be good enough'
scanned "clamav:$T/old" e
verdict infected 'and what they find they find'

# Engines that end in the midst of it.
with 1900000000 '' long
media-scan --scanner "clamd:$T/strict/s" long >"$out" 2>"$err" &
pid=$!
sleep 1
kill -9 "$strict_pid"
wait "$pid"
is $? 0 'a daemon that dies is no failure of the file'
verdict incomplete 'but its verdict is incomplete'
like "$(json .asset.scan.reason)" 'clamd' 'because of clamd'
scanned "clamd:$T/strict/s" plain
verdict incomplete 'nor is one that is dead'
TMPDIR=$T media-scan --scanner "clamav:$T/db" long plain >"$out" 2>"$err" &
pid=$!
sleep 1
helper=$(pgrep -P "$pid" -x media-scan)
kill -9 "$(pgrep -P "$helper")"
wait "$pid"
is "$(json .asset.scan.verdict | tr '\n' ' ')" 'incomplete clean ' 'a jailed child that dies leaves one file incomplete'
TMPDIR=$T media-scan --scanner "clamav:$T/db" long plain >"$out" 2>"$err" &
pid=$!
sleep 1
kill -9 "$(pgrep -P "$pid" -x media-scan)"
wait "$pid"
is "$(json .asset.scan.verdict | tr '\n' ' ')" 'incomplete clean ' 'so does its parent, which is started again'
touch -d '1 hour ago' "$T"/media-scan.*
TMPDIR=$T run media-scan --scanner "clamav:$T/db" plain
is "$(find "$T" -maxdepth 1 -name 'media-scan.*')" '' 'what it left is removed'
run media-scan --scanner "clamav:$T/db" --scan-timeout=0.5 long
verdict incomplete 'a scan that takes too long is incomplete'
media-scan --scanner "clamav:$T/db" long >"$out" 2>"$err" &
pid=$!
sleep 1
kill -TERM "$pid"
wait "$pid"
is $? 143 'a scan can be interrupted'

run media-scan --scanner none: plain
exits 10 'without a scanner there is no scan'

document 'all the documents are valid' documents
done_testing
