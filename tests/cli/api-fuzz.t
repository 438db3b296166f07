#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# api-fuzz.t - requests that nobody would make are answered, never by 5xx.
#
# MEDIA_TEST_FUZZ=N: so many instead of 1500. MEDIA_TEST_SEED=N: others.
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/api.sh
. "$(dirname "$0")/../api.sh"

cd "$T" || exit 1
at_exit() { api_stop; }
if ! command -v nginx >/dev/null || ! command -v spawn-fcgi >/dev/null; then
    skip_rest 'nginx or spawn-fcgi is not installed'
fi
api_setup
bearer=$(token 11111111-1111-4111-8111-111111111111 admin)
http() { :; } # answers are too many to be kept
ok 'a server behind nginx' api_start --threads 8
n=${MEDIA_TEST_FUZZ:-1500}
[ -z "${MT_QUICK-}" ] || n=300
run "$MT_TOP/tests/api-fuzz" "$url" "$bearer" "$n" "${MEDIA_TEST_SEED:-1}"
exits 0 "$n requests"
is "$(head -n 5 "$out")" '' 'each is answered, none by 5xx'
diag "$(tail -n 1 "$err")"
is "$(curl -so /dev/null -w '%{http_code}' "$url/readyz")" 200 'the server is well'
sanitized "$api_dir/api.log" 'media-api serve'
is "$(sql "SELECT count(*) FROM processing_jobs WHERE job_type NOT IN ('transcode', 'analyze')")" 0 'nothing else was stored'
pid=$(cat "$api_dir/api.pid")
kill "$pid"
ok 'SIGTERM ends it' api_gone "$pid"
rm -f "$api_dir/api.pid"
sanitized "$api_dir/api.log" 'media-api serve, at its end'
done_testing
