#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ingest-walk.t - directories: what is taken from them, in which order, and what is not.
. "$(dirname "$0")/../tap.sh"

media photo.jpg
n=0
picture() {
    mkdir -p "$(dirname "$1")"
    { head -c 2 "$T/photo.jpg"; printf '\377\376\0\006%04d' "$n"; tail -c +3 "$T/photo.jpg"; } >"$1"
    n=$((n + 1))
}
for f in b.jpg a.jpg z/c.jpg d/e.jpg d/d/f.jpg .hidden.jpg .dir/g.jpg h.jpg.part i.jpg.crdownload \
    j.jpg~ 'new
line.jpg'; do picture "$T/tree/$f"; done
picture "$T/outside/x.jpg"
ln -s "$T/outside" "$T/tree/link"
ln -s "$T/outside/x.jpg" "$T/tree/link.jpg"
ln -s ../.. "$T/tree/d/d/up"
mkfifo "$T/tree/fifo.jpg"

run media-ingest "$T/tree"
exits 6 'a directory alone is refused'
json_is .error.code not_a_regular_file 'and says what it is'
json_true '.error.hint | test("--recursive")' 'and what takes in the files below it'
run media-ingest --recursive "$T/tree"
exits 0 'with --recursive it is gone through'
is "$(json '.asset.original_filename' | tr '\n' ' ')" 'a.jpg b.jpg new line.jpg e.jpg f.jpg c.jpg ' \
    'files sorted, before directories; nothing hidden, unfinished, linked or special'
run media-ingest -r "$T/tree/.hidden.jpg" "$T/tree/j.jpg~" "$T/tree/link.jpg"
is "$(wc -l <"$out")" 3 'what is named is taken, whatever its name'
run media-ingest -r "$T/tree/link"
is "$(json .asset.checksum)" "$(sha256sum <"$T/outside/x.jpg" | cut -d' ' -f1)" 'also a directory behind a link'
printf '%s\0' "$T/tree/d" "$T/tree/new
line.jpg" >"$T/names"
run media-ingest -r -0 --files-from "$T/names"
is "$(wc -l <"$out")" 3 'directories may stand in a list'
mkdir "$T/empty"
run media-ingest -r "$T/empty"
exits 0 'an empty directory is no failure'
is "$(cat "$out")" '' 'and has no documents'
run media-ingest -r "$T/nowhere"
exits 4 'a missing one is'

run media-ingest -r --progress=json "$T/tree"
is "$(grep '"summary"' "$err" | jq .ok)" 6 'the summary counts them'

if [ "$(id -u)" != 0 ]; then
    chmod 0 "$T/tree/d"
    run media-ingest -r "$T/tree"
    chmod 755 "$T/tree/d"
else
    # Root reads everything; a directory that is too deep fails as well.
    mkdir -p "$T/tree/d/$(printf 'x/%.0s' $(seq 130))"
    run media-ingest -r "$T/tree"
    rm -r "$T/tree/d/x"
fi
exits 3 'a directory that cannot be read is a failure'
is "$(json 'select(.error == null).asset.id' | wc -l)" \
    "$([ "$(id -u)" = 0 ] && echo 6 || echo 4)" 'of its own'
consistent 'after all of that'
done_testing
