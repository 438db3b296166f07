#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# storyboard.t - sheets of tiles and what describes them, judged by other programs.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit

ff() { ffmpeg -nostdin -v error -y "$@"; }
size() { ffprobe -v error -show_entries stream=width,height -of csv=p=0:s=x "$1"; }

# checked DIR: reads every description of the storyboard in DIR; says what is wrong
checked() {
    (cd "$1" && python3 - <<'PY'
import json, re, subprocess, glob, xml.dom.minidom
def size(f):
    o = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of",
                        "csv=p=0", f], capture_output=True, text=True).stdout
    return tuple(map(int, o.strip().split(",")))
def seconds(t):
    h, m, s = t.split(":")
    return int(h) * 3600 + int(m) * 60 + float(s)
board = json.load(open("storyboard.json"))
sizes = {f: size(f) for f in glob.glob("sheet-*.*")}
# WebVTT
blocks = open("storyboard.vtt", encoding="utf-8").read().rstrip("\n").split("\n\n")
assert blocks[0] == "WEBVTT", blocks[0]
cues = []
for b in blocks[1:]:
    m = re.fullmatch(r"(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})\n"
                     r"([^/#:]+)#xywh=(\d+),(\d+),(\d+),(\d+)", b)
    assert m, b
    cues.append((seconds(m[1]), seconds(m[2]), m[3], *map(int, m.groups()[3:])))
assert cues[0][0] == 0 and abs(cues[-1][1] - board["duration"]) < 0.0015, cues[-1]
for a, b in zip(cues, cues[1:]):
    assert a[1] == b[0], (a, b)
used = set()
for start, end, sheet, x, y, w, h in cues:
    assert end > start
    assert x + w <= sizes[sheet][0] and y + h <= sizes[sheet][1], (sheet, x, y)
    used.add(sheet)
assert used == set(sizes), used
assert max(max(s) for s in sizes.values()) <= 4096
# JSON says the same
assert len(board["tiles"]) == len(cues)
for t, c in zip(board["tiles"], cues):
    assert abs(t["start"] - c[0]) < 0.0015 and (t["x"], t["y"]) == (c[3], c[4])
    assert board["sheets"][t["sheet"]]["url"] == c[2]
    # A frame that was on screen already when the time began, at 10 per second at least.
    assert t["start"] - 0.101 <= t["frame"] <= t["end"] + 0.002, t
for s in board["sheets"]:
    assert sizes[s["url"]] == (s["width"], s["height"])
# HLS
for name, kind in (("images.m3u8", "#EXT-X-IMAGES-ONLY"), ("iframes.m3u8", "#EXT-X-I-FRAMES-ONLY")):
    try:
        lines = open(name).read().splitlines()
    except FileNotFoundError:
        assert "sheet-0.webp" in sizes
        continue
    assert lines[0] == "#EXTM3U" and lines[-1] == "#EXT-X-ENDLIST" and kind in lines
    target = int(next(l for l in lines if "TARGETDURATION" in l).split(":")[1])
    lengths = [float(l[8:].rstrip(",")) for l in lines if l.startswith("#EXTINF:")]
    assert abs(sum(lengths) - board["duration"]) < 0.01 and max(lengths) <= target, lengths
    for i, l in enumerate(lines):
        if l.startswith("#EXT-X-TILES"):
            m = re.fullmatch(r"#EXT-X-TILES:RESOLUTION=(\d+)x(\d+),LAYOUT=(\d+)x(\d+),DURATION=[\d.]+", l)
            w, h, c, r = map(int, m.groups())
            assert sizes[lines[i + 1]] == (w * c, h * r), l
    master = open("storyboard.m3u8").read()
    assert 'CODECS="mjpg",URI="iframes.m3u8"' in master and 'URI="images.m3u8"' in master
# DASH
mpd = xml.dom.minidom.parse("storyboard.mpd")
rep = mpd.getElementsByTagName("Representation")[0]
c, r = map(int, mpd.getElementsByTagName("EssentialProperty")[0].getAttribute("value").split("x"))
first = board["sheets"][0]["url"]
assert sizes[first] == (int(rep.getAttribute("width")), int(rep.getAttribute("height")))
assert sizes[first] == (c * board["tile_width"], r * board["tile_height"])
template = mpd.getElementsByTagName("SegmentTemplate")[0]
assert template.getAttribute("media").replace("$Number$", "0") == first
assert int(template.getAttribute("duration")) == round(c * r * board["interval"] * 1e6)
print("ok")
PY
    ) 2>&1 | tail -n 1
}

# rgb FILE FILTER [OPTION...]: the colour of the one pixel that the filter leaves
rgb() {
    local file=$1 filter=$2
    shift 2
    ffmpeg -nostdin -v error "$@" -i "$file" -frames:v 1 -vf "$filter,format=rgb24" -f rawvideo - |
        od -An -tu1 | tr -s ' '
}

# far DIR FILM I: how far the colour in tile I is from that of the film at the time it says, at
# most, of red, green and blue. The film's colour turns once in its length.
far() {
    local x y at sheet
    read -r x y at sheet < <(jq -r --argjson i "$3" '. as $b | .tiles[$i] |
        "\(.x + $b.tile_width / 2) \(.y + $b.tile_height / 2) \(.frame) \($b.sheets[.sheet].url)"' \
        "$1/storyboard.json")
    echo "$(rgb "$1/$sheet" "format=rgb24,crop=1:1:$x:$y")" \
        "$(rgb "$2" "format=rgb24,crop=1:1:iw/2:ih/2" -ss "$at")" |
        awk 'NF == 6 { for (i = 1; i < 4; i++) { d = $i - $(i + 3); d = d < 0 ? -d : d
                 if (d > most) most = d } print most + 0 }'
}
corner=drawbox=w=iw/4:h=ih/4:color=white:t=fill

# --- a film of 150 seconds with its time in every picture
ff -f lavfi -i "color=red:s=480x270:r=10:d=150,format=yuv444p,hue=H=2*PI*t/150,$corner" -c:v libx264 -preset ultrafast -g 20 -pix_fmt yuv420p \
    film.mp4
run media-thumbs --count 0 --storyboard -o out film.mp4
exits 0 'a storyboard as plain files'
document 'a document'
json_is '[.variants[] | select(.variant_type == "storyboard") | "\(.name).\(.format)"] | sort | join(" ")' \
    'iframes.m3u8 images.m3u8 storyboard.json storyboard.m3u8 storyboard.mpd storyboard.vtt' \
    'all descriptions'
json_is '.thumbnails // [] | length' 0 'and no thumbnails'
is "$(checked out/film-storyboard)" ok 'all of them agree with the sheets'
is "$(jq -r '"\(.tile_width)x\(.tile_height) \(.interval) \(.tiles | length)"' \
    out/film-storyboard/storyboard.json)" '240x134 0.5 300' 'fitted: a tile each half second'
is "$(size out/film-storyboard/sheet-0.jpg)" 2400x1340 'a full sheet'
is "$(ffprobe -v error -show_entries packet=pts_time -of csv=p=0 \
    out/film-storyboard/storyboard.vtt | wc -l)" 300 'libavformat reads as many cues'
for i in 0 7 150 299; do
    between "$(far out/film-storyboard film.mp4 $i)" 0 10 "tile $i is the frame it says"
done
isnt "$(rgb out/film-storyboard/sheet-0.jpg format=rgb24,crop=1:1:120:67)" \
    "$(rgb out/film-storyboard/sheet-2.jpg format=rgb24,crop=1:1:120:67)" 'and others differ'
run media-thumbs --count 0 --storyboard --tile-every 7 --tile-size 100 --sheet-format webp -o out2 film.mp4
exits 0 'every seven seconds in WebP'
is "$(checked out2/film-storyboard)" ok 'all agree'
is "$(jq -r '"\(.tile_width)x\(.tile_height) \(.tiles | length)"' out2/film-storyboard/storyboard.json)" \
    '100x56 22' 'of 100 pixels'
between "$(far out2/film-storyboard film.mp4 11)" 0 10 'the middle one is the frame it says'
run media-thumbs --count 0 --storyboard --tile-every 0.01 -o out3 film.mp4
json_is .stages.thumbs.error.code usage 'fifteen thousand tiles are refused'

# --- portrait, turned, short, odd
ff -f lavfi -i "color=red:s=270x480:r=10:d=20,format=yuv444p,hue=H=2*PI*t/20,$corner" -c:v libx264 -g 50 -pix_fmt yuv420p tall.mp4
run media-thumbs --count 0 --storyboard -o out tall.mp4
is "$(jq -r '"\(.tile_width)x\(.tile_height)"' out/tall-storyboard/storyboard.json)" 134x240 \
    'portrait stays portrait'
is "$(checked out/tall-storyboard)" ok 'and all agree'
between "$(far out/tall-storyboard tall.mp4 31)" 0 10 'a tile between key frames is the frame it says'
ff -f lavfi -i "testsrc2=s=320x240:r=25" -frames:v 1 -pix_fmt yuv420p -c:v mpeg4 one.avi
run media-thumbs --count 0 --storyboard -o out one.avi
exits 0 'a film of one frame'
is "$(checked out/one-storyboard)" ok 'gives one tile'
ff -f lavfi -i "testsrc2=s=33x17:r=25:d=3" -c:v ffv1 tiny.mkv
run media-thumbs --count 0 --storyboard -o out tiny.mkv
is "$(jq -r '"\(.tile_width)x\(.tile_height)"' out/tiny-storyboard/storyboard.json)" 32x16 \
    'a tiny film of odd sides: even tiles, not scaled up'
is "$(checked out/tiny-storyboard)" ok 'and all agree'

# --- no index, a broken one, cut off
ff -i film.mp4 -c copy -bsf:v h264_mp4toannexb film.h264
run media-thumbs --count 0 --storyboard --tile-every 10 -o raw film.h264
json_true '.stages.thumbs.status == "completed"' 'a stream without index or times'
is "$(checked raw/film-storyboard)" ok 'and all agree'
ff -i film.mp4 -c copy film.mkv
head -c $(($(stat -c %s film.mkv) * 6 / 10)) film.mkv >cut.mkv
run media-thumbs --count 0 --storyboard --tile-every 10 -o out cut.mkv
json_true '.stages.thumbs.status == "completed" and (.stages.thumbs.notes | length > 0)' \
    'a film cut off: what there is, and a note'

# --- what has no storyboard
ff -f lavfi -i sine=d=2 -c:a pcm_s16le tone.wav
ff -f lavfi -i testsrc2=s=64x64 -frames:v 1 photo.png
ff -i tone.wav -i photo.png -map 0 -map 1 -c:a libmp3lame -disposition:v attached_pic art.mp3
for name in tone.wav photo.png art.mp3; do
    run media-thumbs --count 0 --storyboard -o out $name
    exits 0 "$name is no failure"
    json_is .stages.thumbs.status not_applicable "$name has no storyboard"
done
run media-thumbs --count 1 --storyboard -o out photo.png
json_true '.stages.thumbs.status == "completed" and (.thumbnails | length == 2)' \
    'a photo asked for both has its thumbnail'
echo junk >junk.mp4
run media-thumbs --count 0 --storyboard -o out junk.mp4
isnt $status 0 'junk fails'

# --- a page for people
cp film.mp4 'فيلم قصير.mp4'
run media-thumbs --count 0 --contact-sheet 4x3 --tile-size 120 -o page 'فيلم قصير.mp4'
exits 0 'a contact sheet of a film with an Arabic name'
document 'a document of it'
page='page/فيلم قصير-contact.jpg'
is "$(size "$page")" "$(json '.variants[] | select(.quality == "contact").resolution')" \
    'it has the size that is said'
is "$(size "$page" | cut -dx -f 1)" $((4 * 126 + 6)) 'four columns'
if json '.stages.thumbs.notes // [] | join(" ")' | grep -q 'no text'; then
    skip 'no font is installed here'
else
    is "$(size "$page" | cut -dx -f 2)" $((6 + 2 * 28 + 3 * 74)) 'two lines and three rows'
    between "$(ffmpeg -nostdin -v error -i "$page" -vf crop=300:28:0:6,format=gray -f rawvideo - |
        od -An -v -tu1 | tr -s ' ' '\n' | awk '$1 > 128 { n++ } END { print n + 0 }')" 60 3000 \
        'something is written in the first'
fi
# With fonts that cannot be found there is a sheet all the same.
printf '<fontconfig><dir>/nonexistent</dir></fontconfig>\n' >none.conf
# libavfilter forgets a fontconfig configuration when it finds no font in it.
FONTCONFIG_FILE=$T/none.conf ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 \
    run media-thumbs --count 0 --contact-sheet 2x2 -o bare film.mp4
exits 0 'without any font'
json_true '.stages.thumbs.notes | any(contains("no text"))' 'the sheet says that it has no text'
is "$(size bare/film-contact.jpg)" $((2 * 246 + 6))x$((6 + 2 * 140)) 'and consists of pictures'
for grid in 4 0x3 4x 21x3; do
    run media-thumbs --contact-sheet $grid -o bare film.mp4
    exits 2 "--contact-sheet $grid is refused"
done
run media-thumbs --count 0 -o bare film.mp4
exits 2 'nothing to make is refused'

# --- in the store
run media-thumbs --count 1 --storyboard --contact-sheet 3x3 tall.mp4
exits 0 'into the store'
document 'a document of it'
consistent 'after a storyboard'
like "$(json '.variants[] | select(.format == "vtt").url')" '/storyboard-[0-9a-f]{8}/storyboard\.vtt$' \
    'in a directory named by its recipe'
run media-thumbs --count 1 --storyboard --contact-sheet 3x3 "$(json .asset.id)"
json_is .stages.thumbs.status skipped 'and found again'
json_is '[.variants[] | select(.variant_type == "storyboard")] | length' 6 'with all its parts'

done_testing
