# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# hooks.sh - programs of the operator's that hear of assets; sourced behind workflow.sh.

# hooks STEP: runs the executable files in $MEDIA_HOOKS/STEP.d, in the order of their names.
# Each has the media document with "workflow" on standard input. All have their turn; one that
# fails with 5, 11 or a signal has the job tried again, any other failure is one for good.
# They are all called again then: MEDIA_JOB is the same, by which they know what they have
# heard before.
hooks() {
    local dir=${MEDIA_HOOKS:-/etc/media-toolkit/hooks}/$1.d hook name s later='' never=''
    whole >"$work/whole.json" || exit
    : >"$work/hooks.json"
    for hook in "$dir"/*; do
        if [ ! -f "$hook" ] || [ ! -x "$hook" ]; then continue; fi
        name=${hook##*/}
        # What a hook prints is no result of the job: it goes to the last words.
        "$hook" <"$work/whole.json" >&2
        s=$?
        jq -nc --arg hook "$name" --argjson status $s '{$hook, exit_status: $status}' >>"$work/hooks.json"
        case $s in
        0) ;;
        5 | 11 | 12[89] | 1[3-9]? | 2??) later+=" $name ($s)" ;;
        *) never+=" $name ($s)" ;;
        esac
    done
    jq -cs '{outcome: (if length == 0 then "not_applicable" else "ok" end), hooks: .}' "$work/hooks.json"
    [ -z "$later" ] || fail 5 busy "not told yet:$later"
    [ -z "$never" ] || fail 1 failed "could not be told:$never" "mend the hook in '$dir', then media-queue retry $MEDIA_JOB"
}
