#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# faults.t - killed, out of space, locked out: nothing is lost, doubled or left half-done.
. "$(dirname "$0")/../tap.sh"

media clip.mp4 tone.wav still.png
cd "$T" || exit 1
at_exit() {
    mountpoint -q "$T/small" && umount "$T/small"
    return 0
}

# --- SIGKILL at random moments, then again until it ends by itself
seed=${MT_SEED:-$RANDOM}
RANDOM=$seed
echo "# MT_SEED=$seed"
rounds=12
[ -z "${MT_QUICK-}" ] || rounds=4
mkdir many
for i in $(seq 12); do { cat clip.mp4; printf '\0\0\0\014free%04d' "$i"; } >"many/$i.mp4"; done
fresh
acknowledged=$T/acknowledged
: >"$acknowledged"
for ((round = 0; round < rounds; round++)); do
    media-ingest many/*.mp4 >"$out" 2>"$err" &
    pid=$!
    sleep "0.$(printf %03d $((RANDOM % 700)))"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    # What stands on a whole line was promised.
    jq -r 'select(.asset.upload_status == "completed").asset.id' "$out" 2>/dev/null >>"$acknowledged"
done
run media-ingest many/*.mp4
exits 0 'after many kills it runs to its end'
sort -u "$acknowledged" >"$T/promised"
json .asset.id | sort >"$T/there"
is "$(comm -23 "$T/promised" "$T/there")" '' 'what was acknowledged is still there'
is "$(sort -u "$T/there" | wc -l)" 12 'twelve files, twelve assets'
is "$(sql "SELECT count(*) FROM media_assets WHERE upload_status = 'completed'")" 12 'no duplicate'
consistent 'after kills'
is "$(cd "$store" && find . -type f -exec sha256sum {} + | cut -d' ' -f1 | sort)" \
    "$(sha256sum many/*.mp4 | cut -d' ' -f1 | sort)" 'every byte is there'

# --- killed while transcoding
id=$(head -n 1 "$T/there")
for ((round = 0; round < rounds / 2; round++)); do
    media-transcode -q 180p "$id" >"$out" 2>"$err" &
    pid=$!
    sleep "0.$(printf %03d $((RANDOM % 500)))"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
done
run media-transcode -q 180p "$id"
exits 0 'a transcode that was killed is done at last'
json_is '.variants | length' 1 'one rendition'
consistent 'after kills while transcoding'

# --- asked to stop
media slow.mp4
fresh
run media-ingest slow.mp4
id=$(json .asset.id)
media-transcode -q 720p,480p "$id" >"$out" 2>"$err" &
pid=$!
sleep 1
kill -TERM $pid
wait $pid
is $? 143 'SIGTERM ends it with 143'
sleep 0.2
is "$(objects)" "$id/original.mp4" 'no rendition is there'
is "$(sql "SELECT count(*) FROM media_variants WHERE processing_status = 'completed'")" 0 'nor recorded'
is "$(sql "SELECT count(*) FROM processing_jobs WHERE status = 'processing'")" 0 'no job runs on'

# --- the state on request
media-transcode --quiet -q 480p "$id" >"$out" 2>"$err" &
pid=$!
sleep 1
kill -USR1 $pid
for _ in $(seq 50); do [ -s "$err" ] && break; sleep 0.1; done
isnt "$(cat "$err")" '' 'SIGUSR1 prints the state, even with --quiet'
kill -TERM $pid
wait $pid

# --- two at once
fresh
media-ingest many/*.mp4 >"$T/a" 2>"$T/a.err" &
a=$!
media-ingest many/*.mp4 >"$T/b" 2>"$T/b.err" &
b=$!
wait $a
is $? 0 'of two at once, the one succeeds'
wait $b
is $? 0 'and the other'
is "$(jq -r .asset.id "$T/a" "$T/b" | sort -u | wc -l)" 12 'they agree on twelve assets'
consistent 'after two at once'
id=$(jq -r .asset.id "$T/a" | head -n 1)
media-thumbs --count 2 "$id" >"$T/a" 2>"$T/a.err" &
a=$!
media-thumbs --count 2 "$id" >"$T/b" 2>"$T/b.err" &
wait $a
a=$?
wait $!
like "$a $?" '^(0|11) (0|11)$' 'two thumbs of one asset succeed, or one finds it locked'
consistent 'after two thumbs at once'

# --- a disk that is full
if [ "$(id -u)" = 0 ] && mkdir -p small && mount -t tmpfs -o size=256k tmpfs small 2>/dev/null; then
    fresh
    store=$T/small/store
    run media-ingest --store "file://$store" many/1.mp4 many/2.mp4 many/3.mp4 many/4.mp4
    unlike "$status" '^(0|13[0-9])$' 'a full disk is a failure'
    document 'a full disk: a document each'
    is "$(wc -l <"$out")" 4 'a full disk: of each input'
    like "$(json '.error.code // "-"' | sort -u | tr '\n' ' ')" 'no_space' 'a full disk: no_space'
    stderr_like 'hint: ' 'a full disk: a hint'
    consistent 'a full disk'
    mount -o remount,size=64m small
    run media-ingest --store "file://$store" many/1.mp4 many/2.mp4 many/3.mp4 many/4.mp4
    exits 0 'when there is space again it goes on'
    consistent 'with space again'
    mount -o remount,ro small
    run media-ingest --store "file://$store" many/5.mp4
    exits 1 'a read-only store is a failure'
    stderr_like '[Rr]ead-only' 'and says why'
    stderr_like 'hint: ' 'with a hint'
    umount small
fi

# --- the database; a server's faults are tried in tests/drivers/db_pg.c
if on_postgresql; then done_testing; fi
fresh
run media-ingest clip.mp4
exits 0 'a database to be locked'
coproc LOCK { sqlite3 "$db"; }
printf 'BEGIN EXCLUSIVE;\nSELECT 1;\n' >&"${LOCK[1]}"
read -r _ <&"${LOCK[0]}"
run timeout 60 media-ingest --db "sqlite://$db?timeout_ms=2000" tone.wav
like "$status" '^(5|11)$' 'a locked database: try again later'
stderr_like 'locked|busy|waited' 'says that it is locked'
stderr_like 'hint: ' 'with a hint'
run timeout 60 media-status --db "sqlite://$db?timeout_ms=2000" queue
like "$status" '^(5|11)$' 'for media-status too'
printf 'COMMIT;\n.quit\n' >&"${LOCK[1]}"
wait "$LOCK_PID" 2>/dev/null
run media-ingest tone.wav
exits 0 'then it goes on'
consistent 'after the lock'

fresh
mkdir -p "$(dirname "$db")"
printf 'this is not a database, but it is longer than a header of one hundred bytes; %s' \
    "$(seq -s ' ' 100)" >"$db"
before=$(sha256sum <"$db")
run media-ingest clip.mp4
exits 10 'garbage for a database'
is "$(sha256sum <"$db")" "$before" 'is left as it was'
is "$(objects)" '' 'and nothing is stored'
fresh
sqlite3 "$db" 'CREATE TABLE songs (id INTEGER PRIMARY KEY, name TEXT)'
before=$(sha256sum <"$db")
run media-ingest clip.mp4
exits 10 'the database of somebody else'
is "$(sha256sum <"$db")" "$before" 'is left as it was'
fresh
sqlite3 "$db" 'CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)'
run media-ingest clip.mp4
exits 10 'also when a table of it is called as one of ours'
fresh
run media-ingest clip.mp4
sqlite3 "$db" "UPDATE schema_version SET version = 9999" 2>/dev/null ||
    sqlite3 "$db" 'PRAGMA user_version = 9999'
run media-ingest tone.wav
exits 10 'a database newer than the program is not touched'
stderr_like 'newer' 'and that is what it says'

# --- a rendition that fails leaves no announcement of itself
media slow.mp4
fresh
run media-ingest slow.mp4
slow=$(json .asset.id)
run media-transcode --force --timeout 0.05 -q 240p --preset veryslow "$slow"
isnt "$status" 0 'a rendition that takes too long fails'
is "$(sql "SELECT count(*) FROM media_variants WHERE processing_status = 'processing'")" 0 'it is no longer announced'
is "$(find "$store" -type f -not -path '*/.work/*' | wc -l)" 1 'nothing is beside the original but work to go on with'
is "$(sql "SELECT status FROM processing_jobs WHERE job_type = 'transcode'")" failed 'its job says so'
run media-transcode -q 240p --preset ultrafast "$slow"
exits 0 'with time it succeeds'
consistent 'after a rendition that failed'
done_testing
