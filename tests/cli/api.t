#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# api.t - jobs, assets and lists over HTTP: by plain CGI, and by FastCGI behind nginx.
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/api.sh
. "$(dirname "$0")/../api.sh"

cd "$T" || exit 1
at_exit() { api_stop; }
api=/api/v1/media
api_setup
anna=11111111-1111-4111-8111-111111111111 ben=22222222-2222-4222-8222-222222222222
tok_anna=$(token $anna) tok_ben=$(token $ben) tok_op=$(token operator-1 operator) tok_view=$(token $anna viewer)
formats='"output_formats": [{"quality": "720p", "format": "mp4", "bitrate": "2500k"}]'
wanted="{\"source_url\": \"https://media.example/a.mp4\", $formats, \"generate_thumbnails\": true, \"thumbnail_count\": 10}"
jobs() { sql 'SELECT count(*) FROM processing_jobs'; }

# --- what needs no token
bearer=''
cgi GET /healthz
answer 200 'healthz'
cgi GET /readyz
answer 200 'readyz'
is "$(jq -r .checks.database "$body")" ok 'the database is there'
cgi GET $api/openapi.json
answer 200 'the OpenAPI document'
is "$(jq -r '.paths | has("/api/v1/media/transcode")' "$body")" true 'has the paths'
cgi GET $api/problems/not-found
answer 200 'what a problem means'
cgi GET $api/nothing
problem 404 not-found 'no such path'
cgi POST /healthz
problem 405 method-not-allowed 'no such method'
is "$(field Allow)" 'GET, HEAD, OPTIONS' 'Allow tells which'
cgi OPTIONS $api/jobs
answer 204 'OPTIONS'
cgi BREW $api/jobs
problem 405 method-not-allowed 'a method that nobody knows'
cgi HEAD /healthz
is "$code $(wc -c <"$body")" '200 0' 'HEAD has no body'
cgi GET $api/jobs
problem 401 unauthorized 'jobs want a token'
like "$(field WWW-Authenticate)" '^Bearer' 'and say which'

# --- transcode, as specified
bearer=$tok_anna
post $api/transcode "$wanted"
answer 202 'a transcode is accepted'
job=$(jq -r .job_id "$body")
is "$(jq -r .status_url "$body")" "$api/job/$job/status" 'status_url'
is "$(field Location)" "$api/job/$job/status" 'Location'
is "$(jq -cr 'keys' "$body")" '["estimated_completion","job_id","status_url"]' 'the body is the specified one'
is "$(sql "SELECT job_type, submitted_by FROM processing_jobs WHERE id = '$job'")" "transcode|$anna" 'a job of the queue'
post $api/transcode "$wanted"
is "$(jq -r .job_id "$body")" "$job" 'identical work is one job'
cgi GET "$api/job/$job/status" HTTP_X_REQUEST_ID=req-1
answer 200 'its status'
is "$(jq -r '.job_id + " " + .status' "$body")" "$job pending" 'is pending'
is "$(jq -c '.results' "$body")" '{"original_url":null,"variants":[],"thumbnails":[]}' 'has results'
is "$(field X-Request-Id)" req-1 'the request id comes back'
etag=$(field ETag)
cgi GET "$api/job/$job/status" HTTP_IF_NONE_MATCH="\"x\", $etag"
is "$code $(wc -c <"$body")" '304 0' 'If-None-Match: nothing new'
sql "UPDATE processing_jobs SET progress = 7, updated_at = '2026-01-01T00:00:00.000Z' WHERE id = '$job'"
cgi GET "$api/job/$job/status" HTTP_IF_NONE_MATCH="$etag"
answer 200 'after a change there is'
trace=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
post $api/transcode "${wanted/720p/480p}" HTTP_TRACEPARENT=$trace HTTP_X_REQUEST_ID=req-2
is "$(sql "SELECT input_parameters FROM processing_jobs WHERE id = '$(jq -r .job_id "$body")'" | jq -r '.request.id + " " + .request.traceparent')" \
    "req-2 $trace" 'request id and traceparent are in the job'
is "$(sql "SELECT count(*) FROM audit_log WHERE action = 'job.submitted' AND actor = '$anna'")" 3 'submissions are in the audit log'

# --- bad bodies: 422 names each place, nothing is stored
n=$(jobs)
while IFS='|' read -r want pointer text; do
    post $api/transcode "$text"
    is "$code $(jq -r '[.errors[]?.pointer][0] // ""' "$body")" "$want $pointer" "refused: ${text:0:70}"
done <<EOF
422|/source_url|{$formats}
422|/output_formats|{"source_url": "https://media.example/a.mp4"}
422|/output_formats|{"source_url": "https://media.example/a.mp4", "output_formats": []}
422|/output_formats/0/quality|{"source_url": "https://media.example/a.mp4", "output_formats": [{"quality": "721p"}]}
422|/output_formats/0/format|{"source_url": "https://media.example/a.mp4", "output_formats": [{"quality": "720p", "format": "exe"}]}
422|/output_formats/0/bitrate|{"source_url": "https://media.example/a.mp4", "output_formats": [{"quality": "720p", "bitrate": "-5k"}]}
422|/thumbnail_count|{"source_url": "https://media.example/a.mp4", $formats, "thumbnail_count": 0}
422|/thumbnails~1x|{"source_url": "https://media.example/a.mp4", $formats, "thumbnails/x": 1}
422|/asset_id|{"source_url": "https://media.example/a.mp4", "asset_id": "$anna", $formats}
400||{"source_url": "https://media.example/a.mp4", "source_url": "https://media.example/b.mp4", $formats}
400||[1]
400||{"a": 1
400||{} {}
EOF
sources='http://media.example/a https://127.0.0.1/ https://127.1/ https://0x7f000001/ https://2130706433/ https://[::1]/
https://[::ffff:10.0.0.1]/ https://10.1.2.3/ https://169.254.169.254/latest https://192.168.0.1/ https://100.64.0.1/ https://0.0.0.0/
https://localhost/ https://LOCALHOST./ https://db.internal/ https://x.local/ https://user:pw@media.example/ https://intranet/
file:///etc/passwd ftp://media.example/a gopher://x/ https://[fe80::1]/ https://[64:ff9b::7f00:1]/ javascript:alert(1) /etc/passwd https://'
for source in $sources; do
    post $api/transcode "{\"source_url\": \"$source\", $formats}"
    problem 422 refused "a source that may not be: $source"
done
post $api/transcode "$(printf '%*s' 200 '' | tr ' ' '[')$(printf '%*s' 200 '' | tr ' ' ']')"
problem 400 bad-request 'JSON of 200 levels'
head -c 1100000 /dev/zero | tr '\0' ' ' >big
cgi POST $api/transcode CONTENT_TYPE=application/json <big
problem 413 too-large 'a body over a megabyte'
cgi POST $api/transcode CONTENT_TYPE=text/plain <<<"$wanted"
problem 415 unsupported-media-type 'another Content-Type'
cgi POST $api/transcode CONTENT_TYPE='application/json; charset=utf-16' <<<"$wanted"
problem 415 unsupported-media-type 'another charset'
cgi POST $api/transcode CONTENT_TYPE=application/json CONTENT_LENGTH=100000 <<<"$wanted"
problem 400 bad-request 'a body shorter than its Content-Length'
for length in -1 1e3 0x10 99999999999999999999 ' 5' '5,5'; do
    cgi POST $api/transcode CONTENT_TYPE=application/json CONTENT_LENGTH="$length" <<<"$wanted"
    problem 400 bad-request "Content-Length '$length'"
done
is "$(jobs)" "$n" 'nothing of all that was stored'

# --- analyze, as specified
post $api/analyze '{"media_url": "https://media.example/v.mp4", "analysis_types": ["transcription", "moderation", "objects", "faces"], "languages": ["ar", "en"]}'
answer 202 'an analysis is accepted'
analysis=$(jq -r .analysis_id "$body")
is "$(jq -cr '[.status, .results_url]' "$body")" "[\"pending\",\"$api/analysis/$analysis/results\"]" 'the body is the specified one'
cgi GET "$api/analysis/$analysis/results"
is "$code $(jq -c '[.status, .results]' "$body")" '200 ["pending",{}]' 'results while it waits'
post $api/analyze '{"media_url": "https://media.example/v.mp4", "analysis_types": ["mood"]}'
problem 422 invalid-parameters 'a type that there is not'
cgi GET "$api/analysis/$job/results"
problem 404 not-found 'a transcode is no analysis'
found='{"schema": 1, "analysis": {"transcription": {"language": "ar", "confidence": 0.95, "text": "مرحبا", "timestamps": []}}}'
sql "UPDATE processing_jobs SET status = 'completed', progress = 100, output_results = '$found' WHERE id = '$analysis'"
cgi GET "$api/analysis/$analysis/results"
is "$(jq -r '.status + " " + .results.transcription.text' "$body")" 'completed مرحبا' 'results when it is done'

# --- what belongs to others is not there
bearer=$tok_ben
n=$(jobs)
for what in "GET $api/job/$job/status" "DELETE $api/job/$job" "GET $api/job/$job/events" "POST $api/job/$job/retry" \
    "GET $api/analysis/$analysis/results" "GET $api/job/nonsense/status" "GET $api/asset/$anna"; do
    # shellcheck disable=SC2086
    cgi $what
    problem 404 not-found "somebody else's: $what"
done
cgi GET $api/jobs
is "$(jq -c .jobs "$body")" '[]' 'nor in his list'
bearer=$tok_op
cgi GET "$api/job/$job/status"
answer 200 'an operator sees it'
cgi GET $api/queue
answer 200 'and the queue'
bearer=$tok_view
cgi GET $api/queue
problem 403 forbidden 'a viewer does not'
post $api/transcode "$wanted"
problem 403 forbidden 'nor submits'

# --- lists, page by page
bearer=$tok_anna
for i in 1 2 3 4 5; do post $api/transcode "${wanted/a.mp4/p$i.mp4}"; done
seen='' cursor=''
for _ in 1 2 3 4 5 6 7 8; do
    cgi GET "$api/jobs?limit=3${cursor:+&cursor=$cursor}"
    [ "$code" = 200 ] || break
    seen+=$(jq -r '.jobs[].job_id' "$body")$'\n'
    cursor=$(jq -r '.next // ""' "$body")
    [ -n "$cursor" ] || break
    like "$(field Link)" "cursor=$cursor>; rel=\"next\"" 'Link leads on'
    post $api/transcode "${wanted/a.mp4/new$RANDOM$RANDOM.mp4}" # a new one in between
    answer 202 'one more meanwhile'
done
is "$(sed '/^$/d' <<<"$seen" | sort | uniq -d)" '' 'no job is there twice'
is "$(sed '/^$/d' <<<"$seen" | wc -l)" 8 'all are there that were there at first'
cgi GET "$api/jobs?status=pending&type=transcode&limit=1000000"
is "$(jq '[.jobs[] | select(.status != "pending" or .type != "transcode")] | length' "$body")" 0 'filters'
for query in 'limit=0' 'limit=x' 'status=odd' 'cursor=%21' 'cursor=YWJj' 'asset_id=1' 'sort=up' 'limit=1&limit=2' 'type=A'; do
    cgi GET "$api/jobs?$query"
    problem 400 bad-request "refused: jobs?$query"
done

# --- cancel, retry
cgi DELETE "$api/job/$job"
is "$code $(jq -r .status "$body")" '200 cancelled' 'a waiting job is cancelled at once'
cgi DELETE "$api/job/$job"
is "$code" 200 'twice is once'
cgi POST "$api/job/$job/retry"
is "$code $(jq -r .status "$body")" '202 pending' 'and tried again'
cgi POST "$api/job/$job/retry"
problem 409 conflict 'what waits is not tried again'
media-queue claim --count 100 >/dev/null 2>&1
cgi DELETE "$api/job/$job"
is "$code $(jq -r .status "$body")" '202 cancelling' 'one at work is told'
cgi DELETE "$api/job/$analysis"
problem 409 conflict 'one that is done is not cancelled'
sql "UPDATE processing_jobs SET status = 'dead', error = NULL, error_message = 'no more' WHERE id = '$job'"
cgi GET "$api/job/$job/status"
is "$(jq -r '.status + " " + .error.message' "$body")" 'failed no more' 'a dead job has failed'
cgi GET "$api/jobs?status=failed"
is "$(jq -r --arg id "$job" '.jobs[] | select(.job_id == $id) | .status' "$body")" failed 'and is listed so'

# --- Idempotency-Key
n=$(jobs)
key=HTTP_IDEMPOTENCY_KEY
post $api/transcode "${wanted/a.mp4/k.mp4}" $key='"k-1"'
first=$(cat "$body")
post $api/transcode "${wanted/a.mp4/k.mp4}" $key=k-1
is "$(jq -cS . "$body")" "$(jq -cS . <<<"$first")" 'the same key has the same answer'
is "$(field Idempotency-Replayed)" true 'and says so'
post $api/transcode "${wanted/a.mp4/l.mp4}" $key=k-1
problem 422 idempotency-key-reused 'another body is refused'
bearer=$tok_ben
post $api/transcode "${wanted/a.mp4/k.mp4}" $key=k-1
answer 202 'a key of another user is another key'
bearer=$tok_anna
post $api/transcode "{$formats}" $key=k-2
problem 422 invalid-parameters 'a refusal is not kept'
post $api/transcode "${wanted/a.mp4/m.mp4}" $key=k-2
answer 202 'so the key can be used for what is right'
post $api/transcode "$wanted" $key="$(printf 'x%.0s' $(seq 300))"
problem 400 bad-request 'a key of 300 characters'
is "$(jobs)" $((n + 3)) 'each was done once'

# --- a batch: all or none
n=$(jobs)
batch="{\"requests\": [{\"operation\": \"transcode\", \"parameters\": ${wanted/a.mp4/b1.mp4}},
  {\"operation\": \"analyze\", \"parameters\": {\"media_url\": \"https://media.example/b2.mp4\", \"analysis_types\": [\"faces\"]}}]}"
post $api/batch "$batch"
is "$code $(jq -r '[.jobs[].operation] | join(" ")' "$body")" '202 transcode analyze' 'a batch'
post $api/batch "${batch/faces/moods}"
is "$code $(jq -r '.errors[0].pointer' "$body")" '422 /requests/1/parameters/analysis_types/0' 'one that is wrong is named'
is "$(jobs)" $((n + 2)) 'and nothing of it was done'
post $api/batch '{"requests": []}'
problem 422 invalid-parameters 'an empty batch'

# --- an asset
bearer=$tok_anna
ffmpeg -v error -f lavfi -i testsrc2=d=1:s=320x180 -pix_fmt yuv420p -y own.mp4
run media-ingest --uploaded-by $anna own.mp4
asset=$(json .asset.id)
cgi GET "$api/asset/$asset"
answer 200 'an asset'
unlike "$(cat "$body")" "file://|$store" 'tells no path of this machine'
cgi GET $api/assets
is "$(jq -r '.assets[0].asset_id' "$body")" "$asset" 'and in the list'
post $api/transcode "{\"asset_id\": \"$asset\", $formats}"
answer 202 'work on it'
is "$(sql "SELECT media_asset_id FROM processing_jobs WHERE id = '$(jq -r .job_id "$body")'")" "$asset" 'names it'
original=$(jq -r .asset.url "$out")
post $api/transcode "{\"source_url\": \"$original\", ${formats/720p/480p}}"
is "$code $(sql "SELECT media_asset_id FROM processing_jobs WHERE id = '$(jq -r .job_id "$body")'")" "202 $asset" 'so does its URL'
bearer=$tok_ben
cgi GET "$api/asset/$asset"
problem 404 not-found "somebody else's asset"
post $api/transcode "{\"asset_id\": \"$asset\", $formats}"
problem 404 not-found 'nor is there work on it'
post $api/transcode "{\"source_url\": \"$original\", $formats}"
problem 404 not-found 'nor by its URL'
answers_valid 'every answer of CGI is in the OpenAPI document'

# --- the same program as a server behind nginx
rm -f "$api_dir"/answers/*
if ! command -v nginx >/dev/null || ! command -v spawn-fcgi >/dev/null; then
    skip 'nginx or spawn-fcgi is not installed'
    done_testing
fi
ok 'spawn-fcgi starts it' api_start --threads 16
bearer=$tok_anna
http GET "$api/job/$job/status"
answer 200 'a status'
tag=$(field ETag)
cp "$body" before.json
http GET "$api/job/$job/status" -H "If-None-Match: $tag"
answer 304 'and 304'
http GET "$api/job/$job/status"
ok 'the same answer as long as nothing changes' cmp -s "$body" before.json
bearer=$tok_ben
http GET "$api/job/$job/status"
problem 404 not-found 'which is not given to somebody else'
bearer=$tok_anna
sql "UPDATE processing_jobs SET progress = 7, updated_at = '2030-01-01T00:00:00.000Z' WHERE id = '$job'"
http GET "$api/job/$job/status" -H "If-None-Match: $tag"
is "$code $(jq -r .progress "$body")" '200 7' 'a change by another program is told at once'
http POST $api/transcode --json "${wanted/a.mp4/f.mp4}"
answer 202 'a transcode'
live=$(jq -r .job_id "$body")
http POST $api/transcode --json "${wanted/a.mp4/f.mp4}" -H 'Transfer-Encoding: chunked'
is "$(jq -r .job_id "$body")" "$live" 'a chunked body'
http POST $api/transcode -H 'Content-Type: application/json' --data-binary @big
problem 413 too-large 'a body that is not waited for is answered'
http GET "$api/x/../job"
problem 400 bad-request 'a path with ..'
for i in $(seq 120); do printf 'X-H%d: x\r\n' "$i"; done >headers
http GET /healthz -H @headers
is "$code" 431 '120 header fields'
# Events as they happen, and again from where one was.
curl -sSN --max-time 20 -H "Authorization: Bearer $tok_anna" "$url$api/job/$live/events" >events &
follower=$!
for _ in $(seq 50); do grep -qs 'event: job.queued' events && break; sleep 0.1; done
http DELETE "$api/job/$live"
wait $follower
is "$(grep -c '^event: done' events)" 1 'the stream ends with the job'
like "$(cat events)" 'event: job.cancelled' 'which it told'
id=$(sed -n 's/^id: //p' events | head -n 1)
curl -sSN --max-time 20 -H "Authorization: Bearer $tok_anna" -H "Last-Event-ID: $id" "$url$api/job/$live/events" >again
unlike "$(cat again)" 'job.queued' 'Last-Event-ID: what was told is not told again'
like "$(cat again)" 'job.cancelled' 'the rest is'
# Many at once with one key are one job.
n=$(jobs)
many=()
for i in $(seq 12); do
    curl -sS -o "same.$i" -w '%{http_code}\n' -H "Authorization: Bearer $tok_anna" -H 'Idempotency-Key: many' \
        --json "${wanted/a.mp4/many.mp4}" "$url$api/transcode" >"code.$i" &
    many+=($!)
done
wait "${many[@]}"
is "$(jobs)" $((n + 1)) 'a dozen repeats at once are one job'
is "$(cat code.* | grep -vcE '^(202|409)$')" 0 'answered 202, or 409 while the first was on its way'
answers_valid 'every answer of FastCGI is in the OpenAPI document'
pid=$(cat "$api_dir/api.pid")
kill "$pid"
ok 'SIGTERM ends it' api_gone "$pid"
is "$(cat "$api_dir/api.log")" "$(head -n 1 "$api_dir/api.log")" 'without a word'
rm -f "$api_dir/api.pid"
done_testing
