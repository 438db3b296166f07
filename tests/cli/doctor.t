#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# doctor.t - faults that are planted one by one, and what doctor says of each.
. "$(dirname "$0")/../tap.sh"

media clip.mp4
cd "$T" || exit 1
at_exit() {
    mountpoint -q "$T/small" && umount "$T/small"
    [ -z "${daemon-}" ] || kill "$daemon" 2>/dev/null
    [ -z "${api-}" ] || kill -9 "$api" 2>/dev/null
    return 0
}

# check NAME VERDICT REASON TEXT: what the last run says of one thing
check() {
    is "$(json ".checks[] | select(.name == \"$1\") | .verdict")" "$2" "$4: $2"
    like "$(json ".checks[] | select(.name == \"$1\") | .reason")" "$3" "$4: the reason"
    if [ "$2" = problem ] || [ "$2" = warning ]; then
        isnt "$(json ".checks[] | select(.name == \"$1\") | .remedy")" null "$4: what to do"
    fi
}

# --- before there is anything
run media-status doctor
valid doctor 'nothing there: as the schema says'
check database warning 'no database|does not exist|no such' 'no database yet'
check store warning . 'no store yet'
not_ok 'and none was made' test -e "$db"
not_ok 'nor a store' test -e "$store"

# --- a machine that works
run media-ingest clip.mp4
before=$(database_sum) objects=$(objects)
run media-status doctor
valid doctor 'a machine that works: as the schema says'
unlike "$status" '^(1|2|10)$' 'no problem here ends it with 0 or 3'
for name in media-ingest media-probe media-transcode media-thumbs media-analyze media-scan codecs seccomp \
    database database_integrity sqlite store; do
    check $name ok . "$name"
done
is "$(database_sum)" "$before" 'the database is as it was'
is "$(objects)" "$objects" 'and so is the store'
is "$(find "$store" -mindepth 1 -maxdepth 1 -name 'doctor*' | wc -l)" 0 'no directory is left'
run media-status doctor clip.mp4
exits 2 'it takes no operands'
for columns in 20 80; do
    run script -qec "stty cols $columns; media-status --color=never doctor" /dev/null
    like "$(tr -d '\r' <"$out")" 'seccomp' "$columns columns: a table"
done
like "$(tr -d '\r' <"$out")" 'database_integrity ok' 'a long name does not run into its verdict'
run bash -c 'media-status doctor >/dev/full'
exits 1 'a full disk under the output'

# --- 1, 2, 3, 4: programs that are missing, foreign, holed or poor
cp -R "$bin" bin
PATH=$T/bin:$PATH
rm bin/media-thumbs
cat >bin/media-ingest <<'EOF'
#!/bin/sh
echo '{"name":"media-ingest","version":"0.0.1","libraries":{}}'
EOF
cat >bin/media-probe <<'EOF'
#!/bin/sh
case $1 in
--version) cat "$T_VERSION" ;;
*) echo '{"encoder":{"libx264":false,"aac":true},"decoder":{},"filter":{"zscale":false}}' ;;
esac
EOF
printf '#!/bin/sh\nkill -SEGV $$\n' >bin/media-analyze
export T_VERSION=$T/version
# ffmpeg VERSION VERDICT REASON
ffmpeg_is() {
    printf '{"name":"media-probe","version":"%s","libraries":{"ffmpeg":"%s"}}\n' \
        "$(cat "$MT_TOP/VERSION")" "$1" >version
    run bin/media-status doctor
    check ffmpeg "$2" "$3" "FFmpeg $1"
}
ffmpeg_is 8.0.2 problem CVE-2026-8461
exits 10 'a problem ends it with 10'
valid doctor 'problems: as the schema says'
check media-thumbs problem 'not beside' 'a missing program'
check media-ingest warning '0\.0\.1' 'a program of another build'
check media-analyze problem 'without an answer' 'a program that crashes'
check codecs problem 'libx264 encoder, zscale filter' 'missing codecs and filters'
for v in n8.1.1 7.1.3 5.1.9; do ffmpeg_is $v problem CVE-2026-8461; done
for v in 8.0.3 n8.1.2 8.2 9.0.1; do ffmpeg_is $v ok fixes; done
ffmpeg_is 5.1.6-0+deb12u1 warning 'Debian 12'
ffmpeg_is 5.1.9-0+deb12u1 unknown 'distribution'
ffmpeg_is 6.1.1-3ubuntu5 unknown 'distribution'
ffmpeg_is N-112233-gabcdef unknown 'no release'
rm -rf bin
hash -r

# --- engines that describe themselves, and those that do not
mkdir engines
printf '#!/bin/sh\necho '"'"'{"protocol":1,"name":"speech-x","types":["transcription"],"version":"1","needs":{"input":"audio"}}'"'"'\n' >engines/speech-x
chmod +x engines/speech-x
export MEDIA_ENGINE_PATH=$T/engines
run media-status doctor
check engines ok '[1-9]' 'an engine that describes itself'
printf '#!/bin/sh\nexit 3\n' >engines/vision-broken
printf '#!/bin/sh\necho "[]"\n' >engines/text-odd
chmod +x engines/*
run media-status doctor
check engines warning "'(vision-broken|text-odd)'.*'(vision-broken|text-odd)'" 'engines that do not'
valid doctor 'engines: as the schema says'
unset MEDIA_ENGINE_PATH

# --- 5: signatures that are old, or none; a clamd that is dead, or lives
mkdir signatures
head=$(printf 'ClamAV-VDB:07 Jul 2025 07-29 +0000:1:1:90:x:x:me:%s' "$(date -d '40 days ago' +%s)")
printf '%-512s' "$head" >signatures/daily.cvd
run media-status doctor --signatures signatures
check signatures problem '40 days old' 'signatures of 40 days ago'
exits 10 'which is a problem'
printf '%-512s' "ClamAV-VDB:x:1:1:90:x:x:me:$(date -d '10 days ago' +%s)" >signatures/daily.cvd
run media-status doctor --signatures signatures
check signatures warning '10 days old' 'signatures of 10 days ago'
printf '%-512s' "ClamAV-VDB:x:1:1:90:x:x:me:$(date -d '3 hours ago' +%s)" >signatures/daily.cvd
run media-status doctor --signatures signatures
check signatures ok '3 h old' 'signatures of today'
run media-status doctor --signatures "$T/nowhere"
check signatures warning 'none in' 'no signatures'
python3 - "$T/clamd.dead" <<'EOF'
import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])
EOF
run media-status doctor --clamd "$T/clamd.dead"
check scanner problem 'does not answer' 'a clamd that is dead'
python3 - "$T/clamd.ctl" <<'EOF' &
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True:
    c, _ = s.accept()
    if c.recv(100) == b"zVERSION\0":
        c.sendall(b"ClamAV 1.4.6/27000/today\0")
    c.close()
EOF
daemon=$!
for _ in $(seq 50); do [ -S clamd.ctl ] && break; sleep 0.1; done
run media-status doctor --clamd "$T/clamd.ctl"
check scanner ok 'ClamAV 1.4.6' 'a clamd that answers'

# --- 6: nginx
mkdir nginx
cat >nginx/good.conf <<'EOF'
http {
    client_max_body_size 0; # any
    include "parts/*.conf";
    server { location /api/ { fastcgi_pass unix:/run/media.sock; include fastcgi_params; }
             location / { root "/srv/{www}"; } }
    fastcgi_request_buffering off;
}
EOF
printf "fastcgi_param QUERY_STRING \$query_string;\nfastcgi_param HTTP_PROXY '';\n" >nginx/fastcgi_params
run media-status doctor --nginx nginx/good.conf
for name in buffering body_size http_proxy; do check nginx_$name ok . "nginx, all well: $name"; done
cat >nginx/bad.conf <<'EOF'
http { server {
    client_max_body_size 20m;
    fastcgi_param HTTP_PROXY "";
    location /a { fastcgi_pass 127.0.0.1:9000; fastcgi_param X y; }
    location /b { client_max_body_size 6g; fastcgi_request_buffering off; fastcgi_pass 127.0.0.1:9000; }
} }
EOF
run media-status doctor --nginx nginx/bad.conf
exits 10 'nginx: problems'
check nginx_buffering problem '1 of 2 places' 'nginx buffers'
check nginx_body_size problem '21.0 MB.*1 of 2' 'nginx refuses large bodies'
check nginx_http_proxy problem '1 of 2 places' 'nginx hands HTTP_PROXY on, as parameters of its own hide the others'
echo 'http { server { ' >nginx/half.conf
echo 'http { server' >nginx/broken.conf
echo 'include loop.conf;' >nginx/loop.conf
run media-status doctor --nginx nginx/half.conf
check nginx warning 'passes nothing on' 'nginx without FastCGI'
for f in broken loop absent; do
    run media-status doctor --nginx nginx/$f.conf
    check nginx problem $f "nginx, $f"
done

# --- 7, 8, 9, 10: databases
sql "INSERT INTO processing_jobs (id, job_type, created_at)
     VALUES ('eeee0000-0000-4000-8000-000000000001', 'ingest', '$(date -u -d tomorrow +%Y-%m-%dT%H:%M:%S.000Z)')"
run media-status doctor
check clock problem 's from now' 'a clock that is behind'
sql "DELETE FROM processing_jobs WHERE job_type = 'ingest' AND id LIKE 'eeee%'"
cp "$db" sound.db
sql 'PRAGMA journal_mode=WAL' >/dev/null
wal=$(sqlite3 :memory: 'SELECT sqlite_version()')
run media-status doctor
case $wal in 3.40.1) check sqlite problem 'WAL mode' 'a WAL with an SQLite that corrupts it' ;;
*) skip "this SQLite is $wal" ;; esac
cp sound.db "$db" && rm -f "$db"-*
sql 'PRAGMA user_version = 999'
run media-status doctor
check database problem 'newer|999' 'a database of the future'
cp sound.db "$db"
sql 'CREATE TABLE planted (x); INSERT INTO planted VALUES (zeroblob(200000))'
page=$(sql "SELECT rootpage FROM sqlite_schema WHERE name = 'idx_media_assets_status'")
size=$(sql 'PRAGMA page_size')
dd if=/dev/urandom of="$db" bs="$size" seek=$((page - 1)) count=1 conv=notrunc status=none
run media-status doctor
check database_integrity problem 'idx_media_assets_status|malformed|btree|corrupt|page' 'a page of noise in the database'
echo 'this is no database, but text that is somewhat longer than a head' >"$db"
run media-status doctor
check database problem 'not a database|foreign|no database' 'text for a database'
cp sound.db "$db"

# --- the HTTP API: nothing of it is said unless it is configured
run media-status doctor
is "$(json '[.checks[].name | select(startswith("api"))] | length')" 0 'no API, no checks of it'
media-api key --alg HS256 >keys.json
media-api key | jq -c '{keys: [.keys[] | del(.d)]}' >public.json
mkdir -p up
chmod 640 keys.json
chmod 644 public.json
media-api serve --access=open --uploads "$T/up" --listen "unix:$T/api.sock" 2>api.log &
api=$!
for _ in $(seq 100); do [ ! -S api.sock ] || break; sleep 0.1; done
head -c 65536 /dev/zero >rates
api_doctor() {
    run media-status doctor --jwks-file "$T/keys.json" --url-keys "$T/public.json" --uploads "$T/up" --rate-file "$T/rates" \
        --listen "unix:$T/api.sock" "$@"
}
api_doctor
valid doctor 'with an API: as the schema says'
check api_keys ok 'with what is secret, changed 0 days' 'its keys'
check api_url_keys ok 'public' 'keys that everybody may see'
check api_uploads ok 'durably' 'the directory of uploads'
like "$(json '.checks[] | select(.name == "api_uploads_space") | .reason')" 'are free' 'and its space'
check api_rates ok rates 'the account of requests'
check api_socket ok 'answers /healthz in' 'the server'
is "$(find up -type f | wc -l)" 0 'nothing is left among the uploads'
chmod 644 keys.json
touch -d '400 days ago' public.json
api_doctor --uploads "$T/none" --rate-file "$T/up"
exits 10 'problems of the API end it with 10'
check api_keys problem 'everybody may read' 'secrets that everybody can read'
check api_url_keys warning 'not changed for 400 days' 'an old key'
check api_uploads warning 'No such file' 'no directory of uploads'
check api_rates problem 'no regular file' 'a directory for a file'
echo '{"keys": []}' >keys.json
chmod 666 public.json
kill -STOP "$api"
api_doctor --uploads /dev/shm
check api_keys problem 'holds no keys' 'a file without keys'
check api_url_keys problem 'everybody may change' 'keys that everybody can change'
[ "$(stat -f -c %T /dev/shm)" != tmpfs ] || check api_uploads problem 'in memory' 'uploads in memory'
check api_socket problem 'no answer to /healthz' 'a server that hangs'
kill -CONT "$api"
kill "$api"
wait "$api"
echo '{' >keys.json
api_doctor
check api_keys problem keys.json 'half a file of keys'
check api_socket problem 'nobody answers' 'a server that is gone'
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
media-api serve --access=open --uploads "$T/up" --listen "127.0.0.1:$port" --processes 2 2>api.log &
api=$!
for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
api_doctor --listen "127.0.0.1:$port"
check api_socket ok 'answers /healthz' 'a server of two processes at a port'
kill "$api"
wait "$api"
is "$?" 0 'which ends when it is asked to'

# systemd keeps the socket, and starts the server with the first request.
if command -v systemd-socket-activate >/dev/null; then
    systemd-socket-activate -l "$T/act.sock" "$bin/media-api" serve --access=open --uploads "$T/up" --db "$MEDIA_DB" 2>act.log &
    api=$!
    for _ in $(seq 100); do [ ! -S act.sock ] || break; sleep 0.1; done
    api_doctor --listen "unix:$T/act.sock"
    check api_socket ok 'answers /healthz' 'a server that is started by its socket' || diag "$(cat act.log)"
    kill "$api"
    wait "$api"
    is "$?" 0 'ends when it is asked to'
else
    skip 'systemd-socket-activate is not installed'
fi

# --- 11, 12: stores
run media-status doctor --store "file://$T/sound.db"
check store problem . 'a file for a store'
if [ "$(id -u)" = 0 ] && mkdir -p small && mount -t tmpfs -o size=64k,nr_inodes=20 tmpfs small 2>/dev/null; then
    mkdir small/store
    run media-status doctor --store "file://$T/small/store"
    check store_space problem 'are free' 'a disk that is almost full'
    mount -o remount,ro small
    run media-status doctor --store "file://$T/small/store"
    check store problem 'Read-only' 'a store that cannot be written'
    umount small
else
    skip 'full and read-only disks need root'
fi
done_testing
