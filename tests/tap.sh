# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-2.0-or-later
# tap.sh - what the shell tests share: TAP, running programs, looking into what they print.
#
# A test sources this file, speaks, and ends with done_testing. It has an empty
# directory $T, an empty store and database below it, and nothing on stdin.
# Without scripts/test around it, it takes the programs from ./build.

MT_TOP=${MT_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
MT_BUILD=${MT_BUILD:-$MT_TOP/build}
bin=$MT_BUILD/bin
PATH=$bin:$PATH:$MT_TOP/scripts # at the end: one of the scripts is called test
# The warning that nothing is scanned has its own test.
export MT_TOP MT_BUILD PATH LC_ALL=C.UTF-8 MEDIA_SCANNER=none:

T=$(mktemp -d "${TMPDIR:-/tmp}/mt-$(basename "$0" .t).XXXXXX") || exit 1
media=${MT_MEDIA:-${TMPDIR:-/tmp}/mt-media.$(id -u)}
tap_n=0 tap_failed=0 tap_done=

tap_exit() {
    local status=$?
    [ -z "$(type -t at_exit)" ] || at_exit
    [ ! -s "$T/.checker" ] || kill "$(cat "$T/.checker")" 2>/dev/null
    [ -z "${MT_TEST_PG-}" ] || "$MT_TOP/tests/pg.sh" tidy "$T" 2>/dev/null
    chmod -R u+rwX "$T" 2>/dev/null
    rm -rf "$T"
    [ -n "$tap_done" ] || echo "# ended early with status $status"
}
trap tap_exit EXIT
exec </dev/null

pass() { tap_n=$((tap_n + 1)); printf 'ok %d - %s\n' "$tap_n" "${1//$'\n'/ }"; }
fail() {
    tap_n=$((tap_n + 1)) tap_failed=$((tap_failed + 1))
    printf 'not ok %d - %s\n' "$tap_n" "${1//$'\n'/ }"
    printf '#   at %s:%s\n' "${BASH_SOURCE[-1]}" "${BASH_LINENO[-2]}"
}
diag() { printf '%s\n' "$*" | sed 's/^/#   /' | cut -c1-2000; }
skip() { tap_n=$((tap_n + 1)); printf 'ok %d # SKIP %s\n' "$tap_n" "$1"; }
done_testing() { tap_done=1; echo "1..$tap_n"; exit $((tap_failed > 0)); }
skip_rest() { tap_done=1; skip "$1"; echo "1..$tap_n"; exit 0; }

# ok NAME COMMAND...: the command must succeed
ok() {
    local name=$1
    shift
    if "$@"; then pass "$name"; else fail "$name"; return 1; fi
}
not_ok() {
    local name=$1
    shift
    if "$@"; then fail "$name"; return 1; else pass "$name"; fi
}
# path_of URL: of a file URL
path_of() { python3 -c 'import sys, urllib.parse as u; print(u.unquote(u.urlparse(sys.argv[1]).path))' "$1"; }
# is GOT WANT NAME
is() {
    if [ "$1" = "$2" ]; then pass "$3"; else
        fail "$3"; diag "got  '$1'"; diag "want '$2'"; return 1
    fi
}
isnt() {
    if [ "$1" != "$2" ]; then pass "$3"; else fail "$3"; diag "got  '$1'"; return 1; fi
}
# like GOT REGEX NAME: an extended regular expression
like() {
    if [[ $1 =~ $2 ]]; then pass "$3"; else
        fail "$3"; diag "got  '$1'"; diag "want /$2/"; return 1
    fi
}
unlike() {
    if [[ ! $1 =~ $2 ]]; then pass "$3"; else
        fail "$3"; diag "got  '$1'"; diag "not wanted /$2/"; return 1
    fi
}
# between GOT LOW HIGH NAME: numbers
between() {
    if awk -v g="$1" -v l="$2" -v h="$3" 'BEGIN { exit !(g != "" && g >= l && g <= h) }'; then
        pass "$4"
    else fail "$4"; diag "got $1, want $2 to $3"; return 1; fi
}

# run COMMAND...: $status, and $out and $err are the files with what it printed.
# A report of a sanitizer is a failed test of its own.
out=$T/.out err=$T/.err status=0
run() {
    "$@" >"$out" 2>"$err"
    status=$?
    sanitized "$err" "$*"
}
sanitized() {
    if grep -qE 'AddressSanitizer|LeakSanitizer|runtime error:' "$1"; then
        fail "no sanitizer speaks: $2"
        diag "$(cat "$1")"
    fi
}
# exits STATUS NAME: of the last run
exits() {
    if [ "$status" = "$1" ]; then pass "$2"; else
        fail "$2"; diag "got status $status, want $1"; diag "$(tail -n 5 "$err")"; return 1
    fi
}
stderr_like() { like "$(cat "$err")" "$1" "$2"; }
stderr_empty() { is "$(cat "$err")" '' "$1"; }

# json FILTER [FILE]: what jq makes of what was printed, all lines of it
json() { jq -r "$1" "${2:-$out}" 2>&1; }
# json_is FILTER WANT NAME
json_is() { is "$(json "$1")" "$2" "$3"; }
# json_true FILTER NAME: the filter gives true for every line, of which there is one or more
json_true() {
    if jq -es "length > 0 and all(.[]; $1)" "$out" >/dev/null 2>"$T/.jq"; then pass "$2"; else
        fail "$2"; diag "not true: $1"; diag "$(cat "$T/.jq")"; diag "$(head -c 1500 "$out")"; return 1
    fi
}
# wrong_with SCHEMA FILE: what check-json says, from one that runs as long as the test.
# FIFOs and a process that is no job of this shell: tests wait for theirs, and close descriptors.
wrong_with() {
    local file=$2 pid
    [ "${file#/}" != "$file" ] || file=$PWD/$file
    pid=$(cat "$T/.checker" 2>/dev/null)
    if [ -z "$pid" ] || ! kill -0 "$pid" 2>/dev/null; then
        rm -f "$T/.ask" "$T/.answer"
        mkfifo "$T/.ask" "$T/.answer"
        (check-json --serve "$T/.ask" "$T/.answer" >/dev/null 2>"$T/.checker.err" & echo $! >"$T/.checker")
    fi
    printf '%s\n%s\n' "$1" "$file" >"$T/.ask"
    cat "$T/.answer"
}
# valid SCHEMA NAME [FILE]: every line printed is valid by share/schema/SCHEMA.json
valid() {
    wrong_with "$1" "${3:-$out}" >"$T/.valid"
    if [ ! -s "$T/.valid" ]; then pass "$2"; else
        fail "$2"; diag "$(head -n 20 "$T/.valid")"; return 1
    fi
}
# document NAME [FILE]: one or more media documents, one compact object a line
document() {
    local file=${2:-$out}
    valid media-document "$1" "$file"
    [ "$(jq -c . "$file" 2>/dev/null | wc -l)" = "$(wc -l <"$file")" ] ||
        fail "$1: one object a line"
    grep -vq '^{"schema": *1,' "$file" && fail "$1: schema stands first"
    return 0
}

# The same tests with another database: MT_TEST_DB=postgresql, on the server in MT_TEST_PG. Those for
# which that makes no sense stand in tests/only-sqlite.
on_postgresql() { [ "${MT_TEST_DB-}" = postgresql ]; }
if on_postgresql; then
    only_sqlite=$(sed -n "s/^$(basename "$0" .t)  *//p" "$MT_TOP/tests/only-sqlite")
    [ -z "$only_sqlite" ] || skip_rest "$only_sqlite"
fi

# fresh: an empty store and an empty database
fresh() {
    local n
    n=$(mktemp -d "$T/state.XXXXXX")
    store=$n/store db=$n/media.db
    export MEDIA_STORE="file://$store" MEDIA_DB="sqlite://$db"
    if on_postgresql; then
        MEDIA_DB=$(T=$T "$MT_TOP/tests/pg.sh" new) || skip_rest 'no PostgreSQL server'
        db=$MEDIA_DB
    fi
    export XDG_CONFIG_HOME=$n/config XDG_STATE_HOME=$n/state XDG_DATA_HOME=$n/data
}
fresh

# sql STATEMENT: its rows, columns separated by |
sql() {
    if on_postgresql; then
        PGOPTIONS='-c search_path=public,test_words' psql -XAtq "$db" -c "$1"
    else
        sqlite3 -batch -cmd '.timeout 10000' "$db" "$1"
    fi
}
# database_sum: changes when anything in the database does
database_sum() { if on_postgresql; then pg_dump "$db" | grep -v 'restrict '; else cat "$db"; fi | sha256sum; }
# schema_version [N]: tells it or sets it
schema_version() {
    if on_postgresql; then
        sql "${1:+DELETE FROM schema_version; INSERT INTO schema_version VALUES ($1);} SELECT max(media_toolkit) FROM schema_version"
    else sql "PRAGMA user_version${1:+ = $1}"; fi
}
# no_database STATUS: of a program that only reads where nothing was ever written: there is no
# file, or there is a database and nothing in it
no_database() { if on_postgresql; then exits 10 "$1"; else exits 4 "$1"; fi; }
has_database() { if on_postgresql; then [ "$(sql "SELECT to_regclass('media_assets')")" != '' ]; else [ -e "$db" ]; fi; }

# media NAME...: makes what scripts/make-media makes, and links it into $T
media() {
    make-media "$media" "$@" || { fail "make-media $*"; return 1; }
    local name
    for name; do [ -e "$T/$name" ] || cp "$media/$name" "$T/$name"; done
}

# What an interrupted transcode keeps to go on with (.work) is none.
objects() { (cd "$store" 2>/dev/null && find . -type f -not -path '*/.work/*' | sed 's|^\./||' | LC_ALL=C sort); }

# keys_completed: of the database whose asset or rendition is to be there
keys_completed() {
    sql "SELECT s3_key FROM media_assets WHERE upload_status IN ('completed', 'held', 'rejected')
         UNION SELECT s3_key FROM media_variants WHERE processing_status = 'completed'
         ORDER BY 1" | LC_ALL=C sort
}

# consistent NAME: rows and objects agree, nothing half-done is left
consistent() {
    local keys
    if ! has_database; then
        is "$(objects)" '' "$1: no object without a database"
        return
    fi
    on_postgresql || is "$(sql 'PRAGMA integrity_check')" ok "$1: the database is sound"
    is "$(sql "SELECT count(*) FROM media_assets WHERE upload_status IN
        ('pending', 'uploading', 'processing')")" 0 "$1: no asset is half-way"
    is "$(sql "SELECT count(*) FROM media_variants WHERE processing_status IN
        ('pending', 'processing')")" 0 "$1: no rendition is half-way"
    keys=$(keys_completed)
    is "$(objects)" "$keys" "$1: the objects are those of the rows, no more and no fewer"
}

programs() { (cd "$bin" && ls); }
