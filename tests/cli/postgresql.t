#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# postgresql.t - programs and a PostgreSQL server: loaded on demand, examined, read from a replica.
. "$(dirname "$0")/../tap.sh"

media clip.mp4
cd "$T" || exit 1
own=$(mktemp -d /tmp/mt-pgt.XXXXXX) && chmod 755 "$own"
at_exit() {
    "$MT_TOP/tests/pg.sh" stop "$own/a" 2>/dev/null
    "$MT_TOP/tests/pg.sh" stop "$own/b" 2>/dev/null
    rm -rf "$own"
}
"$MT_TOP/tests/pg.sh" start "$own/a" >/dev/null || skip_rest 'no PostgreSQL server'
url=$(MT_TEST_PG=$own/a "$MT_TOP/tests/pg.sh" new films)
fresh
export MEDIA_DB=$url db=$url MT_TEST_DB=postgresql

# --- the library
unlike "$(ldd "$bin/media-status")" libpq 'libpq is no part of a program'
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 \
    run strace -f -e trace=openat -o trace media-status --db "sqlite://$T/none.db" queue
unlike "$(cat trace)" 'libpq' 'and not loaded for another database'
library=$(ldconfig -p | sed -n 's/.*libpq\.so\.5 .*=> //p' | head -n 1)
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
    # shellcheck disable=SC2016
    run unshare -m sh -c 'mount --bind /dev/null "$(readlink -f "$1")" && media-status queue' sh "$library"
    isnt "$status" 0 'without it there is a failure'
    stderr_like 'libpq5' 'that names the package'
else skip 'only root can hide a library'; fi

# --- an empty database
run media-status queue
exits 10 'nothing was ever written'
stderr_like 'empty' 'says so'
not_ok 'and who reads makes no tables' has_database
run media-status doctor
is "$(json '.checks[] | select(.name == "database") | .verdict')" problem 'doctor too'

# --- the whole way
run media-ingest clip.mp4
exits 0 'ingest'
document 'ingest: its document'
id=$(json .asset.id)
run media-ingest clip.mp4
json_is .asset.duplicate true 'the same again is a duplicate'
run media-thumbs --count 2 "$id"
exits 0 'thumbnails'
consistent 'on a server'
run media-status asset "$id"
document 'and the document from the rows'
json_is '[.thumbnails[].timestamp] | unique | length' 2 'with what was made'
run media-status asset "${id:0:8}"
json_is .asset.id "$id" 'by the beginning of its id'

# --- doctor
verdict() { json ".checks[] | select(.name == \"$1\") | .verdict"; }
reason() { json ".checks[] | select(.name == \"$1\") | .reason"; }
run media-status doctor
valid doctor 'doctor: as the schema says'
is "$(verdict database)" ok 'the database'
like "$(reason database)" "PostgreSQL 1[3-9].*schema $(schema_version), UTF8" 'its version and schema'
is "$(verdict database_durability)" problem 'the test server would not survive a power cut, and that is found'
is "$(verdict database_connections)" ok 'few connections'
is "$(verdict database_tls)" ok 'one machine'
is "$(verdict sqlite)" '' 'nothing is said of SQLite'
known=$(schema_version)
schema_version 999 >/dev/null
run media-status doctor
like "$(verdict database) $(reason database)" 'problem .*newer|problem .*999' 'a database of the future'
schema_version "$known" >/dev/null

# --- secrets
run media-status --db "postgresql://media:s3cret@localhost/films" queue
exits 10 'a password in a URL is refused'
unlike "$(cat "$err")" s3cret 'and not repeated'
stderr_like 'hint: .*pgpass' 'says where it belongs'

# --- a replica, which is asked instead
mkdir "$own/b"
[ "$(id -u)" != 0 ] || chown --reference="$own/a" "$own/b"
as_server=()
[ "$(id -u)" != 0 ] || as_server=(setpriv --reuid "$(stat -c %U "$own/a")" --regid "$(stat -c %G "$own/a")" --clear-groups --)
(cd "$own" && "${as_server[@]}" pg_basebackup -h "$own/a" -U media -D "$own/b/data" -R -X stream -c fast) >basebackup.log 2>&1 &&
    "$MT_TOP/tests/pg.sh" again "$own/b"
replica="postgresql://media@/films?host=$own/b"
run media-status --db-read "$replica" --db postgresql:///nowhere?host=/nonexistent asset "$id"
exits 0 'a replica answers'
json_is .asset.id "$id" 'with what the primary has'
run media-status --db-read "$replica" doctor
is "$(verdict database_replica)" ok 'doctor says how far behind'
like "$(reason database_replica)" '[0-9.]+ s behind' 'in seconds'
run media-status --db "$replica" doctor
is "$(verdict database_replica)" problem 'a replica is no place to write'
run media-ingest --db "$replica" --force clip.mp4
isnt "$status" 0 'and nobody writes there'
stderr_like 'hint: .*primary' 'says where instead'
run media-status --db-read 'postgresql:///x?host=/nonexistent' queue
exits 0 'when the replica is away the primary answers'
stderr_like 'warning: .*nonexistent' 'with a warning'

# --- from SQLite
one=$T/one.db
run media-ingest --db "sqlite://$one" --store "file://$T/st" clip.mp4
for n in 1 2 3; do jq -nc --arg n "$n" 'range(1000) | {type: "t\($n)"}' | media-queue --db "sqlite://$one" submit >/dev/null; done
new=$(MT_TEST_PG=$own/a "$MT_TOP/tests/pg.sh" new copied)
run media-queue migrate-db "sqlite://$one"
exits 2 'a copy has two ends'
run media-queue migrate-db "$new" "sqlite://$one"
isnt "$status" 0 'and goes to a server'
before=$(sha256sum <"$one")
media-queue migrate-db "sqlite://$one" "$new" >killed 2>&1 &
pid=$!
for _ in $(seq 200); do
    [ "$(psql -XAtq "$new" -c 'SELECT count(*) > 400 FROM processing_jobs' 2>/dev/null)" != t ] || break
    sleep 0.02
done
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
run media-queue migrate-db "sqlite://$one" "$new"
exits 0 'what was killed goes on'
json_true '.rows > 6000 and (.tables | length) == 22' 'all rows of all tables'
is "$(psql -XAtq "$new" -c 'SELECT count(*) FROM processing_jobs')" 3001 'are there once'
is "$(sha256sum <"$one")" "$before" 'and the source is as it was'
run media-queue --db "$new" depth
exits 0 'the queue goes on there'
isnt "$(media-queue --db "$new" claim --count 5 | wc -l)" 0 'and can be claimed'

# --- a server that is away
"$MT_TOP/tests/pg.sh" stop "$own/a" fast
run media-status queue
exits 5 'away: try again later'
stderr_like 'hint: ' 'with a hint'
run media-ingest clip.mp4
exits 5 'for who writes too'
"$MT_TOP/tests/pg.sh" again "$own/a"
run media-ingest clip.mp4
exits 0 'and later it works'
done_testing
