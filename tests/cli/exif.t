#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# exif.t - what cameras write into pictures, as exiftool writes it; and what of it is public.
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
command -v exiftool >/dev/null || skip_rest 'there is no exiftool'
media photo.jpg still.png

ff() { ffmpeg -nostdin -v error -y "$@" </dev/null; }
ff -i still.png -c:v libwebp still.webp || : >still.webp
ff -i still.png still.tiff
tags=(-Orientation#=6 -Make=Maker -Model='Model 7' -LensMake=Lenser -LensModel='35 mm'
    -Software=Firmware -DateTimeOriginal='2024:05:30 15:56:01' -OffsetTimeOriginal=+02:00
    -ExposureTime=1/250 -FNumber=2.8 -ISO=400 -FocalLength=35 -Flash#=1 -ExposureCompensation=-0.5
    -Artist='A. Photographer' -Copyright='Free to all' -ImageDescription=Holiday
    -UserComment='at home' -OwnerName='A. Owner' -SerialNumber=4711 -LensSerialNumber=0815
    -GPSLatitude=51.5331472 -GPSLatitudeRef=S -GPSLongitude=0.1261 -GPSLongitudeRef=W
    -GPSAltitude=91.7 -GPSAltitudeRef=0 -GPSImgDirection=85
    -GPSDateStamp=2024:05:30 -GPSTimeStamp=13:56:01)

wanted='{"artist":"A. Photographer","comment":"at home","copyright":"Free to all",
"description":"Holiday","exposure_bias_ev":-0.5,"exposure_time_s":0.004,"f_number":2.8,
"flash":true,"focal_length_mm":35,"gps":{"altitude_m":91.7,"direction_deg":85,
"latitude":-51.5331472,"longitude":-0.1261,"taken_at":"2024-05-30T13:56:01Z"},"iso":400,
"lens_make":"Lenser","lens_model":"35 mm","lens_serial_number":"0815","make":"Maker",
"model":"Model 7","orientation":6,"owner":"A. Owner","serial_number":"4711",
"software":"Firmware","taken_at":"2024-05-30T15:56:01+02:00"}'
wanted=$(jq -Sc . <<<"$wanted")

for name in photo.jpg still.png still.webp still.tiff; do
    [ -s "$name" ] || { skip "no encoder for $name"; continue; }
    run media-probe --quiet "$name"
    json_is '.asset.metadata.exif.model // "none"' none "$name: no camera"
    exiftool -q -overwrite_original -EXIF:all= "${tags[@]/#-/-EXIF:}" "$name" >"$T/log" 2>&1 ||
        diag "$(cat "$T/log")"
    run media-probe --quiet "$name"
    document "$name"
    json_is '.asset.metadata.damage.state' ok "$name: whole"
    is "$(json '.asset.metadata.exif' | jq -Sc .)" "$wanted" "$name: all that exiftool wrote"

    run media-probe --quiet --public "$name"
    document "$name, public"
    unlike "$(cat "$out")" 'Owner|4711|0815|at home|Holiday|51\.5|0\.1261|91\.7' \
        "$name: nothing private is left"
    json_is '.asset.metadata | [.exif.copyright, .exif.artist, .exif.orientation, .public] | @csv' \
        '"Free to all","A. Photographer",6,true' "$name: rights and orientation stay"
done

# XMP, where each format has it; and HEIC, which exiftool does not make.
xmp=(-Title='A walk' -Creator=Ann -Creator=Ben -Description='with Zoe' -Rights='Free to all'
    -Subject=hills -Subject=rain -Rating=4 -CreatorTool='Tool 7' -UsageTerms='as you like'
    -XMP-exif:GPSLatitude=51.5331472 -XMP-exif:GPSLongitude=-0.1261 -XMP-aux:SerialNumber=4712
    -XMP-aux:OwnerName='B. Owner' -XMP-photoshop:City=Nowhere -XMP-photoshop:Headline=Walking)
wanted_xmp='{"city":"Nowhere","creator_tool":"Tool 7","creators":["Ann","Ben"],
"description":"with Zoe","gps":{"latitude":51.5331472,"longitude":-0.1261},"headline":"Walking",
"keywords":["hills","rain"],"owner":"B. Owner","rating":4,"rights":"Free to all",
"serial_number":"4712","title":"A walk","usage_terms":"as you like"}'
wanted_xmp=$(jq -Sc . <<<"$wanted_xmp")
xmp_is() {
    run media-probe --quiet "$1"
    document "$1"
    is "$(json .asset.metadata.xmp | jq -Sc '.gps |= map_values(. * 1e6 | round / 1e6)')" \
        "$(jq -Sc '.gps |= map_values(. * 1e6 | round / 1e6)' <<<"$wanted_xmp")" "$1: its XMP"
    run media-probe --quiet --public "$1"
    document "$1, public"
    unlike "$(cat "$out")" 'Owner|471|Zoe|Nowhere|hills|51\.5|0\.1261' "$1: nothing private of it is left"
    json_is '.asset.metadata.xmp | [.title, .creators[1], .rights] | @csv' \
        '"A walk","Ben","Free to all"' "$1: but whose work it is"
}
for name in photo.jpg still.png still.webp still.tiff; do
    [ -s "$name" ] || { skip "no encoder for $name"; continue; }
    exiftool -q -q -overwrite_original -XMP:all= "${xmp[@]/#-/-XMP:}" "$name" >"$T/log" 2>&1 || diag "$(cat "$T/log")"
    xmp_is "$name"
done
exiftool -q -xmp -b photo.jpg >packet.xmp
exiftool -q -b -Exif photo.jpg >block.exif
if ff -f lavfi -i testsrc2=s=256x192 -frames:v 1 -pix_fmt yuv420p -c:v libx265 \
    -x265-params log-level=none -tag:v hvc1 tile.mp4; then
    "$MT_TOP/tests/make-heif" still.heic tile.mp4 2 1 xmp=packet.xmp exif=block.exif
    xmp_is still.heic
    run media-probe --quiet still.heic
    is "$(json '.asset.metadata.exif' | jq -Sc .)" "$(media-probe --quiet photo.jpg |
        jq -Sc .asset.metadata.exif)" 'still.heic: its EXIF'
else
    skip 'there is no encoder of HEVC'
fi

# The same in text chunks of PNG, as ImageMagick keeps profiles; and what is no packet.
python3 - <<'PY'
import struct, zlib
png = open('still.png', 'rb').read()
exif, xmp = open('block.exif', 'rb').read(), open('packet.xmp', 'rb').read()
if not exif.startswith(b'Exif'):
    exif = b'Exif\0\0' + exif

def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

def bare():
    at, out = 8, png[:8]
    while at < len(png):
        n = struct.unpack('>I', png[at:at + 4])[0]
        if png[at + 4:at + 8] not in (b'eXIf', b'iTXt', b'tEXt', b'zTXt'):
            out += png[at:at + 12 + n]
        at += 12 + n
    return out

def raw(kind, data):
    digits = data.hex()
    lines = '\n'.join(digits[i:i + 72] for i in range(0, len(digits), 72))
    return f'\n{kind}\n{len(data):8}\n{lines}\n'.encode()

def with_chunks(name, *chunks):
    plain = bare()
    open(name, 'wb').write(plain[:33] + b''.join(chunks) + plain[33:])

with_chunks('raw.png',
            chunk(b'zTXt', b'Raw profile type exif\0\0' + zlib.compress(raw('exif', exif))),
            chunk(b'tEXt', b'Raw profile type xmp\0' + raw('xmp', xmp)))
with_chunks('app1.png',
            chunk(b'zTXt', b'Raw profile type APP1\0\0' + zlib.compress(raw('generic', exif))),
            chunk(b'iTXt', b'XML:com.adobe.xmp\0\1\0\0\0' + zlib.compress(xmp)))
laughs = '<!DOCTYPE x [<!ENTITY a "' + 'ha' * 50 + '">' + ''.join(
    f'<!ENTITY {chr(98 + i)} "' + f'&{chr(97 + i)};' * 20 + '">' for i in range(12)) + ']>'
rdf = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" ' \
      'xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Description dc:title="%s"/></rdf:RDF>'
with_chunks('laughs.png', chunk(b'iTXt', b'XML:com.adobe.xmp\0\0\0\0\0' +
                                (laughs + rdf % '&l;').encode()))
with_chunks('bomb.png', chunk(b'zTXt', b'Raw profile type xmp\0\0' +
                              zlib.compress(bytes(200 * 1000 * 1000))))
with_chunks('deep.png', chunk(b'iTXt', b'XML:com.adobe.xmp\0\0\0\0\0' + b'<a>' * 300000))
PY
for name in raw.png app1.png; do
    xmp_is "$name"
    run media-probe --quiet "$name"
    is "$(json '.asset.metadata.exif.lens_serial_number')" 0815 "$name: its EXIF" ||
        diag "$(json .asset.metadata.exif)"
done
for name in laughs.png bomb.png deep.png; do
    run timeout 20 media-probe --quiet "$name"
    exits 0 "$name: read"
    json_is '.asset.metadata.xmp // "none"' none "$name: has no XMP that is read"
done

# Any byte of packet and profile may be anything.
python3 - photo.jpg raw.png app1.png still.tiff <<'PY'
import os, random, sys
rand = random.Random(3)
os.mkdir('bent')
for name in sys.argv[1:]:
    data = open(name, 'rb').read()
    for i in range(25):
        bent = bytearray(data)
        for _ in range(rand.randrange(1, 9)):
            at = rand.randrange(8, min(len(bent), 9000))
            bent[at] = rand.choice((0, 0x3C, 0x26, 0x80, 0xFF, rand.randrange(256)))
        open(f'bent/{i}-{name}', 'wb').write(bent)
PY
run media-probe --quiet bent/*
unlike "$status" '^(1|2|10|1[2-9][0-9])$' 'bent profiles: ends properly'
is "$(json 'select(.error.code | . == "worker_crashed" or . == "timeout" or . == "internal") | 1')" '' \
    'bent profiles: nothing crashes or hangs'
document 'bent profiles'

for turn in 1 2 3 4 5 6 7 8; do
    exiftool -q -overwrite_original "-Orientation#=$turn" photo.jpg
    run media-probe --quiet photo.jpg
    json_is '.asset.metadata.exif.orientation' "$turn" "orientation $turn"
done

# Figures that cannot be: no place is better than a wrong one.
exiftool -q -overwrite_original -EXIF:all= -GPSLatitude=0 -GPSLongitude=0 photo.jpg
run media-probe --quiet photo.jpg
json_is '.asset.metadata.exif.gps.latitude // "none"' none 'no fix is no place'

# Films say where they were made in tags.
media clip.mp4
ff -i clip.mp4 -c copy -movflags use_metadata_tags -metadata location=+51.5-0.1/ \
    -metadata com.apple.quicktime.location.ISO6709=+51.5-0.1/ -metadata comment='at home' \
    -metadata title=Holiday -metadata copyright='Free to all' film.mp4
run media-probe --quiet film.mp4
like "$(json '.asset.metadata.tags | tojson')" '51\.5' 'a film with a place'
run media-probe --quiet --public film.mp4
document 'a film, public'
unlike "$(cat "$out")" '51\.5|at home' 'its public view has none'
json_is '.asset.metadata.tags | [.title, .copyright] | @csv' '"Holiday","Free to all"' \
    'but title and rights'
cp film.mp4 before.mp4
media-probe --quiet --public film.mp4 >/dev/null
ok 'the file is as it was' cmp -s film.mp4 before.mp4
done_testing
