#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# film.t - one film, many workers that share nothing but the database and the store.
# shellcheck disable=SC2016,SC2034,SC2054,SC2120
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
jobs=$MT_BUILD/libexec/media-toolkit/jobs

# until_true SECONDS COMMAND...: waits for it
until_true() {
    local left=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $((left -= 1)) -gt 0 ] || return 1
        sleep 0.1
    done
}
# The longest that anything may take on a machine that is busy with other things.
patience=150
job_is() { [ "$(sql "SELECT status FROM processing_jobs WHERE id = '$1'")" = "$2" ]; }
count() { sql "SELECT count(*) FROM $1"; }
at_least() { [ "$(count "$1")" -ge "$2" ]; }
# of the last job: its parts in some state
parts() { count "processing_jobs WHERE parent_id = '$job' AND status = '$1'"; }
nothing_runs() { [ "$(count "processing_jobs WHERE status IN ('pending', 'processing')")" = 0 ]; }
often=(--lease 3 --poll 0.1 --grace 5 --backoff 0.05 --backoff-max 0.1)
workers=()
# Nothing that a worker prints is of interest, and its end must not be waited for.
start_worker() {
    media-queue work --handlers "$jobs" "${often[@]}" "$@" >>workers.log 2>&1 &
    workers+=($!)
    disown
}
stop_workers() {
    local p
    for p in "${workers[@]}"; do kill "$p"; done 2>/dev/null
    for p in "${workers[@]}"; do until_true 20 eval "! kill -0 $p" || kill -9 "$p"; done 2>/dev/null
    workers=()
}
at_exit() { for p in "${workers[@]}"; do kill -9 "$p"; done 2>/dev/null; }
# finished ID: waits for the end of the job
finished() { local id=$1; until_true "$patience" eval 'job_is "$id" completed || job_is "$id" failed || job_is "$id" dead'; }
# rendition NAME: the published one of the last asset
rendition() { find "$store/$asset" -maxdepth 1 -name "$1-*.mp4"; }
same_bytes() {
    local q
    for q in 180p 120p; do
        is "$(sha256sum <"$(rendition $q)")" "$(sha256sum <"one/film-$q.mp4")" "$1: $q"
    done
}
clean() {
    is "$(find "$store" -path '*/.work/*' -type f)" '' "$1: no object of the work is left"
    is "$(count segments)" 0 "$1: and no row"
    consistent "$1"
}

ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=320x180:r=25:d=40 -f lavfi -i sine=d=40 \
    -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 -c:a aac film.mp4
ladder=(--quality=180p,120p --preset=medium)
run media-transcode "${ladder[@]}" -o one film.mp4
exits 0 'on one machine'
# submit: the film in parts of 4 s; $job and $asset
submit() {
    run media-transcode "${ladder[@]}" --distribute --part-length=4 "$@" film.mp4
    job=$(json .stages.transcode.queued_job_id) asset=$(json .asset.id)
}

# --- who may use it, and how
run media-transcode --distribute -q 180p -o none film.mp4
exits 2 'parts are for the queue, not for files'
run media-transcode --part=1-2 -q 180p film.mp4
exits 2 'a part is made under a lease'
stderr_like 'hint: --distribute' 'and says how to come to one'
fresh

# --- three workers, some of which are killed
submit
exits 0 'a film is given to the queue'
document 'its document'
json_is .stages.transcode.status queued 'it says so'
first=$job
submit
is "$job" "$first" 'the same again is the same job'
is "$(count "processing_jobs WHERE job_type = 'transcode'")" 0 'giving it to the queue is no job'
for _ in 1 2 3; do start_worker; done
kills=0
for n in 4 12 18; do
    until_true "$patience" at_least segments "$n" || fail "$n pieces are made"
    ! job_is "$job" completed || break
    kill -9 "${workers[kills]}" && kills=$((kills + 1))
    start_worker
done
isnt "$kills" 0 "$kills workers are killed in the middle"
ok 'it is finished all the same' finished "$job"
is "$(sql "SELECT status || outcome FROM processing_jobs WHERE id = '$job'")" completedok 'well'
same_bytes 'by several workers'
clean 'by several workers'
stop_workers
is "$(count "processing_jobs WHERE parent_id = '$job' AND status <> 'completed'")" 0 'all parts were'
isnt "$(count "job_attempts AS a JOIN processing_jobs AS j ON j.id = a.job_id
    WHERE parent_id = '$job' AND a.status = 'lapsed'")" 0 'some of them after their worker had died'
is "$(count "job_attempts WHERE job_id = '$job' AND status = 'waiting'")" 1 'it has waited once'
run media-status why "$job"
valid why 'why tells it'
json_true '.history | map(.status) | contains(["waiting", "completed"])' 'with the time of waiting'
run media-transcode "${ladder[@]}" --distribute --part-length=4 film.mp4
json_is .stages.transcode.status skipped 'what is there is not made again'

# --- objects that are not what was recorded
fresh
submit
media-queue work --handlers "$jobs" "${often[@]}" --types film --once >/dev/null 2>&1
run media-status why "$job"
valid why 'why tells for what it waits'
json_true '.depends_on | length == 11 and all(.[]; .type == "segment" and .on_failure == "wake")' \
    'for ten parts and the sound'
media-queue work --handlers "$jobs" "${often[@]}" --types segment --until-empty >/dev/null 2>&1
is "$(count segments)" 32 'a plan, thirty rows of segments, and the sound'
spoiled=$(find "$store" -name '*-00004.seg' | sort | head -1)
printf x | dd of="$spoiled" bs=1 seek=900 conv=notrunc status=none
rm "$(find "$store" -name '*-00007.seg' | sort | head -1)" # of the same rendition: one is gathered after the other
media-queue work --handlers "$jobs" "${often[@]}" --types film --once >/dev/null 2>&1
is "$(parts pending)" 2 'a spoiled and a lost piece are made again'
start_worker
ok 'then it is finished' finished "$job"
same_bytes 'after damage'
clean 'after damage'
stop_workers

# --- what nobody goes on with
fresh
submit
media-queue work --handlers "$jobs" "${often[@]}" --types film --once >/dev/null 2>&1
media-queue work --handlers "$jobs" "${often[@]}" --types segment --once >/dev/null 2>&1
media-queue cancel "$job" >/dev/null
isnt "$(find "$store" -path '*/.work/*' -type f)" '' 'work that was given up lies there'
sql "UPDATE segments SET completed_at = '2020-01-01T00:00:00.000Z'"
old=$job
run media-transcode --quality=90p --distribute --part-length=4 film.mp4
media-queue work --handlers "$jobs" "${often[@]}" --types film --once >/dev/null 2>&1
is "$(count "segments WHERE completed_at < '2021-01-01T00:00:00.000Z'")" 0 'a week later its rows go'
is "$(find "$store" -path '*/.work/*' -type f)" '' 'and its objects'
isnt "$(count segments)" 0 'but not those of the work that goes on'
last=$(json .stages.transcode.queued_job_id)
# Of all the store, also what no row tells of.
lost() { mkdir -p "$store/$asset/.work/$1"; echo x >"$store/$asset/.work/$1/180p-00001.seg"; touch -d "$2" "$store/$asset/.work/$1/180p-00001.seg"; }
lost 11111111 '8 days ago'
lost 22222222 '6 days ago'
run media-transcode --sweep
json_is '[.works, .objects] | join(" ")' '0 0' 'an asset with a job under way is left alone'
media-queue cancel "$last" >/dev/null
run media-transcode --sweep --dry-run
json_is '[.works, .objects, .dry_run] | join(" ")' '1 1 true' 'what was lost a week ago would go'
run media-transcode --sweep
exits 0 'a sweep'
json_is '[.works, .objects] | join(" ")' '1 1' 'it goes'
is "$(cd "$store/$asset/.work" && echo ./*1 ./*2)" './*1 ./22222222' 'and nothing younger'
isnt "$(count segments)" 0 'nor work of today'
sql "UPDATE segments SET completed_at = '2020-01-01T00:00:00.000Z'"
find "$store/$asset/.work" -type f -exec touch -d '8 days ago' {} +
run media-transcode --sweep
is "$(find "$store" -path '*/.work/*' -type f)$(count segments)" 0 'but that too, in a week'
run media-transcode --sweep film.mp4
exits 2 'it is for all'

# --- files of the machine that submits: they go with the work
fresh
ffmpeg -nostdin -v error -y -i film.mp4 -t 12 -c copy words.mp4
printf '1\n00:00:01,000 --> 00:00:11,000\nA machine that is not here\n' >words.srt
echo '[{"quality": "90p", "format": "mp4"}]' >formats.json
words=(--output-formats=formats.json --burn-in=words.srt --preset=ultrafast)
run media-transcode "${words[@]}" -o one words.mp4
exits 0 'subtitles are burnt in on one machine'
run media-transcode "${words[@]}" --distribute --part-length=4 words.mp4
exits 0 'and for many'
job=$(json .stages.transcode.queued_job_id) asset=$(json .asset.id)
mkdir elsewhere
mv words.srt formats.json elsewhere
isnt "$(find "$store" -name 'subtitles-*')" '' 'the file of subtitles is in the store'
unlike "$(sql "SELECT input_parameters FROM processing_jobs WHERE id = '$job'")" 'words.srt|formats.json' 'the job names no file'
media-queue work --handlers "$jobs" "${often[@]}" --types film --once >/dev/null 2>&1
fonts=$(sql "SELECT details FROM segments WHERE rendition = 'plan'" | jq -c .fonts)
like "$fonts" '^\[\{"family":.*"sha256":"[0-9a-f]{64}"' 'the plan names the fonts'
# A machine with other fonts makes other pictures.
plan() { if on_postgresql; then echo "jsonb_set(details, '{fonts,0,sha256}', '\"$1\"')"; else echo "json_set(details, '$.fonts[0].sha256', '$1')"; fi; }
sql "UPDATE segments SET details = $(plan other) WHERE rendition = 'plan'"
media-queue work --handlers "$jobs" "${often[@]}" --types segment --until-empty >other.out 2>&1
is "$(count "segments WHERE rendition = 'source'")" 0 'with other fonts no part is made'
like "$(cat other.out)" 'other fonts' 'and that is why'
sql "UPDATE segments SET details = $(plan "$(jq -r '.[0].sha256' <<<"$fonts")") WHERE rendition = 'plan'"
media-queue work --handlers "$jobs" "${often[@]}" --types film --once >/dev/null 2>&1
media-queue retry "$job" >/dev/null
start_worker
ok 'with the same ones it is finished' finished "$job"
is "$(sha256sum <"$(rendition 90p)")" "$(sha256sum <one/words-90p.mp4)" 'as on one machine'
clean 'with files'
stop_workers
mv elsewhere/words.srt words2.srt
mv elsewhere/formats.json formats.json
run media-transcode --output-formats=formats.json --burn-in=words2.srt --preset=ultrafast --distribute words.mp4
json_is .stages.transcode.status skipped 'the same words by another name are there'

# --- cancelled, and gone on with
fresh
submit
start_worker
until_true "$patience" at_least segments 8 || fail 'it is under way'
run media-queue cancel "$job"
json_is .status cancelled 'a job that waits is cancelled at once'
ok 'and all of its parts' until_true 30 nothing_runs
isnt "$(parts cancelled)" 0 'they are cancelled'
is "$(rendition 180p)" '' 'nothing is published'
isnt "$(count segments)" 0 'what is finished is kept'
between "$(sql "SELECT progress FROM processing_jobs WHERE id = '$job'")" 1 99 'and how far it was'
media-queue retry "$job" >/dev/null
ok 'tried again it is finished' finished "$job"
same_bytes 'after it was cancelled'
clean 'after it was cancelled'
stop_workers

# --- a segment that kills whatever decodes it
fresh
cp -r "$jobs" poison
mv poison/segment poison/innocent
cat >poison/segment <<'EOF2'
#!/bin/bash
job=$(cat)
[ "$(jq -r .parameters.part <<<"$job")" = 5-5 ] || exec "$(dirname "$0")/innocent" <<<"$job"
media-transcode $(jq -r '.parameters.arguments[]' <<<"$job") "$MEDIA_ASSET" &
pid=$!
while kill -0 "$pid" 2>/dev/null; do pkill -SEGV -P "$pid"; sleep 0.05; done
wait "$pid"
EOF2
chmod +x poison/segment
real=$jobs jobs=$T/poison
submit
start_worker
start_worker
ok 'a poisonous segment ends the job' finished "$job"
is "$(sql "SELECT status FROM processing_jobs WHERE id = '$job'")" failed 'as a failure'
like "$(sql "SELECT error_message FROM processing_jobs WHERE id = '$job'")" \
    'part 5-5 \(job [0-9a-f]+\): segment 5 of 10 \(16\.000 to 20\.000 s\)' 'that names the segment'
ok 'and lets nothing go on in vain' until_true 30 nothing_runs
run media-status why "$job"
json_true '.summary | test("segment 5 of 10")' 'why names it too'
stop_workers
jobs=$real
start_worker
media-queue retry "$job" >/dev/null
ok 'once it can be decoded, a retry goes on' finished "$job"
same_bytes 'after poison'
clean 'after poison'
stop_workers

# --- a store that is full in the middle
fresh
mkdir -p "$store"
if ! on_postgresql && mount -t tmpfs -o size=12m none "$store" 2>/dev/null; then
    at_exit() { for p in "${workers[@]}"; do kill -9 "$p"; done 2>/dev/null; umount -l "$store" 2>/dev/null; }
    submit --part-length=20 # few jobs, as each is tried five times
    dd if=/dev/zero of="$store/ballast" bs=1k count=20000 status=none 2>/dev/null
    truncate -s -150k "$store/ballast"
    start_worker
    ok 'a full store ends the job' finished "$job"
    like "$(sql "SELECT status || error_message FROM processing_jobs WHERE id = '$job'")" \
        '^failedpart .*No space left' 'as that'
    ok 'all of it' until_true 30 nothing_runs
    is "$(rendition 180p)" '' 'nothing is published'
    rm "$store/ballast"
    media-queue retry "$job" >/dev/null
    ok 'when there is room, a retry goes on' finished "$job"
    same_bytes 'after a full store'
    clean 'after a full store'
    stop_workers
    umount "$store"
else
    skip 'no disk of our own to fill'
fi

done_testing
