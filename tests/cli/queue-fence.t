#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# queue-fence.t - who has lost a lease writes nothing: workers that are frozen and wake up.
#
# MT_FREEZE_TRIALS=1000 makes more trials of it.
. "$(dirname "$0")/../tap.sh"

media clip.mp4
cd "$T" || exit 1
few=${MT_QUICK-}${MT_SAN-}
trials=${MT_FREEZE_TRIALS:-${few:+3}}
trials=${trials:-15}
if on_postgresql; then MEDIA_DB="$MEDIA_DB&timeout_ms=1500"; else MEDIA_DB="sqlite://$db?timeout_ms=1500"; fi
export MEDIA_DB
asset=$(media-ingest clip.mp4 2>/dev/null | jq -r .asset.id)
submit() { media-queue submit thumbnail --asset "$asset" | jq -r .job_id; }
under() { env MEDIA_JOB="$1" MEDIA_LEASE_TOKEN="$2" "${@:3}"; }
# as reaping does: the lease is taken away, the job may be claimed
take_away() {
    local sql="UPDATE processing_jobs SET status = 'pending', lease_until = NULL WHERE id = '$1'"
    if on_postgresql; then PGOPTIONS='-c lock_timeout=500' psql -XAtq "$db" -c "$sql" 2>/dev/null
    else sqlite3 -cmd '.timeout 500' "$db" "$sql" 2>/dev/null; fi
}
stopped=
at_exit() { [ -z "$stopped" ] || kill -CONT "$stopped" 2>/dev/null; }

# --- a lease in the environment
j=$(submit)
run under "$j" 1 media-thumbs --count 1 "$asset"
exits 1 'a job that nobody has claimed'
stderr_like 'lease on job .* is over' 'there is no lease'
media-queue claim --types thumbnail >/dev/null
run env MEDIA_JOB="$j" media-thumbs --count 1 "$asset"
exits 2 'a job without a token'
run under nonsense 1 media-thumbs --count 1 "$asset"
exits 2 'a job that is none'
run under "$j" 2 media-thumbs --count 1 "$asset"
exits 1 'the token of somebody else'
is "$(sql 'SELECT count(*) FROM media_variants')" 0 'nothing was made'
before=$(sql 'SELECT count(*) FROM processing_jobs')
run under "$j" 1 media-thumbs --count 1 "$asset"
exits 0 'the right one'
document 'is a document as ever'
is "$(sql 'SELECT count(*) FROM processing_jobs')" "$before" 'no job of its own is recorded'
consistent 'under a lease'
isnt "$(sql "SELECT count(*) FROM media_variants WHERE processing_status = 'completed'")" 0 'it is published'
media-queue finish "$j" --token 1 >/dev/null

# --- frozen while it works or at any moment, somebody else does the job, woken up
refused=0 early=0 held=0 wrong=''
empty() {
    sql "DELETE FROM media_variants"
    find "$store" -path '*thumbs*' -type f -delete
}
# same: each object is what its row says
same() {
    local key sum
    while IFS='|' read -r key sum; do
        [ "$(sha256sum <"$store/$key" | cut -d' ' -f1)" = "$sum" ] || return 1
    done < <(sql "SELECT s3_key, checksum FROM media_variants WHERE processing_status = 'completed'")
}
# until_announced: waits until the worker has said what it makes, or has ended
until_announced() {
    while kill -0 "$stopped" 2>/dev/null &&
        [ "$(sql "SELECT count(*) FROM media_variants" 2>/dev/null)" = 0 ]; do :; done
}
# rows: what is published, by whom and when
rows() { sql "SELECT id, updated_at, checksum, owner FROM media_variants ORDER BY id"; }
for ((i = 0; i < trials; i++)); do
    empty
    j=$(submit)
    media-queue claim --types thumbnail >/dev/null
    MEDIA_JOB=$j MEDIA_LEASE_TOKEN=1 media-thumbs --count 1 "$asset" >stale.out 2>stale.err &
    stopped=$!
    if [ $((i % 2)) = 0 ]; then until_announced; else sleep "0.$(printf %03d $((RANDOM % 350)))"; fi
    kill -STOP "$stopped" 2>/dev/null
    fresh=ok
    if take_away "$j" && media-queue claim --types thumbnail >/dev/null 2>&1; then
        under "$j" 2 media-thumbs --count 1 "$asset" >fresh.out 2>fresh.err || fresh="ended with $?"
    else
        fresh=held
    fi
    [ "$fresh" != ok ] || rows >before
    kill -CONT "$stopped" 2>/dev/null
    wait "$stopped"
    status=$?
    stopped=
    case $fresh in
    ok) ;;
    held) held=$((held + 1)) && media-queue cancel "$j" >/dev/null 2>&1 ;;
    *) wrong+="trial $i: the second worker $fresh: $(tail -n 2 fresh.err); " ;;
    esac
    if [ "$fresh" = ok ]; then
        # Nothing is to be done for who finds all of it made; that is no write.
        rows | cmp -s - before || wrong+="trial $i: the stale worker has written; "
        if [ "$status" = 0 ]; then
            early=$((early + 1))
        elif grep -q 'lease' stale.err; then refused=$((refused + 1)); else
            wrong+="trial $i: the stale worker ended with $status: $(tail -n 1 stale.err); "
        fi
        media-queue finish "$j" --token 1 >/dev/null 2>&1 && wrong+="trial $i: the stale end was taken; "
        media-queue finish "$j" --token 2 >/dev/null 2>&1 || wrong+="trial $i: the right end was refused; "
    fi
    same || wrong+="trial $i: an object is not what its row says; "
done
diag "$trials trials: $refused refused, $early had nothing to do any more, $held held the database"
is "$wrong" '' 'no stale write'
[ "$trials" -lt 10 ] || between "$refused" 1 "$trials" 'some were refused' # a few may all come too late
is "$(sql "SELECT count(*) FROM media_variants WHERE processing_status <> 'completed'")" 0 'no intent is left'
consistent 'after all of that'
done_testing
