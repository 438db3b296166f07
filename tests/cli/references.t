#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# references.t - files that point to other files and servers make no program open them.
#
# Every system call that could is traced, of all processes; nothing but the files themselves,
# libraries and our own state may be opened, and no socket of the network.
. "$(dirname "$0")/../tap.sh"

mkdir "$T/in" && cd "$T/in" || exit 1 # where relative names would be found
canary=$T/in/canary.ts
ffmpeg -v error -y -f lavfi -i testsrc=s=64x48:d=1 -f mpegts "$canary"
for n in 1 2 3; do cp "$canary" "canary$n.jpg"; cp "$canary" "00$n.jpg"; cp "$canary" "canary$n.png"; done
"$MT_TOP/tests/make-references" "$T/in" "$canary" http://127.0.0.1:9/canary.ts >"$T/list" ||
    fail 'the references are made'
between "$(wc -l <"$T/list")" 100 200 "there are $(wc -l <"$T/list") files that refer to others"

# traced COMMAND...: what it and its children open, connect to and start goes to $T/trace
traced() {
    rm -f "$T/trace"
    ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 run strace -f --seccomp-bpf -qq -s 4096 -o "$T/trace" \
        -e trace=open,openat,openat2,creat,socket,connect,execve,sendto,sendmsg "$@"
}
# opened: canaries that were opened, whatever the way they are named. Files of the list have other names.
opened() {
    grep -E '(open|openat|openat2|creat|execve)\(' "$T/trace" |
        grep -E '"([^"]*/)?(canary\.ts|canary[0-9]\.(jpg|png)|00[0-9]\.jpg)"'
}
network() { grep -E 'AF_INET|AF_NETLINK|sin_port' "$T/trace"; }
safe() {
    is "$(opened | head -n 3)" '' "$1: no second file is opened"
    is "$(network | head -n 3)" '' "$1: no socket"
    ok "$1: the trace is not empty" grep -q 'segment-m3u8-path.m3u8' "$T/trace"
}

# The references are real, and the trace would show: ffprobe, told to trust everything, follows them.
followed=0
for f in segment-m3u8-path.m3u8 segment-m3u8-relative.m3u8 list-ffconcat-path.ffconcat \
    list-ffconcat-file.ffconcat url-path.mov alis-path.mov gab2-list-path.avi; do
    opts=()
    case $f in
    *.mov) opts=(-enable_drefs 1 -use_absolute_path 1) ;;
    *.ffconcat) opts=(-safe 0) ;;
    *.m3u8) opts=(-allowed_extensions ALL) ;;
    esac
    traced ffprobe -v error -protocol_whitelist file,http,tcp,crypto "${opts[@]}" -show_packets "$f"
    [ -z "$(opened)" ] || followed=$((followed + 1))
done
between "$followed" 4 7 "who trusts such files follows them ($followed of 7)"
traced ffprobe -v error -protocol_whitelist file,http,tcp,crypto -allowed_extensions ALL segment-m3u8-http.m3u8
isnt "$(network)" '' 'and asks servers'

mapfile -t list <"$T/list"
traced media-ingest "${list[@]}"
exits 3 'some are refused, some are taken in'
safe media-ingest
is "$(wc -l <"$out")" "${#list[@]}" 'each has its document'
document 'as the schema says'
json_true 'select(.asset.original_filename | test("(m3u8|mpd|ffconcat|svg|mvg|ps|ass|smil|ram|pls|asx|xspf|edl|sdp|qtl|rtsp|cue|xml|avs|idx)$"))
    | .error != null' 'nothing that is but a reference is taken in'
is "$(jq -c 'select(.asset.original_filename | test("^disguised")) | .error != null' "$out" | sort -u)" true \
    'also not under the name of a film'
consistent 'media-ingest'
traced media-probe "${list[@]}"
safe media-probe
traced media-thumbs --count 1 -o "$T/pictures" "${list[@]}"
safe media-thumbs
if [ -z "${MT_QUICK-}${MT_SAN-}" ]; then
    traced media-transcode -q 240p -o "$T/films" "${list[@]}"
    safe media-transcode
fi
done_testing
