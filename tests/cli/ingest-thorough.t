#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ingest-thorough.t - media-ingest --thorough decodes all of a file: damage in its middle, which a
# look at both ends passes over, is recorded with its place, and policies see it.
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
ff() { ffmpeg -nostdin -v error -y "$@" </dev/null; }
ff -f lavfi -i testsrc2=s=320x240:r=25:d=20 -f lavfi -i sine=f=440:d=20 -c:v libx264 -g 12 \
    -pix_fmt yuv420p -c:a aac -movflags +faststart whole.mp4 || skip_rest 'no film can be made'

# Pictures from 9 s to 10 s are overwritten, by their places as the index tells them.
ffprobe -v error -select_streams v -show_entries packet=pts_time,pos,size -of csv=p=0 whole.mp4 >places
cp whole.mp4 hurt.mp4
python3 - <<'PY'
with open('hurt.mp4', 'r+b') as f:
    for line in open('places'):
        at, size, pos = line.strip().split(',')[:3]
        if 9 <= float(at) < 10:
            f.seek(int(pos) + 5)
            f.write(b'\x55' * (int(size) - 5))
PY

run media-ingest hurt.mp4
exits 0 'a quick look'
json_is .asset.metadata.damage.state ok 'passes over what is in the middle'
json_is .asset.metadata.damage.checked.decoded sample 'and says that it looked at a sample'
fresh
run media-ingest --thorough whole.mp4 hurt.mp4
exits 0 'a thorough look'
document 'both'
is "$(json '.asset.metadata.damage | [.state, .checked.decoded] | @csv' | paste -sd' ')" \
    '"ok","all" "degraded","all"' 'finds it, and nothing in the other'
stderr_like "'hurt.mp4' is damaged" 'with a warning'
issue=$(json 'select(.asset.original_filename == "hurt.mp4") | .asset.metadata.damage.issues[0]')
is "$(jq -r .kind <<<"$issue")" decode_error 'what it is'
between "$(jq .start_s <<<"$issue")" 8.4 9.6 'where it begins'
between "$(jq .end_s <<<"$issue")" 9.4 10.6 'where it ends'
between "$(json 'select(.asset.original_filename == "hurt.mp4") | .asset.metadata.damage.lost_s')" \
    0.5 1.6 'and how much is lost'
is "$(sql "SELECT outcome FROM media_assets ORDER BY original_filename" | tr '\n' ' ')" 'degraded ok ' 'as in the rows'
consistent 'thorough'

fresh
echo 'policy: [{action: reject, damage: degraded, reason: only whole ones}]' >whole.yaml
run media-ingest --thorough --policy whole.yaml hurt.mp4
exits 6 'a policy refuses what only a thorough look finds'
json_is .error.code policy 'and is named'
run media-ingest --policy whole.yaml hurt.mp4
exits 0 'a quick look leaves it nothing to refuse'

# A stop in the middle of a long look leaves nothing behind.
fresh
ff -stream_loop 60 -i whole.mp4 -c copy long.mp4
media-ingest --thorough long.mp4 >"$out" 2>"$err" &
pid=$!
sleep 1
kill -TERM "$pid"
wait "$pid"
is $? 143 'SIGTERM ends a thorough look'
consistent 'stopped'
done_testing
