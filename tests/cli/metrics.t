#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# metrics.t - figures for Prometheus: in its format, right, quick, and never falling.
. "$(dirname "$0")/../tap.sh"

media clip.mp4 tone.wav empty.mp4
cd "$T" || exit 1

run media-status metrics
no_database 'without a database there is nothing to count'

# well_formed NAME [FILE]
well_formed() { ok "$1: well formed" check-metrics <"${2:-$out}" || check-metrics <"${2:-$out}"; }
# value SERIES WANT NAME: of the last run
value() { is "$(grep -F -- "$1 " "$out" | sed 's/.* //')" "$2" "$3"; }

# The checker finds what is wrong, or its silence means nothing.
for bad in 'x_total 1' $'# HELP a_seconds x\n# TYPE a_seconds counter\na_seconds 1' \
    $'# HELP a_total x\n# TYPE a_total counter\na_total{b="c} 1' \
    $'# HELP a_bytes x\n# TYPE a_bytes gauge\na_bytes 1\na_bytes 2' \
    $'# HELP a_bytes x\n# TYPE a_bytes gauge\na_bytes{i="7b4e8d12-0000-4000-8000-000000000000"} 1' \
    $'# HELP a_seconds x\n# TYPE a_seconds histogram\na_seconds_bucket{le="1"} 2\na_seconds_bucket{le="+Inf"} 1\na_seconds_sum 1\na_seconds_count 1'; do
    not_ok "the checker refuses ${bad##*$'\n'}" check-metrics <<<"$bad" 2>/dev/null
done

run media-ingest clip.mp4 tone.wav empty.mp4
asset=$(jq -r 'select(.asset.content_type == "video").asset.id' "$out")
bytes=$(cat clip.mp4 tone.wav | wc -c)
run media-thumbs --count 2 "$asset"
made=$(jq '[.thumbnails[].file_size // 0] | add' "$out")
n=$(jq '.thumbnails | length' "$out")
run media-status metrics
exits 0 'metrics'
well_formed 'metrics'
value 'media_jobs_finished_total{type="ingest",status="completed",outcome="ok"}' 2 'what was completed'
value 'media_jobs_finished_total{type="ingest",status="failed",outcome=""}' 1 'what failed'
value 'media_job_failures_total{type="ingest",code="empty_file"}' 1 'and why'
value 'media_job_duration_seconds_count{type="ingest"}' 3 'durations: how many'
value 'media_job_duration_seconds_bucket{type="ingest",le="+Inf"}' 3 'durations: the last bucket'
between "$(grep -F 'media_processed_seconds_total{type="ingest"}' "$out" | sed 's/.* //')" 4 20 'media seconds'
value 'media_stored_bytes{class="standard",kind="original"}' "$bytes" 'bytes of originals'
value 'media_stored_objects{class="standard",kind="thumbnail"}' "$n" 'thumbnails'
[ "$made" = 0 ] || value 'media_stored_bytes{class="standard",kind="thumbnail"}' "$made" 'bytes of thumbnails'
value 'media_assets{type="video",status="completed"}' 1 'assets'
value "media_build_info{version=\"$(cat "$MT_TOP/VERSION")\"}" 1 'the version'

# --- what changes, changes the figures; counters stay when rows go
odd=$'a"b\\\nc'
sql "INSERT INTO processing_jobs (id, job_type, status, created_at) VALUES
     ('aaaa0000-0000-4000-8000-000000000001', '$odd', 'pending', '2026-01-15T14:00:00.000Z'),
     ('aaaa0000-0000-4000-8000-000000000002', 'transcode', 'pending', '2026-01-15T14:00:00.000Z');
     UPDATE processing_jobs SET status = 'processing' WHERE id LIKE '%2';
     UPDATE processing_jobs SET status = 'dead', started_at = '2026-01-15T14:00:00.000Z',
        completed_at = '2026-01-15T14:02:00.500Z', error = '{\"code\":\"timeout\",\"message\":\"x\"}' WHERE id LIKE 'aaaa%2';
     UPDATE media_assets SET storage_class = 'cold' WHERE id = '$asset';
     UPDATE media_assets SET upload_status = 'held' WHERE content_type = 'audio'"
run media-status metrics
well_formed 'odd types'
value 'media_queue_jobs{type="a\"b\\\nc",status="pending"}' 1 'a type is escaped'
value 'media_job_failures_total{type="transcode",code="timeout"}' 1 'a job of a queue that is dead'
value 'media_job_duration_seconds_bucket{type="transcode",le="60"}' 0 'it took more than a minute'
value 'media_job_duration_seconds_bucket{type="transcode",le="300"}' 1 'and less than five'
value 'media_job_duration_seconds_sum{type="transcode"}' 120.5 'to the millisecond'
value 'media_stored_bytes{class="cold",kind="original"}' "$(wc -c <clip.mp4)" 'bytes move to their class'
value 'media_assets{type="audio",status="held"}' 1 'an asset that is held'
on_postgresql || foreign_keys='PRAGMA foreign_keys = ON;'
sql "${foreign_keys-} DELETE FROM media_assets; DELETE FROM processing_jobs" >/dev/null
run media-status metrics
well_formed 'everything erased'
value 'media_jobs_finished_total{type="ingest",status="completed",outcome="ok"}' 2 'counters do not fall'
is "$(grep -c '^media_stored' "$out")" 0 'nothing is stored, with its variants'
is "$(sql 'SELECT count(*) FROM (SELECT 1 FROM stored_totals GROUP BY kind, type, status, class
    HAVING SUM(n) <> 0 OR SUM(bytes) <> 0) AS x')" 0 'to the byte'

# --- a database that is older is counted when it is brought up to date
fresh
run media-ingest clip.mp4 empty.mp4
run media-status metrics
grep -E '^media_(jobs|job_failures|stored|assets|processed)' "$out" >want
if on_postgresql; then
    sql "DROP TABLE job_totals; DROP TABLE stored_totals; DROP FUNCTION job_totals_count CASCADE; DROP VIEW job_ends;
         DROP FUNCTION stored_totals_asset CASCADE; DROP FUNCTION stored_totals_variant CASCADE;
         DROP FUNCTION stored_totals_add; ALTER TABLE media_assets DROP COLUMN duration_ms" 2>/dev/null
else
    sql "DROP VIEW job_ends; DROP TABLE job_totals; DROP TABLE stored_totals;
     DROP TRIGGER job_totals_ended; DROP TRIGGER job_totals_recorded;
     DROP TRIGGER stored_totals_asset_in; DROP TRIGGER stored_totals_asset_out; DROP TRIGGER stored_totals_asset_moved;
     DROP TRIGGER stored_totals_variant_in; DROP TRIGGER stored_totals_variant_out; DROP TRIGGER stored_totals_variant_moved;
     ALTER TABLE media_assets DROP COLUMN duration_ms"
fi
ours=$(echo "$MT_TOP"/share/sql/sqlite/*-totals.sql) ours=${ours##*/}
newest=$(schema_version) before=$((10#${ours%%-*} - 1))
if [ "$newest" != $((before + 1)) ]; then
    skip 'later migrations follow'
else
    schema_version "$before"
    run media-status metrics
    exits 10 'a database from before'
    stderr_like 'hint: any program that writes' 'says what helps'
    run media-ingest empty.mp4
    sql "UPDATE job_totals SET n = n - 1 WHERE code = 'empty_file'" # that of this last run
    run media-status metrics
    is "$(grep -E '^media_(jobs|job_failures|stored|assets|processed)' "$out")" "$(cat want)" 'is counted the same'
fi

# --- a file for the collector
fresh
run media-ingest clip.mp4
mkdir collector
run media-status metrics --output collector/media.prom
exits 0 'a file'
is "$(cat "$out")" '' 'and nothing else'
well_formed 'a file' collector/media.prom
is "$(ls -A collector)" media.prom 'no temporary file is left'
schema_version 999
sum=$(sha256sum collector/media.prom)
run media-status metrics --output collector/media.prom
exits 10 'a database of the future'
is "$(sha256sum collector/media.prom)" "$sum" 'leaves the file as it was'
schema_version "$newest"
run media-status metrics --output nowhere/media.prom
exits 4 'a directory that is not there'
run bash -c 'media-status metrics >/dev/full'
exits 1 'a full disk'

# --- signatures
mkdir signatures
printf '%-512s' "ClamAV-VDB:x:1:1:90:x:x:me:$(date -d '10 hours ago' +%s)" >signatures/daily.cvd
run media-status metrics --signatures signatures
well_formed 'signatures'
between "$(sed -n 's/^media_scanner_signature_age_seconds //p' "$out")" 36000 36100 'their age'
run media-status metrics --signatures "$T/nowhere"
is "$(grep -c signature "$out")" 0 'no signatures, no figure'
done_testing
