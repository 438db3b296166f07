#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hdr.t - films in HDR keep it in HEVC and AV1, with what they say of it, and lose it in H.264.
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=192x108:r=25:d=5 -vf format=yuv420p10le \
    -c:v libx265 -preset ultrafast -x265-params "log-level=none:colorprim=bt2020:transfer=smpte2084:\
colormatrix=bt2020nc:max-cll=1000,400:\
master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,50)" hdr.mkv

# said FILE: what its first picture, and its container, say of light
said() {
    ffprobe -v error -select_streams v -read_intervals '%+#1' -show_frames -show_entries \
        frame=pix_fmt,color_primaries,color_transfer:side_data -of json "$1" |
        jq -r '(.packets_and_frames | map(select(.type == "frame"))[0]) | [.pix_fmt, .color_primaries, .color_transfer,
            (.side_data_list // [] | map(select(.red_x or .max_content)) | sort_by(.side_data_type) | .[] |
                .max_content, .max_average, .red_x, .green_y, .white_point_x, .min_luminance, .max_luminance)]
            | map(select(. != null) | tostring |
                if test("^[0-9]+/[0-9]+$") then split("/") | map(tonumber) | .[0] / .[1] * 1e4 | round else . end)
            | join(" ")'
}
contained() {
    ffprobe -v error -select_streams v -show_entries stream_side_data=side_data_type -of csv=p=0 "$1" |
        grep -c -e Mastering -e Content
}
want='yuv420p10le bt2020 smpte2084 1000 400 7080 7970 3127 50 10000000'
is "$(said hdr.mkv)" "$want" 'a source in HDR10'
for kind in hevc:mp4 hevc:mkv av1:mp4 av1:webm; do
    run media-transcode -q "108p:$kind" --preset=ultrafast --remux=never -o "$kind" hdr.mkv
    exits 0 "$kind"
    f=./$kind/hdr-108p.${kind#*:}
    # AV1 keeps chromaticities in 1/65536 and luminance in 1/256 and 1/16384: ffprobe shows those.
    is "$(said "$f")" "$want" "$kind says of it what the source says"
    is "$(contained "$f")" 2 "$kind: so does the container"
    json_true ".variants[0] | (.copied | not) and .score.value > 0.8" "$kind: encoded, with its score"
done
run media-transcode -q 108p --preset=ultrafast -o sdr hdr.mkv
exits 0 'H.264'
is "$(said sdr/hdr-108p.mp4) $(contained sdr/hdr-108p.mp4)" 'yuv420p bt709 bt709 0' 'is SDR, and says nothing of it'
done_testing
