#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# agree.t - where ffprobe, MediaInfo and exiftool agree with each other, media-probe does too.
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
for tool in ffprobe mediainfo exiftool; do
    command -v $tool >/dev/null || skip_rest "there is no $tool"
done

# compare FILE...: a test for each that is accepted
compare() {
    media-probe --quiet "$@" >"$T/documents" 2>/dev/null
    is "$(wc -l <"$T/documents")" $# 'a document for each file'
    "$MT_TOP/tests/agree" "$T/documents" "$@" >"$T/verdicts" 2>"$T/agree.err"
    is "$(cat "$T/agree.err")" '' 'the comparison works'
    while IFS= read -r line; do
        case $line in
        'ok - '*) pass "${line#ok - }" ;;
        'not ok - '*) fail "${line#not ok - }" ;;
        *) echo "$line" ;;
        esac
    done <"$T/verdicts"
    is "$(grep -c '^\(not \)\?ok' "$T/verdicts")" \
        "$(jq -c 'select(.error == null)' "$T/documents" | wc -l)" 'each was compared'
}

names='clip.mp4 clip.mkv portrait.mp4 anamorphic.mp4 interlaced.mp4 silent.mp4 odd.webm tone.wav
    tone.mp3 tone.flac tagged.mp3 still.png photo.jpg rotated.jpg'
[ -n "${MT_QUICK-}" ] || names="sample.mp4 $names"
# shellcheck disable=SC2086
media $names
# shellcheck disable=SC2086
compare $names

# What only one of the others reads, or none.
ff() { ffmpeg -nostdin -v error -y "$@" </dev/null; }
ff -i clip.mp4 -c copy -timecode 01:02:03:04 -f mov code.mov
ff -f lavfi -i testsrc2=s=720x576:r=25:d=1 -c:v mpeg2video -timecode 10:00:00:00 code.mxf
run media-probe --quiet code.mov code.mxf
is "$(json .asset.metadata.timecode | paste -sd' ')" '01:02:03:04 10:00:00:00' \
    'timecodes of MOV and MXF'
document 'timecodes'
if ffmpeg -hide_banner -encoders 2>/dev/null | grep libx265 >/dev/null; then
    ff -f lavfi -i testsrc2=s=320x240:d=1 -pix_fmt yuv420p10le -c:v libx265 -x265-params \
        "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:max-cll=1000,400:\
master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)" hdr.mp4
    run media-probe --quiet hdr.mp4
    json_is '.asset.metadata.streams[0].color | [.hdr, .primaries, .content_light.max_cll,
        .content_light.max_fall, .mastering_display.max_luminance,
        .mastering_display.min_luminance, .mastering_display.green[1]] | @csv' \
        '"hdr10","bt2020",1000,400,1000,0.005,0.69' 'light levels and mastering display'
    document 'HDR'
fi

if [ -n "${MEDIA_TEST_CORPUS-}" ] && [ -z "${MT_QUICK-}${MT_SAN-}" ]; then
    compare "$MEDIA_TEST_CORPUS"/{video,audio,image}/*
fi
done_testing
