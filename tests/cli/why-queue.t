#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# why-queue.t - what why makes of leases, dependencies and uploads, from rows as a queue leaves them.
. "$(dirname "$0")/../tap.sh"

media clip.mp4
cd "$T" || exit 1
run media-ingest clip.mp4
asset=$(json .asset.id)
id() { printf '%s-0000-4000-8000-000000000001' "$1"; }
# job PREFIX STATUS ERROR [SET]: a row of its own
job() {
    local ended="'2021-01-15T14:10:00.000Z'" error=NULL
    [ "$2" != pending ] || ended=NULL
    [ -z "$3" ] || error="'$3'"
    sql "INSERT INTO processing_jobs (id, media_asset_id, job_type, status, attempts, max_attempts, created_at,
            started_at, completed_at, error) VALUES ('$(id "$1")', '$asset', 'transcode', '$2', 1, 3,
            '2021-01-15T14:00:00.000Z', '2021-01-15T14:00:00.000Z',
            $ended, $error);
         UPDATE processing_jobs SET ${4:-progress = 0} WHERE id = '$(id "$1")'"
}
error() { # CODE MESSAGE [MORE]
    printf '{"code":"%s","message":"%s","retryable":false,"hint":null,"stage":"queue"%s}' "$1" "$2" "${3-}"
}
# attempt PREFIX TOKEN STATUS [COLUMN VALUE]...
attempt() {
    local set="worker = 'w$2'" job=$1 token=$2 state=$3
    shift 3
    while [ $# -gt 0 ]; do set+=", $1 = $2"; shift 2; done
    [[ $set = *ended_at* ]] || set+=", ended_at = '2021-01-15T14:0$token:30.000Z'"
    sql "INSERT INTO job_attempts (job_id, lease_token, attempt, worker, started_at, status)
         VALUES ('$(id "$job")', $token, $token, 'w$token', '2021-01-15T14:0$token:00.000Z', '$state');
         UPDATE job_attempts SET $set WHERE job_id = '$(id "$job")' AND lease_token = $token"
}
depends() { sql "INSERT INTO job_dependencies (job_id, depends_on) VALUES ('$(id "$1")', '$(id "$2")')"; }
# why PREFIX NAME: with its schema
why() {
    run media-status why "$(id "$1")"
    exits 0 "$2: why answers"
    valid why "$2: as the schema says"
}

# --- attempts: a lapsed lease, an exit status, a signal with last words
job aaaa0001 dead "$(error worker_crashed "worker w3 was not heard of again")" 'attempts = 3'
attempt aaaa0001 1 lapsed error "'$(error worker_crashed 'worker w1 was not heard of again')'"
attempt aaaa0001 2 failed exit_status 70 last_words "'no more luck'"
attempt aaaa0001 3 failed signal 11 last_words "'Segmentation fault'"
why aaaa0001 'three attempts'
json_true '[.history[].status] == ["lapsed", "failed", "failed"] and .history[0].error.code == "worker_crashed"' \
    'each with its end, the lapsed lease too'
json_true '.history[1].exit_status == 70 and .history[1].last_words == "no more luck"' 'an exit status'
json_true '.death | .signal_name == "SIGSEGV" and .last_words == "Segmentation fault"' 'the last one tells the death'
json_true '.summary | test("failed 3 times and is not tried again: worker w3")' 'in one sentence'
run script -qec "stty cols 100; media-status --color=never why $(id aaaa0001)" /dev/null
like "$(tr -d '\r' <"$out")" 'lapsed' 'a table of the attempts'
like "$(tr -d '\r' <"$out")" 'no more luck' 'with their last words'

# --- the row of the job lost its error, its last attempt has it
job aaaa0002 failed ''
attempt aaaa0002 1 failed error "'$(error no_space 'no space left on /srv')'"
why aaaa0002 'an error of the attempt only'
json_true '.error.code == "no_space" and (.cause | test("full")) and (.summary | test("no space left"))' \
    'is the error'
job aaaa0003 dead ''
why aaaa0003 'no error anywhere'
json_true '.error == null and .cause == null and (.summary | test("no reason was recorded"))' 'is not made up'
if ! on_postgresql; then # which holds no such thing
    job aaaa0004 failed '' "error = 'no JSON at all'"
    why aaaa0004 'an error that is no JSON'
fi
job aaaa0005 cancelled "$(error cancelled 'it was cancelled by user u1')"
why aaaa0005 'a cancelled job'
json_true '.summary == "transcode was cancelled: it was cancelled by user u1"' 'by whom'
job aaaa0006 processing '' "lease_until = '2021-01-15T14:01:00.000Z', worker = 'w9', lease_token = 1"
attempt aaaa0006 1 '' ended_at NULL status NULL
why aaaa0006 'a job under a lease that ran out long ago'

# --- dependencies: one that is still to come, and a chain that fell with its first link
job bbbb0001 dead "$(error infected 'it holds Test.Virus')" 'attempts = 3'
job bbbb0002 cancelled "$(error cancelled "job $(id bbbb0001), on which it depends, is dead" ",\"depends_on\":\"$(id bbbb0001)\"")"
job bbbb0003 cancelled "$(error cancelled "job $(id bbbb0002), on which it depends, is cancelled" ",\"depends_on\":\"$(id bbbb0002)\"")"
depends bbbb0002 bbbb0001
depends bbbb0003 bbbb0002
why bbbb0003 'the end of a chain'
json_true "(.summary | test(\"because transcode '$(id bbbb0001)', on which it depends, failed: it holds Test.Virus\"))" \
    'names what failed first'
json_true '(.cause | test("on which it depends.*scanner found")) and (.remedy | test("do not open"))' 'why, and what to do'
json_true ".depends_on | length == 1 and .[0].job_id == \"$(id bbbb0002)\" and .[0].status == \"cancelled\"" 'and the one before'
sql "UPDATE processing_jobs SET error = json_set(error, '\$.depends_on', '$(id bbbb0003)') WHERE id = '$(id bbbb0001)'"
why bbbb0003 'a ring of dependencies'
job cccc0001 pending '' 'waiting_on = 1, started_at = NULL'
job cccc0002 processing '' "owner = 'elsewhere:1:1'"
depends cccc0001 cccc0002
why cccc0001 'a job that waits'
json_true '.summary == "it waits for 1 other job to be completed" and .depends_on[0].status == "processing"' 'for what'
run script -qec "stty cols 100; media-status --color=never why $(id cccc0001)" /dev/null
like "$(tr -d '\r' <"$out")" 'AFTER' 'in a table too'

# --- uploads
upload() { # PREFIX STATUS EXPIRES ERROR
    local expires=NULL error=NULL
    [ -z "$3" ] || expires="'$3'"
    [ -z "$4" ] || error="'$4'"
    sql "INSERT INTO uploads (id, original_filename, status, expires_at, error, created_at, updated_at)
         VALUES ('$(id "$1")', 'talk.mov', '$2', $expires, $error,
         '2021-01-15T14:00:00.000Z', '2021-01-15T14:00:00.000Z')"
}
upload dddd0001 uploading 2999-01-01T00:00:00.000Z ''
why dddd0001 'an upload that goes on'
json_true '(.summary | test("is kept until 2999")) and (.remedy | test("go on")) and .jobs == []' 'can go on'
upload dddd0002 uploading 2021-01-16T00:00:00.000Z ''
why dddd0002 'an upload that was given up'
json_true '(.summary | test("was not finished")) and (.remedy | test("again"))' 'is over'
upload dddd0003 failed '' "$(error checksum_mismatch 'the bytes are not those that were promised')"
why dddd0003 'an upload of other bytes'
json_true '.error.code == "checksum_mismatch" and (.cause | length > 5) and (.remedy | length > 5)' 'says so'
upload dddd0004 completed '' ''
sql "UPDATE uploads SET job_id = '$(id bbbb0003)', media_asset_id = '$asset' WHERE id = '$(id dddd0004)'"
why dddd0004 'an upload whose job failed'
json_true ".jobs[0].id == \"$(id bbbb0003)\" and .asset_id == \"$asset\"" 'leads there'
for p in dddd0001 dddd0003; do
    run script -qec "stty cols 20; media-status --color=never why $(id $p)" /dev/null
    like "$(tr -d '\r' <"$out")" 'talk.mov' '20 columns'
done

# --- an asset that is held, for each reason
held() { # SCAN
    sql "UPDATE media_assets SET upload_status = 'held', scan = '$1' WHERE id = '$asset'"
    run media-status why "$asset"
    valid why "held: as the schema says"
}
held '{"verdict":"incomplete","reason":"2.1 GB were not looked at"}'
json_true '.summary | test("held.*2.1 GB were not looked at")' 'held by its scan'
held '{"verdict":"skipped"}'
json_true '.summary | test("held.*no virus scanner")' 'held for want of a scan'
held '{"verdict":"clean"}'
sql "INSERT INTO reviews (id, media_asset_id, reason, note) VALUES ('$(id eeee0001)', '$asset', 'moderation', 'weapons')"
run media-status why "$asset"
json_true '(.summary | test("held.*review is open: moderation, weapons")) and (.remedy | test("--release, --reject"))' \
    'held for review'
sql "INSERT INTO retention (id, media_asset_id, action, policy, reason) VALUES ('$(id eeee0002)', '$asset', 'hold', 'court', 'a lawsuit')"
run media-status why "$asset"
json_true '[.findings[] | select(.what == "retention").text] | .[0] | test("may not be erased: a lawsuit, court")' 'and kept by law'
done_testing
