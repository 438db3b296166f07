#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shapes.t - rotation, pixel shape, fields and odd sizes come out right.
. "$(dirname "$0")/../tap.sh"

media portrait.mp4 anamorphic.mp4 interlaced.mp4 odd.webm rotated.jpg tagged.mp3 silent.mp4
cd "$T" || exit 1

# shape FILE WANT: the size of its rendition, and that it decodes upright with square pixels
shape() {
    local o=$T/o.$1
    mkdir "$o"
    run media-transcode -q 720p -o "$o" "$1"
    exits 0 "$1 is transcoded"
    json_is '.variants[0].resolution' "$2" "$1: $2"
    is "$(ffprobe -v error -select_streams v -of compact=p=0:nk=1:s=, -show_entries \
        stream=width,height,sample_aspect_ratio,field_order:stream_side_data=rotation \
        "$o"/*.mp4)" "${2/x/,},1:1,progressive" "$1: square pixels, upright, progressive"
    is "$(ffmpeg -nostdin -v error -i "$o"/*.mp4 -f null - 2>&1)" '' "$1: decodes"
}
shape portrait.mp4 180x320
shape anamorphic.mp4 1024x576
shape interlaced.mp4 720x576
shape odd.webm 160x120
shape silent.mp4 320x180

# picture FILE WANT: the shape of its thumbnail
picture() {
    local o=$T/t.$1
    mkdir "$o"
    run media-thumbs --count 1 -o "$o" "$1"
    exits 0 "$1 gives a thumbnail"
    json_true ".thumbnails[0] | $2" "$1: $2"
}
picture portrait.mp4 '.height > .width'
picture rotated.jpg '.height > .width'
picture anamorphic.mp4 '(.width / .height - 1024 / 576 | fabs) < 0.02'

run media-probe portrait.mp4
exits 0 'media-probe takes a file'
document 'and prints a document'
json_is '.asset.metadata.streams[0] | "\(.width)x\(.height) \(.display_width)x\(.display_height) \(.rotation)"' \
    '320x180 180x320 90' 'coded size, displayed size, rotation'
run media-probe tagged.mp3
json_is .asset.content_type audio 'cover art does not make a song a film'
json_is .asset.metadata.tags.artist 'أدوات الوسائط' 'tags are UTF-8'
run media-probe - <portrait.mp4
exits 0 'media-probe reads bytes from stdin with -'
json_is '.asset.metadata.streams[0].rotation' 90 'and finds the same'
done_testing
