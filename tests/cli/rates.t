#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rates.t - renditions of another picture rate or a larger size than their source.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1

film() { # RATE LENGTH NAME OPTION...: a grey picture whose brightness grows with its number
    ffmpeg -nostdin -v error -y -f lavfi -i "color=black:s=64x36:r=$1:d=$2,format=gray,geq=lum='16+mod(N,200)'" \
        -c:v libx264 -preset ultrafast -qp 1 -pix_fmt yuv420p "${@:4}" "$3"
}
film 60 7 s60.mp4
film 25 7.3 s25.mp4
film 50 7 vfr.mkv -vf "select='not(mod(n,7))+not(mod(n,3))'" -vsync vfr -copyts
count() { ffprobe -v error -select_streams v -count_packets -show_entries stream=nb_read_packets -of csv=p=0 "$1"; }
steps() { # FILE: the different distances between pictures
    ffprobe -v error -select_streams v -show_entries packet=pts_time -of csv=p=0 "$1" | tr -d , |
        sort -n | awk 'NR > 1 {printf "%.3f\n", $1 - p} {p = $1}' | sort -u | tr '\n' ' '
}
keys() {
    ffprobe -v error -select_streams v -show_entries packet=pts_time,flags -of csv=p=0 "$1" |
        awk -F, '$2 ~ /K/ {printf "%.1f ", $1}'
}
# shown FILE: the brightness of each picture
shown() { ffmpeg -nostdin -v error -i "$1" -vf scale=1:1:flags=area,format=gray -vsync passthrough -f rawvideo - | od -An -v -tu1 -w1; }

run media-transcode -q 36p,30p:fps=20 --max-fps 30 --preset ultrafast -o out s60.mp4
exits 0 'a film of 60 pictures a second'
json_is '[.variants[].frames] | tostring' '[210,140]' 'has half of them, or as many as asked for'
is "$(steps out/s60-36p.mp4)|$(steps out/s60-30p.mp4)" '0.033 |0.050 ' 'each lasts as long'
is "$(keys out/s60-36p.mp4)|$(keys out/s60-30p.mp4)" '0.0 2.0 4.0 6.0 |0.0 2.0 4.0 6.0 ' \
    'with key frames where they always are'
# The n-th of 30 is the 2n-th of 60: within what encoding does to a grey picture.
is "$(shown out/s60-36p.mp4 | awk '{e = 16 + (2 * (NR - 1)) % 200; if ($1 > e + 4 || $1 < e - 4) n++} END {print n + 0}')" \
    0 'every second picture, across all seams'

run media-transcode -q 36p:fps=30,30p:fps=29.97,24p:fps=1 --preset ultrafast -o more s25.mp4
exits 0 'more pictures than there are, or very few'
is "$(count more/s25-36p.mp4) $(count more/s25-30p.mp4) $(count more/s25-24p.mp4)" '220 219 7' \
    'as many as fit'
is "$(steps more/s25-36p.mp4)" '0.033 ' 'evenly'
is "$(ffprobe -v error -show_entries stream=r_frame_rate -of csv=p=0 more/s25-30p.mp4)" 30000/1001 \
    '29.97 is 30000/1001'

run media-transcode -q 36p:mkv --vfr keep --remux never --preset ultrafast -o keep vfr.mkv
is "$(count keep/vfr-36p.mkv)" "$(count vfr.mkv)" 'pictures that last differently are kept'
is "$(steps keep/vfr-36p.mkv)" "$(steps vfr.mkv)" 'as they are'
run media-transcode -q 36p:mp4 --vfr constant --preset ultrafast -o const vfr.mkv
is "$(steps const/vfr-36p.mp4)" '0.020 ' 'or made to last as long'

run media-transcode -q 72p --preset ultrafast --remux never -o small s25.mp4
json_is '.variants[0].resolution' 64x36 'nothing is enlarged'
run media-transcode -q 72p --allow-upscale --preset ultrafast -o large s25.mp4
json_is '.variants[0].resolution' 128x72 'without being told to'
is "$(ffprobe -v error -show_entries stream=width,height -of csv=p=0 large/s25-72p.mp4)" 128,72 \
    'the file says so too'

run media-transcode -q auto --preset ultrafast -o auto s60.mp4
exits 0 'auto chooses a rate as well'
is "$(count auto/s60-36p.mp4)" 210 'of small pictures 30 a second are enough'
ffmpeg -nostdin -v error -y -f lavfi -i testsrc=s=960x720:r=25:d=5 -c:v libx264 -preset veryfast -crf 30 \
    -pix_fmt yuv420p slides.mp4
run media-transcode -q auto --preset ultrafast -o auto slides.mp4
exits 0 'easy pictures'
json_is '[.variants[].quality] | join(" ")' 720p 'need no smaller ones'
json_true '.stages.transcode.left_out | map(.quality) == ["360p", "480p"] and
    all(.[]; .reason | test("nothing is gained: the source takes only [0-9]+k at 720p"))' 'and the document says why'
# Noise, of which each codec would make more than it may.
ffmpeg -nostdin -v error -y -f lavfi -i 'testsrc2=s=160x90:r=25:d=4,noise=alls=60:allf=t' \
    -c:v libx264 -preset ultrafast -qp 10 -pix_fmt yuv420p noise.mp4
for codec in h264 hevc av1; do
    run media-transcode -q 90p:$codec:crf=15:max=200k --preset ultrafast -o cap-$codec noise.mp4
    exits 0 "$codec with a ceiling"
    between "$(json '.variants[0].bitrate | rtrimstr("k") | tonumber')" 20 320 \
        "$codec: the mean is not above it, but for what the buffer holds"
done
# The jobs of a film have no document: what one asks for goes with them.
media-ingest s25.mp4 | jq -c '.output_formats = [{"quality": "30p", "fps": 20}]' >asks
run media-transcode --distribute -q 36p <asks
json_is .stages.transcode.status queued 'a document that asks for a rate is for the queue'
is "$(sql "SELECT input_parameters FROM processing_jobs" | jq -r '.arguments[]? | select(startswith("--output-formats"))')" \
    '--output-formats=[{"quality":"30p","fps":20}]' 'as it asks'
for wrong in '--fps 0' '--fps 1000' '--fps x' '--max-fps 30/0' '-q source:copy --fps 30' \
    '-q source:copy --allow-upscale' '-q source:copy --vfr constant'; do
    # shellcheck disable=SC2086 # words
    run media-transcode -q 36p $wrong -o x s25.mp4
    exits 2 "refused: $wrong"
done
done_testing
