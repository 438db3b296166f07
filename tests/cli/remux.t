#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# remux.t - sources that are already what a rendition is to be are copied, not encoded.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1

film() { # NAME OPTION...
    ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=128x72:r=25:d=4 \
        -f lavfi -i sine=f=300:r=48000:d=4 -f lavfi -i sine=f=600:r=48000:d=4 \
        -map 0 -map 1 -map 2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -b:v 150k -g 50 \
        -bf 2 -c:a aac -b:a 32k -ac:a:0 1 -ac:a:1 2 -metadata:s:a:1 language=ara "${@:2}" "$1"
}
film a.mp4
# hashes FILE STREAM: the payload of each packet
hashes() { ffmpeg -nostdin -v error -i "$1" -map "0:$2" -c copy -f framemd5 - | awk -F, '!/^#/ {print $6}'; }
pts() { ffprobe -v error -select_streams "$2" -show_entries packet=pts_time -of csv=p=0 "$1" | tr -d ,; }

run media-transcode -q 72p:max=2M,36p --preset ultrafast -o out a.mp4
exits 0 'a ladder whose first rung the source is already'
document 'it'
json_is '[.variants[] | [.quality, .copied] | @csv] | join(" ")' '"72p",true "36p",false' \
    'one is a copy, the other is encoded'
json_is '.variants[0].score.value' 1 'a copy scores 1'
json_is '.variants[0].sound | map(.copied) | tostring' '[true,true]' 'its sound is copied too'
is "$(hashes out/a-72p.mp4 0)" "$(hashes a.mp4 0)" 'the same pictures'
is "$(hashes out/a-72p.mp4 2)" "$(hashes a.mp4 2)" 'the same sound'
is "$(pts out/a-72p.mp4 v)" "$(pts a.mp4 v)" 'at the same times'
is "$(ffprobe -v error -select_streams a:1 -show_entries stream_tags=language -of csv=p=0 \
    out/a-72p.mp4)" ara 'languages stay'
run media-transcode -q 72p:max=2M,36p --preset ultrafast -o out a.mp4
json_is .stages.transcode.status skipped 'a rerun makes nothing'

run media-transcode -q 72p:max=2M --remux=never --preset ultrafast -o never a.mp4
json_is '.variants[0].copied' false '--remux=never encodes'
run media-transcode -q 72p:max=2M --crf 30 --preset ultrafast -o crf a.mp4
json_is '.variants[0].copied' false 'so does a quality that is asked for'
run media-transcode -q 72p:max=20k --preset ultrafast -o rate a.mp4
json_is '.variants[0].copied' false 'and a rate above the one that is permitted'
json_true '.stages.transcode.not_copied[0].reason | test("its rate is [0-9]+k, 20k are permitted")' \
    'the document says why'
run media-transcode -q 72p:max=2M --loudness=-20 --preset ultrafast -o loud a.mp4
json_is '[.variants[0].copied, (.variants[0].sound | map(.copied))] | tostring' \
    '[true,[null,null]]' 'only the sound is encoded when only that is to be changed'
json_true '.variants[0].sound[1].loudness.result.integrated_lufs | . > -21 and . < -19' \
    'and it is as loud as it should be'

run media-transcode -q 72p:max=2M,36p --remux=only -o only a.mp4
exits 0 '--remux=only'
json_is '[.variants[].quality] | join(" ")' 72p 'makes what can be a copy'
json_is '.stages.transcode.left_out[0].quality' 36p 'and names what cannot'
run media-transcode -q 36p --remux=only -o only2 a.mp4
json_is .stages.transcode.status not_applicable 'and is not applicable when nothing can'
run media-transcode -q 72p --remux=only --crf 20 -o x a.mp4
exits 2 'nothing is encoded, so that --crf'
stderr_like -- '--crf' 'cannot be meant'

for format in mkv mov; do
    run media-transcode -q source:copy:$format -o copy a.mp4
    exits 0 "another container: $format"
    json_true '.variants[0].verified and .variants[0].copied' "$format: verified"
    is "$(hashes copy/a-72p.$format 0)" "$(hashes a.mp4 0)" "$format: the same pictures"
done
run media-transcode -q source:copy:webm -o copy a.mp4
exits 6 'what a format cannot carry'
stderr_like 'webm cannot carry h264' 'is said'
run media-transcode -q 36p:copy -o copy a.mp4
exits 6 'a copy of another size'
stderr_like "the source has 128x72" 'is no copy'
for wrong in '-q source:copy --crf 20' '-q 72p:copy:2M' '-q auto --codec copy' \
    '-q source:copy --loudness=-20' '-q audio:copy:m4a' '-q source:copy --audio-bitrate 64k'; do
    # shellcheck disable=SC2086 # words
    run media-transcode $wrong -o x a.mp4
    exits 2 "refused: $wrong"
done
run media-transcode -q 36p --audio-codec copy --preset ultrafast -o sound a.mp4
exits 0 'copied sound beside pictures that are encoded'
is "$(hashes sound/a-36p.mp4 1)" "$(hashes a.mp4 1)" 'is the same sound'

# What an encoder could make better of it is not copied.
film long.mp4 -g 1000 -t 12 -filter:v loop=-1:100
film dam.mkv
python3 - dam.mkv <<'P'
import sys
d = bytearray(open(sys.argv[1], 'rb').read())
for i in range(len(d) // 2, len(d) // 2 + 3000): d[i] ^= 0x5a
open(sys.argv[1], 'wb').write(d)
P
run media-transcode -q 72p:max=2M --preset ultrafast -o long long.mp4
json_is '.stages.transcode.not_copied[0].reason' 'its key frames lie up to 12.0 s apart' \
    'few key frames are no copy'
run media-transcode -q 72p:max=2M --preset ultrafast -o dam dam.mkv
json_is '[.variants[0].copied, .stages.transcode.status] | tostring' '[false,"degraded"]' \
    'what does not decode is encoded, and degraded'
run media-transcode -q source:copy:mkv -o dam2 dam.mkv
exits 1 'and is no copy that anybody should have'
is "$(ls dam2 2>/dev/null)" '' 'nothing of it stays'
done_testing
