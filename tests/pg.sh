#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pg.sh - a PostgreSQL server for tests, on a Unix socket in a directory of its own.
#
#   tests/pg.sh start DIR [SETTING=VALUE...]   makes and starts it; prints its URL without database
#   tests/pg.sh stop DIR [fast|immediate|smart]    and the pooler; halt leaves the pooler running
#   tests/pg.sh halt DIR [fast|immediate|smart]
#   tests/pg.sh again DIR [SETTING=VALUE...]   starts it again after a stop
#   tests/pg.sh pooler DIR PORT [SETTING=VALUE...]   PgBouncer in transaction mode before it
#   tests/pg.sh new [NAME]                     a fresh database on the server of MT_TEST_PG (a DIR);
#                                              prints its URL
#   tests/pg.sh tidy T                         drops what "new" made for the test with directory T
#
# The server refuses to run as root, so as root it runs as postgres or nobody.
# It keeps nothing over a power cut: it is thrown away.
set -eu
bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
[ -x "$bin/postgres" ] || { echo 'pg.sh: the package postgresql is not installed' >&2; exit 77; }

user=
if [ "$(id -u)" = 0 ]; then
    user=nobody
    ! getent passwd postgres >/dev/null || user=postgres
fi
as_server() {
    if [ -n "$user" ]; then setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups -- "$@"; else "$@"; fi
}

# One line: what follows a line end would be another command.
cheap='-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=32MB'
cheap="$cheap -c max_connections=150 -c jit=off -c max_wal_size=128MB -c log_min_messages=fatal"

# server ACTION DIR [SETTING=VALUE...]
server() {
    local action=$1 dir=$2 set="" s
    shift 2
    for s; do set="$set -c $s"; done
    (
        cd "$dir"
        as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 -s "$action" -o \
            "-c listen_addresses='' -c unix_socket_directories=$dir $cheap $set" \
            >>"$dir/ctl.log" 2>&1 || { tail -n 20 "$dir/log" "$dir/ctl.log" >&2; exit 1; }
    )
}

case ${1:-} in
start)
    dir=$2
    shift 2
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    [ ${#dir} -le 80 ] || { echo 'pg.sh: the directory is too long for a socket' >&2; exit 1; }
    [ -z "$user" ] || chown "$user" "$dir"
    (cd "$dir" && as_server "$bin/initdb" -D "$dir/data" -U media -A trust -E UTF8 \
        --locale=C.UTF-8 --no-sync --no-instructions >"$dir/initdb.log" 2>&1) ||
        { cat "$dir/initdb.log" >&2; exit 1; }
    : >"$dir/ctl.log"
    server start "$dir" "$@"
    psql -XAtq -v ON_ERROR_STOP=1 -h "$dir" -U media -d template1 \
        -f "$(dirname "$0")/pg-words.sql" >&2
    echo "$dir"
    ;;
again)
    dir=$2
    shift 2
    server start "$dir" "$@"
    ;;
stop | halt)
    cd "$2"
    if [ "$1" = stop ] && [ -s pooler.pid ]; then kill "$(cat pooler.pid)" 2>/dev/null || true; fi
    as_server "$bin/pg_ctl" -D "$2/data" -w -t 60 -s -m "${3:-immediate}" stop
    ;;
pooler)
    dir=$2 port=$3
    shift 3
    {
        echo '[databases]'
        echo "* = host=$dir"
        echo '[pgbouncer]'
        echo "listen_addr =
listen_port = $port
unix_socket_dir = $dir
auth_type = any
auth_file = $dir/users
pool_mode = transaction
default_pool_size = 8
server_login_retry = 1
max_client_conn = 100
logfile = $dir/pooler.log
pidfile = $dir/pooler.pid"
        for s; do echo "${s/=/ = }"; done
    } >"$dir/pooler.ini"
    sed -i "s/^\* = .*/& user=media/" "$dir/pooler.ini"
    echo '"media" ""' >"$dir/users"
    [ -z "$user" ] || chown "$user" "$dir/pooler.ini" "$dir/users"
    (cd "$dir" && as_server pgbouncer -q -d "$dir/pooler.ini")
    ;;
new)
    name=${2:-t$$_$(date +%s%N)}
    psql -XAtq -h "$MT_TEST_PG" -U media -d postgres -c "CREATE DATABASE $name"
    [ -z "${T-}" ] || echo "DROP DATABASE IF EXISTS $name WITH (FORCE);" >>"$T/.databases"
    echo "postgresql://media@/$name?host=$MT_TEST_PG"
    ;;
tidy)
    [ ! -s "$2/.databases" ] || psql -XAtq -h "$MT_TEST_PG" -U media -d postgres <"$2/.databases"
    ;;
*)
    sed -n '3,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
    ;;
esac
