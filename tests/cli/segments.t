#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# segments.t - films are cut and joined without a seam, whatever happens in between.
# shellcheck disable=SC2009
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
ff() { ffmpeg -nostdin -v error -y "$@"; }
times() {
    ffprobe -v error -select_streams v -show_entries frame=pts_time -of csv=p=0 "$1" | grep -o '^[0-9.]*'
}
x264=(-c:v libx264 -preset ultrafast -pix_fmt yuv420p)

# least SOURCE FILE: the least SSIM of a picture of FILE against that of the source
least() {
    ffmpeg -nostdin -v error -i "$2" -i "$1" -fps_mode passthrough -lavfi "[0]settb=1/1000,setpts=N[a];[1]settb=1/1000,\
setpts=N,scale=320:180:flags=bicubic[b];[a][b]ssim=stats_file=-" -f null - |
        sed 's/.*All:\([0-9.]*\).*/\1/' | sort -n | head -1
}

# code RATE SECONDS: each picture has a brightness of its own, so that none can pass for another
code() { echo "nullsrc=s=320x180:r=$1:d=$2,geq=lum='16+mod(N*37,200)':cb=128:cr=128"; }
brightness() {
    ffprobe -v error -f lavfi -i "movie=$1,signalstats" \
        -show_entries frame_tags=lavfi.signalstats.YAVG -of csv=p=0 | grep -o '^[0-9.]*'
}

# same NAME SOURCE: renditions of SOURCE have its pictures, at their times, and nothing else
same() {
    run media-transcode -q 180p --preset=ultrafast --crf=4 -o "$1" "$2"
    is "$status" 0 "$1: it is transcoded"
    times "$2" | sort -n >want
    times "$(ls "$1"/*.mp4)" >got
    is "$(diff <(awk 'NR == 1 {s = $1} {printf "%.3f\n", $1 - s}' want) \
        <(awk 'NR == 1 {s = $1} {printf "%.3f\n", $1 - s}' got) | head -5)" '' \
        "$1: all pictures, at their times"
    is "$(paste <(brightness "$2") <(brightness "$(ls "$1"/*.mp4)") |
        awk '($1 - $2) ^ 2 > 16 {print NR, $1, $2}' | head -5)" '' "$1: each shows what it should"
}

# --- sources of all kinds
ff -f lavfi -i "$(code 25 14)" -f lavfi -i sine=d=14 "${x264[@]}" -g 90 -c:a aac plain.mp4
same plain plain.mp4
json_true '.stages.transcode.source.segments >= 3' 'a film of 14 s has several segments'
json_is '.stages.transcode.source.undivided' null 'and no reason to have one'
json_true '.variants[0].score | .metric == "ssim" and .value > 0.95 and .value <= 1' 'it has a score'
json_true '.variants[0].score.worst | length == 5 and all(.[]; .time_s >= 0 and .time_s < 14)' \
    'and worst pictures'
is "$(find plain -path '*work*' -o -name '*.seg')" '' 'nothing is left of the work'

ff -f lavfi -i "$(code 25 13)" -c:v libx264 -preset medium -pix_fmt yuv420p \
    -x264-params open-gop=1:keyint=40:bframes=3:b-pyramid=normal open.mkv
same open open.mkv
ff -f lavfi -i "$(code 25 13)" -vf "select='lt(n,60)+not(mod(n,7))'" -fps_mode vfr \
    "${x264[@]}" -g 33 vfr.mp4
same vfr vfr.mp4
ff -f lavfi -i "$(code 25 13)" -c:v mpeg2video -q:v 2 -g 12 -bf 2 mpeg2.ts
same mpeg2 mpeg2.ts
ff -f lavfi -i "$(code 30000/1001 13)" "${x264[@]}" -g 60 -bf 2 ntsc.mov
same ntsc ntsc.mov
ff -f lavfi -i "$(code 25 6)" "${x264[@]}" -f h264 raw.h264
run media-transcode -q 180p --preset=ultrafast -o raw raw.h264
is "$status" 0 'a stream without time stamps is transcoded'
json_true '.stages.transcode.source | .segments == 1 and (.undivided | length) > 0 and
    .frames == 150' 'in one segment, and it says why'

# --- interlaced: the filter knows what was before the cut
ff -f lavfi -i testsrc2=s=320x180:r=50:d=10 -vf tinterlace=interleave_top,fieldorder=tff \
    -c:v mpeg2video -q:v 2 -flags +ilme+ildct -top 1 fields.mpg
run media-transcode -q 180p --preset=ultrafast --crf=10 -o fields fields.mpg
is "$status" 0 'fields are woven in segments'
ff -i fields.mpg -vf bwdif=mode=send_frame -c:v ffv1 woven.mkv
between "$(least woven.mkv fields/fields-180p.mp4)" 0.8 1 'as in one piece, at the cuts too'

# --- sizes and numbers of processes change nothing
run media-transcode -q 180p --preset=ultrafast --crf=4 -j 1 -o alone plain.mp4
is "$(sha256sum <alone/plain-180p.mp4)" "$(sha256sum <plain/plain-180p.mp4)" \
    'one process makes the same bytes as several'

# --- quality that is asked for, and what it would come to
ff -f lavfi -i testsrc2=s=320x180:r=25:d=9 "${x264[@]}" -crf 10 fine.mp4
run media-transcode -q 160p:max=9M --preset=ultrafast --target-quality=0.95 -o wished fine.mp4
is "$status" 0 'a likeness is asked for'
between "$(json '.variants[0].score.value')" 0.935 0.975 'and met'
json_true '.stages.transcode.quality | .target == 0.95 and (.recipes[] | .trials | length == 3)' \
    'after three trials, which are told'
run media-transcode -q 160p --target-quality=98 -o wished fine.mp4
is "$status" 2 'a likeness is below 1'
run media-transcode -q 180p,120p --preset=ultrafast --remux=never --estimate -o guessed fine.mp4
json_is .stages.transcode.status planned 'an estimate makes nothing'
is "$(find guessed -name '*.mp4' -o -name '*.seg')" '' 'indeed'
guess=$(json '.stages.transcode.estimate.renditions[0].size_bytes')
cp "$out" "$T/guess"
json_true '.stages.transcode.estimate | .common_resolution == "320x180" and
    (.renditions | .[0].ssim_common == .[0].ssim and .[1].ssim_common < .[1].ssim)' \
    'at one size the largest is as it is, the other one worse'
run media-transcode -q 180p,120p --preset=ultrafast --remux=never -o guessed fine.mp4
size=$(json '.variants[0].file_size')
between "$guess" $((size * 6 / 10)) $((size * 14 / 10)) 'and is near what it comes to'
like_source=$(ffmpeg -nostdin -i guessed/fine-120p.mp4 -i fine.mp4 -lavfi \
    '[0]scale=320:180:flags=bicubic[a];[a][1]ssim' -f null - 2>&1 | sed -n 's/.*All:\([0-9.]*\).*/\1/p')
between "$(jq '.stages.transcode.estimate.renditions[1].ssim_common' "$T/guess")" \
    "$(jq -n "$like_source - 0.005")" "$(jq -n "$like_source + 0.005")" 'the other one, enlarged, as ffmpeg finds'

# --- killed, and gone on with
ff -f lavfi -i testsrc2=s=640x360:r=25:d=48 -f lavfi -i sine=d=48 "${x264[@]}" -g 50 -c:a aac long.mp4
slow=(--quality='360p,180p' --preset=slow -j 2 -o)
run media-transcode "${slow[@]}" whole long.mp4
is "$status" 0 'an undisturbed run'
deaths=0
# finished DIR: how many segments its ledger has
finished() { cat "$1"/.media-toolkit/work/*/journal 2>/dev/null | grep -c '"segment"'; }
for n in 0 1 2 3; do
    media-transcode "${slow[@]}" broken long.mp4 >/dev/null 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null && { [ ! -d broken/.media-toolkit/work ] ||
        [ "$(finished broken)" -lt "$n" ]; }; do
        sleep 0.05
    done
    sleep "0.0$n"
    kill -9 "$pid" 2>/dev/null && deaths=$((deaths + 1))
    wait "$pid" 2>/dev/null
done
isnt "$deaths" 0 'killed in the middle'
is "$(find broken -maxdepth 1 -name '*.mp4')" '' 'nothing half-made is there'
isnt "$(finished broken)" 0 'finished segments are kept'
run media-transcode "${slow[@]}" broken long.mp4
is "$status" 0 'the next run goes on'
for quality in 360p 180p; do
    is "$(sha256sum <broken/long-$quality.mp4)" "$(sha256sum <whole/long-$quality.mp4)" \
        "$quality: the same bytes as undisturbed"
done
is "$(find broken -name '*.seg')" '' 'and the work is tidied up'

media-transcode "${slow[@]}" stopped long.mp4 >"$out" 2>"$err" &
pid=$!
until [ "$(finished stopped)" -gt 0 ]; do sleep 0.05; done
kill -TERM "$pid"
wait "$pid"
is $? 143 'a signal ends it'
stderr_like 'segments are finished and kept' 'and it says what is kept'
run media-transcode "${slow[@]}" stopped long.mp4
is "$(sha256sum <stopped/long-360p.mp4)" "$(sha256sum <whole/long-360p.mp4)" \
    'gone on with after a signal'

# --- killed at any moment: MEDIA_TEST_KILLS=20 takes a film of three minutes
kills=${MEDIA_TEST_KILLS:-3} seconds=24
[ "$kills" -lt 20 ] || seconds=180
ff -f lavfi -i testsrc2=s=320x180:r=25:d=$seconds -f lavfi -i sine=d=$seconds "${x264[@]}" -g 50 \
    -c:a aac random.mp4
often=(--quality='180p,120p' --preset=slower -j 2 -o)
from=$(date +%s%N)
run media-transcode "${often[@]}" calm random.mp4
whole_ms=$((($(date +%s%N) - from) / 1000000))
n=0 lost=0
for _ in $(seq "$kills"); do
    before=$(finished stormy)
    media-transcode "${often[@]}" stormy random.mp4 >/dev/null 2>&1 &
    pid=$!
    sleep "$(awk -v s=$RANDOM -v ms="$whole_ms" -v n="$kills" 'BEGIN {printf "%.2f", s / 32768 * 2 * ms / n / 1000}')"
    kill -9 "$pid" 2>/dev/null && n=$((n + 1))
    wait "$pid" 2>/dev/null
    [ ! -d stormy/.media-toolkit/work ] || [ "$(finished stormy)" -ge "$before" ] || lost=$((lost + 1))
done
is "$lost" 0 'no finished segment is ever lost'
run media-transcode "${often[@]}" stormy random.mp4
exits 0 "killed $n times at random, and finished"
for quality in 180p 120p; do
    is "$(sha256sum <stormy/random-$quality.mp4)" "$(sha256sum <calm/random-$quality.mp4)" \
        "$quality: as if nothing had happened"
done

# --- as many as are asked for, and as polite
media-transcode --quality=180p --preset=medium -j 1 --nice=5 -o polite long.mp4 >/dev/null 2>&1 &
pid=$!
most=0 polite=0
while kill -0 "$pid" 2>/dev/null; do
    n=$(ps --ppid "$pid" -o comm=,ni= | grep -c '^media-transcode')
    [ "$n" -le "$most" ] || most=$n
    ps --ppid "$pid" -o comm=,ni= | grep -q '^media-transcode *5$' && polite=$((polite + 1))
    sleep 0.02
done
wait "$pid"
is "$?/$most" 0/1 '--jobs=1: one process at a time'
isnt "$polite" 0 '--nice=5: it gives way to others'

# --- processes that die
media-transcode "${slow[@]}" once long.mp4 >"$out" 2>"$err" &
pid=$!
until [ "$(finished once)" -gt 0 ]; do sleep 0.05; done
pkill -9 -P "$pid"
wait "$pid"
is $? 0 'killed processes are replaced'
is "$(sha256sum <once/long-360p.mp4)" "$(sha256sum <whole/long-360p.mp4)" 'and nothing is different'

media-transcode "${slow[@]}" poison long.mp4 >"$out" 2>"$err" &
pid=$!
until [ "$(finished poison)" -gt 0 ]; do sleep 0.05; done # what plans is not tried again
while kill -0 "$pid" 2>/dev/null; do
    pkill -SEGV -P "$pid"
    sleep 0.2
done
wait "$pid"
is $? 1 'what dies again and again fails'
json_is '.stages.transcode.error.code' worker_crashed 'as a crash'
json_true '.stages.transcode.error.message | test("segment [0-9]+ of [0-9]+ \\([0-9.]+ to|sound")' \
    'that names the segment'

# --- the disk is full in the middle
if mkdir small && mount -t tmpfs -o size=700k none small 2>/dev/null; then
    run media-transcode -q 360p --preset=ultrafast --crf=5 -o small long.mp4
    is "$status" 1 'a full disk fails'
    json_is '.stages.transcode.error.code' no_space 'as that'
    is "$(find small -maxdepth 1 -name '*.mp4')" '' 'without a rendition'
    umount small
else
    skip 'no disk of our own to fill'
fi

done_testing
