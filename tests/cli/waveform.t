#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# waveform.t - media-thumbs on sound: waveforms as JSON, PNG and SVG, and cover art.
#
# MT_NPM is a directory in which node_modules has waveform-data, by which peaks.js reads waveforms, as
# scripts/test installs it.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit

# Half a second of silence, one at half of full scale on the left and a quarter on the right, silence.
ffmpeg -nostdin -v error -y -f lavfi -i "aevalsrc='if(between(t,0.5,1.5),0.5*sin(2764*t),0)|if(between(t,0.5,1.5),0.25*sin(2764*t),0)':s=48000:d=2" \
    -c:a pcm_s16le steps.wav
wave() { rm -rf out; run media-thumbs -o out --count 0 "$@"; }
# level FILE FROM TO LANE: the largest maximum of a lane over these parts of the length
level() {
    jq "(.length * $2 | floor) as \$a | (.length * $3 | floor) as \$b | .channels as \$c |
        [range(\$a; \$b) as \$i | .data[2 * (\$i * \$c + $4) + 1]] | max" "$1"
}

wave --waveform json,png,svg --waveform-split steps.wav
exits 0 'a waveform in three forms'
document 'a document'
json_is '[.variants[] | "\(.variant_type) \(.format) \(.resolution // "")"] | join(",")' \
    'waveform json ,waveform png 1800x280,waveform svg 1800x280' 'of the type waveform'
j=out/steps-waveform.json
is "$(jq -c '[.version, .channels, .sample_rate, .bits]' $j)" '[2,2,48000,8]' 'version 2 of audiowaveform'
is "$(jq '(.data | length) == 2 * .length * .channels' $j)" true 'a minimum and a maximum of each channel'
is "$(jq '.length == ((96000 / .samples_per_pixel) | ceil)' $j)" true 'as long as the sound'
is "$(jq '[.data[] | . >= -128 and . <= 127] | all' $j)" true 'in 8 bits'
between "$(level $j 0.3 0.7 0)" 62 64 'the left at a half'
between "$(level $j 0.3 0.7 1)" 30 32 'the right at a quarter'
is "$(level $j 0 0.2 0) $(level $j 0.8 1 0)" '0 0' 'silence before and after'
is "$(head -c 4 out/steps-waveform.png | tail -c 3)" PNG 'a PNG'
ok 'the SVG is well-formed' python3 -c 'import sys, xml.dom.minidom as d; d.parse(sys.argv[1])' out/steps-waveform.svg
is "$(grep -c '<path' out/steps-waveform.svg)" 2 'a path for each channel'
if ! command -v node >/dev/null || [ ! -d "${MT_NPM-}/node_modules/waveform-data" ]; then
    skip 'there is no waveform-data: no network, or no npm'
else
    NODE_MODULES=$MT_NPM/node_modules node "$MT_TOP/tests/waveform-data.cjs" $j >peaks 2>"$err" || diag "$(cat "$err")"
    is "$(jq -c '[.channels, .sample_rate, .bits, .length, .scale]' peaks)" \
        "$(jq -c '[.channels, .sample_rate, .bits, .length, .samples_per_pixel]' $j)" 'waveform-data, which peaks.js has, reads it'
    between "$(jq .duration peaks)" 2 2.1 '  as two seconds'
    is "$(jq -c '[.max[] | . >= 62 and . <= 64 or . >= 30 and . <= 32] + [.quiet == 0]' peaks)" '[true,true,true]' '  loud and quiet where it is'
    is "$(jq -c .same peaks)" true '  and gives it back unchanged'
    between "$(jq .resampled peaks)" 5 25 '  at a fourth of the points too'
fi
# column PNG X: opaque pixels of a column
column() {
    ffmpeg -nostdin -v error -i "$1" -vf "format=rgba,crop=1:ih:$2:0,alphaextract" -f rawvideo - |
        od -An -v -tu1 -w1 | grep -c 255
}
wave --waveform png --waveform-size 200x100 steps.wav
between "$(column out/steps-waveform.png 100)" 36 40 'the mean of the channels, 3/8 of the height'
is "$(column out/steps-waveform.png 5)" 1 'a line where it is silent'
wave --waveform svg,png --waveform-size 200x100 --waveform-colors '#ff0000,00ff00' steps.wav
like "$(cat out/steps-waveform.svg)" 'fill="#ff0000".*fill="#00ff00"' 'colours'
is "$(column out/steps-waveform.png 5)" 100 'with a background nothing is transparent'

# Sound that begins later than the film, and a film that is told from its pictures.
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=64x48:d=4:r=10 -itsoffset 2 -i steps.wav -map 0:v -map 1:a \
    -c:v mpeg4 -c:a pcm_s16le late.mov
wave --waveform json late.mov
between "$(level out/late-waveform.json 0.63 0.8 0)" 40 50 'sound that begins later lies later'
is "$(level out/late-waveform.json 0 0.5 0)" 0 '  after silence'

# Other lengths: points a second, and a bound.
wave --waveform json --waveform-points 100 steps.wav
between "$(jq .length $j)" 195 210 'a hundred points a second'
ffmpeg -nostdin -v error -y -f lavfi -i anoisesrc=r=8000:d=7200:a=0.1 -c:a pcm_u8 long.wav
wave --waveform json,png --waveform-points 1000 long.wav
exits 0 'two hours of sound'
between "$(jq .length out/long-waveform.json)" 100000 2000000 'are bounded'
between "$(level out/long-waveform.json 0 1 0)" 10 14 'and not flat'
run media-thumbs -o out --count 0 --waveform json,png --waveform-points 1000 long.wav
json_is .stages.thumbs.status skipped 'again: nothing to do'

# What cannot be.
wave --waveform json late.png 2>/dev/null
exits 4 'a file that is not there'
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=64x48:d=1:r=10 -c:v mpeg4 mute.mov
wave --waveform json mute.mov
json_is .stages.thumbs.status not_applicable 'a film without sound has none'
run media-thumbs -o mute --count 1 --waveform json mute.mov
json_is '.stages.thumbs.status + " " + (.thumbnails | length | tostring)' 'completed 2' 'but pictures'
json_true '.stages.thumbs.notes | any(contains("no sound"))' '  with a note'
for bad in '--waveform mp3' '--waveform json --waveform-size 9x9' '--waveform png --waveform-colors red' \
    '--waveform png --waveform-size 100' '--waveform json --waveform-points 0'; do
    # shellcheck disable=SC2086
    run media-thumbs -o fail --count 0 $bad steps.wav
    exits 2 "$bad is refused"
done
head -c 60000 steps.wav >cut.wav
wave --waveform json cut.wav
between "$(jq '.length * .samples_per_pixel' out/cut-waveform.json)" 14000 18000 'half a file gives what is there'

# In the store.
run media-thumbs --count 0 --waveform json,png steps.wav
exits 0 'into the store'
is "$(sql "SELECT count(*) FROM media_variants WHERE variant_type = 'waveform'")" 2 'two rows'
consistent 'after a waveform'

# --- cover art
ffmpeg -nostdin -v error -y -f lavfi -i color=lime:s=64x64 -frames:v 1 front.png
ffmpeg -nostdin -v error -y -f lavfi -i color=blue:s=48x32 -frames:v 1 -q:v 1 back.jpg
ffmpeg -nostdin -v error -y -i steps.wav -i front.png -i back.jpg -map 0 -map 1 -map 2 -c:v copy -c:a libmp3lame \
    -id3v2_version 3 -disposition:v attached_pic two.mp3
ffmpeg -nostdin -v error -y -i steps.wav -i front.png -map 0 -map 1 -c:v copy -c:a flac -disposition:v attached_pic one.flac
ffmpeg -nostdin -v error -y -i steps.wav -i front.png -map 0 -map 1 -c:v copy -c:a aac -disposition:v attached_pic one.m4a
ffmpeg -nostdin -v error -y -i steps.wav -attach front.png -metadata:s:t mimetype=image/png -c:a flac one.mkv
python3 - <<'PY'
import base64, struct, subprocess
d = open('front.png', 'rb').read()
block = struct.pack('>II', 3, 9) + b'image/png' + struct.pack('>I', 0) + struct.pack('>IIII', 64, 64, 24, 0) + struct.pack('>I', len(d)) + d
open('tags', 'w').write(';FFMETADATA1\nMETADATA_BLOCK_PICTURE=' + base64.b64encode(block).decode().replace('=', '\\=') + '\n')
subprocess.run('ffmpeg -nostdin -v error -y -i steps.wav -i tags -map_metadata 1 -c:a libvorbis one.ogg', shell=True)
PY
for name in one.flac one.m4a one.mkv one.ogg; do
    run media-thumbs -o "art-$name" --cover only --width 0 --format png "$name"
    json_is '[.thumbnails[] | "\(.width)x\(.height) \(.cover)"] | join(",")' '64x64 true' "the cover of $name"
done
run media-thumbs -o art --cover only --size 32x,16x --format png,jpg two.mp3
json_is '[.thumbnails[] | "\(.width)x\(.height)"] | unique | join(" ")' '16x11 16x16 32x21 32x32' \
    'both pictures of an MP3, in two sizes'
is "$(find art/two-thumbs -name "cover-2*" | wc -l)" 4 'under names of their own'
document 'a document of them'
run media-thumbs -o art --cover only steps.wav
json_is .stages.thumbs.status not_applicable 'sound without a cover'

done_testing
