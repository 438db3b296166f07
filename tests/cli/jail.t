#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# jail.t - a file can make the toolkit open no other file and no connection.
. "$(dirname "$0")/../tap.sh"

media clip.mp4 canary.ts
cd "$T" || exit 1
canary=$T/canary.ts

hls() { printf '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n%s\n#EXT-X-ENDLIST\n' "$1"; }
hls "file://$canary" >hls.mp4
hls canary.ts >relative.m3u8
hls "concat:$canary|$canary" >concat.m3u8
hls 'http://127.0.0.1:9/x.ts' >ssrf.ts
hls "subfile,,start,0,end,9999,,:$canary" >subfile.mkv
printf 'ffconcat version 1.0\nfile canary.ts\n' >list.avi
printf '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>%s</BaseURL><SegmentList><SegmentURL media="canary.ts"/></SegmentList></Representation></AdaptationSet></Period></MPD>' \
    "file://$canary" >dash.mp4
printf 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n' >sdp.mp4
printf '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="file://%s"/></svg>' "$canary" >svg.png
printf '[playlist]\nFile1=file://%s\nNumberOfEntries=1\nVersion=2\n' "$canary" >pls.mp3
cp clip.mp4 p001.mp4
cp clip.mp4 p002.mp4

# watched COMMAND...: runs it under strace; $T/trace has what was opened and connected
watched() {
    strace -f -qq -s 4096 -e trace=open,openat,openat2,connect,execve,socket,bind -o "$T/trace" \
        "$@" >"$out" 2>"$err"
    status=$?
}
# touched: what the trace shows of the canary or the network; a Unix socket is none
touched() { grep -E 'canary|127\.0\.0\.1|AF_INET' "$T/trace"; }

# What the trap is worth: a program without a jail steps into it.
watched ffmpeg -nostdin -v quiet -f concat -safe 0 -i list.avi -f null -
isnt "$(touched)" '' 'a program that is taken in is seen'

export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # LeakSanitizer is no friend of strace
for f in hls.mp4 relative.m3u8 concat.m3u8 ssrf.ts subfile.mkv list.avi dash.mp4 sdp.mp4 svg.png pls.mp3; do
    fresh
    watched media-ingest "$f"
    is "$(touched)" '' "$f: media-ingest opens nothing else"
    is "$status" 6 "$f: and refuses it"
    is "$(objects)" '' "$f: and keeps nothing"
    watched media-probe "$f"
    is "$(touched)" '' "$f: media-probe opens nothing else"
    unlike "$status" '^0$' "$f: and refuses it"
    mkdir -p o
    for p in 'media-transcode -q 180p' 'media-thumbs --count 1'; do
        # shellcheck disable=SC2086
        watched $p -o o "$f"
        is "$(touched)" '' "$f: $p opens nothing else"
        is "$(find o -name .media-toolkit -prune -o -type f -print)" '' "$f: and makes nothing"
    done
done

# Names that libavformat would take for more than a name.
for name in 'p%03d.mp4' "concat:$T/p001.mp4|$canary" "subfile,,start,0,end,999,,:$canary" \
    "crypto:$canary" "data:text/plain,x" "async:$canary" "fd:0" "pipe:0" "lavfi:testsrc"; do
    watched media-probe "$name"
    is "$status" 4 "$name is the name of a file that is absent"
    is "$(grep -E 'p001\.mp4"|canary\.ts",' "$T/trace" | grep -vF "$name")" '' "$name opens no other"
done
done_testing
