#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# review.t - assets that are there already are judged by what holds now, and by people.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../clamav.sh"
unset MEDIA_SCANNER

media clip.mp4 tagged.mp3
cd "$T" || exit 1
signatures "$T/db"
signatures "$T/old"
touch -d '10 days ago' old/*
cp clip.mp4 bad.mp4
eicar >>bad.mp4
echo 'policy: [{action: hold, content_type: video, reason: no films}]' >hold.yaml
echo 'policy: [{action: reject, content_type: video, reason: no films at all}]' >reject.yaml
sleep 2.1 # so that the files will be remembered

# state: of each asset, in order of its name
state() { sql "SELECT group_concat(original_filename || ' ' || upload_status || ' ' ||
    json_extract(scan, '\$.verdict'), ', ') FROM (SELECT * FROM media_assets ORDER BY original_filename) AS x"; }
id_of() { sql "SELECT id FROM media_assets WHERE original_filename = '$1'"; }
actions() { sql "SELECT group_concat(action) FROM (SELECT action FROM audit_log ORDER BY seq) AS x"; }
# reviews: what somebody has to decide or has decided, for the asset of a name
reviews() { sql "SELECT group_concat(reason || ' ' || status || ' ' || COALESCE(note, '-') || ' ' ||
    CASE WHEN decided_at IS NULL THEN 'open' ELSE 'done' END, ', ') FROM (SELECT r.* FROM reviews r
    JOIN media_assets a ON a.id = r.media_asset_id WHERE a.original_filename = '$1' ORDER BY r.created_at) AS x"; }
said() { jq -c '[.asset.upload_status, .stages.ingest.status, .error.code]' "$out" | tr '\n' ' '; }

# What was not scanned is scanned when there is a scanner, without being read as a file again.
media-ingest --scanner none: --on-skipped=hold clip.mp4 tagged.mp3 bad.mp4 >/dev/null 2>&1
is "$(state)" 'bad.mp4 held skipped, clip.mp4 held skipped, tagged.mp3 held skipped' 'held, unscanned'
is "$(reviews clip.mp4)" 'scan pending skipped: there was no scanner open' 'which is on the list of what is to be decided'
run media-ingest --scanner none: --on-skipped=hold clip.mp4
is "$(said)" '["held","skipped",null] ' 'the same again changes nothing'
run media-ingest --scanner "clamav:$T/db" clip.mp4 tagged.mp3 bad.mp4
exits 3 'with a scanner one is refused'
is "$(said)" '["completed","completed",null] ["completed","completed",null] ["rejected","failed","infected"] ' \
    'and the others are published'
document 'their documents'
is "$(state)" 'bad.mp4 rejected infected, clip.mp4 completed clean, tagged.mp3 completed clean' 'as in the rows'
is "$(reviews clip.mp4)" 'scan approved skipped: there was no scanner done' 'and off the list'
is "$(reviews bad.mp4)" 'scan rejected skipped: there was no scanner done' 'either way'
consistent 'rescanned'
is "$(sql "SELECT group_concat(type) FROM (SELECT type FROM events WHERE type LIKE 'asset.%' ORDER BY seq) AS x")" \
    'asset.held,asset.held,asset.held,asset.completed,asset.completed,asset.rejected' 'and is told'
run media-ingest --scanner none: clip.mp4
is "$(said)" '["completed","skipped",null] ' 'a good verdict stays without a scanner'
is "$(json .asset.scan.verdict)" clean 'as it was'
for scanner in none: "clamav:$T/db"; do
    run media-ingest --scanner "$scanner" bad.mp4
    exits 6 "infected stays refused: ${scanner%%:*}"
    json_is .error.code infected "as infected: ${scanner%%:*}"
done
cp bad.mp4 copy.mp4
run media-ingest --scanner none: copy.mp4
exits 6 'under another name too'
stderr_like "copy.mp4.*$(id_of bad.mp4)" 'whose bytes they are is said'
is "$(objects | wc -l)" 3 'nothing was added, nothing lost'
run media-transcode -q 360p "$(id_of bad.mp4)"
exits 6 'nobody makes anything of it'
run media-thumbs -o "$T/look" "$(id_of bad.mp4)"
exits 6 'nor looks at it'
run media-ingest --rescan --scanner "clamav:$T/old" "$(id_of clip.mp4)"
is "$(said)$(json .asset.scan.verdict)" '["held","completed",null] incomplete' \
    'an asset can be scanned again, which may tell less'
run media-ingest --scanner "clamav:$T/db" "$(id_of clip.mp4)"
is "$(said)$(json .asset.scan.verdict)" '["completed","completed",null] clean' 'and more'
run media-ingest --scanner "clamav:$T/db" "$(id_of clip.mp4)"
is "$(said)" '["completed","skipped",null] ' 'then nothing is left to do'

# A scanner that is away changes nothing.
sql "UPDATE media_assets SET scan = json_set(scan, '$.verdict', 'skipped') WHERE original_filename = 'clip.mp4'"
run media-ingest --scanner "clamd:$T/none" clip.mp4
exits 5 'a scanner that is away is worth trying again'
is "$(sql "SELECT upload_status FROM media_assets WHERE original_filename = 'clip.mp4'")" completed 'and nothing is withdrawn'

# Policies of today, and people.
run media-ingest --scanner none: --policy hold.yaml clip.mp4
is "$(said)$(json .asset.metadata.policy.reason)" '["held","completed",null] no films' 'a new policy holds'
id=$(id_of clip.mp4)
like "$(reviews clip.mp4)" 'policy pending no films open$' 'and says so to who decides'
run media-ingest --scanner none: --policy hold.yaml clip.mp4
is "$(sql "SELECT count(*) FROM reviews WHERE media_asset_id = '$id' AND status = 'pending'")" 1 'once'
run media-transcode -q 360p "$id"
exits 6 'what is held is not transcoded'
stderr_like 'held, not published: no films' 'and why'
stderr_like 'hint: .*--release' 'and what to do'
run media-thumbs "$id"
exits 6 'nor shown in pictures'
run media-thumbs --count 1 -o "$T/look" "$id"
exits 0 'but for whoever wants a look at it'
run media-analyze -t loudness "$id"
exits 0 'and findings help to decide'
media-status asset "$id" | run media-transcode -q 360p
is "$(sql "SELECT count(*) FROM media_variants")" 0 'nothing was published'
run media-ingest --scanner none: clip.mp4
is "$(said)$(json .asset.metadata.policy)" '["completed","completed",null] null' 'without the policy it is published'
run media-ingest --scanner none: --policy reject.yaml clip.mp4
exits 6 'a policy can refuse what was published'
is "$(said)" '["rejected","failed","policy"] ' 'and withdraws it'
consistent 'withdrawn'
run media-ingest --scanner none: clip.mp4
is "$(said)" '["completed","completed",null] ' 'taken in again it is the same asset'
is "$(json .asset.id)" "$id" 'with its id'
media-ingest --scanner none: --policy hold.yaml clip.mp4 >/dev/null 2>&1
run media-ingest -n --release "$id"
is "$(said)$(sql "SELECT upload_status FROM media_assets WHERE id = '$id'")" '["held","planned",null] held' 'a dry run releases nothing'
run media-ingest --release --reason 'seen by a person' "$id"
is "$(said)$(json .asset.metadata.policy.reason)" '["completed","completed",null] seen by a person' 'a person releases it'
is "$(sql "SELECT count(*) FROM reviews WHERE media_asset_id = '$id' AND status = 'pending'")" 0 'and the list is empty'
document 'its document'
run media-ingest --scanner none: --policy hold.yaml clip.mp4
is "$(said)" '["completed","skipped",null] ' 'which no policy overrules'
run media-status asset "$id"
cp "$out" released
run media-ingest --reject --reason 'not ours' <released
is "$(said)" '["rejected","completed",null] ' 'a document names an asset too'
run media-ingest --scanner none: -f clip.mp4
is "$(said)" '["completed","completed",null] ' 'force takes that back'
run media-ingest --release "$(id_of bad.mp4)" "$(id_of tagged.mp3)"
exits 3 'what is infected is not released'
stderr_like 'hint: --force' 'not by accident'
run media-ingest --release --force "$(id_of bad.mp4)"
is "$(said)" '["completed","completed",null] ' 'but on purpose'
like "$(actions)" 'asset.rescanned.*asset.judged.*asset.released.*asset.rejected' 'all is in the audit log'

run media-ingest --reject "$id" "$id" "$id"
exits 0 'one asset, named three times'
is "$(sql "SELECT count(*) FROM audit_log WHERE object_id = '$id' AND action = 'asset.rejected'")" 2 'is rejected once more'
run media-ingest --release "$id"
exits 0 'and released'

# Mistakes.
run media-ingest --release clip.mp4
exits 2 'a file cannot be released'
run media-ingest --release 6f1b1c1e-0000-4000-8000-000000000000
exits 4 'nor what is not there'
run media-ingest --release --reject "$id"
exits 2 'nor both'
run media-ingest --reason x "$id"
exits 2 'a reason without a decision'
run media-ingest <clip.mp4
exits 1 'bytes are no documents'
stderr_like 'hint: .*media-ingest -' 'and how they are given'
is "$(wc -l <"$out")" 1 'which is said once'
printf '{"schema":1,"asset":{"id":"x"},"error":{"code":"busy","message":"m","stage":"s","retryable":true,"hint":null}}\n{"schema":1,"asset":{}}\n[]\n' >lines
run media-ingest <lines
exits 3 'each line has its own outcome'
is "$(head -n 1 "$out")" "$(head -n 1 lines)" 'an error passes through untouched'
is "$(json '.error.code' | tr '\n' ' ')" 'busy bad_document bad_document ' 'others name no asset'
run media-ingest </dev/null
exits 0 'nothing in, nothing out'
consistent 'in the end'
done_testing
