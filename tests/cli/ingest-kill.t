#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ingest-kill.t - kill -9 at any instant of a batch, and the next run puts all right.
#
# MT_KILLS=500 kills that often; the moments are random. A third of the kills hits a run that
# is cleaning up after an earlier one.
. "$(dirname "$0")/../tap.sh"

few=${MT_QUICK-}${MT_SAN-}
kills=${MT_KILLS:-${few:+4}}
kills=${kills:-25}
files=50
cd "$T" || exit 1
mkdir in
ffmpeg -v error -y -f lavfi -i testsrc=s=160x120 -frames:v 1 base.jpg
ffmpeg -v error -y -f lavfi -i "anoisesrc=r=48000:d=190:seed=3" -ac 2 -c:a pcm_s16le in/large.wav
python3 - "$((files - 1))" <<'PY'
import sys
data = open('base.jpg', 'rb').read()
for i in range(int(sys.argv[1])):
    with open('in/%03d.jpg' % i, 'wb') as f:
        f.write(data[:2] + b'\xff\xfe\x00\x0a' + b'%08d' % i + data[2:])
PY
sums=$(cd in && sha256sum ./* | cut -d' ' -f1 | sort)
between "$(stat -c %s in/large.wav)" 34000000 40000000 'one of the files is copied while it is looked at'
is "$(wc -l <<<"$sums")" "$files" "there are $files files, all different"

took=0
all() { media-ingest --recursive in >"$out" 2>"$err"; }
# wrong: what is not as it should be; nothing if all is well
wrong() {
    [ "$(jq -rs 'map(select(.error == null)) | length' "$out")" = "$files" ] ||
        echo "not all documents are good: $(tail -n 3 "$err")"
    on_postgresql || [ "$(sql 'PRAGMA integrity_check')" = ok ] || echo 'the database is not sound'
    [ "$(sql "SELECT checksum FROM media_assets WHERE upload_status = 'completed' ORDER BY 1")" = "$sums" ] ||
        echo 'the assets are not one of each file'
    [ "$(sql 'SELECT count(*) FROM media_assets')" = "$files" ] || echo 'there are other assets'
    [ "$(cd "$store" && find . -type f ! -path './.tmp/*' -exec sha256sum {} + | cut -d' ' -f1 | sort)" = "$sums" ] ||
        echo 'the objects are not one of each file'
    [ "$(objects)" = "$(keys_completed)" ] || echo 'there are other objects, or they are called otherwise'
    [ -z "$(find "$store" -mindepth 1 -type d -empty ! -name .tmp)" ] || echo 'there are empty directories'
    [ "$(sql "SELECT count(*) FROM processing_jobs WHERE status NOT IN ('completed', 'failed')")" = 0 ] ||
        echo 'a job goes on'
}

from=$(date +%s%N)
all
took=$((($(date +%s%N) - from) / 1000000))
is "$(wrong)" '' "undisturbed all are taken in ($took ms)"

RANDOM=${MT_SEED:-$$}
echo "# seed ${MT_SEED:-$$}"
done=0 rounds=0 bad=0 early=0 late=0
while [ "$done" -lt "$kills" ]; do
    fresh
    rounds=$((rounds + 1))
    for ((again = 0; again < 1 + RANDOM % 2 && done < kills; again++)); do
        media-ingest --recursive in >/dev/null 2>&1 &
        pid=$!
        ms=$(((RANDOM * 32768 + RANDOM) % (took + 1)))
        sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
        kill -9 "$pid" 2>/dev/null || late=$((late + 1))
        wait "$pid" 2>/dev/null
        done=$((done + 1))
        [ -e "$db" ] || early=$((early + 1))
    done
    all
    found=$(wrong)
    [ -z "$found" ] || { bad=$((bad + 1)); diag "round $rounds, killed after $ms ms: $found"; }
    rm -rf "$(dirname "$db")"
done 2>/dev/null
is "$bad" 0 "after $done kills in $rounds rounds nothing is lost, doubled or left"
echo "# $early before there was a database, $late after the end"
ok 'most of them hit the work' [ $((early + late)) -le $((kills / 2 + 2)) ]
fresh
done_testing
