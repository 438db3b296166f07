#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# watch.t - media-status watch: a screen that fits, follows, and gives the terminal back.
. "$(dirname "$0")/../tap.sh"

command -v tmux >/dev/null || { fail 'tmux is installed'; done_testing; }
socket=mt-watch-$$
tm() { tmux -L "$socket" -f /dev/null "$@"; }
at_exit() { tm kill-server 2>/dev/null; }
cd "$T" || exit 1

run media-status watch
exits 2 'without a terminal'
stderr_like 'hint: run it in a terminal' 'says what to do' || diag "$(cat "$err")"

asset=aaaa0000-0000-4000-8000-00000000000a
media clip.mp4
media-ingest clip.mp4 >/dev/null 2>&1
run media-status watch
exits 2 'nor with a database'
unlike "$(cat "$out")" $'\033' 'and nothing moves the cursor'
for i in 0 0.05 3601 x -1; do
    run media-status watch --interval="$i"
    exits 2 "--interval $i"
done
run media-status watch something
exits 2 'it takes no operands'
odd=محاضرة$'\033'[31m.mp4
sql "INSERT INTO media_assets (id, original_filename, content_type, mime_type, file_size, s3_bucket,
        s3_key, upload_status, metadata)
     VALUES ('$asset', '$odd', 'video', 'video/mp4', 1, 'local', 'x',
        'failed', '{\"duration\":600}')"
now='%Y-%m-%dT%H:%M:%fZ'
for i in $(seq 1 30); do
    sql "INSERT INTO processing_jobs (id, media_asset_id, job_type, status, progress, created_at, started_at,
         current_step) VALUES (printf('bbbb%04x-0000-4000-8000-%012d', $i, $i), '$asset', 'transcode',
         'processing', 25, strftime('$now', 'now'), strftime('$now', 'now', '-60 seconds'), 'encode')"
done
sql "INSERT INTO processing_jobs (id, job_type, status, created_at, error) VALUES
     ('cccc0000-0000-4000-8000-000000000001', 'ingest', 'failed', strftime('$now', 'now'),
      '{\"code\":\"damaged\",\"message\":\"it broke\"}'),
     ('cccc0000-0000-4000-8000-000000000002', 'ingest', 'dead', strftime('$now', 'now'),
      '{\"code\":\"no_space\",\"message\":\"the disk is full\"}'),
     ('dddd0000-0000-4000-8000-000000000001', 'analyze', 'pending', strftime('$now', 'now'), NULL)"

pane() { tm capture-pane -p -t w; }
# shows REGEX NAME: within ten seconds
shows() {
    for _ in $(seq 100); do
        [[ $(pane) =~ $1 ]] && break
        sleep 0.1
    done
    like "$(pane)" "$1" "$2"
}
# start COLUMNS ROWS ARGUMENT...: a shell in a terminal, in which it runs
start() {
    local columns=$1 rows=$2
    shift 2
    tm kill-server 2>/dev/null
    tm new-session -d -s w -x "$columns" -y "$rows" 'bash --norc'
    tm set-option -g window-size manual >/dev/null
    tm resize-window -t w -x "$columns" -y "$rows"
    tm send-keys -t w "PS1='> '; stty -a | grep -o '[-]*icanon'; clear; echo before; media-status watch $*; echo status=\$?" Enter
}
# back NAME STATUS: it has ended, and the terminal is as it was
back() {
    shows "status=$2" "$1: status $2"
    like "$(pane)" 'before' "$1: what was on the screen is back"
    unlike "$(pane)" 'RUNNING' "$1: what it showed is gone"
    is "$(tm display-message -p -t w '#{alternate_on} #{cursor_flag}')" '0 1' "$1: the cursor is back"
    tm send-keys -t w 'stty -a | grep -o "[-]*icanon"; stty -a | grep -o "[-]*echo\\b" | head -n 1; echo tested' Enter
    shows 'tested' "$1: keys are seen again"
    unlike "$(pane)" '-icanon|-echo ' "$1: and read by lines"
    tm send-keys -t w 'clear; echo before' Enter
}

start 100 24 --interval 0.2
shows 'RUNNING +DONE' 'it shows what runs'
like "$(pane)" 'bbbb[0-9a-f]{4} +25 % +transcode +1:0[0-9] +3:[0-9]{2} +[0-9.]+x +encode' 'how far, since when, how long still, how fast'
like "$(pane)" 'x1b\[31m' 'names move no cursor'
like "$(pane)" 'and [0-9]+ more' 'that there are more'
like "$(pane)" 'the disk is full' 'the last failures'
like "$(pane)" 'it broke' 'all of them'
like "$(pane)" 'WAIT +RUN +FAILED +DONE' 'the queue'
is "$(tm display-message -p -t w '#{alternate_on} #{cursor_flag}')" '1 0' 'on a screen of its own, without the cursor'
sql "UPDATE processing_jobs SET progress = 77 WHERE id LIKE 'bbbb001e%'"
shows 'bbbb001e +77 %' 'it follows'
sql "UPDATE processing_jobs SET status = 'completed', completed_at = strftime('$now', 'now') WHERE id LIKE 'bbbb%' AND id NOT LIKE 'bbbb001e%'"
shows ' 30 +[1-9][0-9.]* ' 'what is done, and how many a minute'
for size in '40 12' '20 10' '20 5' '10 3' '200 50' '100 24'; do
    # shellcheck disable=SC2086
    tm resize-window -t w -x ${size% *} -y ${size#* }
    sleep 0.6
    like "$(pane | head -n 1)" '^[0-2][0-9]:[0-5][0-9]' "$size: nothing has scrolled away"
    like "$(pane | sed -n 2p)" 'RUN|WAIT' "$size: no line is broken"
done
tm resize-window -t w -x 20 -y 12
shows 'RUNNING' 'what runs can be read in 20 columns'
like "$(pane)" 'bbbb001e +77 %' 'and how far'
like "$(pane)" 'cccc0000 ' 'and what failed'
tm send-keys -t w q
tm resize-window -t w -x 100 -y 24
back 'q' 0

# A crash is to end as one under the sanitizers too.
again() { tm send-keys -t w "clear; echo before; ASAN_OPTIONS=handle_segv=0 media-status watch; echo status=\$?" Enter; shows RUNNING 'again'; }
again
tm send-keys -t w C-c
back 'Ctrl-C' 130
for s in TERM HUP SEGV ABRT; do
    again
    pkill -"$s" -P "$(tm display-message -p -t w '#{pane_pid}')"
    back "SIG$s" $((128 + $(kill -l $s)))
done
again
tm send-keys -t w C-z
shows 'Stopped' 'Ctrl-Z'
is "$(tm display-message -p -t w '#{alternate_on} #{cursor_flag}')" '0 1' 'gives the terminal back'
tm send-keys -t w 'fg; echo status=$?' Enter
shows 'RUNNING' 'and fg takes it again'
tm send-keys -t w q
back 'q after that' 0

# --- a database that is busy for a while; readers of PostgreSQL wait for nobody
if on_postgresql; then
    tm kill-server
    done_testing
fi
tm send-keys -t w "clear; echo before; media-status --db 'sqlite://$db?timeout_ms=50' watch --interval 0.2; echo status=\$?" Enter
shows RUNNING 'on a database'
mkfifo "$T/.hold"
sqlite3 "$db" <"$T/.hold" >"$T/.held" 2>&1 &
exec 9>"$T/.hold"
echo 'BEGIN EXCLUSIVE; SELECT 1;' >&9
shows 'locked by another program' 'that somebody locks'
like "$(pane)" 'RUNNING' 'what was known stays'
exec 9>&-
wait
for _ in $(seq 50); do
    [[ $(pane) =~ locked ]] || break
    sleep 0.1
done
unlike "$(pane)" 'locked' 'and when the lock is gone it goes on'
tm send-keys -t w q
back 'q after that' 0
tm send-keys -t w "clear; echo before; TERM=dumb media-status watch; echo status=\$?" Enter
shows 'status=2' 'a dumb terminal'
done_testing
