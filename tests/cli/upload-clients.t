#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# upload-clients.t - tus-js-client and Uppy upload in each of their modes, through the shipped nginx.
#
# MT_NPM is a directory in which node_modules has both, as scripts/test installs them.
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/api.sh
. "$(dirname "$0")/../api.sh"
# shellcheck source=tests/site.sh
. "$(dirname "$0")/../site.sh"
# shellcheck source=tests/upload.sh
. "$(dirname "$0")/../upload.sh"

command -v node >/dev/null || skip_rest 'there is no node'
[ -d "${MT_NPM-}/node_modules/tus-js-client" ] || skip_rest 'there is no tus-js-client: no network, or no npm'
site_tools
cd "$T" || exit 1
at_exit() { site_stop; }
api_setup
site_install ''
site_api --rate 0
site_nginx || { fail 'nginx and media-api start'; done_testing; }
export NODE_EXTRA_CA_CERTS=$site/cert.pem
bearer=$(token 11111111-1111-4111-8111-111111111111 uploader)

head -c 1000003 /dev/urandom >"$T/f"
sum=$(sha256sum <"$T/f" | cut -c1-64)
for client in tus uppy; do
    [ $client = tus ] || [ -d "$MT_NPM/node_modules/@uppy/tus" ] || { skip 'there is no Uppy'; continue; }
    NODE_MODULES=$MT_NPM/node_modules timeout 120 node "$MT_TOP/tests/$client-client.mjs" \
        "$url/api/v1/media/uploads" "$T/f" "$bearer" >"$T/$client" 2>"$err" || diag "$(cat "$err")"
    sed "s/{\"mode\":\"/&$client: /" "$T/$client" >>"$T/modes"
done
is "$(wc -l <"$T/tus")" 13 'every mode was tried'
[ ! -e "$T/uppy" ] || is "$(wc -l <"$T/uppy")" 6 'every mode of Uppy'
while read -r line; do
    mode=$(jq -r .mode <<<"$line")
    is "$(jq -r '.error // ""' <<<"$line")" '' "$mode"
    id=$(jq -r '.url // "" | split("/") | last // ""' <<<"$line")
    [ -z "$id" ] || handed_on "$id" "$mode"
    case $mode in
    *draft*) ;; # sends no metadata
    *) [ -z "$id" ] || json_is .filename 'фильм في.mov' "$mode: the name" ;;
    esac
done <"$T/modes"
site_stop
sanitized "$site/api.log" 'media-api serve'
done_testing
