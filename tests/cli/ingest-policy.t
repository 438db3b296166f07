#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ingest-policy.t - rules that hold or refuse files, and copies of what was refused.
. "$(dirname "$0")/../tap.sh"

media photo.jpg tone.wav cut.mp4 text.jpg
policy() { cat >"$T/policy.yaml"; }

# rejected TEXT HINT: a policy that cannot be loaded
rejected() {
    run media-ingest --policy "$T/policy.yaml" "$T/photo.jpg"
    exits 10 "$1"
    stderr_like "$2" "$1: where and what"
}
policy <<<'policy: [ {action: explode} ]'
rejected 'an unknown action' 'policy.yaml:1: a rule needs an action'
policy <<<'policy:
  - {action: hold, larger_then: 5M}'
rejected 'a misspelt word' "policy.yaml:2: unknown word 'larger_then'"
stderr_like "did you mean 'larger_than'" 'with the nearest one'
policy <<<'policy:
  - action: hold
    larger_than: many'
rejected 'a size that is none' 'policy.yaml:2: '
policy <<<'policy:
  - action: hold
    damage: [degraded, awful]'
rejected 'a state that is none' "policy.yaml:2: damage cannot be 'awful'"
policy <<<'policy: [ {action: hold, action: hold} ]'
rejected 'a word twice' 'second value'
policy <<<'rules: []'
rejected 'another key' "'policy:' is wanted"
policy <<<'policy: ['
rejected 'no YAML' 'not valid YAML'
run media-ingest --policy "$T/nowhere" "$T/photo.jpg"
exits 4 'a policy that is not there'
is "$(sql 'SELECT count(*) FROM media_assets' 2>/dev/null)" '' 'nothing was taken in meanwhile'

policy <<'EOF'
policy:
  - action: publish
    content_type: image
    fewer_pixels_than: 1000
  - action: hold
    content_type: [image, video]
    more_pixels_than: 100000
    reason: large pictures are looked at
  - action: reject
    format: wav
    longer_than: 0.5
    reason: no long recordings
  - action: reject
    scan: infected
EOF
run media-ingest --policy "$T/policy.yaml" --quarantine "$T/kept" "$T/photo.jpg" "$T/tone.wav"
exits 3 'one is held, one refused'
is "$(json .asset.upload_status | head -n 1)" held 'the held one says so'
is "$(json .asset.metadata.policy.reason | head -n 1)" 'large pictures are looked at' 'and why'
like "$(json .asset.metadata.policy.rule | head -n 1)" 'policy.yaml:5$' 'and by which rule'
stderr_like 'held back by .*policy.yaml:5' 'a warning says it too'
is "$(json .error.code | tail -n 1)" policy 'the refused one has its code'

like "$(json .error.message | tail -n 1)" 'policy.yaml:9: no long recordings' 'and the reason'
consistent 'with a policy'

# --- quarantine
sum=$(sha256sum <"$T/tone.wav" | cut -d' ' -f1)
ok 'the refused file is in quarantine' cmp -s "$T/tone.wav" "$T/kept/$sum"
is "$(stat -c %a "$T/kept/$sum" "$T/kept/$sum.json" | sort -u)" 400 'readable by its owner alone'
is "$(stat -c %a "$T/kept")" 700 'as is the directory'
is "$(jq -r .sha256 "$T/kept/$sum.json")" "$sum" 'what is beside it names it'
is "$(jq -r .error.code "$T/kept/$sum.json")" "$(json .error.code | tail -n 1)" 'and the refusal'
run media-ingest --policy "$T/policy.yaml" --quarantine "$T/kept" "$T/tone.wav" "$T/text.jpg"
is "$(find "$T/kept" -mindepth 1 | wc -l)" 4 'the same again is kept once, another by itself'
: >"$T/empty.wav"
run media-ingest --quarantine "$T/kept" "$T/empty.wav" "$T/nowhere.wav" "$T"
is "$(find "$T/kept" -mindepth 1 | wc -l)" 4 'what has no bytes is not kept'
run media-ingest --quarantine "$T/kept" --name x.jpg - <"$T/text.jpg"
exits 6 'bytes of a pipe are refused likewise'
run media-ingest --quarantine "$T/photo.jpg" "$T/text.jpg"
exits 6 'a quarantine that cannot be is no other outcome'
stderr_like 'quarantine' 'but a warning'
run media-ingest --policy "$T/policy.yaml" -n "$T/photo.jpg" "$T/tone.wav"
exits 3 'a dry run asks the policy'
done_testing
