#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# status.t - media-status changes nothing and answers every question about what there is.
. "$(dirname "$0")/../tap.sh"

media clip.mp4 empty.mp4
cd "$T" || exit 1

# --- with nothing there
nobody=12345678-1234-4123-8123-123456789abc
for c in queue jobs assets "job $nobody" "asset $nobody"; do
    # shellcheck disable=SC2086
    run media-status $c
    no_database "$c: without a database nothing is found"
    stderr_like 'hint: .*media-ingest' "$c: says what makes one"
    not_ok "$c makes no database" has_database
    not_ok "$c makes no store" test -e "$store"
done

# --- usage
run media-status
exits 2 'it wants a command'
run media-status jobz
exits 2 'an unknown command'
stderr_like 'hint: did you mean .job' 'means jobs?'
run media-status job
exits 2 'job wants an id'
for c in jobs assets queue; do
    run media-status $c clip.mp4
    exits 2 "$c takes no operands"
done
run media-status jobs --status nosuch
exits 2 'an unknown status'
run media-status assets --type text
exits 2 'an unknown type of asset'
for n in 0 -1 x 1000000001; do
    run media-status jobs --limit $n
    exits 2 "--limit $n"
done

# --- with assets
arabic='محاضرة عن القلب.mp4'
odd=$'bad\nna\033[31mme\u202e.mp4'
cp clip.mp4 "$arabic"
ffmpeg -v error -y -i clip.mp4 -c copy -metadata title=odd "$odd"
run media-ingest "$arabic"
id=$(json .asset.id)
run media-ingest "$odd"
odd_id=$(json .asset.id)
media-ingest empty.mp4 >/dev/null 2>&1
run media-thumbs --count 2 "$id"
exits 0 'two thumbnails'
run media-transcode -q 360p "$id"
exits 0 'a rendition'

media-ingest "$arabic" >doc.json 2>/dev/null
media-ingest empty.mp4 >>doc.json 2>/dev/null
printf '{"schema":1,"asset":{"id":"%s"}}\nnonsense\n' "$nobody" >>doc.json

# Jobs in the states that no program leaves behind.
start=$(awk '{ sub(/.*\) /, ""); print $20 }' "/proc/$$/stat")
machine=$(cat /etc/machine-id 2>/dev/null) boot=$(cat /proc/sys/kernel/random/boot_id)
ns=$(readlink /proc/self/ns/pid) ns=${ns#*[} ns=${ns%]}
here="$(uname -n)/${machine:--}/$boot/$ns"
add_job() { # ID STATUS OWNER CREATED [COLUMN VALUE]
    sql "INSERT INTO processing_jobs (id, media_asset_id, job_type, status, owner, created_at,
         started_at, progress, current_step, ${5:-worker})
         VALUES ('$1', '$id', 'transcode', '$2', $3, '$4', '$4', 45, 'encode', ${6:-NULL})"
}
live=aaaa0000-0000-4000-8000-000000000001 gone=aaaa0000-0000-4000-8000-000000000002
far=aaab0000-0000-4000-8000-000000000003 wait=aaac0000-0000-4000-8000-000000000004
lapsed=aaad0000-0000-4000-8000-000000000005 dead=aaae0000-0000-4000-8000-000000000006
add_job $live processing "'$here:$$:$start'" 2026-01-15T14:00:00.000Z
add_job $gone processing "'$here:$$:1'" 2026-01-15T14:00:01.000Z
add_job $far processing "'elsewhere/x/y/1:5:77'" 2026-01-15T14:00:02.000Z
add_job $wait pending NULL 2026-01-15T14:00:03.000Z
add_job $lapsed processing NULL 2026-01-15T14:00:04.000Z worker "'w1'"
sql "UPDATE processing_jobs SET lease_until = '2026-01-15T15:00:00.000Z' WHERE id = '$lapsed'"
add_job $dead dead NULL 2026-01-15T14:00:05.000Z error_message $'\'it broke\ntwice\''
sql "UPDATE processing_jobs SET started_at = NULL WHERE id = '$wait'"
before=$(database_sum)

# --- job
run media-status job $live
exits 0 'job'
valid job 'job: as the schema says'
json_is '[.job_id, .status, .progress, .current_step, .type, .asset_id] | join(" ")' \
    "$live processing 45 encode transcode $id" 'its state'
json_is .alive true 'its process lives'
json_is .worker "$(uname -n):$$" 'and is named'
json_true '.took_ms > 1000' 'what it has taken until now'
run media-status job $gone $far $lapsed $wait $dead
exits 0 'five jobs'
valid job 'five jobs: as the schema says'
is "$(json .job_id | tr '\n' ' ')" "$gone $far $lapsed $wait $dead " 'in the order of the operands'
is "$(jq -r 'select(.status == "pending").took_ms' "$out")" null 'what has not begun has taken no time'
is "$(json .alive | tr '\n' ' ')" 'false null false null null ' 'dead, unknown, lapsed, none, none'
is "$(jq -r 'select(.status == "dead") | .error.message' "$out")" $'it broke\ntwice' \
    'an error that is only a message'
for part in AAAA0000000040008000000000000001 aaaa0000-0000-4000-8000-000000000001 aaac; do
    run media-status job "$part"
    exits 0 "an id as $part"
done
thumbs=$(sql "SELECT id FROM processing_jobs WHERE job_type = 'thumbnail'")
run media-status job "$thumbs"
valid job 'a finished job: as the schema says'
json_true '.status == "completed" and .progress == 100 and (.took_ms >= 0) and .error == null' \
    'a finished job'
json_true '.results.original_url | startswith("file:///")' 'its results: the original'
json_true '.results.variants | length == 1 and (.[0].quality | test("^[0-9]+p$")) and .[0].file_size > 0' \
    'the rendition'
json_true '.results.thumbnails | length >= 2 and all(.timestamp >= 0 and .url != null)' 'thumbnails'
ok 'and they are where the URLs say' test -f "$(json .results.variants[0].url | sed 's|^file://||')"
json_true '.steps | length >= 1 and all(.status == "completed" and .progress == null)' 'its steps'
failed=$(sql "SELECT id FROM processing_jobs WHERE status = 'failed' LIMIT 1")
run media-status job "$failed"
exits 0 'to ask about a failed job is no failure'
json_is .error.code empty_file 'its code'
json_true '.error | .stage == "ingest" and .retryable == false and .hint != null' 'stage and hint'
json_is .results null 'there is no asset, so no results'

# --- ids that name nothing
run media-status job aaaa
exits 4 'ambiguous'
stderr_like "ambiguous: $live, $gone" 'names the candidates'
run media-status job "$id"
exits 4 'an asset is no job'
stderr_like "hint: that is an asset: media-status asset $id" 'says what it is'
run media-status asset $wait
stderr_like "hint: that is a job: media-status job $wait" 'and the other way round'
run media-status job aaae0000-0000-4000-8000-000000000007
exits 4 'a wrong last digit'
stderr_like "hint: there is $dead\$" "the near match, and that alone"
run media-status job aaea0000-0000-4000-8000-000000000006
exits 4 'two digits swapped'
stderr_like "hint: there is .*$dead" 'is found by its likeness'
for bad in abc zzzz "${live}0" '' $'\033[31m' "../$live" "$(printf 'a%.0s' {1..5000})"; do
    run media-status job "$bad"
    exits 4 "no id: '${bad:0:20}'"
    stderr_like 'an id is a UUID' 'says what an id is'
    unlike "$(cat "$err")" $'\033' 'and nothing that moves the cursor'
done
run media-status job "$nobody" $wait
exits 3 'one of two'
valid job 'both are answered'
json_is 'select(.error and .input).input' "$nobody" 'the first by its error'
run media-status --fail-fast job "$nobody" $wait
exits 4 '--fail-fast'
is "$(wc -l <"$out")" 1 'stops'
printf '%s\n' $wait '' $far >list
run media-status job --files-from - <list
exits 0 '--files-from'
is "$(wc -l <"$out")" 2 'from standard input, without its empty lines'
printf '%s\0' $wait $far >list
run media-status job --files-from list -0 $live
is "$(json .job_id | tr '\n' ' ')" "$live $wait $far " '--files-from with --null, behind the operands'

# --- asset
run media-status asset "$id"
exits 0 'asset'
document 'its document'
json_is .asset.original_filename "$arabic" 'its name'
json_true '(.variants | length) == 1 and (.thumbnails | length) >= 2' 'what was made of it'
json_true '.stages | .ingest.status == "completed" and .thumbs.status == "completed"' 'its stages'
run media-status asset "${id:0:8}" "$odd_id"
exits 0 'two assets'
is "$(json .asset.id | tr '\n' ' ')" "$id $odd_id " 'in order'
head -n 1 doc.json >one.json
run media-status asset <one.json
exits 0 'a document on stdin'
document 'as the database knows it'
json_true '(.variants | length) == 1' 'with what was made since'
run media-status asset <doc.json
exits 3 'documents of every kind'
is "$(wc -l <"$out")" 4 'each is answered'
is "$(jq -r '.error.code // "fine"' "$out" | tr '\n' ' ')" 'fine empty_file not_found bad_document ' 'in order'
rm -rf "$T/elsewhere"
run media-status --store "file://$T/elsewhere" asset "$id"
json_is .asset.url "file://$T/elsewhere/$id/original.mp4" 'a store that is absent still names its objects'
not_ok 'and is not made' test -e "$T/elsewhere"
run media-status --store 's3://bucket' asset "$id"
exits 0 'a store that this program cannot name'
json_is .asset.url null 'costs the URLs'
stderr_like 'warning: no store driver' 'and a warning'

# --- lists
run media-status jobs
exits 0 'jobs'
valid job 'jobs: as the schema says'
json_true 'has("results") | not' 'lists leave the results out'
all=$(sql 'SELECT count(*) FROM processing_jobs')
is "$(wc -l <"$out")" "$all" 'all of them'
is "$(json .created_at)" "$(json .created_at | sort -r)" 'newest first'
is "$(json 'select(has("next")).next')" null 'the last line says that this is the end'
run media-status jobs --limit 3
is "$(wc -l <"$out")" 3 '--limit'
cp "$out" pages
for _ in $(seq "$all"); do
    next=$(tail -n 1 "$out" | jq -r '.next // empty')
    [ -n "$next" ] || break
    run media-status jobs --limit 3 --cursor "$next"
    cat "$out" >>pages
done
is "$(jq -r .job_id pages)" "$(media-status jobs --limit 1000000 | jq -r .job_id)" \
    'page by page comes the same, each once'
for state in pending processing completed failed cancelled dead; do
    run media-status jobs --status $state
    exits 0 "jobs --status $state"
    is "$(json .job_id | sort)" "$(sql "SELECT id FROM processing_jobs WHERE status = '$state' ORDER BY id")" \
        "are those that are $state"
done
run media-status jobs --type thumbnail
json_is .job_id "$thumbs" 'jobs --type'
run media-status jobs --asset "${odd_id:0:8}"
json_true ".asset_id == \"$odd_id\"" 'jobs --asset'
run media-status jobs --asset "$nobody"
exits 4 'of an asset that there is not'
run media-status jobs --cursor nonsense
exits 2 'no cursor'
run media-status assets
exits 0 'assets'
document 'assets: documents'
is "$(wc -l <"$out")" 2 'both'
run media-status assets --status completed --type video --limit 1
is "$(wc -l <"$out")" 1 'assets --status --type --limit'
run media-status assets --status held
exits 0 'none are held'
is "$(cat "$out")" '' 'so nothing is printed'

# --- queue
run media-status queue
exits 0 'queue'
valid queue 'queue: as the schema says'
json_true '.jobs | .pending == 1 and .processing == 4 and .dead == 1 and .failed >= 1' 'counts'
json_is .by_type.transcode.processing 4 'by type'
json_true '.oldest_pending_s > 0' 'since when one waits'
is "$(json '.running[] | "\(.job_id[:4]) \(.alive)"' | sort | tr '\n' ' ')" \
    'aaaa false aaaa true aaab null aaad false ' 'who runs, and who is dead'
is "$(database_sum)" "$before" 'the database is as it was, byte for byte'
is "$(media-status --json assets)" "$(media-status assets)" '--json changes nothing where JSON is printed anyway'

# --- tables for people
terminal() { # COLUMNS ARGUMENT...: as a terminal so wide would show it
    local columns=$1
    shift
    TERM=xterm script -qec "stty cols $columns; media-status $*" /dev/null </dev/null 2>&1 |
        tr -d '\r' >"$out"
    status=${PIPESTATUS[0]}
    sanitized "$out" "media-status $*"
}
too_wide() { # COLUMNS: lines that are wider; URLs are never cut
    python3 -c '
import sys, unicodedata
for line in open(sys.argv[2], encoding="utf-8").read().splitlines():
    wide = sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in line)
    if wide > int(sys.argv[1]) and "file:///" not in line:
        print(line)' "$1" "$out"
}
if command -v script >/dev/null; then
    for columns in 200 80 40 20 5; do
        for c in jobs assets queue "asset $id" "job $thumbs" "job $live" "job $failed"; do
            terminal $columns --color=never "$c"
            is "$status" 0 "$c: on a terminal of $columns columns"
            not_ok "$c: no JSON" grep -q '^ *[{}]' "$out"
            ok "$c: but something" test -s "$out"
            [ $columns -lt 10 ] || is "$(too_wide $columns)" '' "$c: fits into $columns columns"
            unlike "$(cat "$out")" $'\033' "$c: nothing moves the cursor"
        done
    done
    terminal 120 --color=never jobs
    like "$(cat "$out")" 'JOB +STATUS +TYPE +CREATED' 'jobs: titles'
    like "$(cat "$out")" "${failed:0:8} +failed +ingest .*'empty.mp4' is empty +empty.mp4" 'jobs: a failed one'
    like "$(cat "$out")" "aaaa0000 +processing .*45 % worker is dead: encode" 'jobs: one whose process died'
    like "$(cat "$out")" "it broke\\\\x0atwice" 'jobs: line ends are escaped'
    terminal 120 --color=never jobs --limit 2
    like "$(cat "$out")" 'more: --limit 4' 'jobs: that there are more'
    terminal 120 --color=never jobs --status cancelled
    is "$(cat "$out")" 'no jobs' 'jobs: that there are none'
    terminal 120 --color=never assets
    like "$(cat "$out")" "$arabic" 'assets: an Arabic name'
    like "$(cat "$out")" 'bad\\x0ana\\x1b\[31mme\\u202e.mp4' 'assets: control characters are escaped'
    terminal 80 --color=never queue
    like "$(cat "$out")" 'JOBS +PENDING +RUNNING' 'queue: titles'
    like "$(cat "$out")" 'all +1 +4 ' 'queue: totals'
    like "$(cat "$out")" 'aaaa0000 +45 % +transcode .* alive' 'queue: who runs'
    terminal 20 --color=never queue
    like "$(cat "$out")" 'pending +1' 'queue: totals on a narrow terminal'
    terminal 80 --color=never "asset $id"
    like "$(cat "$out")" "original    file:///.*/$id/original.mp4" 'asset: where it lies, in one piece'
    like "$(cat "$out")" '[0-9]p +mp4 ' 'asset: its renditions'
    terminal 80 --color=never "job $failed"
    like "$(cat "$out")" "Error       'empty.mp4' is empty" 'job: its error'
    like "$(cat "$out")" 'Hint        .' 'job: its hint'
    terminal 80 --color=never "job $nobody"
    is "$status" 4 'job: one that there is not'
    unlike "$(cat "$out")" '^\{' 'and no JSON about it'
    terminal 80 jobs
    like "$(cat "$out")" $'\033\\[32mcompleted\033\\[0m' 'statuses are coloured'
    NO_COLOR=1 terminal 80 jobs
    unlike "$(cat "$out")" $'\033' 'not with NO_COLOR'
    terminal 80 --json queue
    json_true 'has("jobs")' '--json: JSON on a terminal'
else
    skip 'script is not installed'
fi

# --- output that fails
for c in jobs assets queue "job $live" "asset $id"; do
    # shellcheck disable=SC2086
    run sh -c "exec media-status $c >/dev/full"
    exits 1 "$c into a full disk"
    stderr_like 'cannot write to standard output' 'says so'
    run sh -c "exec media-status $c >&-"
    exits 1 "$c into a closed stdout"
done
(trap '' PIPE; sleep 0.2; media-status jobs 2>"$T/.pipe"; echo $? >"$T/.status") | :
is "$(cat "$T/.status")" 141 'into a closed pipe'
is "$(cat "$T/.pipe")" '' 'quietly'

# --- it starts quickly: nothing of FFmpeg is loaded
unlike "$(ldd "$bin/media-status")" 'libav|libsw|libcurl|libpq|libcrypto' 'no heavy library'
run media-status --version
json_true '.libraries | has("sqlite") and has("jansson")' 'versions'
done_testing
