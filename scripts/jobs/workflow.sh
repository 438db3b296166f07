# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# workflow.sh - what is made of an asset, as jobs of the queue; sourced behind common.sh.
#
#     ingest --> thumbnail, transcode, analyze --> update --> notify --> distribute
#
# The three parts run side by side, wherever there are workers. update waits for all of them,
# also when some have failed, and tells the whole; notify and distribute run the hooks. Each part
# has a key of the asset, its options and the version of the programs: however often, from
# wherever, and after whatever death the same is asked for, it is done once.

# parts DOCUMENT FILTER: {"type", "parameters"} of each part, a line each. FILTER finds the options
# in the job.
parts() {
    jq -c --slurpfile document "$1" "$types"'
    def pick(names): . as $o | reduce (names[] | select($o[.] != null)) as $n ({}; . + {($n): $o[$n]});
    $document[0].asset.content_type as $kind | ('"$2"' // {}) |
    (object | empty), (of("qualities"; words), of("at"; words), of("analysis_types"; words), of("languages"; words),
        of("captions"; words), of("waveform"; words), of("thumbnail_count"; number) | empty),
    (if .generate_thumbnails == false then empty else
        {type: "thumbnail", parameters: pick(["thumbnail_count", "at", "storyboard", "contact_sheet", "waveform", "force"])} end),
    (if .transcode == false or $kind == "image" or ($kind == "audio" and .output_formats == null) then empty else
        {type: "transcode", parameters: pick(["output_formats", "qualities", "force"])} end),
    (if .analysis_types == [] or ($kind == "image" and .analysis_types == null) then empty else
        {type: "analyze", parameters: pick(["analysis_types", "languages", "captions", "force"])} end)
    | . + {priority: ($options.priority // 0), timeout_s: $options.timeout_s}' --argjson options "$(jq -c "$2 // {}" "$job")" "$job"
}

# key TEXT...: that many words as a short one
key() { printf '%s\n' "$@" | sha256sum | cut -c1-24; }

# submit_parts PLAN ASSET: their answers, a line each, into $work/parts.json
submit_parts() {
    local version line
    version=$(media-queue --version | jq -r '.version // "0"')
    while IFS= read -r line; do
        jq -c --arg asset "$2" --arg parent "$MEDIA_JOB" --arg key "$(key "$version" "$line")" \
            '. + {asset_id: $asset, parent_id: $parent, class: "cpu", unless_done: true,
                unique_key: "\(.type):\($asset):\($key)"}' <<<"$line" || return 1
    done <"$1" >"$work/submit.json"
    media-queue submit --atomic <"$work/submit.json" >"$work/parts.json"
}

# submit_rest ASSET: update, notify and distribute
submit_rest() {
    jq -cs --arg asset "$1" --arg parent "$MEDIA_JOB" \
        --arg key "$1:$(jq -r .job_id "$work/parts.json" | sort | sha256sum | cut -c1-24)" '
        (map({(.type): .job_id}) | add // {}) as $parts |
        {asset_id: $asset, parent_id: $parent, class: "io", unless_done: true, parameters: {parts: $parts}} as $job |
        $job + {type: "update", ref: "update", unique_key: "update:\($key)",
            depends_on: map({job_id, on_failure: "ignore"})},
        $job + {type: "notify", ref: "notify", unique_key: "notify:\($key)", depends_on: [{ref: "update"}]},
        $job + {type: "distribute", unique_key: "distribute:\($key)",
            depends_on: [{ref: "notify", on_failure: "ignore"}]}' "$work/parts.json" >"$work/submit.json" &&
        media-queue submit --atomic <"$work/submit.json" >"$work/rest.json"
}

# plan DOCUMENT FILTER: submits it all, and prints the document with what was submitted
plan() {
    local asset
    asset=$(jq -r .asset.id "$1")
    # Nothing is made of what is held back, and not everybody wants more than the asset.
    if ! jq -e '.asset.upload_status == "completed"' "$1" >/dev/null ||
        jq -e '.parameters.workflow == false' "$job" >/dev/null; then
        cat "$1"
        return
    fi
    if ! parts "$1" "$2" >"$work/plan.json" 2>"$work/why"; then
        fail 2 usage "$(sed 's/^jq: error ([^)]*): //' "$work/why")"
    fi
    submit_parts "$work/plan.json" "$asset" || exit
    submit_rest "$asset" || exit
    jq -c --slurpfile parts "$work/parts.json" --slurpfile rest "$work/rest.json" \
        '. + {workflow: ({parts: ($parts | map({(.type): .job_id}) | add // {})}
            + ($rest | map({(.type): .job_id}) | add))}' "$1"
}

# whole: the document of the asset as the database has it, with what became of the parts
whole() {
    local ids=()
    mapfile -t ids < <(jq -r '.parameters.parts // {} | .[] | strings' "$job")
    : >"$work/parts.json"
    if [ ${#ids[@]} -gt 0 ]; then
        # An id that was pruned meanwhile is no reason to fail.
        media-status job -- "${ids[@]}" </dev/null >"$work/parts.json" || [ $? -lt 5 ] || exit
    fi
    media-status asset -- "${MEDIA_ASSET:?}" </dev/null >"$work/asset.json" || exit
    jq -c --slurpfile jobs "$work/parts.json" --slurpfile job "$job" '
        ($job[0].parameters.parts // {} | map_values(. as $id |
            ($jobs | map(select(.job_id == $id)) | first // {status: "unknown"}) |
            {job_id: $id, status, error})) as $parts |
        ([$parts[] | select(.status == "completed")] | length) as $done |
        (if $done == ($parts | length) then "completed" elif $done == 0 then "failed"
            else "partial" end) as $status |
        . + {outcome: (if $status == "completed" then "ok" else "degraded" end),
            workflow: {status: $status, parts: $parts}}' "$work/asset.json"
}
