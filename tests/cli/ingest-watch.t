#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ingest-watch.t - --watch: files are taken once they are whole, and not before.
. "$(dirname "$0")/../tap.sh"

media photo.jpg
n=0
picture() {
    { head -c 2 "$T/photo.jpg"; printf '\377\376\0\006%04d' "$n"; tail -c +3 "$T/photo.jpg"; } >"$1"
    n=$((n + 1))
}
mkdir "$T/in" "$T/done" "$T/in/sub"
pid=
at_exit() { [ -z "$pid" ] || kill "$pid" 2>/dev/null; }
# told N: waits until there are N documents
told() {
    for _ in $(seq 200); do
        [ "$(wc -l <"$T/docs")" -ge "$1" ] && return 0
        sleep 0.1
    done
    return 1
}
names() { jq -r .asset.original_filename "$T/docs" | LC_ALL=C sort | tr '\n' ' '; }

run media-ingest --watch "$T/nowhere"
exits 4 'a directory that is not there'
run media-ingest --after keep "$T/photo.jpg"
exits 2 '--after without --watch'
run media-ingest --watch "$T/in" --after delete
exits 2 'nothing is ever deleted'
stderr_like 'hint: ' 'which is explained'
run media-ingest --watch "$T/in" --after "move:$T/in"
exits 2 'no moving into the watched directory'

picture "$T/in/before.jpg"
media-ingest --watch "$T/in" --recursive --settle 0.5 --after "move:$T/done" >"$T/docs" 2>"$err" &
pid=$!
ok 'what is there already is taken' told 1
is "$(names)" 'before.jpg ' 'by its name'

picture "$T/whole.jpg"
exec 8>"$T/in/slow.jpg"
head -c 1000 "$T/whole.jpg" >&8
picture "$T/in/fetching.jpg.part"
picture "$T/in/quick.jpg"
ok 'a file that is written and closed' told 2
sleep 1.5
is "$(names)" 'before.jpg quick.jpg ' 'but not one that is open for writing, nor a partial one'
tail -c +1001 "$T/whole.jpg" >&8
exec 8>&-
mv "$T/in/fetching.jpg.part" "$T/in/fetched.jpg"
ok 'both once they are whole' told 4
is "$(names)" 'before.jpg fetched.jpg quick.jpg slow.jpg ' 'by their names'
is "$(jq -r 'select(.asset.original_filename == "slow.jpg").asset.checksum' "$T/docs")" \
    "$(sha256sum <"$T/whole.jpg" | cut -d' ' -f1)" 'and with all of their bytes'

picture "$T/in/sub/deep.jpg"
mkdir "$T/in/new"
picture "$T/in/new/newer.jpg"
ok 'subdirectories, also new ones' told 6
picture "$T/in/quick.jpg"
ok 'the same name again' told 7
echo nonsense >"$T/in/bad.jpg"
ok 'a file that is refused has its document' told 8
sleep 0.5
is "$(cd "$T/done" && echo *)" \
    'before.jpg deep.jpg fetched.jpg newer.jpg quick-1.jpg quick.jpg slow.jpg' \
    'what is an asset is moved away, over nothing'
is "$(cd "$T/in" && find . -type f)" ./bad.jpg 'what was refused stays'
kill -TERM "$pid"
wait "$pid"
is $? 143 'SIGTERM ends it'
pid=
document 'each line is a document' "$T/docs"
sanitized "$err" --watch
consistent 'after watching'

# Events that the kernel's queue does not hold: all is looked through again.
fresh
rm -rf "$T/in"
mkdir "$T/in"
: >"$T/docs"
media-ingest --watch "$T/in" --recursive --settle 0.5 >"$T/docs" 2>"$err" &
pid=$!
picture "$T/in/first.jpg"
ok 'one file' told 1
kill -STOP "$pid"
queue=$(cat /proc/sys/fs/inotify/max_queued_events)
python3 - "$T/in" "$((queue + 100))" <<'PY'
import os, sys
for i in range(int(sys.argv[2]) // 2 + 1):
    for name in ('a.part', 'b.part'):
        os.close(os.open(os.path.join(sys.argv[1], name), os.O_WRONLY | os.O_CREAT))
PY
mkdir "$T/in/later"
picture "$T/in/later/second.jpg"
picture "$T/in/third.jpg"
kill -CONT "$pid"
ok 'files that the queue has no room for' told 3
stderr_like 'too many changes' 'which is said'
picture "$T/in/later/fourth.jpg"
ok 'and later ones in new directories' told 4
mv "$T/in" "$T/elsewhere"
for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
done
not_ok 'a directory that is moved away ends the watch' kill -0 "$pid" 2>/dev/null
wait "$pid"
is $? 0 'without a failure'
pid=
consistent 'moved away'

# A scanner that is away for a while: what came meanwhile is taken in when it is back.
# While a scanner is away the pauses grow: after 0.5, 1.5, 3.5 and 7.5 seconds.
fresh
mkdir "$T/away"
picture "$T/away/one.jpg"
media-ingest --watch "$T/away" --settle 0.05 --scanner "clamd:$T/no-clamd" >"$T/docs" 2>"$err" &
pid=$!
ok 'without a scanner there is a document, and another' told 2
sleep 3.5
ok 'but not one in each pause of the first length' test "$(wc -l <"$T/docs")" -le 4
kill "$pid"
wait "$pid"
pid=

if command -v clamd >/dev/null; then
    . "$MT_TOP/tests/clamav.sh"
    at_exit() { [ -z "$pid" ] || kill "$pid" 2>/dev/null; clamd_stop; }
    fresh
    mkdir "$T/late"
    picture "$T/late/one.jpg"
    media-ingest --watch "$T/late" --settle 0.2 --scanner "clamd:$T/clamd/s" >"$T/docs" 2>"$err" &
    pid=$!
    ok 'while clamd is away there is a document' told 1
    is "$(head -n 1 "$T/docs" | jq -r .error.code)" busy 'that says so'
    clamd_start "$T/clamd" || fail 'clamd starts'
    for _ in $(seq 200); do
        grep -q '"upload_status":"completed"' "$T/docs" && break
        sleep 0.1
    done
    is "$(tail -n 1 "$T/docs" | jq -r '.asset.upload_status + " " + .asset.scan.verdict')" \
        'completed clean' 'when it is back the file is tried again'
    kill "$pid"
    wait "$pid"
    pid=
    clamd_stop
    consistent 'clamd away and back'
else
    skip 'there is no clamd'
fi

# Files that go, change or become something else while a batch is on its way.
fresh
mkdir "$T/many"
for ((i = 0; i < 240; i++)); do picture "$T/many/$(printf %03d "$i").jpg"; done
echo 'no picture' >"$T/other"
picture "$T/outside.jpg"
media-ingest --recursive --jobs 2 "$T/many" >"$T/docs" 2>"$err" &
pid=$!
for ((i = 239; i > 20; i -= 3)); do
    f=$T/many/$(printf %03d "$i").jpg
    case $((i % 5)) in
    0) rm "$f" ;;
    1) cp "$T/other" "$f.new" && mv "$f.new" "$f" ;;
    2) rm "$f" && mkfifo "$f" ;;
    3) : >"$f" ;;
    4) rm "$f" && ln -s "$T/outside.jpg" "$f" ;;
    esac
done
wait "$pid"
status=$?
pid=
ok "a batch in which files change under way ends ($status)" [ "$status" = 0 -o "$status" = 3 ]
document 'each has its document' "$T/docs"
is "$(jq -r 'select(.error).error.code' "$T/docs" |
    grep -vxE 'no_such_file|not_a_regular_file|empty_file|type_mismatch|unsupported_type|source_changed|truncated|damaged')" \
    '' 'what is gone or changed is told as such'
is "$(cd "$store" && find . -type f ! -path './.tmp/*' -exec sha256sum {} + | cut -d' ' -f1 | sort)" \
    "$(sql 'SELECT checksum FROM media_assets ORDER BY 1')" 'what is in the store is what was recorded'
is "$(sql "SELECT count(*) FROM media_assets WHERE checksum = '$(sha256sum <"$T/outside.jpg" | cut -d' ' -f1)'")" \
    0 'a link that took the place of a file leads nowhere'
sanitized "$err" 'a changing batch'
consistent 'changing'
done_testing
