#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# queue-faults.t - a clock that jumps, and a disk that is full under the database.
# shellcheck disable=SC2016
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
export OUT=$T
mkdir jobs
printf '#!/bin/sh\nsleep 4\nprintf "{\\"a\\": \\"%%s\\"}\\n" "$(head -c 500000 /dev/zero | tr "\\0" x)"\n' >jobs/long
printf '#!/bin/sh\necho "$MEDIA_JOB" >>"$OUT/marks"\n' >jobs/short
chmod +x jobs/*
pids=()
at_exit() {
    for p in "${pids[@]}"; do kill -9 "$p"; done 2>/dev/null
    umount "$T/small" 2>/dev/null
}
until_true() {
    local left=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $((left -= 1)) -gt 0 ] || return 1
        sleep 0.05
    done
}
is_state() { [ "$(sql "SELECT status FROM processing_jobs WHERE id = '$1'")" = "$2" ]; }
attempts() { sql "SELECT count(*) FROM job_attempts WHERE job_id = '$1'"; }
often=(--handlers jobs --lease 3 --poll 0.1 --backoff 60 --backoff-max 60)

# --- the clock
preload=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -n 1)
# Programs by the clock in the file.
fake=(env LD_PRELOAD="$preload" FAKETIME_TIMESTAMP_FILE="$T/clock" FAKETIME_NO_CACHE=1
    FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1)
queue() { "${fake[@]}" media-queue "$@"; }
submit() { queue submit "$@" 2>/dev/null | jq -r .job_id; }
start() {
    "${fake[@]}" media-queue work "${often[@]}" "$@" >/dev/null 2>>work.err &
    pids+=($!)
}
stop() {
    kill -TERM "${pids[@]}"
    wait "${pids[@]}"
    pids=()
}
echo +0 >clock
if [ -z "$preload" ] || [ -n "${MT_SAN-}" ]; then
    skip 'libfaketime is not installed, or cannot be under a sanitizer'
else
    # Forward, while one works and another one would take over.
    j=$(submit long)
    start -j 1
    until_true 10 is_state "$j" processing
    start -j 1
    sleep 0.5
    echo +3600 >clock
    ok 'a clock that jumps forward takes nothing from a healthy worker' until_true 20 is_state "$j" completed
    is "$(attempts "$j")" 1 'it was one attempt'
    stop

    # Back: what was leased by somebody who is gone, what is ready, and what is to be tried again.
    echo +7200 >clock
    gone=$(submit short)
    queue claim --lease 3 --worker elsewhere >/dev/null
    sql "UPDATE processing_jobs SET owner = NULL WHERE id = '$gone'"
    ready=$(submit short)
    printf '#!/bin/sh\n[ "$MEDIA_ATTEMPT" -gt 1 ] || exit 5\n' >jobs/again
    chmod +x jobs/again
    again=$(submit again)
    queue work "${often[@]}" --types again --once >/dev/null 2>&1
    is "$(sql "SELECT status || attempts FROM processing_jobs WHERE id = '$again'")" pending1 'a job that waits for its second attempt'
    later=$(submit short --delay 5m)
    echo +0 >clock
    start -j 1
    ok 'a clock that is set back keeps no job that is ready from being done' until_true 15 is_state "$ready" completed
    ok 'nor a second attempt' until_true 15 is_state "$again" completed
    ok 'a lease that would last for hours begins anew' until_true 30 is_state "$gone" completed
    is "$(attempts "$gone")" 2 'which was the second attempt'
    ok 'what was to come later, comes later' is_state "$later" pending
    stop
fi

# --- no room for the database: ends are kept until there is
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=8m tmpfs small 2>/dev/null; then
    export MEDIA_DB=sqlite://$T/small/media.db
    db=$T/small/media.db
    long=$(media-queue submit long 2>/dev/null | jq -r .job_id)
    media-queue work "${often[@]}" --heartbeat 0.5 -j 2 >/dev/null 2>full.err &
    pids=($!)
    until_true 10 is_state "$long" processing
    # What is left is filled by jobs, as a queue would.
    dd if=/dev/zero of=small/fill bs=64k count=$(($(df --output=avail -k small | tail -n 1) / 64 - 8)) 2>/dev/null
    jq -nc '{type: "none", parameters: {a: ("x" * 20000)}} as $j | range(400) | $j' >lines
    run media-queue submit <lines
    isnt "$status" 0 'jobs fill the disk'
    dd if=/dev/zero of=small/rest bs=1k 2>/dev/null
    run media-queue submit --parameters "$(head -n 1 lines | jq .parameters)" none
    isnt "$status" 0 'with a full disk nothing is submitted'
    stderr_like 'hint: ' 'which has a hint'
    ok 'what ends is kept as long as it cannot be written' until_true 20 grep -q 'what has ended is kept' full.err
    sleep 3.5 # longer than the lease
    ok 'its worker is still there' kill -0 "${pids[0]}"
    ok 'and nobody says that it was done' is_state "$long" processing
    rm small/fill small/rest
    ok 'with room again the end is written' until_true 30 is_state "$long" completed
    is "$(sql "SELECT length(output_results) > 500000 FROM processing_jobs WHERE id = '$long'")" 1 'with its result'
    is "$(attempts "$long")" 1 'of the same attempt'
    run media-queue submit short
    ok 'and all goes on' until_true 20 is_state "$(json .job_id)" completed
    stop
else
    skip 'no tmpfs can be mounted'
fi
done_testing
