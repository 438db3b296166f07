#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cuts.t - files cut at 50 places are never called whole; what 50 flipped bits do is told.
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
n=50
[ -z "${MT_QUICK-}${MT_SAN-}" ] || n=8

ff() { ffmpeg -nostdin -v error -y "$@" -fflags +bitexact -flags +bitexact -threads 1 "$made" </dev/null; }
film() { ff -f lavfi -i testsrc2=s=160x120:r=25:d=2 -f lavfi -i sine=f=440:d=2 -pix_fmt yuv420p "$@"; }
tone() { ff -f lavfi -i sine=f=440:d=4 "$@"; }
still() { ff -f lavfi -i testsrc2=s=320x240 -frames:v 1 "$@"; }

# A TIFF whose directory is behind the picture, and values of its entries behind that.
values_last() {
    python3 - "$made" <<'PY'
import struct, sys
pixels = bytes(range(256)) * 16
at = 8 + len(pixels)
entries = [(256, 3, 1, 64), (257, 3, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
           (273, 4, 1, 8), (278, 3, 1, 64), (279, 4, 1, len(pixels))]
text = b'a program of long name' * 20 + b'\0'
entries.append((305, 2, len(text), at + 2 + 12 * (len(entries) + 1) + 4))
with open(sys.argv[1], 'wb') as f:
    f.write(b'II*\0' + struct.pack('<I', at) + pixels + struct.pack('<H', len(entries)))
    for e in entries:
        f.write(struct.pack('<HHII', *e))
    f.write(bytes(4) + text)
PY
}

make_one() {
    made=$T/$1
    case $1 in
    front.mp4) film -c:v libx264 -g 12 -c:a aac -b:a 48k -movflags +faststart ;;
    fragments.mp4) film -c:v libx264 -g 12 -c:a aac -b:a 48k -movflags frag_keyframe+empty_moov ;;
    *.mov | *.mkv | *.ts) film -c:v libx264 -g 12 -c:a aac -b:a 48k ;;
    *.webm) film -c:v libvpx -g 12 -c:a libvorbis ;;
    *.mpg) film -c:v mpeg2video -g 12 -c:a mp2 -f vob ;;
    *.avi) film -c:v mpeg4 -g 12 -c:a libmp3lame ;;
    *.flv) film -c:v flv -c:a libmp3lame -ar 44100 ;;
    *.mp3) tone -c:a libmp3lame -b:a 64k ;;
    *.flac | *.wav) tone ;;
    *.ogg) tone -c:a libvorbis ;;
    *.jpg) still -pix_fmt yuvj420p ;;
    values.tiff) values_last ;;
    *.png | *.bmp | *.tiff) still -pix_fmt rgb24 ;;
    *.heic)
        ff -f lavfi -i testsrc2=s=256x192 -frames:v 1 -pix_fmt yuv420p -c:v libx265 -tag:v hvc1 \
            -x265-params log-level=none -f mp4 && mv "$made" "$T/tile.mp4" &&
            "$MT_TOP/tests/make-heif" "$made" "$T/tile.mp4" 2 1 ;;
    *.gif) ff -f lavfi -i testsrc2=s=160x120:r=25:d=1 ;;
    esac
}

# The same places each time: the last bytes, and others by a seed. No two files are one.
cat >"$T/cut.py" <<'PY'
import os, random, sys

for path, n in ((p, int(sys.argv[1])) for p in sys.argv[2:]):
    data = open(path, 'rb').read()
    name = os.path.basename(path)
    rand = random.Random(name)
    places = {len(data) - k for k in (1, 2, 3, 4)}
    while len(places) < n:
        places.add(rand.randrange(1, len(data)))
    stem, ext = name.rsplit('.', 1)
    for what in 'cut', 'flip':
        os.makedirs(f'{what}/{name}', exist_ok=True)
    for at in places:
        open(f'cut/{name}/{stem}-{at}.{ext}', 'wb').write(data[:at])
    for bit in rand.sample(range(len(data) * 8), n):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        open(f'flip/{name}/{stem}-{bit // 8}.{bit % 8}.{ext}', 'wb').write(flipped)
PY

names='front.mp4 fragments.mp4 film.mov film.mkv film.webm film.ts film.mpg film.avi film.flv
    tone.mp3 tone.flac tone.wav tone.ogg still.jpg still.png still.bmp still.tiff
    values.tiff still.heic anim.gif'
for name in $names; do
    if ! make_one "$name" || [ ! -s "$T/$name" ]; then
        skip "$name cannot be made here"
        continue
    fi
    python3 "$T/cut.py" "$n" "$T/$name"

    run media-probe --quiet "$T/$name"
    json_is .asset.metadata.damage.state ok "$name: whole"

    run media-probe --quiet "cut/$name"/*
    unlike "$status" '^(1|2|10|1[2-9][0-9])$' "$name: cut, ends properly"
    is "$(wc -l <"$out")" "$n" "$name: $n cuts, a document each"
    is "$(json 'select(.error == null and .asset.metadata.damage.state == "ok")
        | .asset.original_filename')" '' "$name: none of them is called whole"
    document "$name: cut"

    run media-probe --quiet "flip/$name"/*
    unlike "$status" '^(1|2|10|1[2-9][0-9])$' "$name: bits flipped, ends properly"
    is "$(wc -l <"$out")" "$n" "$name: $n flips, a document each"
    document "$name: flipped"
    found=$(json 'select(.error != null or .asset.metadata.damage.state != "ok") | 1' | wc -l)
    diag "$name: $found of $n flipped bits show by a quick look"
    # Where all bytes are under checksums, all of them must show.
    case $name in *.mkv | *.ogg | *.png)
        is "$found" "$n" "$name: every flipped bit is found" ;;
    *.flac | *.mp3 | *.mov)
        run media-probe --quiet --thorough "flip/$name"/*
        document "$name: decoded"
        all=$(json 'select(.error != null or .asset.metadata.damage.state != "ok") | 1' | wc -l)
        diag "$name: $all of $n when all is decoded"
        between "$all" "$found" "$n" "$name: decoding all finds no less" ;;
    esac
done

# A hole, as an interrupted download over several connections leaves it. Where the bytes have no
# checksums, what is between the frames and elements tells.
python3 - tone.mp3 film.mkv film.webm film.flv film.ts tone.ogg still.png <<'PY'
import sys
for name in sys.argv[1:]:
    try:
        data = bytearray(open(name, 'rb').read())
    except OSError:
        continue
    n = len(data)
    data[n // 2:n * 6 // 10] = bytes(n * 6 // 10 - n // 2)
    open('hole-' + name, 'wb').write(data)
PY
for f in hole-*; do
    run media-probe --quiet "$f"
    isnt "$(json '.error.code // .asset.metadata.damage.state')" ok "$f: a tenth of it zeros"
    document "$f"
done
# But tags between the frames of several files in one are no damage.
if [ -s tone.mp3 ]; then
    ffmpeg -nostdin -v error -y -i tone.mp3 -c copy -id3v2_version 3 -write_id3v1 1 -metadata title=One one.mp3 </dev/null
    cat one.mp3 one.mp3 >two.mp3
    run media-probe --quiet two.mp3
    json_is .asset.metadata.damage.state ok 'two files in one, tags and all'
fi
done_testing
