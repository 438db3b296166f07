#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# thumbs.t - media-thumbs: sizes, shapes, formats, scenes, cover art, how many are published.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit

# Three scenes, each with a white corner so that no frame is flat.
corner='drawbox=w=iw/4:h=ih/4:color=white:t=fill'
ffmpeg -nostdin -v error -y -f lavfi -i "color=red:s=320x180:d=4:r=25,$corner" \
    -f lavfi -i "color=blue:s=320x180:d=4:r=25,$corner" -f lavfi -i "testsrc2=s=320x180:d=4:r=25" \
    -filter_complex 'concat=n=3:v=1:a=0' -g 50 -pix_fmt yuv420p three.mp4

# rgb FILE X Y: the colour there
rgb() {
    ffmpeg -nostdin -v error -i "$1" -vf "format=rgb24,crop=1:1:$2:$3" -f rawvideo - |
        od -An -tu1 | tr -s ' ' | sed 's/^ //'
}
# is_colour FILE X Y R G B NAME: within 12 of each
is_colour() {
    local r g b
    read -r r g b < <(rgb "$1" "$2" "$3")
    between "$(( (r > $4 ? r - $4 : $4 - r) + (g > $5 ? g - $5 : $5 - g) + (b > $6 ? b - $6 : $6 - b) ))" \
        0 36 "$7"
}

# --- sizes and shapes
run media-thumbs -o out --count 1 --format png --size 160x,80x80,x45 three.mp4
exits 0 'three sizes at once'
document 'a document'
json_is '[.thumbnails[] | "\(.width)x\(.height)"] | join(" ")' '160x90 80x45' \
    'contained in each; the same size once'
is "$(cd out/three-thumbs && echo *-160x90.png | wc -w)" 1 'a file named by its size'
run media-thumbs -o cover --count 1 --format png --size 90x90 --fit cover three.mp4
json_is '[.thumbnails[] | "\(.width)x\(.height)"] | join(" ")' 90x90 'covered'
run media-thumbs -o cover2 --count 1 --format png --size 400x400 --fit cover three.mp4
json_is '[.thumbnails[] | "\(.width)x\(.height)"] | join(" ")' 180x180 \
    'a source smaller than the box: its shape, not scaled up'
run media-thumbs -o width --count 1 --format png --size 160x10 --fit width three.mp4
json_is '[.thumbnails[] | "\(.width)x\(.height)"] | join(" ")' 160x90 'as wide, however high'
run media-thumbs -o fail --size 320x --fit cover three.mp4
exits 2 'to cover a box that has one side only is refused'
for size in 0x0 x '320y' '320x,' 99999x; do
    run media-thumbs -o fail --size "$size" three.mp4
    exits 2 "--size $size is refused"
done
run media-thumbs -o fail --at 1 --scenes three.mp4
exits 2 '--at and --scenes exclude each other'

# --- scenes and intervals
run media-thumbs -o scenes --scenes --format png three.mp4
json_is '[.thumbnails[].timestamp | tostring] | join(" ")' '0 4 8' 'a picture of each scene'
is_colour scenes/three-thumbs/0s.png 200 100 254 0 0 'the first is red'
is_colour scenes/three-thumbs/4s.png 200 100 0 0 254 'the second is blue'
run media-thumbs -o every --every 5 --format png three.mp4
json_is '[.thumbnails[].timestamp | round | tostring] | join(" ")' '0 5 10' 'one every five seconds'
run media-thumbs -o every2 --every 0.001 --format png three.mp4
json_true '.stages.thumbs.error.code == "usage"' 'ten thousand pictures are refused'

# --- the most telling one
run media-thumbs -o many --count 60 --format png,jpg --size 160x,80x three.mp4
exits 0 'two hundred and more pictures'
json_true '[.thumbnails[] | select(.representative)] | length == 4 and
    (map(.timestamp) | unique | length == 1)' 'one is marked, in all its sizes and formats'
json_true '.thumbnails[] | select(.representative).timestamp | . >= 8' 'and it is none of one colour'
cp "$out" "$T/first"
run media-thumbs -o many --count 60 --format png,jpg --size 160x,80x three.mp4
json_is .stages.thumbs.status skipped 'again: nothing to do'
is "$(jq -c '.thumbnails' "$out")" "$(jq -c '.thumbnails' "$T/first")" 'and the same list, with the mark'

# --- formats
for format in avif jxl webp jpg png; do
    run media-thumbs -o formats --at 2 --format "$format" three.mp4
    if grep -q 'cannot write' "$err"; then
        exits 10 "without an encoder $format is refused clearly"
        continue
    fi
    exits 0 "$format"
    is_colour "formats/three-thumbs/2s.$format" 200 100 254 0 0 "$format has the colour of the film"
    is_colour "formats/three-thumbs/2s.$format" 20 10 255 255 255 "$format has its corner"
done

# --- cover art
ffmpeg -nostdin -v error -y -f lavfi -i color=lime:s=64x64:d=1 -frames:v 1 cover.png
ffmpeg -nostdin -v error -y -i three.mp4 -i cover.png -map 0 -map 1 -c copy \
    -disposition:v:1 attached_pic film.mp4
run media-thumbs -o art --cover first --count 2 --format png film.mp4
json_is '[.thumbnails[] | .cover // false | tostring] | join(" ")' 'true false false' 'the cover first'
is_colour art/film-thumbs/cover.png 30 30 0 255 0 'it is the cover'
json_true '[.thumbnails[] | select(.representative)] | length == 1 and (.[0].cover | not)' \
    'the most telling is one of the film'
run media-thumbs -o noart --cover first --count 2 --format png three.mp4
exits 0 'a film without cover art'
json_true '.stages.thumbs.notes | any(contains("cover art"))' 'says so'

# --- published
run media-thumbs --count 40 three.mp4
exits 0 'eighty pictures into the store'
document 'a document of them'
json_true '.thumbnails | length > 64' 'more than one batch'
consistent 'after many pictures'
is "$(sql "SELECT count(*) FROM media_variants WHERE CAST(details AS TEXT) LIKE '%representative%'")" 2 \
    'the row of the most telling one knows it'
run media-thumbs --count 40 "$(json .asset.id)"
json_is .stages.thumbs.status skipped 'they are found again'
json_is '[.thumbnails[] | select(.representative)] | length' 2 'with the mark'
json_true '[.thumbnails[].timestamp] | . == sort' 'in the order of the film'

# --- a part of a set is no set
id=$(json .asset.id) whole=$(json '.thumbnails | length')
rm "$(path_of "$(json '.thumbnails[3].url')")"
run media-thumbs --count 40 "$id"
json_is .stages.thumbs.status completed 'one picture is gone: they are made again'
json_is '.thumbnails | length' "$whole" 'all of them'
sql "DELETE FROM media_variants WHERE CAST(details AS TEXT) LIKE '%set_size%'"
run media-thumbs --count 40 "$id"
json_is .stages.thumbs.status completed 'so when a run has died before the last one'
run media-thumbs --count 40 "$id"
json_is .stages.thumbs.status skipped 'and then they are whole'
document 'a document of them'

done_testing
