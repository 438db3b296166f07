#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# meant.t - a word with a slip of the fingers in it is answered with what was meant.
. "$(dirname "$0")/../tap.sh"

# meant WANTED COMMAND...
meant() {
    local wanted=$1
    shift
    run "$@"
    exits 2 "$*"
    stderr_like "hint: did you mean '$wanted'\?" "means $wanted"
}
# no_idea WANTED COMMAND...: nothing is near, so what there is
no_idea() {
    local wanted=$1
    shift
    run "$@"
    exits 2 "$*"
    stderr_like "hint: it takes $wanted" 'says what there is'
}

for p in $(programs); do
    meant --verbose "$p" --verbsoe
    meant never "$p" --color nevr
    no_idea 'auto, always, never' "$p" --color qqqqqq
done
meant queue media-status que
meant report media-status repotr
meant completed media-status jobs --status complete
meant processing media-status assets --status procesing
no_idea 'en, ar' media-status report --lang zz
meant 1080p media-transcode -q 1080 x
meant 720p media-transcode -q 1080p,720i x
no_idea 'lines with p' media-transcode -q best x
meant slow media-transcode --preset slwo x
meant webp media-thumbs --format web x
meant jpg media-thumbs --format webp,jgp x
no_idea 'webp, jpg, png' media-thumbs --format qqqqqq x
meant loudness media-analyze -t loudnes x
meant scenes media-analyze -t silence,scense x
no_idea 'loudness, silence' media-analyze -t qqqqqq x
run media-ingest --video-formats mp4,mkw x
exits 10 'a format to accept'
stderr_like "hint: did you mean 'mkv'\?" 'means mkv'
run media-transcode -q "$(printf 'p%.0s' {1..5000})" x
exits 2 'a very long word'
run media-transcode -q '' x
exits 2 'no word'
done_testing
