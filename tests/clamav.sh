# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# clamav.sh - ClamAV with two signatures of our own, for tests. Source it after tap.sh.

# The EICAR test string in hex, so that no scanner takes this script for a hit.
eicar_hex=58354f2150254041505b345c505a58353428505e2937434329377d2445494341522d5354414e444152442d414e544956495255532d544553542d46494c452124482b482a
eicar() { printf '%b' "$(printf %s "$eicar_hex" | sed 's/../\\x&/g')"; }

# signatures DIR: the test string anywhere in a file, and the SHA-256 of a file of its own
signatures() {
    mkdir -p "$1"
    printf 'Test.Eicar.Body:0:*:%s\n' "$eicar_hex" >"$1/test.ndb"
    printf '%s:17:Test.Whole.Hash:73\n' "$(printf %s 'known by its hash' | sha256sum | cut -d' ' -f1)" \
        >"$1/test.hsb"
}

# clamd_start DIR [LINE...]: a daemon on DIR/s with the signatures in DIR/db; lines for its configuration
clamd_start() {
    local dir=$1 i
    shift
    mkdir -p "$dir/tmp"
    signatures "$dir/db"
    {
        printf '%s\n' 'Foreground yes' "DatabaseDirectory $dir/db" "LocalSocket $dir/s" \
            'LocalSocketMode 666' "TemporaryDirectory $dir/tmp" 'MaxThreads 4' "$@"
        [ "$(id -u)" != 0 ] || echo 'User root'
    } >"$dir/clamd.conf"
    clamd -c "$dir/clamd.conf" >"$dir/clamd.log" 2>&1 &
    clamd_pid=$!
    for ((i = 0; i < 200; i++)); do
        [ ! -S "$dir/s" ] || return 0
        sleep 0.1
    done
    diag "$(cat "$dir/clamd.log")"
    return 1
}
clamd_stop() {
    [ -z "${clamd_pid-}" ] || { kill -9 "$clamd_pid"; wait "$clamd_pid"; } 2>/dev/null
    clamd_pid=
}
at_exit() { clamd_stop; }
