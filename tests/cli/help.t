#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# help.t - what all programs have in common, tried on every one of them.
. "$(dirname "$0")/../tap.sh"

version=$(cat "$MT_TOP/VERSION")
isnt "$(programs)" '' 'there are programs'

for p in $(programs); do
    run "$p" --help
    exits 0 "$p --help succeeds"
    stderr_empty "$p --help: nothing on stderr"
    is "$(awk 'length > 95' "$out")" '' "$p --help: no line is longer than 95 columns"
    like "$(grep -m1 -n "^ *\$\{0,1\} *.*$p" "$out")" "$p" "$p --help: shows a command"
    examples=$(grep -n -i -m1 'example' "$out" | cut -d: -f1)
    options=$(grep -n -i -E -m1 '^ *(common )?options' "$out" | cut -d: -f1)
    ok "$p --help: examples stand before options" test "${examples:-999}" -lt "${options:-0}"
    cp "$out" "$T/help"
    run "$p" -h
    exits 0 "$p -h succeeds"
    ok "$p -h is --help" cmp -s "$out" "$T/help"
    for o in --help --version --quiet --config --db --store --progress --log-format --color \
        --fail-fast --files-from --null --print-config; do
        ok "$p --help lists $o" grep -q -e "$o" "$T/help"
    done

    run "$p" --version
    exits 0 "$p --version succeeds"
    json_is .name "$p" "$p --version: names the program"
    json_is .version "$version" "$p --version: says the version"
    json_true '.libraries | type == "object"' "$p --version: and those of the libraries"
    cp "$out" "$T/version"
    run "$p" -V
    ok "$p -V is --version" cmp -s "$out" "$T/version"

    run "$p" --nonsense
    exits 2 "$p --nonsense is a usage error"
    is "$(cat "$out")" '' "$p --nonsense: nothing on stdout"
    stderr_like "^$p: .*unknown option '--nonsense'" "$p --nonsense: says so"
    run "$p" --quite
    exits 2 "$p --quite is a usage error"
    stderr_like "hint: .*--quiet" "$p --quite: means --quiet?"
    run "$p" --hel
    exits 2 "$p: options cannot be abbreviated"
    run "$p" -vh
    exits 0 "$p -vh: short options in a group"
    run "$p" -v@
    exits 2 "$p -v@: unknown in a group"
    stderr_like "'-@'" "$p -v@: names the one that is unknown"
    run "$p" --help=yes
    exits 2 "$p --help=yes: takes no value"
    run "$p" --color
    exits 2 "$p --color: wants a value"
    run "$p" --color=pink
    exits 2 "$p --color=pink: not one of the choices"
    stderr_like 'pink.*(never|always)|(never|always).*pink' "$p --color=pink: what is allowed"

    run "$p" --cli-spec=json
    exits 0 "$p --cli-spec=json succeeds"
    json_is .name "$p" "$p --cli-spec=json: describes the program"

    "$p" --help >/dev/full 2>"$err"
    is $? 1 "$p: a full disk behind stdout is a failure"
    stderr_like "^$p: " "$p: and it says so"
    "$p" --help >&- 2>"$err"
    is $? 1 "$p: a closed stdout is a failure"
    {
        sleep 0.2
        "$p" --help 2>"$err"
        echo $? >"$T/status"
    } | :
    is "$(cat "$T/status")" 141 "$p: a closed pipe ends it like SIGPIPE"
    stderr_empty "$p: without a word"
done
done_testing
