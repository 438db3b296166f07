#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# thumbs-true.t - thumbnails and tiles show what the film shows at the time they say, by SSIM and by
# search: also of films without index, with a broken one, with odd clocks and with damaged key frames.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit
ff() { ffmpeg -nostdin -v error -y "$@"; }

# 40 s, ten pictures a second, no two alike: a bar goes across once, over a pattern that moves.
ff -filter_complex 'testsrc2=s=320x180:r=10:d=40[a];color=white:s=30x180:r=10:d=40[b];[a][b]overlay=x=t*7.2,format=yuv420p' \
    -c:v libx264 -preset veryfast -crf 20 -g 20 -bf 2 film.mp4
ff -i film.mp4 -vf scale=160:90:flags=area,format=gray -f rawvideo film.gray

# true DIR NAME: how alike the pictures below DIR are to the film at their times, and how far the
# picture of the film that is most alike is from the one they say; "SSIM at least, seconds at most, N"
cat >true.py <<'PY'
import glob, json, math, os, re, subprocess, sys
W, H = 160, 90
film = open("film.gray", "rb").read()
frames = [film[i:i + W * H] for i in range(0, len(film), W * H)]
def ssim(a, b):
    total, n = 0, 0
    for y in range(0, H - 8, 8):
        for x in range(0, W - 8, 8):
            p = b"".join(a[(y + r) * W + x:(y + r) * W + x + 8] for r in range(8))
            q = b"".join(b[(y + r) * W + x:(y + r) * W + x + 8] for r in range(8))
            mp, mq = sum(p) / 64, sum(q) / 64
            vp, vq = sum(v * v for v in p) / 64 - mp * mp, sum(v * v for v in q) / 64 - mq * mq
            c = sum(v * w for v, w in zip(p, q)) / 64 - mp * mq
            total += (2 * mp * mq + 6.5) * (2 * c + 58.5) / ((mp * mp + mq * mq + 6.5) * (vp + vq + 58.5))
            n += 1
    return total / n
def gray(file, crop=""):
    return subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", file, "-frames:v", "1", "-vf",
                           crop + f"scale={W}:{H}:flags=area,format=gray", "-f", "rawvideo", "-"], capture_output=True).stdout
def off(a, b):
    return sum(abs(p - q) for p, q in zip(a, b))
def judge(picture, time):
    at = min(max(int(math.floor(time * 10 + 0.01)), 0), len(frames) - 1)
    near = range(max(at - 12, 0), min(at + 13, len(frames)))
    best = min(near, key=lambda i: off(frames[i], picture))
    return ssim(frames[at], picture), abs(best - at) / 10
out = []
for f in sorted(glob.glob(sys.argv[1] + "/*-thumbs/*.png")):
    out.append(judge(gray(f), float(re.search(r"([\d.]+)s\.png", f)[1])))
for f in glob.glob(sys.argv[1] + "/*-storyboard/storyboard.json"):
    board = json.load(open(f))
    for t in board["tiles"][::3]:
        sheet = os.path.join(os.path.dirname(f), board["sheets"][t["sheet"]]["url"])
        crop = f"crop={board['tile_width']}:{board['tile_height']}:{t['x']}:{t['y']},"
        out.append(judge(gray(sheet, crop), t["frame"]))
print("%.3f %.1f %d" % (min(o[0] for o in out), max(o[1] for o in out), len(out)) if out else "0 99 0")
PY
# shown FILE NAME [MOST]: pictures of all kinds of FILE are those of the film; at most so many s away
shown() {
    local least far n
    rm -rf out
    run media-thumbs -o out --at 3.3,17.7,38.2 --format png --width 0 --storyboard --tile-every 4 --tile-size 160 \
        --sheet-format webp --picture-quality 90 "$1"
    exits 0 "$2"
    read -r least far n < <(python3 true.py out 2>&1 | tail -n 1)
    between "$n" 5 7 '  has its pictures'
    between "$far" 0 "${3:-0}" '  which are those of the times they say'
    between "$least" "${4:-0.9}" 1 '  by SSIM'
}
shown film.mp4 'a film with an index'
# What the comparison is worth: a film that is half a second late is another one.
ff -itsoffset 0.5 -i film.mp4 -c:v libx264 -preset ultrafast -vf 'tpad=start=5,setpts=N/10/TB' late.mp4
rm -rf out
run media-thumbs -o out --at 3.3,17.7 --format png --width 0 late.mp4
between "$(python3 true.py out | cut -d' ' -f 2)" 0.4 0.6 'and the comparison notices half a second'

# --- no index
ff -i film.mp4 -c copy -f matroska - >pipe.mkv
shown pipe.mkv 'Matroska without cues'
ff -i film.mp4 -c copy -f mpegts film.ts
shown film.ts 'MPEG-TS'
ff -i film.mp4 -c copy -f flv film.flv
shown film.flv 'FLV'
ff -i film.mp4 -c:v mpeg4 -q:v 3 -g 20 film.avi
at=$(grep -abo idx1 film.avi | tail -n 1 | cut -d: -f 1)
head -c "$at" film.avi >gone.avi
shown gone.avi 'AVI without its index' 0.1 0.8

# --- a broken index: key frames named that are none, and times that are not so
python3 - <<'PY'
import struct
b = bytearray(open("film.mp4", "rb").read())
at = b.index(b"stss")
n = struct.unpack(">I", b[at + 8:at + 12])[0]
for i in range(1, n):
    k = struct.unpack(">I", b[at + 12 + 4 * i:at + 16 + 4 * i])[0]
    struct.pack_into(">I", b, at + 12 + 4 * i, k + 3)
open("stss.mp4", "wb").write(b)
PY
rm -rf out
run media-thumbs -o out --count 6 --format png --storyboard stss.mp4
exits 0 'an index that names pictures as key frames which are none'
json_true '(.thumbnails | length) > 0 and .stages.thumbs.status != "failed"' '  gives pictures all the same'

# --- clocks
ff -i film.mp4 -c copy -output_ts_offset 90000 -f mpegts hours.ts
shown hours.ts 'a clock that begins at 25 hours'
ff -i film.mp4 -c copy -output_ts_offset 95424 -f mpegts wraps.ts
shown wraps.ts 'one that wraps around in the middle of the film, after 26.5 hours'
ff -i film.mp4 -c copy -output_ts_offset -7 -avoid_negative_ts disabled negative.mov
run media-thumbs -o out --count 5 --format png negative.mov
exits 0 'negative times'
json_true '(.thumbnails | length) > 2 and all(.thumbnails[]; .timestamp >= 0)' '  pictures of what is shown'

# --- key frames that do not decode: a neighbour, and it is said
ffprobe -v error -show_entries packet=pos,size,flags -of csv=p=0 pipe.mkv >packets
python3 - <<'PY'
b = bytearray(open("pipe.mkv", "rb").read())
keys = [l.split(",") for l in open("packets") if ",K" in l]
for i, (size, pos) in enumerate((int(k[0]), int(k[1])) for k in keys):
    if i % 3 == 1:
        for j in range(pos + 30, pos + size):
            b[j] = (b[j] * 7 + j) & 255
open("keys.mkv", "wb").write(b)
PY
rm -rf out
run media-thumbs -o out --count 10 --format png --width 0 --storyboard --tile-every 2 keys.mkv
exits 0 'a third of the key frames damaged'
json_true '(.thumbnails | length) >= 7' '  most pictures are there'
json_true '.stages.thumbs.notes | any(contains("damaged") or contains("decodes"))' '  and notes say what was met'
rm -rf out/*-storyboard # tiles are not judged
read -r least far n < <(python3 true.py out)
between "$n" 7 10 '  all looked at'
between "$far" 0 0 '  no picture is of another time'
between "$least" 0.85 1 '  none is damaged'
done_testing
