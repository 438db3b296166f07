#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# thumbs-players.t - a storyboard in a real browser: Chromium's WebVTT parser, and shaka-player with
# the DASH thumbnails, the HLS image playlist and the WebVTT. What they show is held against the film.
#
# MT_NPM is a directory in which node_modules has shaka-player, as scripts/test installs it.
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/api.sh
. "$(dirname "$0")/../api.sh"
[ -z "${MT_QUICK-}" ] || skip_rest 'a browser, for the quick tests'
shaka=${MT_NPM-}/node_modules/shaka-player/dist/shaka-player.compiled.js
[ -s "$shaka" ] || skip_rest 'there is no shaka-player: no network, or no npm'
for tool in chromium chromedriver python3; do
    command -v $tool >/dev/null || skip_rest "$tool is not installed"
done
cd "$T" || exit 1
ff() { ffmpeg -nostdin -v error -y "$@"; }

# Every picture of the film is unlike its neighbours: a pattern that moves, in a colour that turns.
ff -f lavfi -i "testsrc2=s=320x180:r=10:d=60,hue=h=t*17" -c:v libx264 -preset ultrafast -crf 18 -g 5 -pix_fmt yuv420p film.mp4
run media-thumbs -o out --count 0 --storyboard --tile-every 0.5s film.mp4
exits 0 'a storyboard of 120 tiles'
mv out/film-storyboard board
is "$(jq '.sheets | length' board/storyboard.json)" 2 'on two sheets'

# A presentation of the film in each form, with what the storyboard ships put in as it is.
ff -i film.mp4 -c copy -f dash -seg_duration 5 -use_template 1 -use_timeline 0 plain.mpd
ff -i film.mp4 -c copy -f hls -hls_time 5 -hls_playlist_type vod -hls_segment_type fmp4 video.m3u8
python3 - <<'PY'
import re
board = open("board/storyboard.mpd").read()
images = re.search(r"<AdaptationSet.*</AdaptationSet>", board, re.S)[0].replace('media="', 'media="board/').replace('id="1"', 'id="9"')
film = open("plain.mpd").read()
at = film.rindex("</Period>")
open("film.mpd", "w").write(film[:at] + images + film[at:])
images = re.search(r"#EXT-X-IMAGE-STREAM-INF:.*", open("board/storyboard.m3u8").read())[0].replace('URI="', 'URI="board/')
open("film.m3u8", "w").write('#EXTM3U\n#EXT-X-VERSION:7\n' + images +
                             '\n#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS="avc1.64000d",RESOLUTION=320x180\nvideo.m3u8\n')
PY
mkdir -p home
HOME=$T/home XDG_CONFIG_HOME=$T/home XDG_CACHE_HOME=$T/home timeout 150 "$MT_TOP/tests/thumbs-players" "$T" \
    "$(free_port)" "$shaka" >answers 2>"$err" || diag "$(tail -n 3 "$err")"

# like_film NAME T: SSIM of what was shown at T and the film at the time that the storyboard gives
like_film() {
    local at
    at=$(jq --argjson t "$2" '[.tiles[] | select(.start <= $t and $t < .end)][0].frame' board/storyboard.json)
    ff -ss "$at" -i film.mp4 -frames:v 1 -vf scale=240:134:flags=area "true-$1-$2.png"
    ffmpeg -nostdin -hide_banner -i "shown-$1-$2.ppm" -i "true-$1-$2.png" -lavfi \
        '[0:v]format=yuv444p[a];[1:v]format=yuv444p[b];[a][b]ssim' -f null - 2>&1 | sed -n 's/.*All:\([0-9.]*\).*/\1/p'
}
for name in track dash hls vtt; do
    grep "^{\"name\": \"$name\"" answers >answer || echo '{"error": "nothing was said"}' >answer
    is "$(jq -r '.error // ""' answer)" '' "$name: no error" || continue
    is "$(jq '.shown | length' answer)" 7 "$name: thumbnails for all times"
    is "$(jq '[.shown[] | .w == 240 and .h == 134 and .start <= .t + 0.001 and .t < .end + 0.001 and (.end - .start | . > 0.49 and . < 0.51)] | all' \
        answer)" true '  each of its half second, and of one size'
    least=1
    for t in 0.2 3.1 17.3 33.8 49.6 52.3 59.4; do
        value=$(like_film "$name" $t)
        least=$(awk -v a="$least" -v b="${value:-0}" 'BEGIN { print b < a ? b : a }')
    done
    between "$least" 0.87 1 '  which show what the film shows (SSIM)'
done
is "$(grep '"track"' answers | jq -c '[.cues[] | [.start, .end, .text]]')" "$(jq -c '. as $b |
    [.tiles[] | [.start, .end, "\($b.sheets[.sheet].url)#xywh=\(.x),\(.y),\($b.tile_width),\($b.tile_height)"]]' \
    board/storyboard.json)" 'Chromium reads the cues that the JSON says'
# The comparison notices: the neighbour's picture is another one.
ff -ss 17.8 -i film.mp4 -frames:v 1 -vf scale=240:134:flags=area other.png
between "$(ffmpeg -nostdin -hide_banner -i shown-track-17.3.ppm -i other.png -lavfi \
    '[0:v]format=yuv444p[a];[1:v]format=yuv444p[b];[a][b]ssim' -f null - 2>&1 | sed -n 's/.*All:\([0-9.]*\).*/\1/p')" 0 0.8 \
    'and half a second later it shows something else'
done_testing
