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
