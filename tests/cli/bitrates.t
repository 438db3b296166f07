#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bitrates.t - average and peak rates hold over the whole film, whatever its segments are like.
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
ff() { ffmpeg -nostdin -v error -y "$@"; }
# Hard pictures, then easy ones, then hard ones.
ff -f lavfi -i "testsrc2=s=320x180:r=25:d=8,noise=alls=40:allf=t" -f lavfi -i "testsrc=s=320x180:r=25:d=16" \
    -filter_complex '[0]split[a][c];[a][1][c]concat=n=3' -c:v libx264 -preset ultrafast -crf 12 \
    -pix_fmt yuv420p mixed.mp4

# spent FILE FROM TO: bits per second of its pictures
spent() {
    ffprobe -v error -select_streams v -show_entries packet=pts_time,size -of csv=p=0 "$1" |
        awk -F, -v a="$2" -v b="$3" '$1 >= a && $1 < b {n += $2} END {printf "%d\n", n * 8 / (b - a)}'
}

# --- an average is that of the film, and goes where it is needed
run media-transcode -q 180p:600k --preset=veryfast -o average mixed.mp4
exits 0 'an average rate'
document 'with its buffer'
f=average/mixed-180p.mp4
hard=$(spent $f 0 8) easy=$(spent $f 8 24)
between "$hard" 640000 900000 'hard segments get more than the average, the peak at most'
between "$easy" 1 "$((hard / 2))" 'easy ones leave it to them'
between "$(spent $f 0 32)" 360000 640000 'all of it comes to no more'

# --- the ceiling holds across all joins: hard from the first picture to the last
ff -f lavfi -i "testsrc2=s=320x180:r=25:d=16,noise=alls=60:allf=t" -c:v libx264 -preset ultrafast \
    -crf 10 -pix_fmt yuv420p noisy.mp4
# needed FILE BPS: how much of two seconds at that rate must be read ahead, in percent
needed() {
    ffprobe -v error -select_streams v -show_entries packet=dts_time,size -of csv=p=0 "$1" |
        awk -F, -v r="$2" 'NR > 1 {l -= r * ($1 - t); if (l < 0) l = 0} {t = $1; l += $2 * 8; if (l > m) m = l}
            END {printf "%d\n", m * 100 / (2 * r)}'
}
for codec in h264 hevc; do
    run media-transcode -q "180p:$codec:max=800k" --preset=veryfast -o "peak-$codec" noisy.mp4
    exits 0 "$codec: a peak rate"
    json_is '.variants[0].buffer | "\(.max_bps) \(.length_s)"' '800000 2' "$codec: which is told"
    used=$(json '.variants[0].buffer.used * 100 | floor')
    between "$used" 10 100 "$codec: a buffer of two seconds is enough"
    between "$(needed "peak-$codec/noisy-180p.mp4" 800000)" "$((used - 1))" "$((used + 1))" "$codec: as measured"
    between "$(spent "peak-$codec/noisy-180p.mp4" 0 16)" 400000 880000 "$codec: the rate is used"
done
done_testing
