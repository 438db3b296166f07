#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# heif.t - HEIC and AVIF pictures, of one piece and of tiles: what they are, how they are turned,
# which tiles are lost; from ingest to thumbnails.
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
make=$MT_TOP/tests/make-heif
ff() { ffmpeg -nostdin -v error -y -f lavfi -i "$@" </dev/null; }
ff testsrc2=s=256x192 -frames:v 1 -pix_fmt yuv420p -c:v libx265 -x265-params log-level=none \
    -tag:v hvc1 tile.mp4 || skip_rest 'there is no encoder of HEVC'

# shown FILE: size as coded, size as shown, clockwise turn, mirrored
shown() {
    media-probe --quiet "$1" | jq -r '.asset.metadata.streams[0] |
        "\(.width)x\(.height) \(.display_width)x\(.display_height) \(.rotation) \(.mirrored)"'
}

"$make" one.heic tile.mp4
run media-probe --quiet one.heic
document 'one picture'
json_is '.asset | [.mime_type, .content_type, .metadata.damage.state, .metadata.streams[0].codec,
    .metadata.streams[0].pixel_format, .metadata.streams[0].frames] | @csv' \
    '"image/heic","image","ok","hevc","yuv420p",1' 'one picture'
"$make" grid.heic tile.mp4 3 2
run media-probe --quiet grid.heic
document 'a picture of tiles'
is "$(shown grid.heic)" '768x384 768x384 0 false' 'a picture of six tiles'
"$make" turned.heic tile.mp4 3 2 irot=1
is "$(shown turned.heic)" '768x384 384x768 270 false' 'turned'

# Turn and mirror in either order; what libheif makes of the file is the picture to compare with.
ffmpeg -nostdin -v error -y -i tile.mp4 tile.png
while read -r how want; do
    # shellcheck disable=SC2086
    "$make" turned.heic tile.mp4 ${how//,/ }
    is "$(shown turned.heic | cut -d' ' -f3-)" "${want//,/ }" "$how"
    if command -v heif-convert >/dev/null && command -v compare >/dev/null; then
        heif-convert turned.heic turned.png >/dev/null 2>&1
        flop=
        [ "${want#*,}" = false ] || flop=-flop
        convert tile.png $flop -rotate "${want%,*}" wanted.png
        between "$(compare -metric MAE wanted.png turned.png null: 2>&1 | cut -d' ' -f1)" 0 800 \
            "$how: as libheif shows it"
    fi
done <<'HOW'
irot=1 270,false
irot=2 180,false
imir=0 180,true
imir=1 0,true
irot=1,imir=1 90,true
imir=1,irot=1 270,true
irot=3,imir=0 90,true
HOW

"$make" lost.heic tile.mp4 3 2 lose=4
run media-probe --quiet lost.heic
exits 0 'a lost tile'
document 'a lost tile'
json_is .asset.metadata.damage.state degraded 'is damage'
like "$(json '.asset.metadata.damage.issues[0].detail')" '^of 6 tiles, 1 ' 'which says how much'
"$make" lost.heic tile.mp4 lose=1
run media-probe --quiet lost.heic
exits 7 'nothing but a lost tile'
run media-probe --quiet --max-pixels 200000 grid.heic
exits 6 'the limits are of the whole picture'
json_is .error.code limit_exceeded 'and the error says so'

# Any byte may be anything: no file ends the program otherwise than it should.
python3 - grid.heic "${MT_QUICK:+60}" <<'PY'
import os, random, sys
data = open(sys.argv[1], 'rb').read()
rand = random.Random(5)
os.mkdir('bad')
head = data.index(b'mdat')
for i in range(int(sys.argv[2] or 300)):
    bad = bytearray(data)
    for _ in range(rand.randrange(1, 6)):
        bad[rand.randrange(8, head)] = rand.choice((0, 1, 0x7F, 0x80, 0xFF, rand.randrange(256)))
    open('bad/%03d.heic' % i, 'wb').write(bad)
PY
run media-probe --quiet bad/*
unlike "$status" '^(1|2|10|1[2-9][0-9])$' 'bent boxes: ends properly'
is "$(json 'select(.error.code | . == "worker_crashed" or . == "timeout" or . == "internal") | 1')" '' \
    'bent boxes: nothing crashes or hangs'
is "$(wc -l <"$out")" "$(find bad -type f | wc -l)" 'bent boxes: a document each'

if ff testsrc2=s=256x192 -frames:v 1 -pix_fmt yuv420p -c:v libaom-av1 tile1.mp4; then
    "$make" grid.avif tile1.mp4 2 2 imir=0
    is "$(shown grid.avif)" '512x384 512x384 180 true' 'an AVIF of tiles'
    "$make" one.avif tile1.mp4 irot=1
    is "$(shown one.avif)" '256x192 192x256 270 false' 'an AVIF that is turned'
else
    skip 'there is no encoder of AV1'
fi

run media-ingest one.heic grid.heic
exits 0 'they are taken in'
is "$(json '.asset.url' | sed 's/.*\.//' | sort -u)" heic 'under the name of their format'
document 'assets'
cp "$out" documents
if vips -l 2>/dev/null | grep -i heifload >/dev/null; then
    run media-thumbs --format jpg --width 96 <documents
    exits 0 'thumbnails of them'
    is "$(json '.thumbnails | length' | paste -sd' ')" '1 1' 'one each'
else
    skip 'libvips reads no HEIF here'
fi
consistent 'after all'
done_testing
