#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nginx.t - the shipped configuration: TLS, signed URLs, ranges, forms of pictures, errors, limits.
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/api.sh
. "$(dirname "$0")/../api.sh"
# shellcheck source=tests/site.sh
. "$(dirname "$0")/../site.sh"
site_tools

cd "$T" || exit 1
at_exit() { site_stop; }
api=/api/v1/media
api_setup
# get TARGET [CURL-OPTION...]: without the token, as a <video> would
get() { bearer='' http GET "$@"; }
head_has() { is "$(field "$1")" "$2" "$3"; }

# --- something to serve: a film with its pictures, and its own copy
media clip.mp4
anna=11111111-1111-4111-8111-111111111111
media-ingest --uploaded-by "$anna" clip.mp4 2>"$err" | media-thumbs --count 1 --format webp,jpg >"$T/doc" 2>>"$err" ||
    diag "$(cat "$err")"
asset=$(json .asset.id "$T/doc")
jpg=$(cd "$store" && find "$asset/thumbs" -name '*.jpg') webp=$(cd "$store" && find "$asset/thumbs" -name '*.webp')
original=$(cd "$store" && find "$asset" -name 'original.*')
ok 'a film and its pictures are there' test -n "$jpg" -a -n "$webp" -a -n "$original" || diag "$(cat "$T/doc")"
# Playlists and captions need no encoder here.
mkdir -p "$store/$asset/hls-x/720p"
printf '#EXTM3U\n' >"$store/$asset/hls-x/a.m3u8"
head -c 200000 clip.mp4 >"$store/$asset/hls-x/720p/1.m4s"
printf 'WEBVTT\n\n00:00.000 --> 00:01.000\nمرحبا\n' >"$store/$asset/ar.vtt"
head -c 300000 /dev/urandom >"$store/$asset/180p-x.mp4"
signed() { media-api sign-url "$@" | jq -r .url; }

# --- as it is shipped, nginx takes it, and so does the doctor
site_install
run nginx -t -e "$site/error.log" -c "$site/nginx.conf" -p "$site"
exits 0 'nginx takes the configuration' || diag "$(cat "$err")"
unlike "$(cat "$err")" 'warn' 'without a warning'
for variant in upstream-fcgiwrap geo-networks; do
    case $variant in
    geo-*) site_install "s|snippets/geo-none|snippets/$variant|" ;;
    *) site_install "s|snippets/upstream-fastcgi|snippets/$variant|" ;;
    esac
    run nginx -t -e "$site/error.log" -c "$site/nginx.conf" -p "$site"
    exits 0 "and with $variant" || diag "$(cat "$err")"
done
site_install
run media-status doctor --nginx "$site/nginx.conf" --json
for check in nginx_buffering nginx_body_size nginx_http_proxy; do
    is "$(json ".checks[] | select(.name == \"$check\") | .verdict")" ok "doctor: $check" || diag "$(cat "$out" "$err")"
done

site_api --rate 0
ok 'nginx and media-api start' site_nginx || diag "$(cat "$site/error.log")"

# --- TLS
get /healthz
answer 200 'over TLS 1.3'
is "$(curl -so "$body" -w '%{http_version}' "$url/healthz")" 2 'HTTP/2 is spoken'
is "$(curl -so "$body" -w '%{ssl_verify_result}' "$url/healthz")" 0 'with the certificate'
run curl -sS --tls-max 1.2 "$url/healthz"
exits 35 'TLS 1.2 is refused'
is "$(curl -so "$body" -w '%{http_code} %{redirect_url}' "$plain/a?b=c")" "308 https://localhost/a?b=c" 'plain HTTP is sent on'
is "$(curl -so "$body" -w '%{http_code}' "http://${url#https://}/")" 308 'also at the port of TLS'
get /healthz
like "$(field Strict-Transport-Security)" '^max-age=[0-9]{8}' 'and browsers are told to stay with TLS'
unlike "$(cat "$head")" 'nginx/[0-9]' 'nobody is told the version'

# --- signed URLs
link=$(signed "$asset/180p-x.mp4")
get "$link"
answer 200 'a signed URL'
ok 'has the bytes' cmp -s "$body" "$store/$asset/180p-x.mp4"
head_has Content-Type video/mp4 'their type'
head_has Cache-Control 'private, max-age=31536000, immutable' 'are fresh for ever'
head_has X-Content-Type-Options nosniff 'nosniff'
like "$(field Content-Security-Policy)" "default-src 'none'.*sandbox" 'a sandbox'
head_has Referrer-Policy no-referrer 'no referrer'
head_has Content-Disposition inline 'shown, not kept'
etag=$(field ETag)
get "$link" -H "If-None-Match: $etag"
answer 304 'If-None-Match'
get "$link" -H 'Range: bytes=1000-1999'
answer 206 'a range'
head_has Content-Range 'bytes 1000-1999/300000' 'is that range'
ok 'of the bytes' cmp -s "$body" <(tail -c +1001 "$store/$asset/180p-x.mp4" | head -c 1000)
get "$link" -H 'Range: bytes=-10' && answer 206 'the last bytes'
get "$link" -H 'Range: bytes=300000-'
problem 416 bad-request 'a range behind the end'
get "/media/$asset/180p-x.mp4"
problem 403 forbidden 'without a signature'
is "$(jq -r 'has("title") and has("detail") and has("hint") and .status == 403' "$body")" true 'told with a remedy'
is "$(jq -r .request_id "$body")" "$(field X-Request-Id)" 'and the request id'
for bad in "${link/180p-x/180p-y}" "${link%sig=*}sig=$(tr A-Za-y B-ZAb-z <<<"${link##*sig=}")" "${link%??????????}" "${link/exp=/exp=9}" "${link/sig=/sig=%00}" "$link&ip=1" "$link&raw=1" \
    "${link/media\//media/../media/}" "${link/\/180p/\/.\/180p}" "${link/180p/%31%38%30p}"; do
    [ "$bad" != "$link" ] || fail "nothing is altered in $bad"
    get "$bad"
    is "${code/#2??/served} $(jq -r .title "$body" 2>/dev/null)" '403 Forbidden' "altered: ${bad#*/media/"$asset"}"
done
short=$(signed --ttl 1s "$asset/180p-x.mp4")
sleep 2.1
get "$short"
problem 403 forbidden 'one that has expired'
get "$(signed --address 192.0.2.9 "$asset/180p-x.mp4")"
problem 403 forbidden 'of another address'
get "$(signed --address 127.0.0.1 "$asset/180p-x.mp4")"
answer 200 'of this address'
get "$(signed "$asset/none.mp4")"
problem 404 not-found 'a signed URL of nothing'
http POST "$link" -d x
problem 405 method-not-allowed 'POST to a film'
head_has Allow 'GET, HEAD' 'tells what is allowed'
tree=$(signed --depth 2 "$asset/hls-x/a.m3u8")
get "$tree"
answer 200 'a playlist'
head_has Content-Type 'application/vnd.apple.mpegurl; charset=utf-8' 'and its type'
get "${tree%/*}/720p/1.m4s"
answer 200 'and its segments, by relative URLs'
get "${tree/hls-x\/a.m3u8/180p-x.mp4}"
problem 403 forbidden 'but nothing beside the tree'
get "$(signed "$asset/ar.vtt")"
head_has Content-Type 'text/vtt; charset=utf-8' 'captions'

# --- originals
get "/media/$original"
problem 403 forbidden 'an original'
get "$(signed --depth 1 "$original")"
first=$code
bearer=$(token "$anna" viewer)
http POST $api/sign -H 'Content-Type: application/json' -d "{\"key\": \"$original\"}"
problem 404 not-found 'viewers get no URL of an original'
http GET "$api/asset/$asset"
is "$(jq -r '.asset.url' "$body")" null 'nor see one'
http POST $api/sign -H 'Content-Type: application/json' -d "{\"key\": \"$jpg\", \"depth\": 1}"
answer 200 'they get one of all the rest'
rest=$(jq -r .url "$body")
get "$rest"
answer 200 'which holds'
get "${rest%"$asset"/*}$original"
problem 403 forbidden 'but not for the original'
bearer=$(token "$anna" uploader)
http POST $api/sign -H 'Content-Type: application/json' -d "{\"key\": \"$original\"}"
answer 200 'its owner may have it'
mine=$(jq -r .url "$body")
get "$mine"
answer 200 'and gets it'
head_has Content-Disposition attachment 'to keep'
[ "$first" != 200 ] || pass 'the command line of the operator may sign originals'

# --- forms of pictures
link=$(signed "$jpg")
get "$link" -H 'Accept: image/avif,image/webp,*/*'
head_has Content-Type image/webp 'WebP for who takes it'
head_has Vary Accept 'and caches are told'
get "$link" -H 'Accept: image/*'
head_has Content-Type image/jpeg 'JPEG for who does not'
head_has Vary Accept 'and caches are told too'
get "$link" -H 'Accept: image/webp;q=0, image/jpeg'
head_has Content-Type image/jpeg 'q=0 is no'
cp "$store/$webp" "$store/${webp%.webp}.avif"
if [ "${jpg%.jpg}" = "${webp%.webp}" ]; then
    get "$link" -H 'Accept: image/avif,image/webp,*/*'
    head_has Content-Type image/avif 'AVIF before WebP'
    get "$(signed "$webp")" -H 'Accept: image/avif,image/webp'
    head_has Content-Type image/avif 'also for a URL of WebP'
fi
get "$(signed "$asset/180p-x.mp4")" -H 'Accept: image/avif'
head_has Vary '' 'films do not vary'

# --- errors of nginx are problem documents
bearer=''
http POST $api/uploads --http1.1 -H 'Content-Length: 9000000000000'
problem 413 too-large 'a body over all limits'
like "$(jq -r .hint "$body")" client_max_body_size 'says which limit'
get "/$(head -c 100000 /dev/zero | tr '\0' a)"
like "$code $(jq -r .status "$body" 2>/dev/null)" '^(414 414|400 400|0*)' 'a URI that is too long'
get / -H "X-Long: $(head -c 40000 /dev/zero | tr '\0' a)" --http1.1
like "$code $(jq -r .status "$body")" '^(400|431) (400|431)$' 'a header that is too long'
# raw NAME CODE BYTES: what no client of HTTP would send
raw() {
    printf "%b" "$3" | timeout 20 openssl s_client -quiet -connect "${url#https://}" -servername localhost \
        -CAfile "$site/cert.pem" 2>/dev/null >"$T/raw"
    is "$(tr -d '\r' <"$T/raw" | sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p; s/^{.*"status":\([0-9]*\),.*/\1/p' | xargs)" "$2 $2" "$1: $2, as a problem"
}
raw 'CONNECT' 400 'CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n'
raw 'an unknown coding' 400 'POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'
raw 'two lengths' 400 'POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx'
raw 'a length and chunks' 400 'POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
raw 'two hosts' 400 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n'
raw 'a bare carriage return' 400 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: a\rb\r\nConnection: close\r\n\r\n'
raw '120 header fields' 431 "GET /api/v1/media/jobs HTTP/1.1\r\nHost: localhost\r\n$(for i in $(seq 120); do printf 'X-%d: y\\r\\n' "$i"; done)Connection: close\r\n\r\n"
raw 'an unknown method' 405 'FROB /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
get /nothing-here
problem 404 not-found 'no such page'
http POST / -d x
problem 405 method-not-allowed 'POST to the page'
get /_media_authorize
problem 404 not-found 'what nginx asks is for nginx'
get $api/authorize
problem 403 forbidden 'also at media-api'
get /readyz
answer 200 'readyz, from this machine'
get /healthz -H 'X-Request-Id: trace-me-please'
head_has X-Request-Id trace-me-please 'request ids go through'
get /nothing-here -H 'X-Request-Id: "},"x":"'
is "$(jq -r '.x' "$body")" null 'what is no id does not'
get $api/jobs
problem 401 unauthorized 'problems of media-api come through'
is "$(grep -ci '^x-content-type-options' "$head")" 1 'with each header once'
get "${tree%/*}/none.m4s"
problem 404 not-found 'nothing in a tree'
is "$(grep -cE 'sig=|/media/t/[^-]' "$site/media-toolkit.log")" 0 'no signature is in the log'
is "$(jq -es 'length > 20 and all(.[]; has("request_id"))' "$site/media-toolkit.log")" true 'which is JSON'

# --- the page's own headers
get /
answer 200 'the page'
like "$(field Content-Security-Policy)" "script-src 'self'; style-src 'self'" 'no script but its own'
unlike "$(field Content-Security-Policy)" unsafe 'and none in the text'

# --- the five commands of docs/api.md
cp clip.mp4 talk.mov
# shellcheck disable=SC2016
sed -n '/^```sh$/,/^```$/p' "$MT_TOP/docs/api.md" | grep -v '^```' >commands
is "$(grep -c '^# [1-5]\.' commands)" 5 'docs/api.md has five commands'
run env api="$url" token="$(token "$anna" uploader)" bash -eu commands
exits 0 'which work as printed' || diag "$(cat "$err")"
like "$(sed -n '/^{/,/^}/p' "$out" | jq -r .status)" '^(processing|completed)$' 'the upload is complete'
like "$(cat "$out")" "ingest pending 0%" 'its job waits'
like "$(cat "$out")" "$asset clip.mp4" 'and the asset is listed'

# --- events are not held back
bearer=$(token "$anna" uploader)
http POST $api/transcode -H 'Content-Type: application/json' -d "{\"asset_id\": \"$asset\", \"output_formats\": [{\"quality\": \"144p\"}]}"
answer 202 'a job'
job=$(jq -r .job_id "$body")
timeout 20 curl -sSN -H "Authorization: Bearer $bearer" "$url$api/job/$job/events" >"$T/events" 2>"$err" &
reader=$!
for _ in $(seq 100); do ! grep -q '"pending"' "$T/events" || break; sleep 0.1; done
ok 'an event arrives while the stream is open' grep -q '"pending"' "$T/events" || diag "$(cat "$T/events" "$err")"
media-queue cancel "$job" >/dev/null 2>&1
wait "$reader"
is "$?" 0 'the stream ends with the job'
ok 'and says so' grep -q '^event: done' "$T/events"

# --- no media-api, too many requests, other countries
site_end "$site/api.pid"
get /healthz
problem 502 unavailable 'media-api is gone'
head_has Retry-After 5 'and when to come again'
get "$(signed "$asset/180p-x.mp4")"
like "$code" '^5' 'no film without permission'
site_end "$site/nginx.pid"
mkdir -p "$site/cgi"
site_install 's|snippets/geo-none|snippets/geo-networks|; s|rate=100r/s|rate=1r/s|; s|burst=200 nodelay|burst=1 nodelay|
    s|snippets/upstream-fastcgi|snippets/upstream-fcgiwrap|; s|# 192.0.2.0/24 1;|127.0.0.2/32 1;|; s|listen 127.0.0.1:|listen |'
if command -v fcgiwrap >/dev/null; then
    spawn-fcgi -s "$site/run/cgi.sock" -M 0666 -P "$site/cgi.pid" -- "$(command -v fcgiwrap)" >>"$site/api.log" 2>&1
fi
ok 'nginx starts with other snippets' site_nginx
if [ -s "$site/cgi.pid" ]; then
    get /healthz
    answer 200 'by plain CGI through fcgiwrap'
    get "$(signed "$asset/180p-x.mp4")"
    answer 200 'a film too'
    bearer=$(token "$anna" uploader)
    http GET "$api/asset/$asset"
    answer 200 'and an asset'
else
    skip 'fcgiwrap is not installed'
fi
for _ in 1 2 3 4; do get $api/openapi.json; [ "$code" != 429 ] || break; done
problem 429 too-many-requests 'a flood is stopped'
head_has Retry-After 1 'and told when to go on'
get / --interface 127.0.0.2
problem 451 forbidden 'a network that is kept out'
get / --interface 127.0.0.1
answer 200 'others are not'
if [ -e /usr/lib/nginx/modules/ngx_http_geoip_module.so ] && [ -e /usr/share/GeoIP/GeoIPv6.dat ]; then
    site_install 's|snippets/geo-none|snippets/geo-country|'
    sed -i '1i load_module /usr/lib/nginx/modules/ngx_http_geoip_module.so;' "$site/nginx.conf"
    run nginx -t -e "$site/error.log" -c "$site/nginx.conf" -p "$site"
    exits 0 'countries' || diag "$(cat "$err")"
else
    skip 'no module of nginx for countries is installed'
fi
done_testing
