#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# queue-storm.t - many workers, killed at random: nothing lost, nothing twice, nothing left over.
#
# MT_STORM_WORKERS=64 MT_STORM_JOBS=100000 makes it larger.
# shellcheck disable=SC2016
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
few=${MT_QUICK-}${MT_SAN-}
workers=${MT_STORM_WORKERS:-${few:+4}} jobs=${MT_STORM_JOBS:-${few:+150}}
workers=${workers:-8} jobs=${jobs:-1500}
[ -z "${MT_STORM_LIMIT:-}" ] && limit=$((60 + jobs / 10)) || limit=$MT_STORM_LIMIT
mkdir jobs pids tmp
export TMPDIR=$T/tmp LOG=$T/log
: >log
printf '#!/bin/sh\necho "$MEDIA_JOB $MEDIA_LEASE_TOKEN" >>"$LOG"\n' >jobs/good
printf '#!/bin/sh\necho "$MEDIA_JOB $MEDIA_LEASE_TOKEN" >>"$LOG"\nexit 11\n' >jobs/poison
chmod +x jobs/*
work=(work --handlers jobs -j 2 --lease 20 --poll 0.5 --grace 1 --backoff 0.05 --backoff-max 0.1)
# worker N: a supervisor that is started again whenever it is killed
worker() {
    while [ ! -e stop ]; do
        media-queue "${work[@]}" >/dev/null 2>"pids/$1.err" &
        echo $! >"pids/$1"
        wait $!
        [ "$1" != 1 ] || cat "pids/$1.err" >>first.err
    done
}
killed=0
# What is to be killed: children of ours that are media-queue still.
kill_one() {
    local pid
    pid=$(cat "pids/$((RANDOM % workers + 1))" 2>/dev/null)
    if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = media-queue ]; then
        kill -9 "$pid" && killed=$((killed + 1))
    fi
}
loops=()
# Again and again, since one may have been started at this very moment.
stop_all() {
    local f
    touch stop
    while [ -n "$(jobs -rp)" ]; do
        for f in pids/*[0-9]; do kill -TERM "$(cat "$f")"; done 2>/dev/null
        sleep 0.3
    done
}
at_exit() { [ -e stop ] || stop_all; }

# --- identical submissions in parallel
for _ in 1 2 3 4 5 6 7 8; do
    for _ in 1 2 3; do media-queue submit same --unique one; done >>answers 2>&1 &
    loops+=($!)
done
wait "${loops[@]}"
loops=()
is "$(jq -r .job_id answers | sort -u | wc -l)" 1 '24 identical submissions are one job'
is "$(jq -c 'select(.duplicate | not)' answers | wc -l)" 1 'one of them was the first'
sql "DELETE FROM processing_jobs"

# --- the storm
seq "$jobs" | jq -c '{type: (if . % 50 == 0 then "poison" else "good" end), max_attempts: (if . % 50 == 0 then 3 else 100 end),
    priority: (. % 3), class: (if . % 2 == 0 then "cpu" else "io" end)}' | media-queue submit >submitted
is "$(wc -l <submitted)" "$jobs" 'all are submitted'
for ((i = 1; i <= workers; i++)); do
    worker "$i" 2>/dev/null &
    loops+=($!)
done
open() { sql "SELECT count(*) FROM processing_jobs WHERE status IN ('pending', 'processing')"; }
deadline=$((SECONDS + limit)) checked=0
while [ $SECONDS -lt $deadline ]; do
    sleep "0.$((RANDOM % 4))"
    checked=$((checked + 1))
    if [ $checked -lt 400 ] || [ $((checked % 8)) = 0 ]; then kill_one; fi
    [ $((checked % 10)) != 0 ] || [ "$(open)" != 0 ] || break
done
diag "$workers workers, $jobs jobs, $killed killed, $((SECONDS - deadline + limit)) s"
stop_all
in_state() { sql "SELECT count(*) FROM processing_jobs WHERE status IN ($1)"; }
all=$(sql "SELECT count(*) FROM processing_jobs") completed=$(in_state "'completed'") dead=$(in_state "'dead'")
queued=$(in_state "'pending', 'processing'")
diag "in $all, done $completed, dead $dead, queued $queued"
is "$all" "$jobs" 'none is lost'
is "$((completed + dead + queued))" "$jobs" 'in = done + dead + queued'
is "$queued" 0 'all have ended'
is "$dead" $((jobs / 50)) 'the poisoned ones are dead, no other'
is "$(sort log | uniq -d | wc -l)" 0 'no lease was worked under twice'
is "$(sql "SELECT count(*) FROM processing_jobs j WHERE status IN ('completed', 'dead') AND (SELECT count(*)
    FROM job_attempts a WHERE a.job_id = j.id AND a.status = 'completed') <> CASE status WHEN 'completed' THEN 1 ELSE 0 END")" 0 \
    'each was completed once'
sql "SELECT CAST(job_id AS TEXT) || ' ' || lease_token FROM job_attempts WHERE status = 'completed'" | sort >completed
is "$(sort -u log | comm -13 - completed | wc -l)" 0 'each that was completed was worked on'
is "$(sql "SELECT count(*) FROM job_attempts WHERE ended_at IS NULL")" 0 'no attempt is left open'
is "$(sql "SELECT count(*) FROM (SELECT job_id FROM events WHERE type = 'job.completed' GROUP BY job_id HAVING count(*) <> 1) AS e")" 0 \
    'one event tells of it'
is "$(sql "SELECT count(*) FROM processing_jobs j WHERE lease_token <> (SELECT count(*) FROM job_attempts a WHERE a.job_id = j.id)")" 0 \
    'every lease has its row'
is "$(grep -ciE 'locked|busy' first.err)" 0 'nobody was told that the database is busy'
# a last supervisor removes what the killed ones left
media-queue "${work[@]}" --once >/dev/null 2>&1
is "$(find tmp -mindepth 1 -maxdepth 1 | wc -l)" 0 'no directory is left over'
is "$(sql "SELECT count(*) FROM workers")" 0 'no worker is'
consistent 'after the storm'
done_testing
