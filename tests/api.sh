# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# api.sh - what the tests of media-api share: keys, tokens, a server behind nginx, requests.
#
# Source it behind tap.sh. Requests are made as plain CGI (cgi METHOD PATH ...) or over HTTP
# (http METHOD PATH ...); both leave $code, and the answer in the files $head and $body, and keep it
# for answers_valid, which holds all of them against the OpenAPI document.

head=$T/.head body=$T/.body code=
api_dir=$T/api
mkdir -p "$api_dir/answers"

# api_setup: keys, and the configuration that all later commands of the test use
api_setup() {
    media-api key --alg ES256 --kid es >"$api_dir/es.json"
    media-api key --alg HS256 --kid hs >"$api_dir/hs.json"
    media-api key --alg RS256 --kid rs >"$api_dir/rs.json"
    media-api key --alg HS256 --kid u1 >"$api_dir/urls.json"
    jq -cs '{keys: map(.keys[])}' "$api_dir/es.json" "$api_dir/hs.json" "$api_dir/rs.json" >"$api_dir/keys.json"
    export MEDIA_JWKS_FILE=$api_dir/keys.json MEDIA_ISSUER=https://issuer.example MEDIA_AUDIENCE=media
    export MEDIA_URL_KEYS=$api_dir/urls.json MEDIA_RATE=0 MEDIA_UPLOADS=$T/uploads
    mkdir -p "$store"
    media-queue reap >/dev/null 2>&1 # makes the database
}

# token SUBJECT [ROLES [OPTION...]]
token() {
    local subject=$1 roles=${2:-uploader}
    shift $(($# > 1 ? 2 : 1))
    media-api token --roles "$roles" "$@" "$subject" | jq -r .token
}

# keep_answer METHOD PATH: for answers_valid
keep_answer() {
    local n
    n=$(find "$api_dir/answers" -name '*.body' | wc -l)
    cp "$body" "$api_dir/answers/$n.body"
    printf '%s\n%s\n%s\n' "$1" "$2" "$code" >"$api_dir/answers/$n.what"
    tr -d '\r' <"$head" >"$api_dir/answers/$n.head"
}

# cgi METHOD TARGET [VARIABLE=VALUE...] [<BODY]: one request as plain CGI; $bearer is the token
cgi() {
    local method=$1 target=$2 length=0
    shift 2
    cat >"$T/.request"
    length=$(wc -c <"$T/.request")
    env -u GATEWAY_INTERFACE GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD="$method" REQUEST_URI="$target" \
        REMOTE_ADDR=192.0.2.1 SERVER_PROTOCOL=HTTP/1.1 CONTENT_LENGTH="$length" \
        ${bearer:+HTTP_AUTHORIZATION="Bearer $bearer"} "$@" \
        media-api <"$T/.request" >"$T/.raw" 2>"$err"
    status=$?
    sanitized "$err" "cgi $method $target"
    sed '/^\r$/,$d' "$T/.raw" >"$head"
    sed '1,/^\r$/d' "$T/.raw" >"$body"
    code=$(sed -n 's/^Status: \([0-9]*\).*/\1/p' "$head")
    keep_answer "$method" "$target"
}

# post TARGET JSON [VARIABLE=VALUE...]
post() {
    local target=$1 json=$2
    shift 2
    cgi POST "$target" CONTENT_TYPE=application/json "$@" <<<"$json"
}

# field NAME: of the last answer's header
field() { tr -d '\r' <"$head" | sed -n "s/^$1: //Ip" | head -n 1; }

# answer CODE NAME: of the last request
answer() {
    if [ "$code" = "$1" ]; then pass "$2"; else
        fail "$2"; diag "got $code, want $1"; diag "$(head -c 600 "$body")"; diag "$(tail -n 3 "$err")"; return 1
    fi
}

# problem CODE TYPE NAME: the last answer is this problem document
problem() {
    local type
    type=$(jq -r '.type | sub(".*/"; "")' "$body" 2>/dev/null)
    if [ "$code" = "$1" ] && [ "$type" = "$2" ] && [ "$(field Content-Type)" = application/problem+json ]; then
        pass "$3"
    else
        fail "$3"; diag "got $code '$type', want $1 '$2'"; diag "$(head -c 600 "$body")"; return 1
    fi
}

# --- a server behind nginx

free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

# api_start [OPTION...]: the server by spawn-fcgi, and nginx before it; $url is where
api_start() {
    local port
    mkdir -p "$api_dir/tmp"
    chmod 711 "$T" "$api_dir"
    spawn-fcgi -s "$api_dir/api.sock" -M 0666 -P "$api_dir/api.pid" -- "$bin/media-api" serve "$@" \
        >"$api_dir/api.log" 2>&1 || { cat "$api_dir/api.log" >&2; return 1; }
    port=$(free_port)
    url=http://127.0.0.1:$port
    cat >"$api_dir/nginx.conf" <<CONF
$([ "$(id -u)" != 0 ] || echo 'user root;')
worker_processes 1; daemon on; pid $api_dir/nginx.pid; error_log $api_dir/error.log crit;
events { worker_connections 512; }
http {
    access_log off; client_max_body_size 0; default_type application/octet-stream;
    client_body_temp_path $api_dir/tmp/b; proxy_temp_path $api_dir/tmp/p; fastcgi_temp_path $api_dir/tmp/f;
    uwsgi_temp_path $api_dir/tmp/u; scgi_temp_path $api_dir/tmp/s;
    upstream api { server unix:$api_dir/api.sock; keepalive 16; }
    server {
        listen 127.0.0.1:$port;
        fastcgi_param REQUEST_METHOD \$request_method; fastcgi_param REQUEST_URI \$request_uri;
        fastcgi_param CONTENT_TYPE \$content_type; fastcgi_param CONTENT_LENGTH \$content_length;
        fastcgi_param REMOTE_ADDR \$remote_addr; fastcgi_param HTTPS \$https if_not_empty;
        fastcgi_param HTTP_PROXY "";
        location / {
            fastcgi_pass api; fastcgi_keep_conn on;
            fastcgi_request_buffering off; fastcgi_buffering off; fastcgi_read_timeout 60;
        }
        location ~ ^/media/(?:t/[^/]+/)?(?<media_key>[0-9a-f-]+/.+)\$ { auth_request /authorize; alias $store/\$media_key; }
        location = /authorize {
            internal; fastcgi_pass api; fastcgi_keep_conn on; fastcgi_pass_request_body off;
            fastcgi_param REQUEST_METHOD GET; fastcgi_param REQUEST_URI \$request_uri;
            fastcgi_param MEDIA_TARGET /api/v1/media/authorize; fastcgi_param REMOTE_ADDR \$remote_addr;
        }
    }
}
CONF
    nginx -e "$api_dir/error.log" -c "$api_dir/nginx.conf" -p "$api_dir" >"$api_dir/nginx.log" 2>&1 ||
        { cat "$api_dir/nginx.log" "$api_dir/error.log" >&2; return 1; }
    for _ in $(seq 100); do
        [ "$(curl -so /dev/null -w '%{http_code}' "$url/healthz")" != 200 ] || return 0
        sleep 0.1
    done
    cat "$api_dir/api.log" >&2
    return 1
}

api_gone() {
    for _ in $(seq 150); do
        grep -Eqs '^State:[[:space:]]+[^ZX[:space:]]' "/proc/$1/status" || return 0
        sleep 0.1
    done
    return 1
}

# api_stop: both, cleanly
api_stop() {
    local file pid
    for file in "$api_dir/nginx.pid" "$api_dir/api.pid"; do
        [ -s "$file" ] || continue
        pid=$(cat "$file")
        kill "$pid" 2>/dev/null && api_gone "$pid"
        rm -f "$file"
    done
}

# http METHOD TARGET [CURL-OPTION...]: over nginx, with $bearer
http() {
    local method=$1 target=$2
    shift 2
    : >"$body"
    code=$(curl -sS -X "$method" ${bearer:+-H "Authorization: Bearer $bearer"} -o "$body" -D "$head" \
        -w '%{http_code}' --path-as-is --max-time 30 "$@" "$url$target" 2>"$err")
    keep_answer "$method" "$target"
}

# answers_valid NAME: every answer so far is one that the OpenAPI document foresees
answers_valid() {
    media-api openapi >"$api_dir/openapi.json"
    python3 "$MT_TOP/tests/api-answers" "$api_dir/openapi.json" "$api_dir/answers" >"$T/.valid" 2>&1
    if [ ! -s "$T/.valid" ]; then pass "$1"; else fail "$1"; diag "$(head -n 20 "$T/.valid")"; fi
}
