# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# upload.sh - what the tests of uploads share. Source it behind api.sh.

uploads=$T/uploads
tus=(-H 'Tus-Resumable: 1.0.0')
octets=(-H 'Content-Type: application/offset+octet-stream')

# call METHOD PATH CURL...: below the API; curl is not to wait for anything
call() {
    local method=$1 path=/api/v1/media$2
    shift 2
    if [ "$method" != HEAD ]; then
        http "$method" "$path" -H Expect: "$@"
        return
    fi
    code=$(curl -sS --head ${bearer:+-H "Authorization: Bearer $bearer"} -o "$head" -w '%{http_code}' \
        --max-time 30 "$@" "$url$path" 2>"$err")
    : >"$body"
    keep_answer HEAD "$path"
}

# create CURL...: a new upload by tus, $id
create() {
    call POST /uploads "${tus[@]}" "$@"
    id=$(field Location)
    id=${id##*/}
}

# send OFFSET FILE CURL...: a chunk
send() {
    local offset=$1 file=$2
    shift 2
    call PATCH "/uploads/$id" "${tus[@]}" "${octets[@]}" -H "Upload-Offset: $offset" \
        --data-binary "@$file" "$@"
}

offset_is() {
    call HEAD "/uploads/$id" "${tus[@]}"
    is "$code $(field Upload-Offset)" "200 $1" "$2"
}

is_problem() {
    is "$(field Content-Type) $(jq -r .status "$body" 2>&1)" "application/problem+json $code" \
        "$1: a problem document"
}

# handed_on ID WHAT [SUM]: the queue has a job for it with the right hash, and its bytes are there
handed_on() {
    sql "SELECT input_parameters FROM processing_jobs WHERE unique_key = 'upload:$1'" >"$out"
    json_is .checksum "${3:-$sum}" "$2: handed on, with the right hash"
    is "$(sha256sum <"$uploads/$1" | cut -c1-64)" "${3:-$sum}" "$2: which is that of its bytes"
}
