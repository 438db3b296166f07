#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# why.t - twenty kinds of failed jobs, made on purpose, each explained right, and from rows alone.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../clamav.sh"

media clip.mp4 clip.mkv slow.mp4 still.png tone.wav cut.mp4 truncated.mp4 empty.mp4 noise.mp4 text.jpg
cd "$T" || exit 1
at_exit() {
    mountpoint -q "$T/small" && umount "$T/small"
    rm -f "$T/growing.mp4"
    return 0
}

# last_job: the newest one that did not succeed
last_job() {
    sql "SELECT id FROM processing_jobs WHERE status IN ('failed', 'cancelled', 'dead')
         ORDER BY created_at DESC LIMIT 1"
}
kinds=0
# explains NAME CODE CAUSE REMEDY WHERE: of the newest failed job; WHERE is a jq condition
explains() {
    local name=$1
    id=$(last_job)
    kinds=$((kinds + 1))
    run media-status why "$id"
    exits 0 "$name: why answers"
    valid why "$name: as the schema says"
    json_is .error.code "$2" "$name: the code"
    like "$(json .cause)" "$3" "$name: the cause in plain words"
    like "$(json .remedy)" "$4" "$name: the remedy"
    json_true "$5" "$name: where and how"
}
# again NAME STATUS: the command that why gives, run by a shell, ends like that
again() {
    media-status why "$id" >"$T/why.json" 2>&1
    run bash -c "$(jq -r .command "$T/why.json")"
    exits "$2" "$1: its command"
}

# --- files that are refused
run media-ingest empty.mp4
explains 'an empty file' empty_file 'no bytes' 'fetch it again' \
    ".where.file == \"$T/empty.mp4\" and .where.stage == \"ingest\" and .retryable == false"
again 'an empty file' 6
mkdir dir.mp4
run media-ingest dir.mp4
explains 'a directory' not_a_regular_file 'a directory' 'regular file' '.where.file | endswith("/dir.mp4")'
run media-ingest absent.mp4
explains 'a file that is not there' no_such_file 'no such file' 'check the name' '.where.url == null'
again 'a file that is not there' 4
run media-ingest --max-size=1000 clip.mp4
explains 'too many bytes' too_large 'more bytes than allowed' '--max-size' \
    '.command | test("--max-size=1000 .*/clip.mp4")'
run media-ingest truncated.mp4
explains 'no index' truncated 'end of the file is missing' 'fetch the file again' \
    '.death.last_words | test("moov")'
run media-ingest text.jpg
explains 'text that is named a picture' type_mismatch 'name says one kind' 'rename' '.summary | test("text/")'
echo 'just text' >notes.txt
run media-ingest notes.txt
explains 'text' unsupported_type 'not a kind of file' 'supported_formats' '.type == "ingest"'
run media-ingest noise.mp4
explains 'noise' "$(json .error.code)" 'kind of file|no picture' '.' '.status == "failed"'
run media-ingest --max-side=100 clip.mp4
explains 'too many pixels' limit_exceeded 'than a limit allows' 'raise' '.command | test("--max-side=100 ")'
ffmpeg -v error -y -i clip.mp4 -c copy -encryption_scheme cenc-aes-ctr \
    -encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8 \
    locked.mp4
run media-ingest locked.mp4
explains 'encrypted' encrypted 'encrypted' 'without copy protection' '.death.signal == null'
cp slow.mp4 growing.mp4
(while [ -e growing.mp4 ]; do touch -c growing.mp4; sleep 0.005; done) &
writer=$!
run media-ingest growing.mp4
rm growing.mp4
wait $writer
explains 'a file that is still being written' source_changed 'changed while it was read' 'has finished' \
    '.retryable and (.where.file | endswith("/growing.mp4"))'
signatures "$T/signatures"
cp clip.mp4 bad.mp4
eicar >>bad.mp4
run media-ingest --scanner "clamav:$T/signatures" bad.mp4
explains 'a virus' infected 'scanner found something' 'do not open' \
    '(.summary | test("Test.Eicar.Body")) and (.command | test("--scanner=clamav:"))'
bad=$(sql "SELECT id FROM media_assets WHERE upload_status = 'rejected' ORDER BY created_at DESC LIMIT 1")
if [ -n "$bad" ]; then
    run media-status why "$bad"
    valid why 'a rejected asset: as the schema says'
    json_true '(.summary | test("refused.*Test.Eicar.Body")) and ([.findings[].what] | contains(["rejected", "scan"]))' \
        'an infected asset says by what'
fi

mkdir alone
cp "$(command -v media-ingest)" alone/
run alone/media-ingest clip.mp4
if [ "$status" = 0 ]; then skip 'media-probe is installed elsewhere'; else
    explains 'a program is missing' unavailable 'lacks what was asked' 'in one directory' '.type == "ingest"'
fi
cat clip.mp4 | media-ingest --max-size=1000 --name=piped.mp4 - >"$out" 2>"$err"
explains 'too many bytes from a pipe' too_large 'more bytes' 'max-size' \
    '(.command | endswith("--name=piped.mp4 - <FILE")) and (.command_note | test("FILE"))'

# --- names that shells and terminals stumble over come back as they were
odd=$'bad name\nwith \'quotes\', \033[31m and \xff.mp4'
cp empty.mp4 "$odd"
run media-ingest "$odd"
id=$(last_job)
media-status why "$id" >why.json
unlike "$(cat why.json)" $'\033' 'an odd name: no control characters'
like "$(jq -r .command why.json)" '^media-ingest .*\$.*\\xff' 'an odd name: quoted byte by byte'
command=$(jq -r .command why.json)
cp clip.mp4 "$odd"
run bash -c "$command"
exits 0 'an odd name: its command finds the file, once it is no longer empty'
rm -f "$odd"

# --- an asset whose jobs fail
run media-ingest slow.mp4
asset=$(json .asset.id)
run media-transcode --timeout=0.5 -q 240p "$asset"
explains 'too slow' timeout 'longer than allowed' '--timeout' \
    ".asset_id == \"$asset\" and (.command | test(\"^media-transcode --quality=240p --timeout=0.5 $asset\$\"))"
again 'too slow' 1

# kill_children SIGNAL: all of a transcode, once they have come some way, until it gives up
kill_children() {
    media-transcode --force --progress=json --preset=veryslow -q 720p "$asset" >"$out" 2>"$err" &
    local pid=$!
    for _ in $(seq 100); do
        pgrep -P $pid >/dev/null && grep -q 'progress' "$err" && break
        sleep 0.1
    done
    sleep 0.5
    while kill -0 $pid 2>/dev/null; do
        pkill "-$1" -P $pid
        sleep 0.2
    done
    wait $pid
}
kill_children SEGV
explains 'a decoder that crashes' worker_crashed 'process that worked on it died' 'bug report' \
    '.death.signal == 11 and .death.signal_name == "SIGSEGV" and .where.file == "slow.mp4"'
kill_children KILL
explains 'killed, as by a lack of memory' worker_crashed 'died' 'dmesg' \
    '.death.signal_name == "SIGKILL" and (.summary | test("memory"))'
kill_children SYS
explains 'a forbidden system call' worker_crashed 'died' 'report' '.death.signal_name == "SIGSYS"'

media-transcode --preset=veryslow -q 720p "$asset" >"$out" 2>"$err" &
pid=$!
sleep 1.5
kill -TERM $pid
wait $pid
explains 'asked to stop' cancelled 'stopped on request' 'same command again' '.status == "cancelled"'

media-transcode --preset=veryslow -q 720p "$asset" >"$out" 2>"$err" &
pid=$!
sleep 1.5
id=$(sql "SELECT id FROM processing_jobs WHERE status = 'processing'")
run media-status why "$id"
json_true '.summary | test("^it runs")' 'a job that runs is no failure'
kill -KILL $pid
wait $pid 2>/dev/null
run media-status why "$id"
json_true '.error.code == "worker_crashed" and (.summary | test("is dead"))' 'a dead program, before anybody has noticed'
run media-ingest clip.mp4
clip=$(json .asset.id)
explains 'a program that was killed' worker_crashed 'died' 'goes on where it can' '.type == "transcode"'

run media-transcode --max-frames=10 -q 240p "$asset"
explains 'too many pictures' limit_exceeded 'than a limit allows' 'limit' '.where.stream == "0 (video, h264)"'

run media-ingest clip.mkv
run media-transcode --max-frames=10 -q 240p "$(json .asset.id)"
explains 'too many pictures, found on the way' limit_exceeded 'than a limit allows' 'limit' \
    '.where.time_s > 0.1 and .where.time_s < 1 and .where.stream == "0 (video, h264)"'
run media-ingest tone.wav
sound=$(json .asset.id)
run media-thumbs --count 1 "$sound"
id=$(sql "SELECT id FROM processing_jobs WHERE job_type = 'thumbnail' ORDER BY created_at DESC LIMIT 1")
run media-status why "$id"
json_true '.outcome == "not_applicable" and (.summary | test("completed")) and .error == null' \
    'no pictures in sound: no failure'

object=$store/$clip/original.mp4
mv "$object" kept
run media-thumbs --count 1 "$clip"
explains 'an object that has gone' not_found 'no such asset, job or object' 'restore the store' \
    ".where.url == \"file://$object\" and .type == \"thumbnail\""
mv kept "$object"
again 'an object that has gone' 0

if [ "$(id -u)" = 0 ] && mkdir -p small && mount -t tmpfs -o size=100k tmpfs small 2>/dev/null; then
    run media-ingest --store "file://$T/small/store" slow.mp4
    explains 'a full disk' no_space 'is full' 'free some space' '.command | test("--store=file://")'
    umount small
else
    skip 'a full disk: needs root'
fi

# --- what a queue leaves behind: leases, and an upload
dead=bbbb0000-0000-4000-8000-000000000001 up=cccc0000-0000-4000-8000-000000000001
waits=bbbb0000-0000-4000-8000-000000000002
sql "INSERT INTO processing_jobs (id, media_asset_id, job_type, status, attempts, max_attempts, lease_token,
        created_at, started_at, completed_at, error_message, error)
     VALUES ('$dead', '$asset', 'transcode', 'dead', 2, 2, 3, '2021-01-15T14:00:00.000Z',
        '2021-01-15T14:00:00.000Z', '2021-01-15T14:10:00.000Z', 'the lease ran out',
        '{\"code\":\"worker_crashed\",\"message\":\"the lease ran out\",\"retryable\":false,\"hint\":null,\"stage\":\"transcode\"}');
     INSERT INTO job_attempts (job_id, lease_token, attempt, worker, started_at, ended_at, status, stage, exit_status, signal, last_words)
     VALUES ('$dead', 1, 1, 'w1', '2021-01-15T14:00:00.000Z', '2021-01-15T14:01:00.000Z', 'failed', 'transcode', 1, NULL, 'no luck'),
            ('$dead', 3, 2, 'w2', '2021-01-15T14:05:00.000Z', '2021-01-15T14:06:00.000Z', 'failed', 'transcode', NULL, 6, 'assertion failed');
     INSERT INTO uploads (id, original_filename, status, job_id, created_at, updated_at)
     VALUES ('$up', 'talk.mov', 'failed', '$dead', '2021-01-15T14:00:00.000Z', '2021-01-15T14:00:00.000Z');
     INSERT INTO processing_jobs (id, job_type, status, waiting_on) VALUES ('$waits', 'transcode', 'pending', 2)"
run media-status why bbbb0000000040008000000000000001
exits 0 'a dead job, years later, by its digits'
valid why 'a dead job: as the schema says'
json_true '.history | length == 2 and .[0].exit_status == 1 and .[0].last_words == "no luck" and .[1].signal_name == "SIGABRT"' 'its attempts'
json_true '.death.signal_name == "SIGABRT" and .death.last_words == "assertion failed"' 'the last of them is how it died'
json_true '.summary | test("failed 2 times and is not tried again")' 'in one sentence'
json_is .command 'media-queue retry bbbb0000-0000-4000-8000-000000000001' 'a command that tries it again'
run media-status why "$waits"
json_true '.summary == "it waits for 2 other jobs to be completed" and .error == null' 'what a job waits for'
sql "UPDATE processing_jobs SET waiting_on = 0 WHERE id = '$waits'; INSERT INTO queue_limits (job_type, paused) VALUES ('transcode', 1)"
run media-status why "$waits"
json_true '.summary | test("paused for transcode")' 'a paused queue'
run media-status why "$up"
valid why 'an upload: as the schema says'
json_true ".kind == \"upload\" and .jobs[0].id == \"$dead\" and .name == \"talk.mov\"" 'an upload leads to its job'

# --- assets
run media-status why "$asset"
valid why 'an asset: as the schema says'
json_true '.jobs | length == 1 and .[0].error.code == "limit_exceeded" and .[0].superseded == false' 'the newest failed job of a type'
run media-status why "$clip"
json_true '(.jobs | length == 1 and .[0].superseded) and (.summary | test("nothing is wrong"))' 'a failure that was made good'
run media-ingest cut.mp4
cut=$(json .asset.id)
run media-status why "$cut"
valid why 'a damaged asset: as the schema says'
json_true '[.findings[] | select(.what == "damage")] | length > 0 and any(.text | test("stream 0"))' 'damage is named, and where'
sql "UPDATE media_assets SET upload_status = 'held', scan = '{\"verdict\":\"incomplete\"}' WHERE id = '$cut';
     INSERT INTO reviews (id, media_asset_id, reason, note) VALUES ('$dead', '$cut', 'scan', 'too large to scan')"
run media-status why "$cut"
json_true '[.findings[].what] | contains(["held", "scan", "review"])' 'what holds it'
json_true '(.summary | test("held")) and (.remedy | test("--release, --reject or --rescan"))' 'and what to do'

# --- ids, terminals, other outputs
run media-status why
exits 2 'it wants an id'
run media-status why bbbb
exits 4 'ambiguous'
stderr_like "ambiguous: $dead, $waits" 'names the candidates'
run media-status why bbbb0000-0000-4000-8000-000000000009
exits 4 'no such id'
valid why 'no such id: as the schema says'
stderr_like "hint: there is .*$dead" 'the near one'
run media-status why nonsense
stderr_like 'an id is a UUID' 'no id at all'
for columns in 20 80; do
    run script -qec "stty cols $columns; media-status --color=never why $dead" /dev/null
    like "$(tr -d '\r' <"$out")" 'SIGABRT' "$columns columns: the signal"
    like "$(cat "$out")" 'Cause' "$columns columns: labels"
done
run bash -c "media-status why $dead >/dev/full"
exits 1 'a full disk under the output'
between "$kinds" 20 99 'twenty kinds at least'
done_testing
