#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# images.t - media-thumbs on photographs and drawings: orientation, colour, alpha, animation,
# metadata, limits, damage; compared with vips and ImageMagick.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit
for tool in vips vipsheader convert exiftool ffmpeg; do
    command -v "$tool" >/dev/null || skip_rest "$tool is not installed"
done

# far A B: the largest difference of a sample between two pictures; "?" if they cannot be compared
far() {
    vips subtract "$1" "$2" far.v 2>/dev/null && vips abs far.v farther.v && vips max farther.v |
        cut -d. -f1 || echo '?'
}
# mean A B: the mean difference
mean() { vips subtract "$1" "$2" far.v 2>/dev/null && vips abs far.v farther.v && vips avg farther.v || echo '?'; }
# image ARGS... FILE: into out/, at the source's size as PNG unless told otherwise
image() { rm -rf out; run media-thumbs -o out --width 0 --format png "$@"; }
header() { vipsheader -f "$1" "$2" 2>&1; }

ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=96x64:r=1:d=1 -frames:v 1 plain.png
vips resize plain.png big.png 10 --kernel cubic
media clip.mp4
vips jpegsave plain.png plain.jpg --Q 100 --subsample-mode off

# --- orientation: all eight, against libvips's own autorot
for o in 1 2 3 4 5 6 7 8; do
    cp plain.jpg "turned$o.jpg"
    exiftool -q -overwrite_original -n -Orientation=$o "turned$o.jpg"
    vips autorot "turned$o.jpg" want.png
    image "turned$o.jpg"
    between "$(far "out/turned$o-thumbs/0s.png" want.png)" 0 1 "orientation $o is applied"
    is "$(exiftool -s3 -Orientation "out/turned$o-thumbs/0s.png")" '' '  and cleared'
done
image --format jpg turned6.jpg
is "$(exiftool -s3 -n -Orientation out/turned6-thumbs/0s.jpg)" '' 'cleared in JPEG too'
is "$(identify -format '%wx%h %[interlace]' out/turned6-thumbs/0s.jpg)" '64x96 JPEG' 'progressive JPEG'
image --size 32x turned6.jpg
json_is '.thumbnails[0] | "\(.width)x\(.height)"' 32x48 'sizes are those of the upright picture'
document 'a document'
json_is '.asset.metadata.streams[0] | "\(.width)x\(.height) \(.display_width)x\(.display_height)"' \
    '96x64 64x96' 'which says what the file holds'

# --- sizes, formats
image --size 48x,24x24,x16 --format webp,jpg,png,tiff,gif plain.png
exits 0 'several sizes and formats of one picture'
json_is '.thumbnails | length' 10 'the same size once' # 48x32, 24x16
json_is '[.thumbnails[].format] | unique | join(" ")' 'gif jpg png tiff webp' 'all formats'
for f in webp jpg png tiff gif; do
    is "$(identify -format '%wx%h %m\n' "out/plain-thumbs/0s-48x32.$f" | tr '[:lower:]' '[:upper:]')" \
        "48X32 $(echo "$f" | sed 's/jpg/jpeg/' | tr '[:lower:]' '[:upper:]')" "$f is what it is called"
done
image --format avif plain.png
if [ "$status" = 10 ]; then skip 'this libvips has no AVIF'; else
    is "$(head -c 12 out/plain-thumbs/0s.avif | tail -c 8)" ftypavif 'AVIF'
fi
run media-thumbs -o out --format gif clip.mp4
json_is .stages.thumbs.status not_applicable 'GIF is no format for the pictures of a film'

# --- colour
vips icc_transform plain.png p3.png p3 --input-profile srgb
vips icc_transform p3.png want.png srgb
image p3.png
between "$(far out/p3-thumbs/0s.png want.png)" 0 2 'Display P3 becomes sRGB'
between "$(far out/p3-thumbs/0s.png plain.png)" 0 12 '  which is what it was made of'
between "$(far p3.png plain.png)" 20 255 '  and was written in other numbers'
is "$(header icc-profile-data out/p3-thumbs/0s.png 2>&1 | grep -c 'not found')" 1 'sRGB needs no profile'
vips icc_transform plain.png cmyk.tif cmyk --input-profile srgb
vips jpegsave cmyk.tif cmyk.jpg --Q 100
vips icc_transform cmyk.jpg want.png srgb --embedded
image cmyk.jpg
between "$(far out/cmyk-thumbs/0s.png want.png)" 0 3 'CMYK by its profile'
vips jpegsave cmyk.tif bare.jpg --Q 100 --strip
image bare.jpg
between "$(far out/bare-thumbs/0s.png want.png)" 0 3 'CMYK without a profile is not inverted'

# --- kinds of samples, against ImageMagick
convert plain.png -depth 16 -define png:bit-depth=16 deep.png
convert plain.png -colorspace gray -depth 8 \( -size 96x64 gradient: \) -alpha off -compose copy_opacity \
    -composite -define png:color-type=4 greyalpha.png
convert -size 96x64 xc:none -fill red -draw 'rectangle 10,10 50,40' PNG32:rgba.png
vips pngsave rgba.png palette.png --palette --bitdepth 8
convert plain.png -interlace PNG interlaced.png
convert plain.png -monochrome -define png:bit-depth=1 -define png:color-type=0 onebit.png
convert plain.png -compress lzw plain.tif
convert plain.png -alpha set -channel A -evaluate set 50% half.webp
convert deep.png -depth 16 -compress zip deep.tif
convert plain.png -colorspace gray -depth 16 deepgrey.tif
convert greyalpha.png -depth 8 -compress lzw -define tiff:tile-geometry=32x32 tiles.tif
convert plain.png -colors 16 -compress rle few.tif
convert plain.png -monochrome -compress group4 fax.tif
convert plain.png -quality 100 -sampling-factor 1x1 -interlace JPEG progressive.jpg
convert plain.png -quality 100 -colorspace gray grey.jpg
for name in deep.png greyalpha.png palette.png interlaced.png onebit.png plain.tif half.webp deep.tif deepgrey.tif \
    tiles.tif few.tif fax.tif progressive.jpg grey.jpg; do
    image "$name"
    is "$(identify -format '%wx%h %z' "out/${name%.*}-thumbs/0s.png")" '96x64 8' "$name: 8 bits a sample"
    between "$(convert "$name" -depth 8 PNG32:a.png
        convert "out/${name%.*}-thumbs/0s.png" -depth 8 PNG32:b.png
        compare -metric PAE a.png b.png null: 2>&1 | sed 's/.*(\(.*\)).*/\1/')" 0 0.012 \
        "$name: the pixels that ImageMagick sees"
done
image --format png,jpg palette.png
is "$(header bands out/palette-thumbs/0s.png) $(header bands out/palette-thumbs/0s.jpg)" '4 3' \
    'alpha is kept in PNG, flattened in JPEG'
convert -size 8x8 xc:none clear.png
image --format jpg clear.png
is "$(convert out/clear-thumbs/0s.jpg -format '%[pixel:p{4,4}]' info: | grep -ciE '255|white|100%')" 1 \
    'what is transparent lies on white'
ffmpeg -nostdin -v error -y -i plain.png plain.bmp
image plain.bmp
between "$(far out/plain-thumbs/0s.png plain.png)" 0 1 'BMP, which the media libraries read'

# --- cut
convert -size 300x100 xc:gray80 -fill red -draw 'circle 250,50 250,20' -fill black \
    -draw 'circle 245,45 245,40' face.png
for g in west east north center smart; do
    run media-thumbs -o "cut-$g" --size 100x100 --fit cover --gravity $g --format png face.png
    json_is '.thumbnails[0] | "\(.width)x\(.height)"' 100x100 "cut to the $g"
done
red() { convert "$1" -fuzz 10% -fill white +opaque red -fill black -opaque red -format '%[fx:1-mean]' info:; }
between "$(red cut-smart/face-thumbs/0s.png)" 0.25 1 'smart finds what draws the eye'
between "$(red cut-east/face-thumbs/0s.png)" 0.25 1 'it is in the east'
between "$(red cut-center/face-thumbs/0s.png)" 0 0.01 'not in the middle'
run media-thumbs -o fail --gravity up face.png
exits 2 'an unknown gravity is refused'

# --- animation
convert -dispose none -delay 10 -size 40x30 xc:red -delay 20 xc:lime -dispose previous -delay 30 \
    \( -size 40x30 xc:none -fill blue -draw 'rectangle 5,5 20,20' \) -loop 3 moving.gif
image --format webp,gif,png moving.gif
json_is '[.thumbnails[] | .frames // 1] | join(" ")' '3 3 1' 'three frames, one in PNG'
for f in webp gif; do
    is "$(header delay "out/moving-thumbs/0s.$f" | xargs) $(header loop "out/moving-thumbs/0s.$f")" \
        "$(header delay moving.gif | xargs) $(header loop moving.gif)" "delays and loops of $f"
done
vips gifload moving.gif a.png --n=-1
vips webpload out/moving-thumbs/0s.webp b.png --n=-1
between "$(mean a.png b.png)" 0 6 'every frame as it is shown'
image --format webp --still moving.gif
json_is '.thumbnails[0].frames // 1' 1 '--still takes the first'
image --size 20x20 --fit cover --format webp moving.gif
is "$(header width out/moving-thumbs/0s.webp) $(header height out/moving-thumbs/0s.webp) $(header \
    n-pages out/moving-thumbs/0s.webp)" '20 20 3' 'frames are cut one by one'

# --- metadata
cp plain.jpg private.jpg
exiftool -q -overwrite_original -GPSLatitude=48.85 -GPSLatitudeRef=N -GPSLongitude=2.35 \
    -GPSLongitudeRef=E -SerialNumber=SN-4711 -OwnerName='Jane Owner' -Make=Maker -Model=M1 \
    -Artist='Ann Artist' -Copyright='(c) 2026 Ann Artist & Co' -UserComment='at home' \
    -XMP-xmpRights:WebStatement=https://example.org/licence -XMP-dc:Description='a secret' \
    -XMP-photoshop:City=Paris -IPTC:By-line='Ann Artist' -IPTC:City=Paris -Comment=hidden private.jpg
image --format jpg,webp,png,tiff private.jpg
for f in jpg webp png tiff; do
    all=$(exiftool -a -G1 -s "out/private-thumbs/0s.$f" | grep -v 'File:\|System:\|ExifTool:')
    unlike "$all" 'GPS|4711|Jane|Paris|secret|home|hidden|M1|48\.8' "$f: nothing private"
    like "$all" 'Ann Artist & Co' "$f: the copyright stays"
done
like "$(exiftool -s3 -XMP-xmpRights:WebStatement -XMP-dc:Creator out/private-thumbs/0s.jpg | xargs)" \
    'https://example.org/licence Ann Artist' 'the licence and the author too'
image --format jpg --strip all private.jpg
unlike "$(exiftool -a -s out/private-thumbs/0s.jpg)" 'Ann|GPS' '--strip all leaves nothing'
image --format jpg --strip none private.jpg
like "$(exiftool -a -s out/private-thumbs/0s.jpg)" 'GPSLatitude.*' '--strip none keeps what was there'
cp turned6.jpg thumb.jpg
convert -size 32x24 xc:red small.jpg
exiftool -q -overwrite_original '-ThumbnailImage<=small.jpg' thumb.jpg
vips autorot thumb.jpg want.png
image thumb.jpg
between "$(far out/thumb-thumbs/0s.png want.png)" 0 1 'an EXIF thumbnail is not the picture'

# --- optimisation
image --format webp,jpg --width 320 --optimise big.png
json_true '[.thumbnails[].score] | all(.metric == "ssim" and .value >= 0.98 and .quality >= 30)' \
    'the score and the quality that was found'
document 'a document of them'
small=$(stat -c %s out/big-thumbs/0s.jpg)
image --format jpg --width 320 --picture-quality 95 big.png
between "$small" 1 "$(stat -c %s out/big-thumbs/0s.jpg)" 'smaller than at the highest quality'

ffmpeg -nostdin -v error -y -f lavfi -i gradients=s=120x80:r=5:d=0.6:seed=3 -c:v libwebp_anim -lossless 1 smooth.webp
image --format webp --optimise smooth.webp
json_true '.thumbnails[0] | .frames == 3 and .score.metric == "ssim" and .score.value >= 0.98' \
    'of an animation the least alike frame counts'
is "$(header n-pages out/smooth-thumbs/0s.webp)" 3 '  and all are there'
image --format jxl --width 320 --optimise big.png
if [ "$status" = 10 ]; then skip 'this libvips has no JPEG XL'; else
    json_true '.thumbnails[0].score.value >= 0.98' 'JPEG XL is compared too'
fi

# --- limits, by what the headers claim
python3 - <<'PY'
import struct, zlib
def png(w, h):
    ihdr = struct.pack('>IIBBBBB', w, h, 8, 2, 0, 0, 0)
    chunk = lambda t, d: struct.pack('>I', len(d)) + t + d + struct.pack('>I', zlib.crc32(t + d))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', ihdr) + chunk(b'IDAT', zlib.compress(b'\0' * 999)) + chunk(b'IEND', b'')
open('bomb.png', 'wb').write(png(0x7fffffff, 0x7fffffff))
open('wide.png', 'wb').write(png(90000, 10))
frame = b'\x2c' + struct.pack('<HHHHB', 0, 0, 1, 1, 0) + b'\x02\x02\x4c\x01\x00'
head = lambda w, h: b'GIF89a' + struct.pack('<HHBBB', w, h, 0x80, 0, 0) + b'\0\0\0\xff\xff\xff'
open('bomb.gif', 'wb').write(head(65535, 65535) + frame + b';')
open('frames.gif', 'wb').write(head(1, 1) + frame * 1000000 + b';')
open('outside.gif', 'wb').write(head(32, 32) + b'\x2c' + struct.pack('<HHHHB', 0, 65280, 65535, 1321, 0) + b'\x02\x02\x4c\x01\x00;')
vp8x = b'VP8X' + struct.pack('<IB3x', 10, 2) + b'\xff\xff\xff\xff\xff\xff'
open('bomb.webp', 'wb').write(b'RIFF' + struct.pack('<I', 4 + len(vp8x) + 16) + b'WEBP' + vp8x + b'\0' * 16)
tags = [(256, 3, 1, 60000), (257, 3, 1, 60000), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8), (278, 4, 1, 60000), (279, 4, 1, 8)]
open('bomb.tif', 'wb').write(b'II*\0' + struct.pack('<I', 8) + struct.pack('<H', len(tags)) + b''.join(struct.pack('<HHII', *t) for t in tags) + struct.pack('<I', 0) + b'\0' * 64)
PY
for name in bomb.png bomb.gif bomb.webp bomb.tif wide.png frames.gif outside.gif; do
    rm -rf out
    run timeout 20 media-thumbs -o out --width 32 --format webp "$name"
    exits 6 "$name is refused"
    json_is .stages.thumbs.error.code limit_exceeded '  by a limit'
    stderr_like '--max-(pixels|side)' '  with the option that raises it'
done
run media-thumbs -o out --width 32 --max-pixels 100 plain.png
exits 6 'a limit of the user'
stderr_like '96x64 has more than 100 pixels' '  with both figures'

# --- damage
vips jpegsave big.png long.jpg --Q 90
head -c $(($(stat -c %s long.jpg) / 2)) long.jpg >half.jpg
image --format jpg half.jpg
exits 0 'half a JPEG gives what is there'
json_is .stages.thumbs.status degraded '  degraded'
stderr=$(json '.stages.thumbs.notes | join(" ")')
like "$stderr" 'damaged or its end is missing' '  and says so'
head -c 700 long.jpg >start.jpg
image start.jpg
exits 7 'a JPEG without its picture is damaged'
head -c 200 plain.png >start.png
image start.png
exits 7 'so is a PNG'
printf '\211PNG\r\n\032\njunkjunkjunkjunkjunk' >junk.png
image junk.png
exits 7 'and what only begins like one'
head -c 300 /dev/urandom >>half.jpg
image --format jpg half.jpg
isnt "$status" 128 'a damaged one with junk does not crash'

# --- again, and in the store
run media-thumbs -o again --format webp,jpg --size 48x,24x plain.png
run media-thumbs -o again --format webp,jpg --size 48x,24x plain.png
json_is .stages.thumbs.status skipped 'again: nothing to do'
rm again/plain-thumbs/0s-24x16.jpg
run media-thumbs -o again --format webp,jpg --size 48x,24x plain.png
json_is .stages.thumbs.status completed 'one is gone: they are made again'
run media-thumbs --format webp,jpg --size 48x,24x --optimise plain.png
exits 0 'into the store'
document 'a document of an asset'
json_is '.thumbnails | length' 4 'with four pictures'
consistent 'after pictures'
run media-thumbs --format webp,jpg --size 48x,24x --optimise "$(json .asset.id)"
json_is .stages.thumbs.status skipped 'which are found again'
run media-thumbs -o many --format webp plain.jpg start.jpg p3.png clip.mp4
exits 3 'pictures, a damaged one and a film'
json_is .stages.thumbs.status $'completed\nfailed\ncompleted\ncompleted' 'each in its line'

# --- several at once
mkdir many-in
for i in 1 2 3 4 5 6 7; do convert plain.png -rotate 90 -resize "$((i * 8))x" "many-in/p$i.png"; done
cp start.jpg many-in/p4.png
run media-thumbs -o at-once --jobs 3 --width 0 --format png many-in/p?.png many-in/absent.png
exits 3 'eight pictures, three at a time, one damaged and one absent'
document 'their documents'
json_is .asset.original_filename "$(printf 'p%d.png\n' 1 2 3 4 5 6 7; echo absent.png)" 'in their order'
json_is '.thumbnails[0].width' $'8\n16\n24\nnull\n40\n48\n56\nnull' 'each its own'
run media-thumbs -o at-once --jobs 3 --width 0 --format png many-in/p[1-3].png
json_is .stages.thumbs.status $'skipped\nskipped\nskipped' 'again: nothing to do'
run media-thumbs -o at-once2 --jobs 3 --fail-fast --format png many-in/p4.png many-in/p[12357].png
is "$(wc -l <"$out")" 1 '--fail-fast ends all of them'
cp plain.jpg many-in/p1.jpg
run media-thumbs -o at-once3 --jobs 3 --format png many-in/p1.jpg many-in/p1.png many-in/p2.png
json_is '[.stages.thumbs.status] | join("")' $'completed\nfailed\ncompleted' \
    'two of one name: not at once, and the first stays'

# --- real ones
corpus=${MEDIA_TEST_CORPUS:-}
for file in "$corpus"/image/*.*; do
    [ -e "$file" ] || continue
    name=${file##*/}
    run media-thumbs -o real --width 64 --height 64 --format png "$file"
    exits 0 "$name"
    # Told to export, vips 8.14 changes the numbers of pictures that have no profile.
    export=()
    if vipsheader -a "$file" 2>/dev/null | grep -q icc-profile; then export=(--export-profile srgb); fi
    of=$file # libvips passes gAMA of PNG over, ImageMagick does not
    if [ "$(identify -format '%[gamma]' "${file}[0]" 2>/dev/null)" = 1 ]; then
        convert "$file" -colorspace sRGB -depth 8 of.png
        of=of.png
    fi
    vips thumbnail "$of" want.png 64 --size down "${export[@]}" 2>/dev/null || continue
    got=$(path_of "$(json '.thumbnails[0].url')")
    vips cast want.png want8.png uchar
    [ "$(header bands want8.png)" -gt 2 ] || { vips colourspace want8.png want9.png srgb && mv want9.png want8.png; }
    [ "$(header bands "$got")" -gt 2 ] || { vips colourspace "$got" got.png srgb && got=got.png; }
    between "$(mean "$got" want8.png)" 0 3 "  as vips has it"
done

done_testing
