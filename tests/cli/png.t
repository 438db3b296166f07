#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# png.t - media-thumbs on all kinds of PNG: types, depths, interlacing, tRNS, gAMA, odd sizes,
# filters, chunks, and what is none. What each shows is known to the program that makes it.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit
kinds=$MT_TOP/tests/png-kinds.py
python3 "$kinds" make in || { fail 'pictures to try'; done_testing; }

mv in/bad-*.png .

# The ones that say what they should show are right themselves.
if command -v mogrify >/dev/null; then
    find in -name '*.png' ! -name 'gamma*' -exec mogrify -format rgba -depth 8 {} +
    is "$(find in -name 'basic*.rgba' | wc -l)" 30 'ImageMagick reads all types and depths'
    is "$(python3 "$kinds" raw in)" '72 compared' 'as they are expected to look'
else skip 'ImageMagick is not installed'; fi

run media-thumbs -o out --width 0 --format png in/*.png
exits 0 'all kinds are read'
is "$(python3 "$kinds" check in out)" '103 compared' 'and look as they should'
document 'their documents'
json_is '[.stages.thumbs.status] | unique[]' "$(yes completed | head -n 103)" 'none is degraded'

for f in bad-*.png; do
    rm -rf out
    run media-thumbs -o out --width 0 --format png "$f"
    like "$status" '^(0|1|6|7)$' "$f ends well"
    [ "$status" != 0 ] || json_is .stages.thumbs.status degraded '  and is not taken for whole'
    unlike "$(json '.stages.thumbs.error.code // .error.code')" crash '  without a crash'
done

# An animated one: its still picture, and a note.
python3 - <<'PY'
import struct, zlib
chunk = lambda t, d=b'': struct.pack('>I', len(d)) + t + d + struct.pack('>I', zlib.crc32(t + d))
line = lambda c: zlib.compress((b'\0' + bytes(c) * 8) * 8)
control = lambda i: struct.pack('>IIIIIHHBB', i, 8, 8, 0, 0, 1, 10, 0, 0)
open('moves.png', 'wb').write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 8, 8, 8, 2, 0, 0, 0)) +
    chunk(b'acTL', struct.pack('>II', 2, 0)) + chunk(b'fcTL', control(0)) + chunk(b'IDAT', line((255, 0, 0))) +
    chunk(b'fcTL', control(1)) + chunk(b'fdAT', struct.pack('>I', 2) + line((0, 0, 255))) + chunk(b'IEND'))
PY
run media-thumbs -o out --width 0 --format png,webp moves.png
exits 0 'an animated PNG'
json_is '[.thumbnails[] | .frames // 1] | join(" ")' '1 1' 'is a still picture'
json_is '.stages.thumbs.notes[0]' 'an animated PNG of 2 frames: only its still picture is taken' 'which is said'
is "$(convert out/moves-thumbs/0s.png -format '%[pixel:p{4,4}]' info: 2>/dev/null)" 'srgb(255,0,0)' 'the first'
run media-thumbs -o still --width 0 --format png --still moves.png
json_is '.stages.thumbs.notes // [] | length' 0 'nothing to say if that was asked for'
done_testing
