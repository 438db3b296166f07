#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# completion.t - what the shell offers after a program's name.
. "$(dirname "$0")/../tap.sh"

# offered WORD...: the candidates for the last word
offered() {
    bash --norc -c '
        compopt() { :; }
        . "$MT_TOP/completions/bash/$1"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        "$(complete -p "$1" | sed -n "s/.*-F \([^ ]*\).*/\1/p")"
        printf "%s\n" "${COMPREPLY[@]}"' _ "$@"
}

cd "$T" || exit 1
touch film.mp4
for p in $(programs); do
    is "$(offered "$p" --ver | tr '\n' ' ')" '--version --verbose ' "$p: names of options" ||
        diag "$(offered "$p" --)"
    is "$(offered "$p" --color a | tr '\n' ' ')" 'auto always ' "$p: values of a choice"
    is "$(offered "$p" --color = n)" never "$p: also after ="
    is "$(offered "$p" --config "fi")" film.mp4 "$p: files for an option that takes one"
    is "$(offered "$p" --db x)" '' "$p: nothing for free text"
    n=$("$p" --cli-spec=json | jq '.options | length')
    is "$(offered "$p" -- | grep -c '^--')" "$n" "$p: all its options"
done
is "$(offered media-ingest "fi")" film.mp4 'files for operands'
is "$(offered media-ingest -- "fi")" film.mp4 'also after --'
like "$(offered media-status j | tr '\n' ' ')" 'job jobs' 'commands of media-status'
done_testing
