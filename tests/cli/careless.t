#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# careless.t - careless users and hostile documents: no lie about the outcome, no hang, no memory eaten.
. "$(dirname "$0")/../tap.sh"

media clip.mp4 clip.mkv tone.wav
cd "$T" || exit 1
mkfifo waiting

# --- the store has lost what the database knows
fresh
run media-ingest clip.mp4
id=$(json .asset.id)
rm "$store/$id/original.mp4"
run media-ingest clip.mp4
exits 0 'a file whose object was lost is taken in again'
json_is .asset.id "$id" 'as the asset it was'
stderr_like "the store had lost '$id/original.mp4'" 'and it is said'
ok 'its bytes are back' cmp clip.mp4 "$store/$id/original.mp4"
truncate -s 1000 "$store/$id/original.mp4"
run media-ingest - <clip.mp4
exits 0 'cut short, from standard input'
ok 'its bytes are whole again' cmp clip.mp4 "$store/$id/original.mp4"
run media-ingest clip.mp4
stderr_empty 'nothing is put back that is there'
consistent 'after losses'

# --- errors that other programs wrote
doc() { printf '{"schema":1,"asset":{"id":"%s"}%s}\n' "$id" "$1"; }
for error in '"it broke"' false 17 '[]'; do
    doc ",\"error\":$error" >line
    run media-thumbs --count 1 <line
    exits 1 "an error that is $error is no success"
    json_is .error.code bad_document "$error: it is refused"
done
for code in ok not_applicable; do
    doc ",\"error\":{\"code\":\"$code\"}" >line
    run media-thumbs --count 1 <line
    exits 1 "an error whose code is $code is no success"
    json_is .error.code "$code" "$code: passed through untouched"
    doc ",\"stages\":{\"x\":{\"status\":\"failed\",\"error\":{\"code\":\"$code\"}}}" >line
    run media-thumbs --count 1 <line
    exits 1 "nor is a failed stage whose code is $code"
done
doc '' >good
printf '{"schema":1,"asset":{"id":5}}\n' | cat good - >line
run media-thumbs --count 1 <line
exits 3 'an id that is a number'
json_is '.error.message // ""' $'\nline 2 of standard input: asset.id is not a string' 'is named, with its line'

# --- lines that are too much
{ cat good; head -c 34000000 /dev/zero | tr '\0' a; echo; cat good; } >line
run media-thumbs --count 1 <line
exits 3 'a line of 34 MB'
json_is '.error.code // "-"' $'-\nbad_document\n-' 'has its own document, in its place'
json_is '.error.message // "-"' $'-\nline 2 of standard input is longer than 33554432 bytes\n-' 'with its number'
{ printf '{"schema":1,"asset":{},"z":['; yes '{},' | head -n 7000000 | tr -d '\n'; echo '1]}'; } >line
for program in media-thumbs 'media-status asset'; do
    # shellcheck disable=SC2016,SC2086
    run bash -c 'case $0 in *asan*) ;; *) ulimit -v 1500000 ;; esac; exec "$@"' "$bin" $program <line
    stderr_like 'more than [0-9]+ values' "$program: seven million values in one line are refused"
done
rm line

# --- "-" is documents for filters
run media-thumbs --count 1 tone.wav - clip.mkv <good
exits 0 '"-" among files'
json_is '.asset.original_filename' $'tone.wav\nclip.mp4\nclip.mkv' 'stands for the documents on stdin'

# --- a signal ends the wait for input
waits() {
    local what=$1
    shift
    sleep 30 >waiting &
    local sleeper=$!
    # in the foreground timeout passes the signal on once; a second one would kill at once
    timeout --foreground 20 "$@" <waiting >"$out" 2>"$err" &
    local pid=$!
    sleep 0.5
    kill -TERM $pid
    local start=$SECONDS
    wait $pid
    is $? 143 "$what: SIGTERM ends it with 143"
    between $((SECONDS - start)) 0 5 "$what: at once"
    kill $sleeper
    wait $sleeper 2>/dev/null
}
waits 'documents' media-thumbs
waits 'a list of names' media-ingest --files-from -
waits 'bytes' media-ingest -
waits 'bytes to probe' media-probe -
waits 'documents to look up' media-status asset
consistent 'after the signals'

# --- the pipeline says how all of its programs went
MEDIA_QUALITIES=nonsense run media-pipeline clip.mp4
exits 2 'a program of the pipeline that cannot begin is not success'
MEDIA_QUALITIES=90p MEDIA_THUMBNAILS=1 run media-pipeline clip.mp4
exits 0 'a pipeline that works'

# --- places nobody meant
mkdir here && cd here || exit 1
run media-thumbs --count 1 -o '' ../clip.mp4
exits 2 '-o with nothing in it'
is "$(ls -A)" '' 'writes nothing here'
not_ok 'nor into the root directory' test -e /.media-toolkit
cd ..
for home in - relative; do
    env=(-u HOME -u XDG_STATE_HOME -u XDG_DATA_HOME -u XDG_CONFIG_HOME -u MEDIA_DB -u MEDIA_STORE)
    [ $home = - ] || env+=("HOME=$home")
    run env "${env[@]}" media-ingest --print-config
    unlike "$(cat "$out")" '//(/\.local|relative)' "HOME $home: nothing in the root directory"
    like "$(cat "$out")" "$(getent passwd "$(id -u)" | cut -d: -f6)/\.local" "HOME $home: at the user's home"
done

# --- limits of the process
run bash -c 'ulimit -n 8; exec media-ingest --force tone.wav'
exits 1 'eight descriptors are too few'
stderr_like 'ulimit -n' 'the remedy is named'
run bash -c 'ulimit -f 100; exec media-ingest --force tone.wav'
exits 1 'a file that may not grow is no death by signal'
consistent 'after limits'
run media-thumbs --count 1 <&-
stderr_like 'hint: standard input or output was closed' 'a closed stdin is no matter of the disk'
head -c 100000 /dev/zero | tr '\0' x >names
run media-ingest --files-from names
stderr_like 'one name a line' 'a list that is none'
done_testing
