#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# orchestrate.t - folders that are watched: nothing lost, nothing twice, whoever dies.
# shellcheck disable=SC2016
. "$(dirname "$0")/../tap.sh"

media clip.mp4 photo.jpg empty.mp4
cd "$T" || exit 1
orchestrate=$MT_TOP/scripts/media-orchestrate
pids=() own='' small=''
at_exit() {
    for p in "${pids[@]}"; do kill -9 "$p"; done 2>/dev/null
    [ -z "$own" ] || "$MT_TOP/tests/pg.sh" stop "$own" 2>/dev/null
    [ -z "$small" ] || umount "$T/small" 2>/dev/null
}
orch() { run "$orchestrate" --settle 1 --state "$T/memory" "$@"; }
work() { media-queue work --until-empty -j 3 --poll 0.1 --lease 2 --backoff 0.01 --backoff-max 0.01 >/dev/null 2>>work.err; }
count() { sql "SELECT count(*) FROM processing_jobs WHERE ${1-0 = 0}"; }
until_true() {
    local left=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $((left -= 1)) -gt 0 ] || return 1
        sleep 0.05
    done
}
# settle: until the files that were just made are old enough for --settle 1
settle() { sleep 2.1; }
round() { jq -r "select(.type == \"round\") | $1" "$out"; }

# --- usage
run "$orchestrate"
exits 2 'it wants a folder'
run "$orchestrate" --help
exits 0 '--help'
like "$(grep -n 'Examples:' "$out" | cut -d: -f1) $(grep -n '^Options:' "$out" | cut -d: -f1)" '^[1-9] 1' 'examples stand before options'
run "$orchestrate" --version
json_true '.name == "media-orchestrate" and (.version | length > 0)' '--version'
mkdir in
for o in '--nonsense' '--interval=soon' '--options=[]' '--jobs=x' '--after=delete' "--after=move:$T/in" '--settle'; do
    orch --once in "$o"
    exits 2 "usage: ${o/$T\//}"
done
orch --once nowhere
exits 4 'a folder that is not there'
mkdir in/sub
orch --once -r in --after "move:$T/in/sub"
exits 2 'moving into what is watched'

# --- a film with an odd name, pictures, and what is not to be taken
small_ladder='{"qualities": ["180p"], "thumbnail_count": 1, "analysis_types": ["loudness"]}'
mkdir -- -dir
odd=$'-فيلم\nand "more" %s'.mp4
cp clip.mp4 "./-dir/$odd"
cp photo.jpg "$(printf './-dir/\377.jpg')"
cp empty.mp4 ./-dir
cp photo.jpg ./-dir/.hidden.jpg
cp photo.jpg ./-dir/coming.jpg.part
head -c 5000 photo.jpg >./-dir/growing.jpg
exec 7>>./-dir/growing.jpg
orch --once --settle 60 -- -dir
json_true '.type != "round" or (.submitted == 0 and .growing == 4)' 'what has just been written is left alone'
settle
orch -n --options "$small_ladder" -- -dir
exits 0 'a dry run'
is "$(wc -l <"$out") $(count "job_type = 'ingest'")" '3 0' 'prints jobs, and submits none'
wrong_with queue-submit "$out" >wrong
is "$(cat wrong)" '' 'which are valid'
orch --once --options "$small_ladder" -- -dir
exits 0 'a round'
is "$(round '[.submitted, .growing, .files] | join(" ")')" '3 1 4' 'takes what is whole, and nobody writes to'
is "$(round .depth.ready)" 3 'and tells how much waits'
orch --once --options "$small_ladder" --jobs 3 -- -dir
exits 0 'another one'
is "$(round .submitted)" 0 'submits nothing twice'
mkdir -p 'done' bad
printf keep >"done/$odd"
exec 7>&-
orch --once --after "move:$T/done" --refused "move:$T/bad" -- -dir
exits 3 'some were refused'
is "$(jq -r 'select(.type == "refused") | "\(.file | split("/") | last) \(.status) \(.error.code)"' "$out")" 'empty.mp4 failed empty_file' 'and are told of, with the reason'
is "$(find ./-dir -type f -printf '%f\n' | sort | tr '\n' ' ')" '.hidden.jpg coming.jpg.part growing.jpg ' 'what has ended is out of the way'
is "$(ls bad) $(cat "done/$odd") $(find 'done' -type f -printf . | wc -c)" 'empty.mp4 keep 3' 'and has replaced nothing'
ok 'under a name with a number' cmp -s clip.mp4 "done/1-$odd"
is "$(sql "SELECT count(*) FROM media_assets WHERE upload_status = 'completed'")" 2 'two assets'
is "$(sql "SELECT job_type FROM processing_jobs WHERE status = 'completed' ORDER BY job_type" | tr '\n' ' ')" \
    'analyze analyze distribute distribute ingest ingest notify notify thumbnail thumbnail transcode update update ' 'and all that is made of them'
is "$(sql 'SELECT count(*) FROM media_variants WHERE quality = '"'180p'")" 1 'with the options given'
consistent 'after it'
orch --once --after "move:$T/done" --refused "move:$T/bad" -- -dir
exits 0 'nothing is told again'
is "$(jq -c 'select(.type == "refused")' "$out")" '' 'of what was refused'

[ -z "${MT_QUICK-}" ] || done_testing

# --- assets that came in otherwise
fresh
media-ingest photo.jpg >/dev/null 2>&1
orch --once --all-assets --options '{"generate_thumbnails": false}'
work
orch --once --all-assets
work
is "$(sql "SELECT job_type FROM processing_jobs WHERE status = 'completed' ORDER BY job_type" | tr '\n' ' ')" \
    'distribute ingest notify update workflow ' 'an asset that came in otherwise has its workflow, once'

# --- many at once, and deaths at any moment: with handlers that only leave a mark
fresh
mkdir jobs many
printf '#!/bin/bash\nf=$(jq -r .parameters.file)\necho "$f" >>"$OUT/marks"\ncase $f in *7.x) exit 6 ;; esac\nhead -c 100000 /dev/urandom\n' >jobs/ingest
chmod +x jobs/ingest
export OUT=$T MEDIA_HANDLERS=$T/jobs
for i in $(seq 30); do echo "$i" >"many/$i.x"; done
settle
rm -rf memory
for _ in 1 2 3 4; do
    "$orchestrate" --once --settle 1 --state "$T/memory" many >>two.out 2>>two.err &
    pids+=($!)
done
for p in "${pids[@]}"; do wait "$p" || fail 'one of several at once'; done
is "$(count)" 30 'four at once: a job for each file'
is "$(jq -s 'map(.submitted) | add' two.out)" 30 'and each was counted once'
for i in $(seq 31 60); do echo "$i" >"many/$i.x"; done
settle
deaths=0
for i in $(seq 14); do
    { timeout -s KILL "0.$(printf %02d $((i * 5)))" "$orchestrate" --once --settle 1 --state "$T/memory" --jobs 2 many >>dead.out; } 2>/dev/null
    [ $? != 137 ] || deaths=$((deaths + 1))
done
isnt "$deaths" 0 "it was killed $deaths times"
all_ended() { [ "$(count "status IN ('pending', 'processing')")" = 0 ]; }
finish() { orch --once many && cat "$out" >>dead.out; work; all_ended; }
ok 'and a rerun ends it all' until_true 30 finish
is "$(count)" 60 'no job too many or too few'
is "$(count "status = 'completed'") $(count "status = 'failed'")" '54 6' 'each with its end'
is "$(sort -u marks | wc -l)" 60 'each file was worked on'
between "$(sort marks | uniq -d | wc -l)" 0 "$(sql "SELECT count(*) FROM (SELECT job_id FROM job_attempts GROUP BY job_id HAVING count(*) > 1) AS again")" \
    'twice only where an attempt was lost'
orch --once many
cat "$out" >>dead.out
orch --once many
is "$(round '[.done, .refused, .waiting] | join(" ")')" '0 0 0' 'in the end there is nothing left to say'
is "$(jq -r 'select(.type == "refused").file' dead.out | sort -u | wc -l)" 6 'each refused file was told of'

# --- no room for what it remembers, and for the database
if [ "$(id -u)" = 0 ] && mkdir -p small && mount -t tmpfs -o size=64k tmpfs small 2>/dev/null; then
    small=1
    dd if=/dev/zero of=small/fill bs=1k count=64 2>/dev/null
    echo new >many/61.x
    settle
    run "$orchestrate" --once --settle 1 --state "$T/small" many
    work
    ok 'with no room to remember, the work is done' until_true 5 test "$(count "status = 'completed'")" = 55
    if ! on_postgresql; then
        rm -f small/*
        dd if=/dev/zero of=small/fill bs=1k count=56 2>/dev/null
        run env MEDIA_DB="sqlite://$T/small/media.db" "$orchestrate" --once --settle 1 --state "$T/memory" many
        unlike "$status" '^(0|3)$' 'no room for the database is a failure'
        stderr_like 'hint: ' 'with a hint'
        mount -o remount,size=64m small
        run env MEDIA_DB="sqlite://$T/small/media.db" "$orchestrate" --once --settle 1 --state "$T/small" many
        is "$(round .submitted)" 61 'and with room again all is submitted'
    fi
else
    skip 'no tmpfs can be mounted'
fi

# --- a service: what appears is seen at once, it ends well, and leaves nothing behind
fresh
mkdir live
printf '#!/bin/sh\njq -r .ready >>"$OUT/scaled"\n' >scaler
chmod +x scaler
"$orchestrate" --settle 1 --interval "$(command -v inotifywait >/dev/null && echo 60 || echo 1)" --jobs 1 --state "$T/memory" \
    --scaler "$T/scaler" live >live.out 2>live.err &
pids=($!)
until_true 20 test -s scaled
echo x >live/a.x
mv live/a.x live/b.x
is_done() { [ "$(count "status = 'completed'")" = "$1" ]; }
ok 'a file that appears is worked on' until_true 20 is_done 1
is "$(sort -u scaled | head -n 1)" 0 'the scaler is told of the depth'
children() { pgrep -P "${pids[0]}"; }
kids=$(children)
kill -TERM "${pids[0]}"
wait "${pids[0]}"
is $? 0 'SIGTERM is a good end'
none_left() { for k in $kids; do ! kill -0 "$k" 2>/dev/null || return 1; done; }
ok 'that leaves nothing behind' until_true 10 none_left
"$orchestrate" --settle 1 --interval 1 --jobs 1 --state "$T/memory" live >>live.out 2>>live.err &
pids=($!)
ok 'it runs again' until_true 10 pgrep -P "${pids[0]}" -f 'media-queue work'
kids=$(children)
kill -KILL "${pids[0]}"
wait "${pids[0]}" 2>/dev/null
ok 'SIGKILL leaves nothing behind either' until_true 15 none_left
is "$(count)" 1 'and one job it was'

# --- a handler that never ends
printf '#!/bin/sh\nwhile :; do sleep 1; done\n' >jobs/ingest
echo y >live/c.x
settle
orch --once --timeout 1s live
until_dead() { work; [ "$(count "status = 'dead'")" = 1 ]; }
ok 'a job that never ends is dead after its attempts' until_true 40 until_dead
orch --once live
is "$(jq -r 'select(.type == "refused").status' "$out")" dead 'which is told'

# --- the database is gone for a while
own=$(mktemp -d "$T/pg.XXXXXX")
chmod 755 "$T" "$own"
if ! on_postgresql && "$MT_TOP/tests/pg.sh" start "$own" >/dev/null 2>&1; then
    MEDIA_DB=$(MT_TEST_PG=$own "$MT_TOP/tests/pg.sh" new gone)
    printf '#!/bin/sh\necho {}\n' >jobs/ingest
    "$orchestrate" --settle 1 --interval 1 --jobs 1 --state "$T/other" live >gone.out 2>gone.err &
    pids=($!)
    ended() { [ "$(psql -XAtq "$MEDIA_DB" -c "SELECT count(*) FROM processing_jobs WHERE status = 'completed'")" = "$1" ]; }
    ok 'the same with PostgreSQL' until_true 20 ended 2
    "$MT_TOP/tests/pg.sh" stop "$own" immediate
    echo z >live/d.x
    ok 'a round without the database' until_true 30 grep -q 'the next one tries again' gone.err
    "$MT_TOP/tests/pg.sh" again "$own" >/dev/null
    ok 'goes on when it is back' until_true 60 ended 3
    kill -TERM "${pids[0]}"
    wait "${pids[0]}"
    is $? 0 'and ends well'
else
    skip 'no server that may be stopped'
fi
done_testing
