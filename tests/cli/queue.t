#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# queue.t - jobs go in, are leased once, and come to one end.
. "$(dirname "$0")/../tap.sh"

cd "$T" || exit 1
submit() { media-queue submit "$@" 2>/dev/null | jq -r .job_id; }
claim() { media-queue claim "$@" 2>/dev/null >claimed; jq -r .job_id claimed; }
token() { jq -r .lease.token claimed; }
state() { sql "SELECT status FROM processing_jobs WHERE id = '$1'"; }

# --- usage
run media-queue depth
if on_postgresql; then exits 10 'depth migrates no database'; else exits 4 'depth makes no database'; fi
run media-queue
exits 2 'it wants a command'
run media-queue submit Upper
exits 2 'a type is a word'
run media-queue submit a b
exits 2 'one type at a time'
run media-queue submit t --priority 101
exits 2 'a priority over 100'
run media-queue submit t --schedule 25:00-26:00
exits 2 'a schedule that is none'
stderr_like 'hint: 22:00-06:00' 'shows one'
run media-queue submit t --parameters '[1]'
exits 2 'parameters are an object'
run media-queue heartbeat
exits 2 'heartbeat wants a job'
run media-queue limit t
exits 2 'limit wants a limit'
run media-queue claim --lease 0.1
exits 2 'a lease of a tenth of a second'
run media-queue claim
exits 4 'nothing to claim'
is "$(cat "$out")" '' 'prints nothing'

# --- submit
run media-queue submit transcode --priority 5 --parameters '{"quality": "720p"}'
exits 0 'a job'
valid queue-job 'submit answers by the schema'
json_true '.status == "pending" and (.duplicate | not)' 'it is new'
first=$(json .job_id)
run media-queue submit transcode --unique k
one=$(json .job_id)
run media-queue submit transcode --unique k
json_true ".duplicate and .job_id == \"$one\"" 'the same key is the same job'
run media-queue submit refused --unique never --unless-known
refused=$(json .job_id)
media-queue claim --types refused >claimed
media-queue finish "$refused" --token 1 --exit-status 6 >/dev/null
run media-queue submit refused --unique never --unless-known
json_true ".duplicate and .job_id == \"$refused\" and .status == \"failed\"" 'what is known to have failed is not tried again'
run media-queue submit refused --unique never --unless-done
json_true '.duplicate | not' 'but what was not done is'
media-queue cancel "$(json .job_id)" >/dev/null
printf '%s\n' '{"type": "a", "ref": "x"}' '{"typ": "b"}' nonsense '{"type": "c", "depends_on": [{"ref": "y"}]}' \
    '{"type": "d", "needs": ["av1"], "class": "gpu"}' | media-queue submit >"$out" 2>"$err"
is $? 3 'some lines are wrong'
is "$(jq -c 'if .error then .error.code else .type end' "$out" | tr '\n' ' ')" \
    '"a" "usage" "bad_document" "usage" "d" ' 'each line has its answer, in order'
valid queue-job 'all of them by the schema'
stderr_like "no job has a member 'typ'" 'a misspelt member is named'
before=$(sql 'SELECT count(*) FROM processing_jobs')
printf '%s\n' '{"type": "a"}' '{"type": "b", "depends_on": [{"ref": "x"}]}' >lines
run media-queue submit --atomic <lines
exits 2 'all or nothing'
is "$(sql 'SELECT count(*) FROM processing_jobs')" "$before" 'it was nothing'
stderr_like 'job 2' 'the second one is named'
run media-queue submit t --after 12345678-1234-4123-8123-123456789abc
exits 4 'depends on a job that there is not'
run media-queue submit t --asset 12345678-1234-4123-8123-123456789abc
exits 4 'is about an asset that there is not'
run media-queue depth
exits 0 'depth'
valid queue-depth 'is what the schema says'
is "$(script -qec 'media-queue depth --json' /dev/null | wc -l)" 1 'and --json makes it one line on a terminal'
json_is '.by_type[] | select(.type == "d") | .class' gpu 'knows classes'

# --- claim: order, classes, capabilities
run media-queue claim
valid queue-job 'a leased job is what the schema says'
json_is .job_id "$first" 'the highest priority first'
json_is .parameters.quality 720p 'with its parameters'
cp "$out" claimed
run media-queue finish "$first" --token "$(token)" --results '{"n": 1}'
exits 0 'it is completed'
is "$(state "$first")" completed 'for good'
run media-queue finish "$first" --token 1
exits 1 'once'
stderr_like 'void: the job is completed' 'and no more'
is "$(claim --types nosuch)" '' 'no job of that type'
is "$(claim --types d)" '' 'a job that needs more than the worker has'
is "$(claim --types d --has h264,av1 --class cpu)" '' 'a job of another class'
isnt "$(claim --types d --has h264,av1)" '' 'a worker that has what it needs'

# --- attempts
j=$(submit flaky --max-attempts 2)
claim --types flaky >/dev/null
run media-queue finish "$j" --token "$(token)" --exit-status 11 --backoff 0.001 --backoff-max 0.001
json_true '.status == "pending" and .retry_s < 0.01' 'a temporary failure is tried again'
sleep 0.01
is "$(claim --types flaky)" "$j" 'soon'
run media-queue finish "$j" --token 1
exits 1 'the first token is void'
run media-queue release "$j" --token "$(token)"
exits 0 'given back'
is "$(sql "SELECT attempts FROM processing_jobs WHERE id = '$j'")" 1 'without a loss of attempts'
claim --types flaky >/dev/null
is "$(token)" 3 'each lease has its token'
run media-queue finish "$j" --token 3 --exit-status 139
json_is .status dead 'a crash in the last attempt'
is "$(sql "SELECT status FROM job_attempts WHERE job_id = '$j' ORDER BY lease_token" | tr '\n' ' ')" 'failed released failed ' 'the whole history is kept'
run media-queue retry "${j:0:8}"
json_is .status pending 'retry gives it all attempts anew'
claim --types flaky >/dev/null
run media-queue finish "$j" --token 4 --exit-status 6
json_is .status failed 'a rejection is for good'

# --- environment
j=$(submit env)
claim --types env >/dev/null
run env MEDIA_JOB="$j" MEDIA_LEASE_TOKEN=1 media-queue progress --percent 40 --step half
exits 0 'the lease of the environment'
is "$(sql "SELECT progress || current_step FROM processing_jobs WHERE id = '$j'")" 40half 'is recorded'
run env MEDIA_JOB="$j" MEDIA_LEASE_TOKEN=1 media-queue progress --percent 41
is "$(sql "SELECT progress FROM processing_jobs WHERE id = '$j'")" 40 'at most once a second'

# --- cancel
run media-queue cancel "$j"
json_is .status cancelling 'a job that runs is asked to stop'
run media-queue heartbeat "$j" --token 1
json_is .status cancelling 'the worker hears of it'
run media-queue finish "$j" --token 1 --status cancelled
json_is .status cancelled 'and obeys'

# --- graphs
a=$(submit ga) b=$(submit gb --after "$a") c=$(submit gc --after "$b") d=$(submit gd --after "$a" --even-if-failed)
is "$(claim --types gb)" '' 'who depends waits'
claim --types ga >/dev/null
media-queue finish "$a" --token 1 --exit-status 1 >/dev/null
is "$(state "$b") $(state "$c") $(state "$d")" 'cancelled cancelled pending' 'a failure cancels what depends on it'
is "$(claim --types gd)" "$d" 'except what does not care'
run media-queue retry "$a"
is "$(state "$b") $(state "$c")" 'pending pending' 'retry brings it back'
claim --types ga >/dev/null
media-queue finish "$a" --token 2 >/dev/null
is "$(claim --types gb)" "$b" 'then it runs'
media-queue finish "$b" --token 1 >/dev/null
is "$(claim --types gc)" "$c" 'one after the other'
run media-queue submit t --after "$a"
claim --types t >/dev/null
ok 'what depends on a completed job is ready' test -s claimed

# --- pause, limits, windows
submit p >/dev/null
submit p >/dev/null
run media-queue pause p
is "$(claim --types p)" '' 'paused'
run media-queue resume p
run media-queue limit p --max-running 1
isnt "$(claim --types p --count 2)" '' 'one may run'
is "$(wc -l <claimed)" 1 'and no more'
is "$(claim --types p)" '' 'while it does'
run media-queue limit p --max-running 0
isnt "$(claim --types p)" '' 'without the limit'
run media-queue pause
submit q >/dev/null
is "$(claim --types q)" '' 'the whole queue'
run media-queue resume
now=$(date -u -d '+2 hours' +%H:%M)-$(date -u -d '+3 hours' +%H:%M)
run media-queue limit q --schedule "$now"
is "$(claim --types q)" '' 'a type outside of its window'
run media-queue limit q --schedule ''
isnt "$(claim --types q)" '' 'inside'
j=$(submit w --schedule "$now")
is "$(claim --types w)" '' 'a job outside of its window'
is "$(sql "SELECT attempts || status FROM processing_jobs WHERE id = '$j'")" 0pending 'is put off'
run media-queue depth
json_is '.by_type[] | select(.type == "w") | .delayed' 1 'until it opens'

# --- leases end
j=$(submit r)
claim --types r --lease 1 >/dev/null
run media-queue reap
is "$(cat "$out")" '' 'nothing to reap'
sql "UPDATE processing_jobs SET lease_until = '2020-01-01T00:01:00.000Z', heartbeat_at = '2020-01-01T00:00:59.000Z'
    WHERE id = '$j'"
sql "DELETE FROM shared_state"
run media-queue reap
is "$(cat "$out")" '' 'a lease that is over, but nobody knows whether the database was up'
run media-queue heartbeat "$j" --token 1
exits 0 'its worker may still renew it'
sql "UPDATE processing_jobs SET lease_until = '2020-01-01T00:01:00.000Z', heartbeat_at = '2020-01-01T00:00:59.000Z'
    WHERE id = '$j'"
run media-queue reap --wait --lease 1
exits 0 'after one lease time'
is "$(state "$j")" pending 'it is taken back'
run media-queue heartbeat "$j" --token 1
exits 1 'its worker comes too late'
is "$(sql "SELECT status FROM job_attempts WHERE job_id = '$j'")" lapsed 'the attempt has lapsed'

# --- prune
run media-queue prune --older 0 --dry-run
n=$(json .removed)
between "$n" 2 100 'there is something to be deleted'
run media-queue prune --older 0
json_is .removed "$n" 'as much as was said'
is "$(sql "SELECT count(*) FROM processing_jobs WHERE status IN ('completed', 'cancelled') AND id NOT IN
    (SELECT depends_on FROM job_dependencies)")" 0 'what others wait for is kept'

is "$(sql "SELECT count(*) FROM job_attempts a JOIN processing_jobs j ON j.id = a.job_id
    WHERE j.status <> 'processing' AND a.ended_at IS NULL")" 0 'no attempt is left open'
consistent 'queue'
done_testing
