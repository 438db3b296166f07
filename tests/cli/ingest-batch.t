#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ingest-batch.t - many files at once: order, failures among them, reruns, crashes, the report.
. "$(dirname "$0")/../tap.sh"

# pictures N DIR: small JPEGs that differ in a comment
media photo.jpg
pictures() {
    mkdir -p "$2"
    python3 - "$T/photo.jpg" "$1" "$2" <<'PY'
import sys
data = open(sys.argv[1], 'rb').read()
for i in range(int(sys.argv[2])):
    comment = b'%06d' % i
    with open('%s/p%05d.jpg' % (sys.argv[3], i), 'wb') as f:
        f.write(data[:2] + b'\xff\xfe\x00\x08' + comment + data[2:])
PY
}

pictures 150 "$T/in"
printf 'no media at all' >"$T/in/p00070.jpg"
cp "$T/in/p00010.jpg" "$T/in/p00090.jpg"
sleep 2.1 # what was changed just now is not remembered

run media-ingest --jobs 4 --progress=json "$T"/in/*
exits 3 'all but one of many'
document 'each has a document'
is "$(json '.asset.checksum // "none"')" \
    "$(sha256sum "$T"/in/* | sed 's/ .*p00070.*/ none/; s/^.* none$/none/; s/ .*//')" \
    'in the order of the operands'
is "$(json 'select(.error).asset.original_filename')" p00070.jpg 'the one that fails says so'
is "$(json 'select(.error).error.code')" type_mismatch 'and why'
is "$(sed -n 91p "$out" | jq -c '[.asset.duplicate, .asset.id]')" \
    "$(sed -n 11p "$out" | jq -c '[true, .asset.id]')" 'the same bytes within a batch are one asset'
grep '^{' "$err" | tail -n 1 >"$T/summary"
valid progress-event 'the last event is as the schema says' "$T/summary"
is "$(jq -c '[.taken, .duplicates, .known, .failed, .rejected, .degraded]' "$T/summary")" '[148,1,0,1,1,0]' \
    'and counts by outcome'
is "$(jq .bytes "$T/summary")" \
    "$(sql "SELECT sum(file_size) FROM media_assets WHERE upload_status = 'completed'")" \
    'and bytes'
is "$(sql "SELECT count(*) FROM processing_jobs WHERE status = 'completed'")" 149 \
    'each has its job'
is "$(sql "SELECT count(*) FROM processing_jobs WHERE status = 'failed'")" 1 'the failed one too'
consistent 'after a batch'

# --- reruns
run media-ingest --progress=json "$T"/in/p0000*.jpg
exits 0 'a rerun'
json_true '.asset.duplicate and .stages.ingest.status == "skipped"' 'skips what is there'
is "$(grep '"summary"' "$err" | jq .known)" 10 'without reading it'
is "$(sql 'SELECT count(*) FROM processing_jobs')" 150 'nor recording jobs'
run media-ingest --progress=json --force "$T"/in/p0000*.jpg
is "$(grep '"summary"' "$err" | jq -c '[.known, .duplicates]')" '[0,10]' '--force reads again'

# A change that leaves size and modification time as they were is noticed.
python3 - "$T/in/p00001.jpg" <<'PY'
import os, sys
st = os.stat(sys.argv[1])
with open(sys.argv[1], 'r+b') as f:
    f.seek(6); f.write(b'CHANGE')
os.utime(sys.argv[1], ns=(st.st_atime_ns, st.st_mtime_ns))
PY
run media-ingest "$T/in/p00001.jpg"
json_is .stages.ingest.status completed 'a changed file with its old times is new'
run media-ingest "$T/in/p00001.jpg"
run media-ingest --progress=json "$T/in/p00001.jpg"
is "$(grep '"summary"' "$err" | jq -c '[.known, .duplicates]')" '[0,1]' \
    'one changed a moment ago is read each time'
id=$(json .asset.id)
rm -r "${store:?}/${id:?}"
run media-ingest --progress=json "$T/in/p00002.jpg"
rm -f "$store/$(json .asset.id)/original.jpg"
run media-ingest --progress=json "$T/in/p00002.jpg"
is "$(grep '"summary"' "$err" | jq .known)" 0 'a file whose object is gone is not called known'
run media-ingest --uploaded-by 11111111-2222-4333-8444-555555555555 "$T/in/p00003.jpg"
json_is .stages.ingest.status completed 'what one user has another has not'

# --- ends
fresh
run media-ingest --fail-fast "$T/in/p00069.jpg" "$T/in/p00070.jpg" "$T/in/p00071.jpg"
exits 3 '--fail-fast'
is "$(wc -l <"$out")" 2 'ends at the first failure'
consistent 'after it'

fresh
for i in 1 2 3 4 5 6; do
    media-ingest "$T"/in/* >"$T/killed" 2>/dev/null &
    pid=$!
    sleep "0.$((i * 13))"
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
done
run media-ingest "$T"/in/*
exits 3 'after six kills it comes to its end'
is "$(sql "SELECT count(*) - count(DISTINCT checksum) FROM media_assets")" 0 'nothing is there twice'
is "$(sql "SELECT count(*) FROM media_assets")" 148 'and nothing is missing'
consistent 'after kills'

fresh
media-ingest "$T"/in/* >"$T/stopped" 2>/dev/null &
pid=$!
sleep 0.4
kill -TERM "$pid"
wait "$pid"
is $? 143 'SIGTERM ends a batch'
is "$(jq -r 'select(.error == null) | .asset.id' "$T/stopped" | sort)" \
    "$(sql "SELECT id FROM media_assets WHERE upload_status = 'completed' ORDER BY id")" \
    'what is in the store has been told'
consistent 'after SIGTERM'

# A list that comes slowly is answered as it comes.
fresh
mkfifo "$T/list"
media-ingest --files-from "$T/list" >"$T/slow" 2>/dev/null &
pid=$!
exec 7>"$T/list"
echo "$T/in/p00001.jpg" >&7
for _ in $(seq 100); do [ -s "$T/slow" ] && break; sleep 0.1; done
is "$(wc -l <"$T/slow")" 1 'a name is dealt with before the next one comes'
exec 7>&-
wait "$pid"
is $? 0 'and the end of the list is the end'

run media-ingest --jobs 0 "$T/in/p00001.jpg"
exits 2 '--jobs 0 makes no sense'
done_testing
