#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hostile-pictures.t - media-thumbs on pictures with bytes changed, cut out, doubled and cut off: each gets
# an answer of its own, and what a broken decoder may do to its process does nothing to the next.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit
command -v convert >/dev/null || skip_rest 'ImageMagick is not installed'
mkdir seeds
convert -size 64x48 plasma:red-blue -seed 7 seeds/a.jpg
convert seeds/a.jpg -interlace JPEG seeds/b.jpg
convert seeds/a.jpg -colorspace CMYK seeds/c.jpg
convert seeds/a.jpg seeds/d.png
convert seeds/a.jpg -interlace PNG -depth 16 seeds/e.png
convert seeds/a.jpg -colors 16 seeds/f.png
convert seeds/a.jpg \( +clone -rotate 180 \) \( +clone -flop \) -resize 64x48! -loop 0 seeds/g.gif
convert seeds/g.gif seeds/h.webp
convert seeds/a.jpg -define webp:lossless=true seeds/i.webp
convert seeds/a.jpg -compress lzw seeds/j.tif
convert seeds/a.jpg -compress zip -define tiff:tile-geometry=16x16 seeds/k.tif
media-thumbs -o . --width 0 --format avif seeds/a.jpg >/dev/null 2>&1 && mv a-thumbs/0s.avif seeds/l.avif

# Between two of them always the same good picture.
python3 - <<'PY'
import os, random
r = random.Random(20261123)
os.mkdir('in')
good, n = open('seeds/a.jpg', 'rb').read(), 0
for name in sorted(os.listdir('seeds')):
    data = open('seeds/' + name, 'rb').read()
    for i in range(16):
        d = bytearray(data)
        for _ in range(r.choice((1, 2, 8, 40))):
            # headers are where decoders are told sizes
            at = r.randrange(min(len(d), 200) if r.random() < .5 else len(d))
            how = r.randrange(5)
            if how == 0: d[at] = r.randrange(256)
            elif how == 1: d[at:at + 4] = b'\xff\xff\xff\xff'
            elif how == 2: d[at:at + 2] = b'\0\0'
            elif how == 3: del d[at:at + r.randrange(1, 20)]
            else: d[at:at] = d[at:at + r.randrange(1, 60)]
            if len(d) < 20: break
        if i % 4 == 0: del d[r.randrange(16, max(17, len(d))):]
        stem, ext = name.split('.')
        open('in/%04d-%s.%s' % (n, stem, ext), 'wb').write(d)
        open('in/%04d.jpg' % (n + 1), 'wb').write(good)
        n += 2
PY
total=$(find in -type f | wc -l)
run timeout 200 media-thumbs -o out --width 32 --format webp,png in/*
like "$status" '^(0|3|6|7)$' "$total pictures, half of them broken"
is "$(wc -l <"$out")" "$total" 'each has a document'
document 'their documents'
is "$(jq -r 'select(.asset.original_filename | test("^[0-9]+\\.jpg")) | .stages.thumbs.status' "$out" | sort | uniq -c | xargs)" \
    "$((total / 2)) completed" 'the good ones are completed'
is "$(cat out/[0-9][0-9][0-9][0-9]-thumbs/0s.png | wc -c) $(sha256sum out/[0-9][0-9][0-9][0-9]-thumbs/0s.png | cut -c1-64 | sort -u | wc -l)" \
    "$((total * $(stat -c %s out/0001-thumbs/0s.png) / 2)) 1" 'and all look the same'
between "$(jq -r 'select(.stages.thumbs.status == "failed") | 1' "$out" | wc -l)" 20 "$((total / 2))" 'many of the others failed'
is "$(jq -r '.stages.thumbs.error.code // .error.code // empty' "$out" | grep -vxE 'damaged|limit_exceeded|unsupported_type|unsupported_codec|type_mismatch|no_decodable_stream|truncated' | sort | uniq -c)" '' \
    'for causes that lie in them'
done_testing
