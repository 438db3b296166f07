#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# queue-work.t - supervisors, their handlers, and all that handlers do wrong.
# shellcheck disable=SC2016
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
mkdir jobs
# handler NAME: from standard input
handler() { { echo '#!/bin/bash'; cat; } >"jobs/$1"; chmod +x "jobs/$1"; }
submit() { media-queue submit "$@" 2>/dev/null | jq -r .job_id; }
state() { sql "SELECT status FROM processing_jobs WHERE id = '$1'"; }
# until_true SECONDS COMMAND...: waits for it
until_true() {
    local left=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $((left -= 1)) -gt 0 ] || return 1
        sleep 0.05
    done
}
is_state() { [ "$(state "$1")" = "$2" ]; }
often=(--handlers jobs --lease 2 --poll 0.1 --grace 1 --backoff 0.01 --backoff-max 0.01)
work() { media-queue work "${often[@]}" "$@"; }
workers=()
own=
at_exit() {
    for p in "${workers[@]}"; do kill -CONT "$p"; kill -9 "$p"; done 2>/dev/null
    [ -z "$own" ] || "$MT_TOP/tests/pg.sh" stop "$own" 2>/dev/null
}

run media-queue work --handlers nosuch
exits 10 'a supervisor without handlers'
stderr_like "hint: an executable file" 'says what a handler is'

# --- what a handler is given, and what becomes of what it prints
handler good <<'EOF2'
cat >"$OUT/input"
env >"$OUT/env"
echo '{"type": "progress", "percent": 50, "stage": "half"}'
echo 'a word' >&2
sleep 0.2
echo '{"answer": 42}'
EOF2
export OUT=$T LONG=1000.$$
j=$(submit good --parameters '{"n": 7}')
run work --once
exits 0 'a job is done'
json_true '.completed == 1 and .failed == 0' 'one'
is "$(state "$j")" completed 'completed'
is "$(sql "SELECT json_extract(output_results, '$.answer') || '' || progress || outcome FROM processing_jobs")" 42100ok 'with its result'
is "$(sql "SELECT last_words FROM job_attempts")" 'a word' 'its last words are kept'
is "$(jq -r '.parameters.n, .lease.token, .attempt' input | tr '\n' ' ')" '7 1 1 ' 'it was given the job'
for v in "MEDIA_JOB=$j" MEDIA_LEASE_TOKEN=1 MEDIA_JOB_TYPE=good MEDIA_ATTEMPT=1 "MEDIA_DB=$MEDIA_DB" MEDIA_PROGRESS=json; do
    ok "$v" grep -qxF "$v" env
done
not_ok 'its directory is gone' test -e "$(sed -n 's/^TMPDIR=//p' env)"

# --- ends
handler status <<'EOF2'
exit "$(jq -r .parameters.status)"
EOF2
statuses='0:completed 1:failed 2:failed 5:dead 6:failed 7:failed 11:dead 126:failed'
for s in $statuses; do
    printf '{"type": "status", "max_attempts": 2, "parameters": {"status": %s}}\n' "${s%:*}"
done | media-queue submit >/dev/null
all_ended() { [ "$(sql "SELECT count(*) FROM processing_jobs WHERE status IN ('pending', 'processing')")" = 0 ]; }
ok 'jobs that end in all ways' until_true 20 eval 'work -j 4 --until-empty >/dev/null 2>&1; all_ended'
for s in $statuses; do
    is "$(sql "SELECT status FROM processing_jobs WHERE CAST(json_extract(input_parameters, '$.status') AS INTEGER) = ${s%:*}")" \
        "${s#*:}" "status ${s%:*}"
done
handler crash <<'EOF2'
kill -SEGV $$
EOF2
j=$(submit crash --max-attempts 3)
until_true 10 eval 'work --until-empty >/dev/null 2>&1; is_state $j dead'
is "$(state "$j")" dead 'a poison job'
is "$(sql "SELECT count(*) || '' || max(signal) FROM job_attempts WHERE job_id = '$j'")" 311 'all of its attempts are kept'
is "$(sql "SELECT json_extract(error, '$.code') FROM processing_jobs WHERE id = '$j'")" worker_crashed 'and why'
run media-status why "$j"
json_true '.history | length == 3' 'media-status why tells them'
handler document <<'EOF2'
echo '{"schema": 1, "asset": null, "error": {"code": "infected", "message": "a virus", "stage": "ingest", "retryable": false, "hint": null}}'
exit 6
EOF2
j=$(submit document)
work --until-empty >/dev/null 2>&1
is "$(sql "SELECT error_message || status FROM processing_jobs WHERE id = '$j'")" 'a virusfailed' 'the error of a document is the job'"'"'s'

# --- garbage, and what never ends
handler garbage <<'EOF2'
head -c 3000000 /dev/zero | tr '\0' x
head -c 1000000 /dev/urandom >&2
head -c 100000 /dev/urandom
printf '\n{"n": 1}\n{"broken'
EOF2
j=$(submit garbage)
run work --until-empty
is "$(state "$j")" completed 'garbage is no failure'
is "$(sql "SELECT json_extract(output_results, '$.n') FROM processing_jobs WHERE id = '$j'")" 1 'the result in it is found'
handler forever <<'EOF2'
trap '' TERM
sleep "$LONG" &
setsid sleep "$LONG" &
(setsid sleep "$LONG" &)
echo $$ >"$OUT/forever.$MEDIA_ATTEMPT"
while :; do sleep 1; done
EOF2
left_over() { pgrep -f "^sleep 1000\\.$$\$"; }
j=$(submit forever --timeout 1 --max-attempts 1)
run work --until-empty
is "$(state "$j")" dead 'what never ends is ended'
is "$(sql "SELECT json_extract(error, '$.code') FROM processing_jobs WHERE id = '$j'")" timeout 'by its time limit'
is "$(left_over)" '' 'with all that it has started'

# --- cancelled while it runs
j=$(submit forever)
media-queue work "${often[@]}" --heartbeat 0.3 >/dev/null 2>&1 &
workers+=($!)
until_true 5 test -s forever.1 || fail 'it runs'
media-queue cancel "$j" >/dev/null
ok 'a running job is cancelled' until_true 10 is_state "$j" cancelled
is "$(left_over)" '' 'and ended'

# --- preemption: SIGTERM gives back
j=$(submit forever)
rm -f forever.*
until_true 5 test -s forever.1
kill -TERM "${workers[0]}"
wait "${workers[0]}"
is $? 0 'SIGTERM is a good end'
is "$(sql "SELECT status || attempts FROM processing_jobs WHERE id = '$j'")" pending0 'the job is given back, no attempt is lost'
is "$(left_over)" '' 'nothing goes on'
media-queue cancel "$j" >/dev/null

# --- a killed supervisor: another one takes over at once, as its process is dead
handler mark <<'EOF2'
echo "$MEDIA_JOB $MEDIA_LEASE_TOKEN" >>"$OUT/marks"
[ "$MEDIA_ATTEMPT" != 1 ] || sleep "$LONG"
EOF2
j=$(submit mark)
media-queue work "${often[@]}" >/dev/null 2>&1 &
workers+=($!)
until_true 5 test -s marks
kill -9 "${workers[1]}"
run work --types mark --once
ok 'the job of a killed supervisor is done by another' until_true 10 eval 'work --types mark --once >/dev/null 2>&1; is_state $j completed'
is "$(sql "SELECT status FROM job_attempts WHERE job_id = '$j' ORDER BY lease_token" | tr '\n' ' ')" 'lapsed completed ' 'in its second attempt'
ok 'the first handler died with its supervisor' until_true 5 eval '[ -z "$(left_over)" ]'

# --- the database is away for a while
if on_postgresql; then # a server that may be stopped
    own=$(mktemp -d "$T/pg.XXXXXX")
    chmod 755 "$T" "$own"
    "$MT_TOP/tests/pg.sh" start "$own" >/dev/null || fail 'a server of our own'
    db=$(MT_TEST_PG=$own T='' "$MT_TOP/tests/pg.sh" new own)
    MEDIA_DB="$db&reconnect_ms=300"
fi
leave() { if on_postgresql; then "$MT_TOP/tests/pg.sh" halt "$own" immediate; else mv "$db" "$db.away"; fi; }
come_back() { if on_postgresql; then "$MT_TOP/tests/pg.sh" again "$own"; else mv "$db.away" "$db"; fi; }
hold_all() {
    if on_postgresql; then sql "BEGIN; LOCK TABLE processing_jobs; SELECT pg_sleep($1); COMMIT" >/dev/null
    else sqlite3 "$db" 'BEGIN EXCLUSIVE' ".shell sleep $1" 'COMMIT'; fi
}
handler short <<'EOF2'
sleep 0.5
EOF2
j=$(submit short)
media-queue work "${often[@]}" --types short -j 2 >/dev/null 2>work.err &
workers+=($!)
until_true 5 is_state "$j" processing
leave
sleep 2.5
on_postgresql || not_ok 'an absent database is not made anew' test -e "$db"
come_back
ok 'what ended meanwhile is written when it is back' until_true 10 is_state "$j" completed
like "$(cat work.err)" 'the database is away' 'the supervisor has said so'
is "$(sql "SELECT attempts FROM processing_jobs WHERE id = '$j'")" 1 'in the first attempt'
j=$(submit short)
until_true 5 is_state "$j" processing
hold_all 3
ok 'a database that is locked for longer than a lease' until_true 15 is_state "$j" completed
is "$(sql "SELECT attempts FROM processing_jobs WHERE id = '$j'")" 1 'costs no attempt either'

# --- the service manager
python3 - "$T/notify" >notified <<'EOF2' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(20)
while True:
    text = s.recv(4096).decode()
    print(text, flush=True)
    if 'STOPPING' in text:
        break
EOF2
workers+=($!)
until_true 5 test -S notify
NOTIFY_SOCKET=$T/notify WATCHDOG_USEC=400000 media-queue work "${often[@]}" --types short >/dev/null 2>&1 &
p=$!
workers+=("$p")
until_true 5 grep -q WATCHDOG=1 notified
kill -HUP "$p"
ok 'SIGHUP reloads' until_true 5 grep -q RELOADING=1 notified
kill -TERM "$p"
wait "$p"
ok 'STOPPING is told' until_true 5 grep -q STOPPING=1 notified
is "$(head -n 1 notified)" READY=1 'READY is told first'
ok 'WATCHDOG is told' grep -q WATCHDOG=1 notified

# --- SIGHUP: its own settings are read anew, and what runs goes on
handler hold <<'EOF2'
until [ -e "$OUT/go" ]; do sleep 0.1; done
EOF2
cp jobs/short jobs/late # which no other worker takes
settings() { printf 'media_processing:\n  workers:\n    mine: {%s}\n' "$1" >mine.yaml; }
running() { [ "$(sql "SELECT count(*) FROM processing_jobs WHERE status = 'processing'")" = "$1" ]; }
slots() { [ "$(media-queue depth | jq '[.workers[] | select(.id == "mine").slots] | add')" = "$1" ]; }
settings 'jobs: 1, types: [hold], lease: 2'
for _ in 1 2 3; do submit hold >>held; done
submit hold --class io >>held
short=$(submit late)
media-queue work --config mine.yaml --profile mine --worker mine --handlers jobs --poll 0.1 >/dev/null 2>mine.err &
p=$!
workers+=("$p")
ok 'a profile says how many at once' until_true 10 eval 'running 1 && slots 1'
sleep 0.5
ok 'and no more' running 1
settings 'jobs: 2, types: [hold], class: cpu'
kill -HUP "$p"
ok 'SIGHUP: more at once' until_true 10 eval 'running 2 && slots 2'
echo 'media_processing: {workers: {mine: {jobs: many}}}' >mine.yaml
kill -HUP "$p"
ok 'settings that are none' until_true 5 grep -q "mine.yaml:1: workers.mine.jobs" mine.err
settings 'jobs: 3, types: nosuch'
kill -HUP "$p"
ok 'types without a handler' until_true 5 grep -q 'there is no handler for any wanted job' mine.err
sleep 0.5
ok 'what runs goes on, and nothing else is begun' running 2
settings 'jobs: 1, types: [hold, late], class: io'
kill -HUP "$p"
ok 'fewer at once' until_true 5 slots 1
touch go
ok 'what has run is done' until_true 10 eval 'running 0 || running 1'
ok 'another class is now' until_true 10 is_state "$(tail -n 1 held)" completed
is "$(sql "SELECT count(*) FROM processing_jobs WHERE job_type = 'hold' AND status = 'pending'")" 1 'and no longer the one before'
is "$(state "$short")" pending 'of no type'
settings 'jobs: 1'
kill -HUP "$p"
ok 'without settings it takes all' until_true 10 is_state "$short" completed
ok 'also what is left' until_true 10 is_state "$(sed -n 3p held)" completed
is "$(sql "SELECT max(attempts) FROM processing_jobs WHERE job_type IN ('hold', 'late')")" 1 'nothing was done twice'
is "$(sql "SELECT count(*) FROM job_attempts AS a JOIN processing_jobs AS j ON j.id = a.job_id
    WHERE j.job_type = 'hold' AND a.status <> 'completed'")" 0 'no lease was lost'
kill -TERM "$p"
wait "$p"
is $? 0 'it ends well'
run media-queue work --config mine.yaml --profile mine --print-config
json_is '.jobs.origin' mine.yaml:3 'the origin of a setting'

# --- workers that are to end
j=$(media-queue depth | jq -r '.workers[0].id')
run media-queue drain --worker "$j"
exits 0 'a worker is drained'
ok 'it ends by itself' until_true 20 eval '[ "$(media-queue depth | jq ".workers | length")" = 0 ]'
run media-queue drain --worker nobody
exits 4 'an unknown worker'

# --- run
run media-queue run -- sh -c 'cat; echo said >&2; exit 3' <<<input
exits 3 'run ends as its command does'
is "$(cat "$out")" input 'standard input and output are the command'"'"'s'
stderr_like said 'so is what it says'
media-queue run --unique once -- sleep 2 >/dev/null 2>&1 &
workers+=($!)
until_true 5 eval '[ "$(sql "SELECT count(*) FROM processing_jobs WHERE unique_key = '"'once'"' AND status = '"'processing'"'")" = 1 ]'
run media-queue run --unique once -- touch twice
exits 11 'the same at the same time'
not_ok 'is not done' test -e twice
run media-queue run --unique x --unless-done -- touch one
run media-queue run --unique x --unless-done -- touch two
exits 0 'what was done before'
not_ok 'is not done again' test -e two

consistent 'after all of that'
done_testing
