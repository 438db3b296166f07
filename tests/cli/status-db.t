#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# status-db.t - databases that are locked, newer, foreign, corrupt; ids that are none.
. "$(dirname "$0")/../tap.sh"

media clip.mp4
cd "$T" || exit 1
run media-ingest clip.mp4
id=$(json .asset.id)
live=aaaa0000-0000-4000-8000-000000000001
sql "INSERT INTO processing_jobs (id, media_asset_id, job_type) VALUES ('$live', '$id', 'transcode')"

# --- a database that cannot be read
as_nobody=()
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups \
    "$bin/media-status" --version >/dev/null 2>&1; then
    as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chmod 755 "$T" "$(dirname "$db")"
fi
chmod 444 "$db"* && chmod 555 "$(dirname "$db")"
run "${as_nobody[@]}" "$bin/media-status" asset "$id"
exits 0 'what cannot be written can be read'
if [ -n "${as_nobody[*]}" ]; then
    chmod 000 "$db"
    run "${as_nobody[@]}" "$bin/media-status" queue
    isnt "$status" 0 'what cannot be read is a failure'
    stderr_like 'Permission denied' 'for want of permission'
fi
chmod 755 "$(dirname "$db")" && chmod 644 "$db"*

mkfifo "$T/.hold"
sqlite3 "$db" <"$T/.hold" >"$T/.held" 2>&1 &
exec 9>"$T/.hold"
echo 'BEGIN EXCLUSIVE; SELECT 1;' >&9
for _ in $(seq 100); do [ -s "$T/.held" ] && break; sleep 0.05; done
run media-status --db "sqlite://$db?timeout_ms=100" queue
exits 11 'a locked database'
stderr_like 'locked by another program' 'says so'
# waiting COMMAND...: in the background, until it has the database open
waiting() {
    "$@" >/dev/null 2>"$err" 9>&- &
    waiter=$!
    for _ in $(seq 200); do
        [ -z "$(find "/proc/$waiter/fd" -lname "$(readlink -f "$db")" 2>/dev/null)" ] || return
        sleep 0.05
    done
}
for command in queue report doctor; do
    waiting media-status --db "sqlite://$db?timeout_ms=600000" $command
    kill -TERM "$waiter"
    for _ in $(seq 400); do
        kill -0 "$waiter" 2>/dev/null || break
        sleep 0.05
    done
    kill -KILL "$waiter" 2>/dev/null
    wait "$waiter" 2>/dev/null
    is $? 143 "$command: SIGTERM ends the wait for a locked database"
done
exec 9>&-
wait
run media-status queue
exits 0 'when the lock is gone it works again'

refused() { # NAME STATUS REGEX: of the database $T/NAME.db
    for c in queue jobs assets "job $live" "asset $id" "why $live" report "report $id" metrics; do
        # shellcheck disable=SC2086
        run media-status --db "sqlite://$T/$1.db" $c
        exits "$2" "$1: $c"
        stderr_like "$3" "$1: $c says why"
    done
}
copy() { sqlite3 "$db" ".backup '$T/$1.db'"; }
copy newer && sqlite3 "$T/newer.db" 'PRAGMA user_version = 9999'
refused newer 10 'newer media-toolkit'
: >"$T/empty.db"
refused empty 10 'is empty'
printf 'this is not a database, but it is longer than a header of one hundred bytes; %s' \
    "$(seq -s ' ' 100)" >"$T/garbage.db"
refused garbage 10 'is no database'
sqlite3 "$T/foreign.db" 'CREATE TABLE songs (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO songs VALUES (1, "x")'
refused foreign 10 'of another program'
copy corrupt
dd if=/dev/urandom of="$T/corrupt.db" bs=4096 seek=1 \
    count=$(($(stat -c %s "$T/corrupt.db") / 4096 - 1)) conv=notrunc status=none
refused corrupt 10 'corrupt|malformed'
copy cut && truncate -s 8192 "$T/cut.db"
refused cut 10 'corrupt|malformed'
run media-status --db 'nosuch://x' queue
exits 10 'an unknown kind of database'
run media-status --db "sqlite://$T" queue
exits 10 'a directory'

# --- ids of odd bytes, and too many of them
long=$(printf 'a%.0s' $(seq 5000))
for odd in '' ' ' "'" '"' "'; DROP TABLE processing_jobs; --" '%' '_' '*' $'a\nb' $'\033[31m' $'\xff\xfe' \
    'g0000000' '--' '../../etc/passwd' "$live " "$long" "${live}0" '٠١٢٣٤٥٦٧'; do
    for c in job asset why report; do
        run media-status $c -- "$odd"
        like "$status" '^(2|4)$' "$c '${odd:0:20}': there is none" || diag "status $status: $(cat "$err")"
        unlike "$(cat "$out" "$err")" $'\033' 'nothing of it moves the cursor'
    done
done
is "$(sql 'SELECT count(*) FROM processing_jobs')" 2 'nothing was dropped'
for n in $(seq 3000); do printf 'aaaa0000-0000-4000-8000-%012d\n' "$n"; done >ids
run media-status job --files-from ids
exits 3 'three thousand ids, of which one is'
is "$(wc -l <"$out")" 3000 'an answer to each'
is "$(jq -s '[.[] | select(.error)] | length' "$out")" 2999 'that says what is not'
done_testing
