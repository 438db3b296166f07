#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# status.t - media-status changes nothing and answers every question about what there is.
. "$(dirname "$0")/../tap.sh"

media clip.mp4 empty.mp4
cd "$T" || exit 1

# --- with nothing there
for c in queue jobs; do
    run media-status $c
    unlike "$status" '^(1|2|13[0-9])$' "$c without a database: status $status"
    not_ok "$c makes no database" test -e "$db"
    not_ok "$c makes no store" test -e "$store"
done
for c in job asset; do
    run media-status $c 12345678-1234-4123-8123-123456789abc
    exits 4 "$c: not found"
    stderr_like '^media-status: ' "$c: says so"
done

# --- usage
run media-status
exits 2 'it wants a command'
run media-status quue
exits 2 'an unknown command'
stderr_like 'hint: .*queue' 'means queue?'
run media-status job
exits 2 'job wants an id'
run media-status job not-a-uuid
unlike "$status" '^0$' 'an id that is none'

# --- with an asset
run media-ingest clip.mp4
id=$(json .asset.id)
media-ingest empty.mp4 >/dev/null 2>&1
before=$(sha256sum "$db")
run media-status asset "$id"
exits 0 'asset'
document 'its document'
json_is .asset.original_filename clip.mp4 'its name'
run media-status jobs
exits 0 'jobs'
valid job 'jobs: as the schema says'
ok 'jobs: the ingest job is there' grep -q '"ingest"' "$out"
run media-status queue
exits 0 'queue'
valid queue 'queue: as the schema says'
is "$(sha256sum "$db")" "$before" 'the database is as it was, byte for byte'

# --- tables for people
if command -v script >/dev/null; then
    for c in jobs queue "asset $id"; do
        TERM=xterm script -qec "stty cols 80; media-status --color=never $c" /dev/null >"$out" 2>&1
        not_ok "$c: no JSON on a terminal" jq -e . "$out"
        is "$(tr -d '\r' <"$out" | grep -v '://' | awk 'length > 80' | head -n 1)" '' "$c: fits a terminal of 80 columns"
        unlike "$(cat "$out")" $'\e\\[3' "$c: --color=never has no colours"
    done
fi

# --- a database that cannot be read
chmod 555 "$(dirname "$db")"
run media-status asset "$id"
exits 0 'a read-only directory is no hindrance'
chmod 755 "$(dirname "$db")"
printf 'this is not a database, but it is longer than a header of one hundred bytes; %s' \
    "$(seq -s ' ' 100)" >"$T/garbage.db"
run media-status --db "sqlite://$T/garbage.db" queue
exits 10 'garbage is no database'
sqlite3 "$T/foreign.db" 'CREATE TABLE songs (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO songs VALUES (1, "x")'
run media-status --db "sqlite://$T/foreign.db" queue
exits 10 'a database of somebody else'
run media-status --db 'nosuch://x' queue
exits 10 'an unknown kind of database'

# --- it starts quickly: nothing of FFmpeg is loaded
unlike "$(ldd "$bin/media-status")" 'libav|libsw|libcurl|libpq' 'no heavy library'
done_testing
