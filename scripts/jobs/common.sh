# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# common.sh - what the handlers of jobs share; they source it. It is no handler: nobody may execute it.
#
# A handler is called by media-queue work as media-queue(1) tells under Handlers: the job on
# standard input, its lease in the environment, results as JSON on standard output. Whatever a
# parameter holds ends up behind a "--name=" or is checked to be an id or a URL: parameters
# may come from anybody who can use the HTTP API.
set -uo pipefail
trap 'exit 143' TERM # after the program that runs has ended
export MEDIA_LOG_FORMAT=text # messages are read by people, as the last words of the attempt

work=${TMPDIR:?is set by media-queue work}
job=$work/job.json
cat >"$job"

# fail STATUS CODE MESSAGE [HINT]: ends the attempt; the words become the error of the job
fail() {
    jq -nc --arg code "$2" --arg message "$3" --arg hint "${4-}" \
        '{type: "error", code: $code, message: $message} + if $hint == "" then {} else {$hint} end' >&2
    exit "$1"
}

# What parameters are made of, for the filters of options.
types='
def wrong(what): error("is no \(what): \(tojson | .[:60])");
def string: if type == "string" then . else wrong("text") end;
def word: if type == "string" and test("^[A-Za-z0-9._:%-]+\\z") then . else wrong("word") end;
def words: if type == "array" then map(if type == "number" then tostring else word end) | join(",") else wrong("list of words") end;
def number: if type == "number" then tostring else wrong("number") end;
def object: if type == "object" then tojson else wrong("object") end;
def uuid: if type == "string" and test("^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\\z") then . else wrong("id") end;
def url: if type == "string" and test("^https?://") then . else wrong("URL") end;
def if_true(option): if . == true then option elif . == false then empty else wrong("truth value") end;
def of(name; f): (getpath(name / ".") | values | try f catch error("parameters.\(name) \(.)"));'

# options FILTER: the array $opts, from the parameters; FILTER gives texts
options() {
    if ! jq -j ".parameters // {} | $types ($1) | . + \"\\u0000\"" "$job" >"$work/options" 2>"$work/why"; then
        fail 2 usage "$(sed 's/^jq: error ([^)]*): //' "$work/why")"
    fi
    mapfile -d '' -t opts <"$work/options"
}

# text VARIABLE FILTER: what the filter makes of the parameters, to the last byte; '' if nothing
text() {
    local t
    options "$2"
    t=${opts[0]-}
    printf -v "$1" %s "$t"
}

# fit: passes a document on; what a supervisor would not take, a line of a megabyte, gets shorter
fit() {
    cat >"$work/result"
    if [ "$(wc -c <"$work/result")" -gt 900000 ]; then
        jq -c 'def size: tojson | utf8bytelength;
            if .analysis then .analysis |= map_values(
                if size > 50000 then {omitted: "media-status asset tells it"} else . end) else . end
            | if size < 900000 then . else (if .waits_for then {waits_for} else {} end) +
                {schema, asset: {id: .asset.id}, error,
                stages: .stages, omitted: "media-status asset tells it"} end' "$work/result"
    else
        cat "$work/result"
    fi
}

# leave STATUS: ends the attempt. A disk that is full may have room later, or another machine has.
leave() {
    if [ "$1" = 1 ] && jq -es 'any(.[]; [.error, .stages[]?.error] | any(.code? == "no_space"))' \
        "$work/result" >/dev/null 2>&1; then
        exit 5
    fi
    exit "$1"
}

# on_source COMMAND...: runs a filter on what the job is about: an asset, or what a URL gives.
# $then is a further filter behind it, or empty.
then=()
on_source() {
    local asset url by
    asset=${MEDIA_ASSET-}
    [ -n "$asset" ] || text asset 'of("asset_id"; uuid)'
    text url 'of("source_url"; url), of("media_url"; url)'
    if [ -n "$asset" ]; then
        "$@" -- "$asset" </dev/null | next | fit
    elif [ -n "$url" ]; then
        options 'of("uploaded_by"; "--uploaded-by=" + uuid)'
        by=("${opts[@]}")
        media-ingest --allow-url "${by[@]}" -- "$url" </dev/null | "$@" | next | fit
    else
        fail 2 usage 'the job names neither an asset nor a URL' 'its asset_id, or parameters.source_url'
    fi
    leave $?
}
next() { if [ ${#then[@]} = 0 ]; then cat; else "${then[@]}"; fi; }
