#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bad-input.t - each kind of bad input has its code, status and hint; the good ones go on.
. "$(dirname "$0")/../tap.sh"

media clip.mp4 tone.wav empty.mp4 page.mp4 playlist.mp4 concat.avi text.jpg bomb.png noise.mp4 \
    truncated.mp4 cut.mp4 cut.mkv flipped.mp4 still.png
cd "$T" || exit 1
mkfifo pipe.mp4
mkdir directory.mp4
ln -s nowhere dangling.mp4
cp still.png wrong.mp4
head -c 3000000 /dev/zero >large.wav

# refused CODES STATUS FILE [ARGS...]: alone, and between two good files; in a quick run
# those that need no ARGS are between two good files all at once, in refused_together
together=() expected=()
refused() {
    local codes=$1 want=$2 file=$3
    shift 3
    fresh
    run timeout 60 media-ingest "$@" -- "$file"
    exits "$want" "$file: status $want"
    document "$file: a document although it failed"
    like "$(json .error.code)" "^($codes)\$" "$file: $codes"
    isnt "$(json '.error.message // ""')" '' "$file: a message"
    json_is .error.stage ingest "$file: the stage"
    json_is '.error.retryable' false "$file: no use to try again"
    stderr_like '^media-ingest: ' "$file: said on stderr"
    stderr_like "hint: " "$file: with a hint"
    consistent "$file"
    if [ -n "${MT_QUICK-}" ] && [ $# = 0 ]; then
        together+=("$file") expected+=("$(json .error.code)")
        return
    fi
    run timeout 60 media-ingest "$@" -- clip.mp4 "$file" tone.wav
    exits 3 "$file: partial between two good ones"
    document "$file: three documents"
    json_is '.error.code // "-"' "$(printf -- '-\n%s\n-' "$(json .error.code | sed -n 2p)")" \
        "$file: only it failed"
    is "$(sql "SELECT count(*) FROM media_assets WHERE upload_status = 'completed'")" 2 \
        "$file: the other two are there"
    consistent "$file between others"
}
refused_together() {
    [ ${#together[@]} -gt 0 ] || return 0
    fresh
    run timeout 60 media-ingest -- clip.mp4 "${together[@]}" tone.wav
    exits 3 'all of them between two good ones: partial'
    document 'a document each'
    json_is '.error.code // "-"' "$(printf '%s\n' - "${expected[@]}" -)" 'only they failed, in order'
    is "$(sql "SELECT count(*) FROM media_assets WHERE upload_status = 'completed'")" 2 \
        'the other two are there'
    consistent 'all of them between others'
}

refused empty_file 6 empty.mp4
refused no_such_file 4 absent.mp4
refused no_such_file 4 dangling.mp4
refused not_a_regular_file 6 directory.mp4
refused not_a_regular_file 6 pipe.mp4
refused not_a_regular_file 6 /dev/zero
refused 'unsupported_type|type_mismatch' 6 page.mp4
refused 'unsupported_type|type_mismatch' 6 text.jpg
refused 'unsupported_type|type_mismatch' 6 playlist.mp4
refused 'unsupported_type|type_mismatch' 6 concat.avi
refused unsupported_type 6 noise.mp4
refused type_mismatch 6 wrong.mp4
refused limit_exceeded 6 bomb.png
refused truncated 7 truncated.mp4
refused no_such_file 4 "$(printf 'x%.0s' {1..4096})"
printf 'media_processing:\n  max_file_size: 2000000\n' >small.yaml
refused too_large 6 large.wav --config small.yaml

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    # Root reads everything: another user must be told that he may not.
    cp clip.mp4 private.mp4
    chmod 600 private.mp4
    fresh
    chmod 711 "$T" && mkdir "$(dirname "$store")/u" && chown 65534:65534 "$(dirname "$store")/u"
    chmod 755 "$(dirname "$store")"
    # The programs may lie where only root may go.
    cp -R "$bin" programs
    MEDIA_STORE=file://$(dirname "$store")/u/s MEDIA_DB=sqlite://$(dirname "$store")/u/d \
        HOME=$(dirname "$store")/u run setpriv --reuid=65534 --regid=65534 --clear-groups \
        programs/media-ingest private.mp4
    exits 1 'an unreadable file fails'
    json_is .error.code unreadable 'as unreadable'
else
    cp clip.mp4 private.mp4 && chmod 000 private.mp4
    refused unreadable 1 private.mp4
fi

refused_together

# Damage that leaves something to see is taken in, and never called ok.
for f in cut.mp4 cut.mkv flipped.mp4; do
    fresh
    run media-ingest "$f"
    case $status in
    0) json_is .asset.metadata.damage.state degraded "$f: taken in as degraded"
        stderr_like 'damag|truncat|degrad|missing' "$f: with a warning" ;;
    7) like "$(json .error.code)" 'truncated|damaged' "$f: refused as damaged" ;;
    *) fail "$f: status $status is neither accepted nor damaged" ;;
    esac
    document "$f"
    consistent "$f"
done
for f in cut.mp4 cut.mkv; do
    rm -rf o && mkdir o
    run media-transcode -q 180p -o o "$f"
    json_true '(.stages.transcode.status != "completed") or .asset.metadata.damage.state == "degraded"' \
        "$f: a film with its end missing is not transcoded as if it were whole"
    [ "$status" != 0 ] || stderr_like '[1-9.]+ s lost' "$f: and says how much of it is gone"
done

# --- statuses of several
fresh
run media-ingest absent1.mp4 absent2.mp4
exits 4 'one cause for all: its status'
run media-ingest absent.mp4 empty.mp4
exits 3 'several causes: partial'
fresh
run media-ingest --fail-fast absent.mp4 clip.mp4
exits 4 '--fail-fast stops at the first'
is "$(sql 'SELECT count(*) FROM media_assets' 2>/dev/null || echo 0)" 0 'and the second was not begun'

# --- what comes in on stdin
fresh
{ printf '{"schema":1,'; head -c 70000000 /dev/zero | tr '\0' ' '; } >endless
for p in media-transcode media-thumbs media-analyze; do
    printf 'this is no document\n' >in
    run "$p" <in
    exits 1 "$p: a line that is no document fails"
    document "$p: and is answered by a document"
    json_is .error.code bad_document "$p: bad_document"
    printf '{"schema":1,"asset":{"original_filename":"p","content_type":"video","file_size":1,"url":"file:///etc/passwd"}}\n' >in
    run "$p" -o out <in
    exits 6 "$p: a URL outside the store is refused"
    like "$(json '.error.code // .stages[].error.code')" outside_store "$p: as outside_store"
    run "$p" <in
    like "$status" '^[16]$' "$p: also with a database"
    printf '{"schema":1,"asset":{"id":"00000000-0000-4000-8000-000000000000","original_filename":"p","content_type":"video","file_size":1,"url":"file://%s/../../../../etc/passwd"}}\n' "$store" >in
    run "$p" <in
    unlike "$status" '^0$' "$p: nor does .. lead out of it"
    printf '{"schema":1,"asset":{"original_filename":"gone.mp4","content_type":"video","file_size":0},"error":{"code":"empty_file","message":"is empty","stage":"ingest","retryable":false,"hint":null},"x":1}\n' >in
    run "$p" <in
    exits 6 "$p: a document that failed before counts"
    is "$(jq -cS . "$out")" "$(jq -cS . in)" "$p: and passes through untouched"
    run "$p" <endless
    unlike "$status" '^(0|13[0-9])$' "$p: a line without end is refused"
    run "$p" </dev/null
    exits 0 "$p: no input is no failure"
    is "$(cat "$out")" '' "$p: and no output"
    run "$p" 12345678-1234-4123-8123-123456789abc
    exits 4 "$p: an asset nobody knows is not found"
done

# --- one pipe, one failure in the middle of it
fresh
media-ingest clip.mp4 empty.mp4 2>/dev/null | media-thumbs --count 1 2>/dev/null |
    media-analyze -t loudness >"$out" 2>"$err"
is $? 3 'the last program tells how the pipe went'
document 'both came through'
json_is '.error.code // "-"' $'-\nempty_file' 'one with its error'

# --- a missing engine fails its stage, not the document
run media-analyze -t faces,loudness "$(json '.asset.id // empty' | head -n 1)"
exits 10 'no engine: status 10'
stderr_like 'hint: .*install' 'no engine: what to install'
json_is .stages.analyze.status failed 'no engine: the stage failed'
json_is '.stages.analyze.error.code' unavailable 'as unavailable'
json_true '.error == null and .analysis.loudness.integrated_lufs != null' 'the rest was done'
done_testing
