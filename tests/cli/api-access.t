#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# api-access.t - forged tokens, roles, changed keys, networks, rates, and signed URLs of media.
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/api.sh
. "$(dirname "$0")/../api.sh"

cd "$T" || exit 1
at_exit() { api_stop; }
api=/api/v1/media
api_setup
anna=11111111-1111-4111-8111-111111111111

# --- the commands
run media-api
exits 2 'it wants a command'
run media-api serve
exits 2 'there is nothing to serve'
stderr_like 'hint: --listen' 'and says what there could be'
run media-api token --roles king anna
exits 2 'a role that there is not'
run media-api token
exits 2 'a token is somebody'\''s'
run media-api serve --listen unix:
exits 2 'a socket without a name'
run env -u MEDIA_JWKS_FILE media-api serve --listen "unix:$T/no.sock"
exits 10 'without keys it does not start'
run media-api --jwks-file missing.json serve --listen "unix:$T/no.sock"
exits 10 'nor with keys that are not there'
echo '{"keys": [{"kty": "oct", "kid": "a", "k": "c2hvcnQ"}]}' >short.json
run media-api --jwks-file short.json serve --listen "unix:$T/no.sock"
exits 10 'nor with a secret of five bytes'
stderr_like '256 are wanted' 'which it says'
run media-api --clock-skew 61 openapi
exits 10 'clocks that differ by more than a minute'
run media-api key --public "$api_dir/keys.json"
is "$(json '[.keys[] | keys[] | select(. == "d" or . == "k" or . == "p")] | length')" 0 'what may be shown holds no secret'

# --- tokens
bearer=''
for kid in es hs rs; do
    bearer=$(token $anna viewer --kid $kid)
    cgi GET $api/jobs
    answer 200 "a token by the key '$kid'"
done
"$MT_TOP/tests/forge-tokens" "$api_dir/keys.json" "$(token $anna viewer --kid es)" "$(token $anna viewer --kid rs)" >forged
bearer=$(head -n 1 forged | cut -f 2)
cgi GET $api/jobs
answer 200 'a token that others have made'
refused=0 n=0
while IFS=$'\t' read -r name bearer <&3; do
    n=$((n + 1))
    cgi GET $api/jobs
    if [ "$code" = 401 ]; then refused=$((refused + 1)); else
        fail "refused: $name"; diag "$code $(head -c 300 "$body")"; fi
done 3< <(tail -n +2 forged)
is "$refused" "$n" "$n forged tokens are refused"
between "$n" 60 1000 'which are sixty at least'
unlike "$(cat "$body")" "signature|expired|issuer" 'the client is not told what was wrong'
good=$(token $anna viewer)
for form in "bearer $good" "Bearer  $good"; do
    bearer=''
    cgi GET $api/jobs HTTP_AUTHORIZATION="$form"
    answer 200 "the scheme's case and spaces do not matter: ${form:0:8}"
done
for form in "$good" "Basic $good" "Bearer" "Bearer $good, Bearer $good" "Bearer $good $good"; do
    cgi GET $api/jobs HTTP_AUTHORIZATION="$form"
    problem 401 unauthorized "no bearer token: ${form:0:16}..."
done
cgi GET "$api/jobs?access_token=$good"
problem 401 unauthorized 'nor one in the query'

# --- roles
while read -r role read submit queue <&3; do
    bearer=$(token someone "$role")
    cgi GET $api/jobs
    is "$code" "$read" "$role: jobs $read"
    post $api/analyze '{"media_url": "https://media.example/v.mp4", "analysis_types": ["faces"]}'
    is "$code" "$submit" "$role: analyze $submit"
    cgi GET $api/queue
    is "$code" "$queue" "$role: queue $queue"
done 3<<EOF
viewer 200 403 403
uploader 200 202 403
operator 200 202 200
moderator 200 403 403
admin 200 202 200
EOF
answers_valid 'every answer of CGI is in the OpenAPI document'

# --- networks
bearer=$(token $anna viewer)
cgi GET $api/jobs MEDIA_DENY=192.0.2.0/24
problem 403 forbidden 'an address that is denied'
cgi GET $api/jobs MEDIA_DENY=192.0.2.0/31,2001:db8::/32 MEDIA_ALLOW=192.0.2.0/30
problem 403 forbidden 'denied though it is allowed'
cgi GET $api/jobs MEDIA_ALLOW=192.0.2.0/30,10.0.0.0/8
answer 200 'an address that is allowed'
cgi GET $api/jobs MEDIA_ALLOW=192.0.2.2/31
problem 403 forbidden 'one that is not'
cgi GET $api/jobs MEDIA_ALLOW=2001:db8::/32 REMOTE_ADDR=2001:db8:1::5
answer 200 'IPv6'
cgi GET $api/jobs MEDIA_ALLOW=192.0.2.0/30 REMOTE_ADDR=
problem 403 forbidden 'no address is none that is allowed'
run env MEDIA_ALLOW=300.0.0.1 media-api sweep
exits 10 'a network that is none'

# --- CORS
cgi GET $api/jobs MEDIA_ORIGINS=https://app.example HTTP_ORIGIN=https://app.example
is "$(field Access-Control-Allow-Origin)" https://app.example 'a page of a known origin'
cgi GET $api/jobs MEDIA_ORIGINS=https://app.example HTTP_ORIGIN=https://app.example.evil
is "$(field Access-Control-Allow-Origin)" '' 'one of another'
bearer=''
cgi OPTIONS $api/transcode MEDIA_ORIGINS=https://app.example HTTP_ORIGIN=https://app.example HTTP_ACCESS_CONTROL_REQUEST_METHOD=POST
like "$code $(field Access-Control-Allow-Headers)" '^204 .*Idempotency-Key' 'its preflight needs no token'

# --- rates, kept together by processes
bearer=$(token $anna viewer)
codes=''
for _ in 1 2 3 4; do
    cgi GET $api/jobs MEDIA_RATE=1 MEDIA_BURST=2 MEDIA_RATE_FILE="$T/rates"
    codes+="$code "
done
like "$codes" '^200 200 .*429' 'the third request of two is one too many'
cgi GET $api/jobs MEDIA_RATE=1 MEDIA_BURST=1 MEDIA_RATE_FILE="$T/rates1"
cgi GET $api/jobs MEDIA_RATE=1 MEDIA_BURST=1 MEDIA_RATE_FILE="$T/rates1"
problem 429 too-many-requests 'a problem document'
like "$(field Retry-After) $(field RateLimit) $(field RateLimit-Policy)" '^[1-9][0-9]* "default";r=0;t=[0-9]+ "default";q=1;w=1$' 'says when'
bearer=$(token ben viewer)
cgi GET $api/jobs MEDIA_RATE=1 MEDIA_BURST=1 MEDIA_RATE_FILE="$T/rates1"
answer 200 'another user has his own account'

# --- signed URLs
ffmpeg -v error -f lavfi -i testsrc2=d=1:s=320x180 -pix_fmt yuv420p -y own.mp4
run media-ingest --uploaded-by $anna own.mp4
asset=$(json .asset.id)
mkdir -p "$store/$asset/hls-1"
echo video >"$store/$asset/720p-1.mp4"
echo list >"$store/$asset/hls-1/master.m3u8"
echo part >"$store/$asset/hls-1/1.m4s"
bearer=$(token $anna viewer)
post $api/sign "{\"key\": \"$asset/720p-1.mp4\", \"ttl_s\": 60}"
answer 200 'a URL of one'\''s own object'
signed=$(jq -r .url "$body")
post $api/sign "{\"key\": \"$asset/original.mp4\"}"
problem 404 not-found 'not of an original, for a viewer'
bearer=$(token ben uploader)
post $api/sign "{\"key\": \"$asset/720p-1.mp4\"}"
problem 404 not-found "not of somebody else's"
bearer=$(token $anna uploader)
post $api/sign "{\"key\": \"$asset/original.mp4\"}"
answer 200 'of an original for who may submit'
original=$(jq -r .url "$body")
for wrong in '{"key": "../etc/passwd"}' '{"key": 1}' '{"key": "a", "ttl_s": 1000000}' '{"key": "a", "depth": 9}' '{}'; do
    post $api/sign "$wrong"
    problem 422 invalid-parameters "refused: $wrong"
done
tree=$(media-api sign-url --depth 2 "$asset/hls-1/master.m3u8" | jq -r .url)

if ! command -v nginx >/dev/null || ! command -v spawn-fcgi >/dev/null; then
    skip 'nginx or spawn-fcgi is not installed'
    done_testing
fi
ok 'a server behind nginx' api_start --threads 8 --rate 0 --clock-skew 0s
get() { curl -s -o got -w '%{http_code}' --path-as-is "$url$1"; }
is "$(get "$signed") $(cat got)" '200 video' 'the URL gives the object'
is "$(get "$original")" 200 'and the original'
is "$(get "$tree") $(cat got)" '200 list' 'a playlist by its prefix'
is "$(get "${tree%master.m3u8}1.m4s") $(cat got)" '200 part' 'and what it names'
is "$(get "${tree%hls-1*}720p-1.mp4")" 403 'nothing above the prefix'
is "$(get "${tree%hls-1*}hls-1/../720p-1.mp4")" 403 'nor by ..'
is "$(get "/media/$asset/720p-1.mp4")" 403 'nothing without a signature'
is "$(get "${signed/720p-1.mp4/original.mp4}")" 403 'a signature is for its object'
is "$(get "${signed/exp=/exp=1}")" 403 'a later time'
is "$(get "${signed}&ip=1")" 403 'another flag'
is "$(get "${signed/kid=u1/kid=u2}")" 403 'another key'
mine=$(media-api sign-url --address 127.0.0.1 "$asset/720p-1.mp4" | jq -r .url)
other=$(media-api sign-url --address 192.0.2.9 "$asset/720p-1.mp4" | jq -r .url)
is "$(get "$mine") $(get "$other")" '200 403' 'a URL for one address'
late=$(media-api sign-url --ttl 1 "$asset/720p-1.mp4" | jq -r .url)
sleep 2.1
is "$(get "$late")" 403 'one that has expired'
python3 - "$signed" >mutants <<'EOF'
import random, sys
random.seed(1)
url = sys.argv[1]
start = url.index("?") + 1
for _ in range(400):
    at = random.randrange(start, len(url))
    new = random.choice("0123456789abcdefABCDEFxyz-_&=")
    if new != url[at]:
        print(url[:at] + new + url[at + 1:])
EOF
taken=0
while read -r mutant; do [ "$(get "$mutant")" != 200 ] || { taken=$((taken + 1)); diag "$mutant"; }; done < <(head -n "${MEDIA_TEST_MUTANTS:-60}" mutants)
is "$taken" 0 'no altered URL is taken'

# --- keys change while it runs: the new one first, the old one still good, then gone
media-api key --alg HS256 --kid u2 >urls2.json
old=$signed
jq -cs '{keys: (.[0].keys + .[1].keys)}' urls2.json "$api_dir/urls.json" >both.json && mv both.json "$api_dir/urls.json"
new=$(media-api sign-url "$asset/720p-1.mp4" | jq -r .url)
like "$new" 'kid=u2' 'the first key signs'
for _ in $(seq 100); do [ "$(get "$new")" != 200 ] || break; sleep 0.1; done
is "$(get "$old") $(get "$new")" '200 200' 'two keys for URLs are live'
mv urls2.json "$api_dir/urls.json"
for _ in $(seq 100); do [ "$(get "$old")" = 200 ] || break; sleep 0.1; done
is "$(get "$old") $(get "$new")" '403 200' 'then one'
media-api key --kid es2 >es2.json
jq -cs '{keys: map(.keys[])}' "$api_dir/keys.json" es2.json >both.json
sleep 1.1
mv both.json "$api_dir/keys.json"
bearer=$(token $anna viewer --kid es2)
http GET $api/jobs
answer 200 'a token by a key that is new is taken at once'
echo nonsense >"$api_dir/keys.json"
sleep 1.1
http GET $api/jobs
answer 200 'a damaged file of keys leaves the good ones'
# What was verified is remembered, but not for longer than its key is there.
media-api key --kid es3 >"$api_dir/keys.json"
for _ in $(seq 100); do
    http GET $api/jobs
    [ "$code" = 200 ] || break
    sleep 0.1
done
problem 401 unauthorized 'a token whose key was taken away'
bearer=$(token $anna viewer --kid es3 --ttl 2s)
http GET $api/jobs
answer 200 'a token by the key that is there now'
for _ in $(seq 100); do
    http GET $api/jobs
    [ "$code" = 200 ] || break
    sleep 0.1
done
problem 401 unauthorized 'until it expires'
kill "$(cat "$api_dir/api.pid")"
done_testing
