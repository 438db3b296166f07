#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ingest-url.t - https sources: by permission only, never from private networks unless that is
# permitted too, however the address is written or redirected to.
. "$(dirname "$0")/../tap.sh"

for tool in curl openssl python3; do
    command -v "$tool" >/dev/null || skip_rest "$tool is not installed"
done
media photo.jpg
server=
at_exit() { [ -z "$server" ] || kill "$server" 2>/dev/null; }

cd "$T" || exit 1
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 \
    -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' 2>/dev/null
cat >server.py <<'PY'
import http.server, ssl, sys, threading, time
photo = open('photo.jpg', 'rb').read()
class H(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def to(self, where):
        self.send_response(302); self.send_header('Location', where)
        self.send_header('Content-Length', '0'); self.end_headers()
    def photo(self, claim=None, extra=None):
        self.send_response(200); self.send_header('Content-Length', str(claim or len(photo)))
        if extra: self.send_header('Content-Disposition', extra)
        self.end_headers(); self.wfile.write(photo)
    def do_GET(self):
        open('hits', 'a').write(self.path + '\n')
        p = self.path.split('?')[0]
        if p == '/a/photo%20one.jpg': self.photo()
        elif p == '/named': self.photo(extra='attachment; filename="../../my.jpg"')
        elif p == '/relative/x': self.to('../a/photo%20one.jpg') if 0 else self.to('/a/photo%20one.jpg')
        elif p == '/here': self.to('named')
        elif p == '/plain': self.to('http://localhost:%d/named' % plain.server_port)
        elif p == '/loop': self.to('/loop')
        elif p == '/file': self.to('file:///etc/passwd')
        elif p == '/user': self.to('https://a:b@localhost/')
        elif p == '/short': self.photo(claim=len(photo) + 1000)
        elif p == '/busy': self.send_error(503)
        elif p == '/slow': self.send_response(200); self.end_headers(); time.sleep(20)
        elif p == '/silent': time.sleep(100)
        elif p == '/stops': self.send_response(200); self.end_headers(); self.wfile.write(photo[:9]); self.wfile.flush(); time.sleep(100)
        elif p == '/endless':
            self.send_response(200); self.end_headers()
            try:
                while True: self.wfile.write(photo)
            except OSError: pass
        else: self.send_error(404)
plain = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)
tls = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('cert.pem', 'key.pem')
tls.socket = context.wrap_socket(tls.socket, server_side=True)
threading.Thread(target=plain.serve_forever, daemon=True).start()
open('ports.new', 'w').write('%d %d\n' % (tls.server_port, plain.server_port))
import os; os.rename('ports.new', 'ports')
tls.serve_forever()
PY
python3 server.py 2>/dev/null &
server=$!
for _ in $(seq 100); do [ -e ports ] && break; sleep 0.1; done
read -r port plain <ports
: >hits
export CURL_CA_BUNDLE=$T/cert.pem
at=https://localhost:$port

# --- not without permission
run media-ingest "$at/a/photo%20one.jpg"
exits 6 'a URL without --allow-url'
stderr_like 'hint: --allow-url' 'which the hint names'
for url in "$at/x" "https://127.0.0.1:$port/x" "https://127.1:$port/" "https://2130706433:$port/" \
    "https://0x7f000001:$port/" "https://0177.0.0.1:$port/" "https://0:$port/" "https://0.0.0.0:$port/" \
    "https://[::1]:$port/" "https://[::]:$port/" "https://[::ffff:127.0.0.1]:$port/" \
    "https://[::127.0.0.1]:$port/" "https://[2002:7f00:1::]/" "https://[64:ff9b::7f00:1]/" \
    "https://[fe80::1]/" "https://[fd00::1]/" "https://[ff02::1]/" "https://[2001:db8::1]/" \
    "https://10.0.0.1/" "https://172.16.0.1/" "https://192.168.1.1/" "https://169.254.169.254/" \
    "https://100.64.0.1/" "https://224.0.0.1/" "https://255.255.255.255/" "https://198.18.0.1/"; do
    run timeout 20 media-ingest --allow-url "$url"
    exits 6 "$url is of no public network"
    json_is .error.code policy "$url: so says the error"
done
for url in "https://user@localhost:$port/" "https://u:p@localhost:$port/" "http://localhost:$plain/" \
    "https://localhost:99999/" "https:///x" "https://localhost:$port/a b" "https://[::1%25lo]/"; do
    run timeout 20 media-ingest --allow-url --allow-private "$url"
    exits 6 "$url is refused"
done
is "$(cat hits)" '' 'nobody was asked for anything'

# --- with permission
go() { run timeout 60 media-ingest --allow-url --allow-private "$@"; }
go "$at/a/photo%20one.jpg?token=secret"
exits 0 'with permission it is fetched'
document 'with a document'
json_is .asset.original_filename 'photo one.jpg' 'the name is that of the path, decoded'
json_is .asset.checksum "$(sha256sum <photo.jpg | cut -d' ' -f1)" 'the bytes are those of the server'
json_is .asset.metadata.source_url "$at/a/photo%20one.jpg" 'where from is kept, without the query'
fresh
go "$at/named"
json_is .asset.original_filename my.jpg 'the name that the server gives, without directories'
go "$at/relative/x" "$at/here"
exits 0 'redirects within the server'
go --allow-http "http://localhost:$plain/named"
exits 0 '--allow-http'
for bad in plain file user; do
    go "$at/$bad"
    exits 6 "a redirect to $bad is refused"
done
run timeout 20 media-ingest --allow-url "$at/named"
exits 6 'and nothing private without permission'
go "$at/loop"
exits 1 'a circle of redirects ends'
go "$at/nothing"
exits 4 'what is not there'
go "$at/busy"
exits 5 'a server that has no time'
go "$at/short"
exits 5 'a body that ends early'
go --max-size 1M "$at/endless"
exits 6 'a body without end'
json_is .error.code too_large 'is too large'
go --url-timeout 2 "$at/slow"
exits 1 'a server that takes too long'
json_is .error.code timeout 'is a timeout'
go "https://localhost:1/x"
exits 5 'a port where nobody answers'
CURL_CA_BUNDLE=/dev/null go "$at/named"
isnt "$status" 0 'a certificate that nobody vouches for'
go -n "$at/named"
json_is .stages.ingest.status planned 'a dry run looks at it'
consistent 'after all of that'

# A signal ends it while nothing comes from the server.
for path in silent stops; do
    media-ingest --allow-url --allow-private "$at/$path" >"$out" 2>"$err" &
    pid=$!
    for _ in $(seq 100); do grep -q "^/$path" hits && break; sleep 0.1; done
    sleep 0.5
    kill -TERM "$pid"
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    not_ok "SIGTERM ends it long before the server does: $path" kill -9 "$pid" 2>/dev/null
    wait "$pid"
    is $? 143 "by that signal: $path"
    is "$(pgrep -f "curl.*localhost:$port/$path")" '' "and curl with it: $path"
done
consistent 'after signals'

# A name server that says nothing keeps nobody: in a network of our own, where it is the only one.
cat >mute.sh <<'SH'
ip link set lo up && mount --bind "$1/resolv.conf" /etc/resolv.conf || exit 99
python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 53))
open("mute", "w").close(); time.sleep(60)' &
mute=$!
for _ in $(seq 100); do [ -e mute ] && break; sleep 0.1; done
shift
"$@"
status=$?
kill $mute
exit $status
SH
printf 'nameserver 127.0.0.1\noptions timeout:20 attempts:3\n' >resolv.conf
alone() { timeout 40 unshare --user --map-root-user --net --mount sh mute.sh "$T" "$@"; }
if ! alone true 2>/dev/null; then
    skip 'no network of our own can be had'
else
    rm -f mute
    run alone media-ingest --allow-url --url-timeout 2 https://nobody.example.com/a.jpg
    exits 5 'a name server without an answer is worth another try'
    stderr_like 'cannot find the host .nobody.example.com.: there is no answer' 'and is what the message says'
    rm -f mute
    run alone timeout --foreground -s TERM 2 media-ingest --allow-url https://nobody.example.com/a.jpg
    exits 124 'SIGTERM ends the wait for it'
    stderr_like 'stopped while the host was looked up' 'and it says so'
fi
done_testing
