#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# scripts.t - the scripts that people type, and what make install leaves behind.
. "$(dirname "$0")/../tap.sh"

media clip.mp4 empty.mp4 tone.wav
cd "$T" || exit 1

# --- installed, in one go, and used from there
if [ -n "${MT_MAKE-}" ]; then
    # shellcheck disable=SC2086
    run $MT_MAKE -C "$MT_TOP" DESTDIR="$T/root" install
    exits 0 'make install'
    unlike "$(cat "$out")" '(CC|LINK) ' 'builds nothing again'
else
    mkdir -p root/usr/local/bin
    cp "$bin"/* "$MT_TOP/scripts/media-pipeline" root/usr/local/bin
fi
for p in $(programs); do
    ok "$p is installed" test -x "root/usr/local/bin/$p"
    [ -n "${MT_MAKE-}" ] || continue
    ok "$p.1 is installed" test -f "root/usr/local/share/man/man1/$p.1"
    ok "and its completion" test -f "root/usr/local/share/bash-completion/completions/$p"
done

export MEDIA_QUALITIES=180p MEDIA_THUMBNAILS=2 MEDIA_ANALYSES=loudness
pipeline=$T/root/usr/local/bin/media-pipeline
run "$pipeline" clip.mp4
exits 0 'media-pipeline finds the programs beside it'
document 'and prints a document'
json_is '[(.variants | length), ([.thumbnails[] | select(.format == "webp")] | length)] | tostring' \
    '[1,2]' 'with a rendition and thumbnails'
ln -s "$pipeline" link
run ./link clip.mp4
exits 0 'also when it is called by a link'
cp clip.mp4 ./-odd.mp4
run "$pipeline" -- -odd.mp4
exits 0 'it takes -- and odd names'
run "$pipeline" clip.mp4 empty.mp4 tone.wav
exits 3 'its status tells that some failed'
is "$(wc -l <"$out")" 3 'and all are told of'
run "$pipeline" --help
exits 0 '--help'
like "$(cat "$out")" 'MEDIA_QUALITIES' 'tells what can be set'
run "$pipeline"
exits 2 'without files it is a usage error'
run "$pipeline" --nonsense
exits 2 'an unknown option is one too'
mkdir alone
cp "$MT_TOP/scripts/media-pipeline" alone
run env PATH=/usr/bin:/bin alone/media-pipeline clip.mp4
exits 10 'without programs it says so'
stderr_like 'hint: ' 'with a hint'

# --- the sample is the same each time
make-media "$T/m1" clip.mp4 && make-media "$T/m2" clip.mp4
ok 'make-media makes the same bytes each time' cmp -s "$T/m1/clip.mp4" "$T/m2/clip.mp4"
for i in 1 2 3 4; do make-media "$T/m$i" tone.wav; done
is "$(sha256sum "$T"/m[1-4]/tone.wav | cut -d' ' -f1 | sort -u | wc -l)" 1 'and speaks, or hums, each time'
run make-media "$T/m1" nonsense.mp4
exits 2 'and knows what it does not know'
done_testing
