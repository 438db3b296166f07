#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# examples.t - the examples of --help, of the man pages and of README.md work as printed.
#
# They run in a directory where the files they name are real media. An asset or job
# that an example names by ID or by hex digits is one that is really there.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../clamav.sh"
signatures "$T/signatures"
export MEDIA_SCANNER=clamav:$T/signatures # examples of scans need one

media clip.mp4 clip.mkv odd.webm tone.wav tone.mp3 tone.flac photo.jpg still.png
cd "$T" || exit 1
mkdir docs && cd docs || exit 1

# examples_of_man PAGE: the commands below .Sh EXAMPLES, one a line
examples_of_man() {
    awk '/^\.Sh / { on = $2 == "EXAMPLES"; next } !on { next }
        /^\.Bd -literal/ { literal = 1; next } /^\.Ed/ { literal = 0; next }
        /^\.Dl / { sub(/^\.Dl /, ""); print; next } literal { print }' "$1" |
        sed -e 's/\\-/-/g; s/\\(aq/'"'"'/g; s/\\(dq/"/g; s/\\&//g; s/\\e/\\/g; s/^"\(.*\)"$/\1/' |
        joined
}
# examples_of_markdown FILE: the commands of the blocks that are marked "sh run"
# A broadcast, with captions in its pictures.
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=128x72:r=25:d=6 -c:v libx264 -bf 0 -preset ultrafast \
    -pix_fmt yuv420p -f h264 ../plain.h264
"$MT_TOP/tests/make-captions" cea608 ../plain.h264 ../captions.h264
ffmpeg -nostdin -v error -y -r 25 -i ../captions.h264 -c copy ../captions.ts

examples_of_markdown() {
    awk '/^```sh run/ { on = 1; next } /^```/ { on = 0 } on' "$1" | joined
}
# joined: continued lines as one; prompts and comments are no part of a command
joined() {
    sed -e ':a' -e '/\\$/{N;s/[[:space:]]*\\\n[[:space:]]*/ /;ba' -e '}' -e '/|$/{N;s/\n[[:space:]]*/ /;ba' -e '}' |
        sed -e 's/^[[:space:]]*\(\$ \)\{0,1\}//' -e '/^#/d' -e '/^$/d'
}

provide() {
    local word
    while read -r word; do
        [ ! -e "$word" ] || continue
        mkdir -p "./$(dirname -- "$word")"
        case $word in
        *.mp4 | *.mov | *.m4v) cp ../clip.mp4 "./$word" ;;
        *.mkv) cp ../clip.mkv "./$word" ;;
        *.webm) cp ../odd.webm "./$word" ;;
        *.mp3) cp ../tone.mp3 "./$word" ;;
        *.wav) cp ../tone.wav "./$word" ;;
        *.flac) cp ../tone.flac "./$word" ;;
        *.jpg | *.jpeg) cp ../photo.jpg "./$word" ;;
        *.png) cp ../still.png "./$word" ;;
        *.ts) cp ../captions.ts "./$word" ;;
        *.srt) printf '1\n00:00:00,000 --> 00:00:09,000\nمرحبا\n\n' >"./$word" ;;
        esac
    done < <(printf '%s\n' "$1" | sed 's/>[[:space:]]*[^ ]*//g' | tr ' |;()"' '\n' | sed "s/'//g" |
        grep -E '^[A-Za-z0-9_./-]+\.(mp4|mov|m4v|mkv|webm|mp3|wav|flac|jpe?g|png|srt|ts)$' | grep -v '^[-/]')
}

# A directory and files for patterns; an asset and a job for examples that name one.
cp ../clip.mp4 first.mp4
mkdir archive && cp ../clip.mkv ../tone.mp3 archive
cp ../tone.wav first.wav
cp ../photo.jpg first.jpg
asset=$(media-ingest first.mp4 2>/dev/null | jq -r .asset.id)
job=$(media-status jobs 2>/dev/null | head -n 1 | jq -r .job_id)

try() {
    local from=$1 command=$2 real id=$asset
    provide "$command"
    case $command in *'media-status job '* | *'media-status why '*) id=$job ;; esac
    real=$(printf '%s\n' "$command" | sed -E "s/\\b[0-9a-f]{8}(-[0-9a-f-]{27})?\\b/$id/g; s/\\b(ID|ASSET|JOB)\\b/$id/g")
    run timeout 120 bash -o pipefail -c "$real"
    # doctor tells with its status what it thinks of this machine
    case $command:$status in
    *'media-status doctor'*:3 | *'media-status doctor'*:10) pass "$from: $command" ;;
    *) exits 0 "$from: $command" || diag "ran as: $real" ;;
    esac
    if head -c 200 "$out" | grep -q '^{"schema":1,"asset"'; then
        document "$from: prints documents"
    fi
}

seen=$T/seen
: >"$seen"
each() {
    local from=$1 command
    while IFS= read -r command; do
        # What needs somebody else's server, a machine to install on, or never ends is not for here.
        if grep -qE '(s3|https?|postgresql|nats|redis)://|apt-get|sudo|scripts/(quickstart|test)|git clone|make install|spawn-fcgi|unix:' <<<"$command"; then
            continue
        fi
        grep -qxF -e "$command" "$seen" && continue
        printf '%s\n' "$command" >>"$seen"
        try "$from" "$command"
    done
}

for p in $(programs); do
    n=$("$p" --cli-spec=json | jq '.examples | length')
    ok "$p --help has examples" test "$n" -gt 0
    each "$p --help" < <("$p" --cli-spec=json | jq -r '.examples[].command')
done
for page in "$MT_TOP"/man/*.[157]; do
    [ -f "$page" ] || { fail 'there are man pages'; break; }
    each "$(basename "$page")" < <(examples_of_man "$page")
done
for p in $(programs); do
    [ ! -f "$MT_TOP/man/$p.1" ] ||
        isnt "$(examples_of_man "$MT_TOP/man/$p.1")" '' "$p.1 has examples"
done
isnt "$(examples_of_markdown "$MT_TOP/README.md")" '' 'README.md has commands to run'
each README.md < <(examples_of_markdown "$MT_TOP/README.md")

# Links of README.md and CONTRIBUTING.md lead somewhere.
for f in README.md CONTRIBUTING.md; do
    while read -r link; do
        ok "$f: $link is there" test -e "$MT_TOP/$link"
    done < <(grep -oE '\]\([^)#:]+\)' "$MT_TOP/$f" | tr -d ']()' | sort -u)
done
done_testing
