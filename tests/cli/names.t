#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# names.t - a name is data: never an option, a pattern, a format or a path to elsewhere.
. "$(dirname "$0")/../tap.sh"

media clip.mp4
mkdir "$T/in" "$T/o" && cd "$T/in" || exit 1
touch victim

names=($'new\nline.mp4' '-y.mp4' '--help.mp4' 'p%03d.mp4' '%s%n.mp4' 'concat:a|b.mp4' 'file:x.mp4'
    'http:x.mp4' "; touch \$T;'\".mp4" 'two  spaces .mp4' '.hidden.mp4' '*.mp4' $'tab\t.mp4'
    $'\e[31mred.mp4' 'فيلم.mp4' $'\xff\xfe.mp4' $'caf\xe9.mp4' "$(printf 'l%.0s' {1..251}).mp4")
for name in "${names[@]}"; do
    shown=$(printf %q "$name" | cut -c1-40)
    # Different bytes, so that none is a duplicate of another.
    { cat "$T/clip.mp4"; printf '\0\0\0\030free%-16.16s' "$shown"; } >"$name"
    run media-ingest -- "$name"
    exits 0 "$shown is ingested"
    document "$shown"
    if printf %s "$name" | iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1; then
        is "$(jq -j .asset.original_filename "$out"; echo x)" "${name}x" "$shown keeps its name"
    else
        is "$(jq -r .asset.metadata.name_base64 "$out" | base64 -d; echo x)" "${name}x" \
            "$shown keeps its exact bytes"
    fi
    unlike "$(cat "$err")" $'\e' "$shown: no control characters on stderr"
done
is "$(find "$T/in" -mindepth 1 -printf x | wc -c)" $((${#names[@]} + 1)) 'nothing was written beside them'
is "$(sql 'SELECT count(*) FROM media_assets')" "${#names[@]}" 'each is an asset of its own'
is "$(objects | grep -vcE '^[0-9a-f-]{36}/original\.mp4$')" 0 'keys are made of ids, not of names'
consistent 'names'

# Lists of names.
printf '%s\0' "${names[@]}" >"$T/list0"
run media-ingest --files-from "$T/list0" -0
exits 0 '--files-from with -0 takes any name'
is "$(wc -l <"$out")" "${#names[@]}" 'a line each'
printf '%s\n' '-y.mp4' 'two  spaces .mp4' >"$T/list"
run media-ingest --files-from "$T/list"
exits 0 '--files-from takes a name a line'
json_is .asset.original_filename $'-y.mp4\ntwo  spaces .mp4' 'as they are'
run media-ingest --files-from - <"$T/list"
exits 0 '--files-from - reads them from stdin'
run media-ingest --files-from "$T/absent"
exits 4 'a list that is absent'

# Beside -o the name of the source makes that of the file.
for name in '-y.mp4' $'new\nline.mp4' $'\xff\xfe.mp4' '.hidden.mp4' "$(printf 'l%.0s' {1..251}).mp4"; do
    rm -rf "$T/o" && mkdir "$T/o"
    run media-thumbs --count 1 -o "$T/o" -- "$name"
    exits 0 "-o: $(printf %q "$name" | cut -c1-40)"
    is "$(find "$T/o" -name .media-toolkit -prune -o -type f -name '[-.]*' -print | wc -l)" 0 'no leading dash or dot'
    isnt "$(find "$T/o" -name .media-toolkit -prune -o -type f -print | wc -l)" 0 'there are files'
done
rm -rf "$T/o" && mkdir -p "$T/o" "$T/in/a" "$T/in/b"
cp "$T/clip.mp4" a/same.mp4
cp ./-y.mp4 b/same.mp4
run media-thumbs --count 1 -o "$T/o" a/same.mp4 b/same.mp4
is "$(json '.thumbnails[].url' | sort -u | wc -l)" "$(json '.thumbnails[].url' | wc -l)" \
    'two files of one name do not overwrite each other'

run media-ingest "$(printf 'd/%.0s' {1..3000})x.mp4"
exits 4 'a path of 6 KB is not found'
run media-ingest ''
unlike "$status" '^0$' 'an empty name is no file'
document 'and has its document'
done_testing
