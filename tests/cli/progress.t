#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# progress.t - what the programs say while they work, for people and for machines.
. "$(dirname "$0")/../tap.sh"

media clip.mp4 empty.mp4 sample.mp4
cd "$T" || exit 1

run media-ingest --progress=json --log-format=json clip.mp4
exits 0 'progress as JSON'
grep '^{' "$err" >"$T/events"
is "$(wc -l <"$T/events")" "$(wc -l <"$err")" 'stderr has nothing but JSON'
jq -c 'select(.type != "log")' "$T/events" >"$T/progress"
valid progress-event 'each event is as the schema says' "$T/progress"
is "$(tail -n 1 "$T/progress" | jq -r .type)" summary 'the last one is the summary'
run media-ingest --progress=json --log-format=json empty.mp4
jq -c 'select(.type != "log")' "$err" >"$T/progress" 2>/dev/null
like "$(tail -n 1 "$T/progress" | jq -r .type)" '^(summary|error)$' 'also after a failure'
run media-transcode --progress=json -q 360p -o "$T" sample.mp4
exits 0 'progress of a transcode'
jq -c 'select(.type != "log")' "$err" >"$T/progress"
valid progress-event 'is as the schema says' "$T/progress"
is "$(jq -s '[.[].renditions // [] | .[]] | (map(.name) | unique == ["360p"]) and .[0].state == "encoding" and .[-1].state == "verified"' \
    "$T/progress")" true 'it tells each rendition'
is "$(jq -s '[.[] | select(.type == "progress")][-1] | [.done == .total, .percent, .status] | join(" ")' "$T/progress")" \
    '"true 100 completed"' 'and in the end all is done'
is "$(jq -s '[.[] | select(.type == "progress")] | group_by(.stage) | all(map(.done) | . == sort)' \
    "$T/progress")" true 'and never goes back'

fresh
run media-ingest --log-format=json empty.mp4
jq -c 'select(.type == "log")' "$err" >"$T/log"
valid log-line 'messages as JSON are as the schema says' "$T/log"
is "$(jq -r 'select(.level == "error").code' "$T/log" | head -n 1)" empty_file 'with the code'
isnt "$(jq -r 'select(.level == "error") | .hint // ""' "$T/log" | head -n 1)" '' 'and the hint'
run media-ingest --log-format=journal empty.mp4
ok 'for the journal there are priorities' grep -q '^<3>media-ingest: ' "$err"

fresh
run media-ingest clip.mp4
unlike "$(cat "$err")" $'\r|\e' 'off a terminal: no bar and no colours'
fresh
run media-ingest --quiet clip.mp4
stderr_empty '--quiet says nothing when all is well'
run media-ingest --quiet empty.mp4
stderr_like 'empty' 'but still says what failed'
fresh
run media-ingest --progress=none clip.mp4
exits 0 '--progress=none'
fresh
run media-ingest --progress=plain clip.mp4
exits 0 '--progress=plain'
unlike "$(cat "$err")" $'\r|\e' 'plain progress is plain'

# Lines come one by one: the first is there before the second file is ready.
fresh
mkfifo pipe
{
    media-ingest clip.mp4 sample.mp4 2>/dev/null >pipe &
    read -r first <pipe
    printf '%s\n' "$first"
    wait
} >"$T/first"
is "$(jq -r .asset.original_filename "$T/first")" clip.mp4 'the first line is whole as soon as it is there'

media-ingest clip.mp4 >/dev/full 2>"$err"
is $? 1 'a document that cannot be written is a failure'
stderr_like 'No space left' 'and it says why'
media-ingest clip.mp4 >&- 2>"$err"
is $? 1 'so is a closed stdout'
done_testing
