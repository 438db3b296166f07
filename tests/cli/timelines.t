#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timelines.t - films whose times leap, go back or are missing, that begin with nothing, or change
# their shape on the way.
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
ff() { ffmpeg -nostdin -v error -y "$@"; }
# code FIRST SECONDS: each picture has a brightness of its own, and every other second a tone
code() {
    echo -f lavfi -i "nullsrc=s=64x48:r=25:d=$2,geq=lum='16+mod((N+$1)*37,200)':cb=128:cr=128"
    echo -f lavfi -i "sine=f=440:r=48000:d=$2,volume='lt(mod(t,2),1)':eval=frame"
}
mpeg=(-c:v mpeg2video -q:v 1 -g 12 -bf 2 -c:a mp2 -b:a 128k -mpegts_flags +initial_discontinuity)
# part NAME FIRST SECONDS START: a transport stream whose clock begins there
part() {
    local source
    mapfile -t source < <(code "$2" "$3" | tr ' ' '\n')
    ff "${source[@]}" "${mpeg[@]}" -muxdelay 0 -output_ts_offset "$4" "$1"
}
probe() { ffprobe -v error -select_streams v -show_entries "$2" -of csv=p=0 "$1"; }
# brightness FILE: of each picture, 0 to 255
brightness() { ff -i "$1" -vf extractplanes=y,scale=1:1:flags=area -pix_fmt gray -fps_mode passthrough -f rawvideo - | od -An -v -tu1 -w1; }
# Where a tone begins, in seconds with one decimal.
tones() {
    ff -i "$1" -ac 1 -ar 1000 -f s16le - | od -An -v -td2 -w2 |
        awk 'BEGIN {last = -1000} {l = $1 < 0 ? -$1 : $1; if (l > 300 && NR - last > 400) printf "%.1f ", (NR - 1) / 1000
              if (l > 300) last = NR}'
}

# whole NAME SOURCE: 150 pictures at even steps, each as it should be, and the sound where it was
whole() {
    run media-transcode -q 48p --preset=ultrafast --crf=4 -o "$1" "$2"
    exits 0 "$1: it is transcoded"
    document "$1: a document"
    is "$(probe "$1"/*.mp4 frame=pts_time | grep -o '^[0-9.]*' |
        awk 'NR > 1 && ($1 - p < 0.03 || $1 - p > 0.05) {print NR, $1 - p} {p = $1} END {print NR}')" \
        150 "$1: all pictures, one after the other"
    is "$(brightness "$1"/*.mp4 | awk '{w = ((NR - 1) * 37) % 200 * 255 / 219; if ($1 - w > 4 || w - $1 > 4) print NR, $1, w}' | head -3)" \
        '' "$1: each shows what it should"
    is "$(tones "$1"/*.mp4)" '0.0 2.0 4.0 ' "$1: sound and picture stay together"
}
part first.ts 0 4 10
for start in 3600 14 11; do
    part second.ts 100 2 "$start"
    cat first.ts second.ts >"from$start.ts"
    whole "from$start" "from$start.ts"
done
json_true '.stages.transcode.source | .segments == 1 and .undivided == "the time line leaps" and
    .repaired.jumps == 1' 'a clock that is put back is told of'

# --- without times for showing: pictures out of order in AVI
mapfile -t source < <(code 0 6 | tr ' ' '\n')
ff "${source[@]}" -c:v mpeg4 -q:v 1 -bf 2 -c:a pcm_s16le none.avi
whole none none.avi

# --- the picture changes its size and its shape
# white NAME SIZE SHAPE START: three seconds
white() {
    ff -f lavfi -i "color=white:s=$2:r=25:d=3,setsar=$3" -c:v libx264 -preset ultrafast -bf 0 -g 12 \
        -pix_fmt yuv420p -output_ts_offset "$4" -f mpegts "$1"
}
white one.ts 160x120 1 10
white two.ts 320x180 1 13
white three.ts 160x120 3/4 16
cat one.ts two.ts three.ts >shapes.ts
run media-transcode -q 120p,60p --preset=ultrafast -o shapes shapes.ts
exits 0 'a picture that changes its shape'
json_is '[.variants[] | .resolution, .frames] | tostring' '["160x120",225,"80x60",225]' 'keeps its first size'
# box SECONDS: the width and height of what is not black
box() {
    ffmpeg -nostdin -hide_banner -ss "$1" -i shapes/shapes-120p.mp4 -frames:v 3 \
        -vf cropdetect=limit=60:round=2:skip=0 -f null - 2>&1 | grep -o 'crop=[0-9:]*' | tail -1
}
is "$(box 1) $(box 4) $(box 7)" 'crop=160:120:0:0 crop=160:90:0:14 crop=120:120:20:0' \
    'whole, between black bars where it is wider or narrower'

# --- nothing is shown at first
ff -f lavfi -i testsrc2=s=64x48:r=25:d=6 -c:v libx264 -preset ultrafast -pix_fmt yuv420p \
    -output_ts_offset 10 -avoid_negative_ts disabled late.mp4
is "$(probe late.mp4 stream=start_time)" 10.000000 'a film that begins after ten seconds'
for format in mp4 mkv; do
    run media-transcode -q "48p:$format" --preset=ultrafast --remux=never -o late late.mp4
    exits 0 "as $format"
    json_true '.variants[0] | .duration > 15.9 and .duration < 16.1 and .frames == 150' "$format: is as long"
    is "$(probe "late/late-48p.$format" stream=start_time)" 10.000000 "$format: begins as late"
done
run media-transcode -q source:copy:mkv -o late late.mp4
is "$(probe late/late-48p.mkv stream=start_time)" 10.000000 'so does a copy'

done_testing
