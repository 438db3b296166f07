#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# units.t - what systemd and cron are given: valid, hardened, and the work is done under it.
. "$(dirname "$0")/../tap.sh"

share=$MT_TOP/share
cd "$T" || exit 1
# installed BINDIR DIR: the units as make install leaves them
installed() {
    local u
    mkdir -p "$2/media-worker@gpu.service.d"
    for u in "$share"/systemd/*.service "$share"/systemd/*.socket "$share"/systemd/*.timer "$share"/systemd/*/*.conf; do
        sed "s|@BINDIR@|$1|g" "$u" >"$2/${u#"$share/systemd/"}"
    done
}
mkdir bin
ln -s "$bin"/* "$MT_TOP/scripts/media-orchestrate" bin/
installed "$T/bin" units

# --- systemd's own opinion
if command -v systemd-analyze >/dev/null; then
    cp units/media-worker@.service units/media-worker@cpu.service
    for u in units/*.service units/*.socket units/*.timer; do
        case $u in *@.service) continue ;; esac
        run systemd-analyze verify --man=no "./$u"
        exits 0 "verify ${u#*/}"
        is "$(cat "$out" "$err")" '' "and says nothing of ${u#*/}"
    done
    for u in units/*.service; do
        case $u in *@.service) continue ;; esac
        run systemd-analyze security --offline=true --no-pager --threshold=10 "./$u"
        exits 0 "${u#*/} exposes little" || diag "$(grep ✗ "$out")"
    done
    for u in units/*.timer; do
        run systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$u")"
        exits 0 "${u#*/} has a time"
    done
else
    skip 'systemd-analyze is not installed'
fi
for u in units/*.timer; do
    ok "${u#*/} makes up for what it has missed" grep -qx Persistent=yes "$u"
    ok "${u#*/} does not come with all others" grep -q '^RandomizedDelaySec=[1-9]' "$u"
    service=$(sed -n 's/^Unit=//p' "$u")
    ok "${u#*/} has a service" test -f "units/${service:-$(basename "${u%.timer}").service}"
done
for key in Type=notify 'WatchdogSec=[1-9]' 'Restart=always' 'KillMode=mixed' 'User=media-toolkit' \
    'MemoryDenyWriteExecute=yes' 'RestrictNamespaces=yes'; do
    ok "a worker has $key" grep -q "^$key" units/media-worker@.service
done
# The options in ExecStart are those of the programs.
while read -r program args; do
    grep -oE -- '--[a-z-]+' <<<"$args" >options
    while read -r o; do
        ok "${program##*/} has $o" eval "'$T/bin/${program##*/}' --cli-spec=json | jq -e --arg o ${o#--} '[.options[], .commands[].options[]] | any(.name == \$o)' >/dev/null"
    done <options
done < <(sed -n 's/^ExecStart=//p' units/*.service | sort -u)

# --- make install
if [ -n "${MT_MAKE-}" ]; then
    # shellcheck disable=SC2086
    run $MT_MAKE -C "$MT_TOP" DESTDIR="$T/root" install
    exits 0 'make install'
    lib=$T/root/usr/local/lib
    is "$(find "$lib/systemd" -type f | wc -l)" "$(find units -type f ! -name '*@cpu*' | wc -l)" 'has all units'
    is "$(grep -rl '@[A-Z]*@' "$T/root/usr/local/lib" "$T/root/usr/local/share/media-toolkit/cron" "$T/root/usr/local/share/media-toolkit/nginx")" '' 'with paths in them'
    is "$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$lib/systemd/system/media-worker@.service")" /usr/local/bin/media-queue 'the right ones'
    for f in lib/sysusers.d/media-toolkit.conf lib/tmpfiles.d/media-toolkit.conf libexec/media-toolkit/jobs/ingest \
        share/media-toolkit/nginx/media-toolkit.conf share/media-toolkit/www/app.js \
        share/media-toolkit/cron/media-toolkit share/media-toolkit/examples/scalers/by-depth; do
        ok "$f is installed" test -r "$T/root/usr/local/$f"
    done
    ok 'what jobs share is no job' test ! -x "$T/root/usr/local/libexec/media-toolkit/jobs/common.sh"
    mkdir in
    run "$T/root/usr/local/bin/media-orchestrate" -n in
    exits 0 'media-orchestrate finds its parts where it is installed'
fi
if command -v systemd-sysusers >/dev/null; then
    run systemd-sysusers --dry-run "$share/systemd/media-toolkit.sysusers"
    exits 0 'sysusers'
    mkdir tree
    sed -E 's/ (media-toolkit|root) (media-toolkit|root)$/ - -/' "$share/systemd/media-toolkit.tmpfiles" >tmpfiles.conf
    run systemd-tmpfiles --create --root="$T/tree" "$T/tmpfiles.conf"
    exits 0 'tmpfiles'
    ok 'and its folders' test -d tree/var/lib/media-toolkit/incoming
else
    skip 'systemd-sysusers is not installed'
fi

# --- the whole workflow under what the unit of a worker allows, as nobody
media clip.mp4 photo.jpg
mkdir state cache incoming
cp clip.mp4 photo.jpg incoming
chmod 755 "$T"
chmod -R a+rX bin incoming
[ "$(id -u)" != 0 ] || chown -R nobody state cache
as_service() {
    env -u MEDIA_STORE -u MEDIA_DB -u XDG_STATE_HOME -u XDG_DATA_HOME -u XDG_CONFIG_HOME HOME="$T/state" \
        STATE_DIRECTORY="$T/state" TMPDIR="$T/cache" MEDIA_ON_SKIPPED=publish \
        "$MT_TOP/tests/as-unit" units/media-worker@.service "$@"
}
run as_service true
if [ -n "${MT_QUICK-}" ]; then
    skip 'the workflow, for the quick tests'
elif [ "$status" = 0 ]; then
    touch state/own
    [ "$(id -u)" != 0 ] || chown nobody state/own
    run as_service chown "$(stat -c %u state/own)" state/own
    isnt "$status" 0 'the restrictions hold'
    run as_service python3 -c 'import mmap; mmap.mmap(-1, 4096, prot=7)'
    isnt "$status" 0 'also those of memory'
    sleep 1
    run as_service "$MT_TOP/scripts/media-orchestrate" --once --settle 0 --jobs 2 \
        --options '{"qualities": ["180p"], "thumbnail_count": 1, "analysis_types": ["loudness", "transcription"], "languages": ["en"]}' incoming
    exits 0 'the workflow of a film and a photograph'
    is "$(sqlite3 state/media.db "SELECT count(*), sum(status = 'completed') FROM processing_jobs")" '13|13' 'all of it' ||
        diag "$(sqlite3 state/media.db "SELECT job_type, status, error FROM processing_jobs WHERE status <> 'completed'")"
    is "$(sqlite3 state/media.db "SELECT upload_status FROM media_assets" | sort -u)" completed 'nothing is held'
else
    skip "as-unit cannot restrict here: $(head -n 1 "$err")"
fi

# --- sd_notify: ready, alive, and about to end
mkdir jobs
printf '#!/bin/sh\nexit 0\n' >jobs/none
chmod +x jobs/none
python3 - "$T/notify" >told <<'END' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(20)
try:
    while True:
        text = s.recv(4096).decode()
        print(text, flush=True)
        if text.startswith("STOPPING"):
            break
except TimeoutError:
    pass
END
listener=$!
at_exit() { kill "$listener" 2>/dev/null; }
for _ in $(seq 100); do [ ! -S notify ] || break; sleep 0.05; done
env NOTIFY_SOCKET="$T/notify" WATCHDOG_USEC=2000000 media-queue work --handlers jobs >/dev/null 2>&1 &
worker=$!
for _ in $(seq 100); do ! grep -q WATCHDOG=1 told || break; sleep 0.05; done
kill -HUP $worker
for _ in $(seq 100); do ! grep -q RELOADING=1 told || break; sleep 0.05; done
kill -TERM $worker
wait $worker
is $? 0 'a worker of Type=notify'
wait $listener
for w in READY=1 WATCHDOG=1 RELOADING=1 STOPPING=1; do ok "it says $w" grep -q "^$w" told; done

# --- cron, and the example of a scaler
is "$(grep -cE '^[0-9*]' "$share/cron/media-toolkit")" "$(grep -cE '^[0-9*].*flock -n ' "$share/cron/media-toolkit")" 'each line of cron has its lock'
mkdir -p cron/incoming cron/done
cp photo.jpg cron/incoming
sleep 2.1
line=$(sed -n "s|@BINDIR@|$T/bin|g; s|^\*/2 \* \* \* \* media-toolkit ||p" "$share/cron/media-toolkit")
run env STATE_DIRECTORY="$T/cron" INCOMING="$T/cron/incoming" DONE="$T/cron/done" sh -c "$line"
exits 0 'the line that looks for files'
is "$(jq -c '[.type, .submitted]' cron/orchestrate.ndjson)" '["round",1]' 'has found one'
scale() { printf '%s' "$1" | "$share/examples/scalers/by-depth" cpu; }
is "$(scale '{"by_type": []}')" 0 'no jobs, no machine'
is "$(scale '{"by_type": [{"class": "cpu", "ready": 9, "running": 1, "oldest_s": 3}, {"class": "io", "ready": 50, "running": 0, "oldest_s": 1}]}')" 3 'one for each four'
is "$(scale '{"by_type": [{"class": "cpu", "ready": 1, "running": 0, "oldest_s": 3000}]}')" 2 'one more where somebody waits long'
is "$(scale '{"by_type": [{"class": "cpu", "ready": 9000, "running": 0, "oldest_s": 3000}]}')" 20 'but not too many'
media-queue submit none >/dev/null
is "$(media-queue depth | "$share/examples/scalers/by-depth" cpu)" 1 'from the real depth'
done_testing
