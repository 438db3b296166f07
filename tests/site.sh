# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# site.sh - the shipped configuration of nginx, as installed, before media-api; without root.
#
# Source it behind tap.sh and api.sh. It changes what an operator changes (names, ports, paths), and
# nothing else: the tests that use it are of the files in share/nginx.

site=$T/site

# site_tools: what it takes is there
site_tools() {
    local tool
    for tool in nginx spawn-fcgi openssl curl; do
        command -v "$tool" >/dev/null || skip_rest "$tool is not installed"
    done
}

# site_install [SED-SCRIPT]: the files with their paths, and a configuration of nginx around them
site_install() {
    local port_tls port
    mkdir -p "$site/nginx/snippets" "$site/tmp" "$site/run"
    chmod 711 "$T" "$site"
    [ -s "$site/key.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
        -keyout "$site/key.pem" -out "$site/cert.pem" 2>"$site/openssl.log" || cat "$site/openssl.log"
    port_tls=$(free_port) port=$(free_port)
    url=https://localhost:$port_tls plain=http://localhost:$port
    export CURL_CA_BUNDLE=$site/cert.pem
    for f in "$MT_TOP"/share/nginx/*.conf "$MT_TOP"/share/nginx/snippets/*.conf; do
        sed -e "s|@NGINXDIR@|$site/nginx|g; s|@DATADIR@|$MT_TOP/share|g; s|@BINDIR@|$bin|g" \
            -e '/\[::\]:/d' -e "s|listen  *80;|listen 127.0.0.1:$port;|; s|listen  *443 |listen 127.0.0.1:$port_tls |" \
            -e "s|media\.example\.org;|localhost;|" -e "s|/etc/ssl/certs/[^;]*|$site/cert.pem|; s|/etc/ssl/private/[^;]*|$site/key.pem|" \
            -e "s|/var/log/nginx/|$site/|; s|/var/lib/media-toolkit/store|$store|; s|/run/media-toolkit/|$site/run/|" \
            -e "s|/run/fcgiwrap.socket|$site/run/cgi.sock|" -e "${1-}" "$f" >"$site/nginx/${f#"$MT_TOP/share/nginx/"}"
    done
    cat >"$site/nginx.conf" <<CONF
$([ "$(id -u)" != 0 ] || echo 'user root;')
worker_processes 1; daemon on; pid $site/nginx.pid; error_log $site/error.log warn;
events { worker_connections 512; }
http {
    default_type application/octet-stream;
    client_body_temp_path $site/tmp/b; proxy_temp_path $site/tmp/p; fastcgi_temp_path $site/tmp/f;
    uwsgi_temp_path $site/tmp/u; scgi_temp_path $site/tmp/s;
    include $site/nginx/media-toolkit.conf;
}
CONF
}

# site_api [OPTION...]: media-api at the socket of upstream-fastcgi.conf
site_api() {
    spawn-fcgi -s "$site/run/api.sock" -M 0666 -P "$site/api.pid" -- "$bin/media-api" serve "$@" \
        >>"$site/api.log" 2>&1 || { cat "$site/api.log" >&2; return 1; }
}

# site_nginx: nginx, until it answers
site_nginx() {
    nginx -e "$site/error.log" -c "$site/nginx.conf" -p "$site" >"$site/nginx.log" 2>&1 ||
        { cat "$site/nginx.log" "$site/error.log" >&2; return 1; }
    for _ in $(seq 100); do
        ! curl -so /dev/null --max-time 5 "$url/" || return 0
        sleep 0.1
    done
    cat "$site/error.log" >&2
    return 1
}

# site_end FILE: the process whose number stands there
site_end() {
    local pid
    [ -s "$1" ] || return 0
    pid=$(cat "$1")
    rm -f "$1"
    kill "$pid" 2>/dev/null || return 0
    api_gone "$pid"
}

site_stop() {
    site_end "$site/nginx.pid"
    site_end "$site/api.pid"
    site_end "$site/cgi.pid"
}
