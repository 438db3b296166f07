#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# corpus.t - real and hostile files become what the MANIFEST.tsv beside them expects.
. "$(dirname "$0")/../tap.sh"

corpus=${MEDIA_TEST_CORPUS-}
[ -n "$corpus" ] || skip_rest 'MEDIA_TEST_CORPUS is not set'
[ -f "$corpus/MANIFEST.tsv" ] || { fail "there is $corpus/MANIFEST.tsv"; done_testing; }
cd "$T" || exit 1
limit=60
[ -z "${MT_SAN-}" ] || limit=240

# The memory of the whole process tree is bounded; the sanitizers reserve far more than they use.
[ -n "${MT_SAN-}" ] || ulimit -v $((6 * 1024 * 1024))

while IFS=$'\t' read -r path bytes checksum kind _ expected _; do
    [ "$path" != path ] || continue
    run timeout --kill-after=5 $limit media-ingest "$corpus/$path"
    unlike "$status" '^(1|2|10|124|1[3-9][0-9])$' "$path: ends properly"
    document "$path: a document"
    code=$(json '.error.code // "-"')
    state=$(json '.asset.metadata.damage.state // "-"')
    case $expected in
    accept-with-warning\ or\ reject* | *'or accept'* | *'or reject'* | either*)
        # Cleanly the one or the other; damage that is known is not called ok.
        like "$status" '^[067]$' "$path: either, and cleanly" ;;
    accept-with-warning*)
        is "$status" 0 "$path: accepted"
        is "$state" degraded "$path: with a warning" ;;
    accept*)
        is "$status $code" '0 -' "$path: accepted" ;;
    reject*)
        like "$status" '^[67]$' "$path: rejected"
        isnt "$code" - "$path: with a reason" ;;
    *) fail "$path: what is expected is not understood: $expected" ;;
    esac
    if [ "$status" = 0 ]; then
        is "$(json .asset.checksum) $(json .asset.file_size)" "$checksum $bytes" "$path: as it is"
        [ "$kind" = hostile ] || [ "$kind" = "$(json .asset.content_type)" ] ||
            case $expected in *"as audio"*) ;; *) fail "$path: is $(json .asset.content_type)" ;; esac
        case $expected in *"as audio"*)
            json_is .asset.content_type audio "$path: is sound" ;;
        esac
        case $path in *truncated-at*) is "$state" degraded "$path: is not called whole" ;; esac
    fi
done <"$corpus/MANIFEST.tsv"
consistent 'after the corpus'
sha256sum --quiet -c <(awk -F'\t' -v d="$corpus" 'NR > 1 { print $3 "  " d "/" $1 }' \
    "$corpus/MANIFEST.tsv") >"$T/sums" 2>&1
is "$(cat "$T/sums")" '' 'the sources are as they were'

done_testing
