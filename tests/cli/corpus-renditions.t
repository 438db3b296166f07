#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# corpus-renditions.t - thumbnails and two renditions of real and hostile films, sounds and pictures.
. "$(dirname "$0")/../tap.sh"

corpus=${MEDIA_TEST_CORPUS-}
[ -n "$corpus" ] || skip_rest 'MEDIA_TEST_CORPUS is not set'
[ -z "${MT_QUICK-}" ] || skip_rest 'it takes a minute'
cd "$T" || exit 1
limit=240
rungs=240p,144p
[ -z "${MT_SAN-}" ] || { limit=480; rungs=144p; }

# agreed NAME: ffprobe, MediaInfo, and what ffmpeg decodes of the source say the same of renditions
agreed() {
    local line
    [ -z "${MT_SAN-}" ] || return
    "$MT_TOP/tests/agree-renditions" "$T/doc" >"$T/verdicts" 2>"$T/agree.err"
    is "$(cat "$T/agree.err")" '' "$1: the comparison works"
    while IFS= read -r line; do
        case $line in
        'ok - '*) pass "${line#ok - }" ;;
        'not ok - '*) fail "${line#not ok - }" ;;
        *) echo "$line" ;;
        esac
    done <"$T/verdicts"
}

# What is accepted goes through the rest; each stage ends one way or the other.
sort -u <(cut -f1,4 "$corpus/MANIFEST.tsv" | sed 1d) >"$T/files"
while IFS=$'\t' read -r path kind; do
    [ "$kind" != perf ] || continue
    media-ingest "$corpus/$path" >"$T/doc" 2>/dev/null || continue
    [ "$(jq '.asset.duplicate' "$T/doc")" = false ] || continue
    run timeout --kill-after=5 "$limit" media-thumbs --count 3 <"$T/doc"
    like "$status" '^[0167]$|^3$' "$path: thumbs end properly"
    document "$path: thumbs"
    [ "$(json '.asset.metadata.duration // 0 | . > 60')" != true ] || continue
    cp "$out" "$T/doc"
    run timeout --kill-after=5 "$limit" media-transcode -q $rungs <"$T/doc"
    like "$status" '^[0167]$' "$path: transcode ends properly"
    document "$path: transcode"
    cp "$out" "$T/doc"
    [ "$status" != 0 ] || agreed "$path"
done <"$T/files"
consistent 'after thumbs and renditions'
done_testing
