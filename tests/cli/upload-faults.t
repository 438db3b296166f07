#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# upload-faults.t - uploads whose connections break, whose server is killed, whose disk is full.
#
# MEDIA_TEST_UPLOADS=N sends N uploads at once instead of a few, of 20 MB instead of 2.
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/api.sh
. "$(dirname "$0")/../api.sh"
# shellcheck source=tests/upload.sh
. "$(dirname "$0")/../upload.sh"

cd "$T" || exit 1
background=
at_exit() {
    [ -z "$background" ] || kill "$background" 2>/dev/null
    api_stop
    [ -z "$disk" ] || umount "$disk" 2>/dev/null
}
disk=
api_setup
api_start --access=open || { fail 'the server starts'; done_testing; }
endpoint=$url/api/v1/media/uploads

# all_whole FILE NAME: what upload-client printed
all_whole() {
    local id want wrong=0
    is "$(jq -r '"\(.complete) \(.errors | length)"' "$1")" "$3 0" "$2: all come to their end" ||
        diag "$(jq -c .errors "$1")"
    while read -r id want; do
        sql "SELECT input_parameters FROM processing_jobs WHERE unique_key = 'upload:$id'" >"$out"
        [ "$(json .checksum)" = "$want" ] && [ "$(sha256sum <"$uploads/$id" | cut -c1-64)" = "$want" ] ||
            wrong=$((wrong + 1))
    done < <(jq -r '.uploads | to_entries[] | "\(.key) \(.value)"' "$1")
    is "$wrong" 0 "$2: every hash is right, in the job and on the disk"
    diag "$(jq -c 'del(.uploads, .errors)' "$1")" | sed 's/^#  /#/'
}

# --- connections

n=${MEDIA_TEST_UPLOADS:-12}
"$MT_TOP/tests/upload-client" "$endpoint" "$n" "$([ -z "${MEDIA_TEST_UPLOADS-}" ] && echo 2000000 || echo 20000000)" \
    30 >"$T/broken.json"
all_whole "$T/broken.json" 'cut, reset and frozen connections' "$n"
between "$(jq .faults "$T/broken.json")" 1 100000 'there were faults'

# --- a frozen connection is pushed aside

head -c 3000000 /dev/urandom >"$T/f"
sum=$(sha256sum <"$T/f" | cut -c1-64)
create -H 'Upload-Length: 3000000'
{ head -c 1000000 "$T/f"; sleep 60; } | curl -sS -X PATCH -H Expect: "${tus[@]}" "${octets[@]}" \
    -H 'Upload-Offset: 0' -T - "$endpoint/$id" >/dev/null 2>&1 &
background=$!
for _ in $(seq 100); do
    [ "$(stat -c %s "$uploads/$id")" != 1000000 ] || break
    sleep 0.1
done
call GET "/uploads/$id"
is "$(jq -c '[.status, .bytes_received]' "$body")" '["uploading",1000000]' \
    'how far it is can be seen without disturbing it'
offset_is 1000000 'a newer request takes over'
kill "$background" 2>/dev/null
background=
tail -c +1000001 "$T/f" >"$T/rest"
send 1000000 "$T/rest"
is "$code" 204 '... and goes on'
handed_on "$id" 'after a frozen connection'

[ -z "${MT_QUICK-}" ] || done_testing

# --- the server is killed

head -c 40000000 /dev/urandom >"$T/f"
sum=$(sha256sum <"$T/f" | cut -c1-64)
create -H 'Upload-Length: 40000000'
last=0 decreased=0
for _ in 1 2 3; do
    tail -c +$((last + 1)) "$T/f" | curl -sS -X PATCH --limit-rate 30M -H Expect: "${tus[@]}" "${octets[@]}" \
        -H "Upload-Offset: $last" -T - "$endpoint/$id" >/dev/null 2>&1 &
    background=$!
    before=$(stat -c %s "$uploads/$id")
    for _ in $(seq 100); do
        [ "$(stat -c %s "$uploads/$id")" -lt $((before + 3000000)) ] || break
        sleep 0.05
    done
    pid=$(cat "$api_dir/api.pid")
    kill -9 "$pid"
    api_gone "$pid"
    wait "$background"
    background=
    rm -f "$api_dir/api.pid"
    api_stop
    rm -f "$api_dir/api.sock"
    api_start --access=open || { fail 'the server starts again'; done_testing; }
    endpoint=$url/api/v1/media/uploads
    call HEAD "/uploads/$id" "${tus[@]}"
    at=$(field Upload-Offset)
    [ "${at:-0}" -ge "$last" ] || decreased=1
    last=$at
done
is "$decreased" 0 'the offset never decreases'
between "$last" 9000000 39999999 'what came before each kill is kept'
tail -c +$((last + 1)) "$T/f" >"$T/rest"
send "$last" "$T/rest"
is "$code" 204 'the rest'
handed_on "$id" 'after three killed servers'

# --- memory

peak() { awk '/^VmHWM/ { print $2 }' "/proc/$(cat "$api_dir/api.pid")/status"; }
head -c 200000000 /dev/zero >"$T/big"
create -H 'Upload-Length: 200000000'
send 0 "$T/big"
is "$code" 204 '200 MB'
code=$(curl -s -o "$body" -w '%{http_code}' -F "file=@$T/big" "$url/api/v1/media/upload")
is "$code" 202 '... and as a form'
if [ -z "${MT_SAN-}" ]; then
    between "$(peak)" 1 16384 'less than 16 MiB of memory'
fi
rm -f "$T/big"

# --- a full disk

mkdir "$T/small"
if mount -t tmpfs -o size=3m none "$T/small" 2>/dev/null; then
    disk=$T/small
    api_stop
    rm -f "$api_dir/api.sock"
    export MEDIA_UPLOADS=$T/small
    uploads=$T/small
    api_start --access=open || { fail 'the server starts'; done_testing; }
    head -c 2500000 "$T/f" >"$T/f1"
    sum=$(sha256sum <"$T/f1" | cut -c1-64)
    create -H 'Upload-Length: 2500000'
    is "$code" 507 'where it would not fit nothing is begun'
    is_problem 'a full disk'
    # the reserve of 64 MB lies beyond this disk: an upload that began when there was room
    umount "$disk"
    mount -t tmpfs -o size=80m none "$T/small"
    create -H 'Upload-Length: 2500000'
    is "$code" 201 'begun while there is room'
    head -c 100000000 /dev/zero >"$T/small/filler" 2>/dev/null
    truncate -s -1000000 "$T/small/filler"
    send 0 "$T/f1"
    is "$code" 507 'full in the middle'
    is_problem 'full in the middle'
    last=$(field Upload-Offset)
    between "$last" 500000 2400000 'what came is kept'
    rm "$T/small/filler"
    offset_is "$last" 'and is there afterwards'
    tail -c +$((last + 1)) "$T/f1" >"$T/rest"
    send "$last" "$T/rest"
    is "$code" 204 'it goes on when there is room'
    handed_on "$id" 'after a full disk'
else
    skip 'no file system of our own to fill'
fi
api_stop
sanitized "$api_dir/api.log" 'media-api serve'
done_testing
