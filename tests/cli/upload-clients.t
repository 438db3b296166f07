#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# upload-clients.t - tus-js-client uploads in each of its modes.
#
# MT_NPM is a directory in which node_modules has tus-js-client, as scripts/test installs it.
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/api.sh
. "$(dirname "$0")/../api.sh"
# shellcheck source=tests/upload.sh
. "$(dirname "$0")/../upload.sh"

command -v node >/dev/null || skip_rest 'there is no node'
[ -d "${MT_NPM-}/node_modules/tus-js-client" ] || skip_rest 'there is no tus-js-client: no network, or no npm'
cd "$T" || exit 1
at_exit() { api_stop; }
api_setup
api_start --access=open || { fail 'the server starts'; done_testing; }

head -c 1000003 /dev/urandom >"$T/f"
sum=$(sha256sum <"$T/f" | cut -c1-64)
NODE_MODULES=$MT_NPM/node_modules timeout 120 node "$MT_TOP/tests/tus-client.mjs" \
    "$url/api/v1/media/uploads" "$T/f" >"$T/modes" 2>"$err" || diag "$(cat "$err")"
is "$(wc -l <"$T/modes")" 13 'every mode was tried'
while read -r line; do
    mode=$(jq -r .mode <<<"$line")
    is "$(jq -r '.error // ""' <<<"$line")" '' "$mode"
    id=$(jq -r '.url // "" | split("/") | last // ""' <<<"$line")
    [ -z "$id" ] || handed_on "$id" "$mode"
    case $mode in
    draft*) ;; # sends no metadata
    *) [ -z "$id" ] || json_is .filename 'фильм في.mov' "$mode: the name" ;;
    esac
done <"$T/modes"
api_stop
sanitized "$api_dir/api.log" 'media-api serve'
done_testing
