#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# jobs.t - the handlers that come with the toolkit: from a file to a notification, through the queue.
# shellcheck disable=SC2016
. "$(dirname "$0")/../tap.sh"

media clip.mp4 photo.jpg empty.mp4
cd "$T" || exit 1
export MEDIA_HOOKS=$T/hooks OUT=$T
mkdir -p hooks/notify.d hooks/distribute.d
submit() { media-queue submit "$@" 2>>"$T/submit.err" | jq -r .job_id; }
work() { media-queue work --until-empty -j 2 --poll 0.1 --backoff 0.01 --backoff-max 0.01 2>work.err >/dev/null; }
state() { sql "SELECT status FROM processing_jobs WHERE id = '$1'"; }
# result ID FILTER: of what is known of the job, with all of its result
result() {
    media-status job "$1" </dev/null | jq -r --argjson r "$(sql "SELECT CAST(output_results AS TEXT) FROM processing_jobs
        WHERE id = '$1'" | grep . || echo null)" '. + {results: $r} | '"$2"
}
types() { sql "SELECT job_type FROM processing_jobs WHERE status = 'completed' ORDER BY job_type" | tr '\n' ' '; }
small='{"qualities": ["180p"], "thumbnail_count": 2, "analysis_types": ["loudness"]}'
# ingest PARAMETERS: as a job, with the whole workflow behind it
ingest() { submit ingest --class io --parameters "$(jq -nc "{file: \$file, processing_options: \$small} + $1" --arg file "${2-}" --argjson small "$small")"; }

# --- a film with a name that has all in it
printf '#!/bin/sh\ncat >>"$OUT/told"\n' >hooks/notify.d/10-tell
printf '#!/bin/sh\njq -r .asset.id >>"$OUT/handed"\n' >hooks/distribute.d/cdn
printf '#!/bin/sh\nexit 1\n' >hooks/distribute.d/not-executable
chmod +x hooks/notify.d/10-tell hooks/distribute.d/cdn
odd=$T/$'-فيلم\n"\'$(id) %s'.mp4
cp clip.mp4 "$odd"
j=$(ingest '{}' "$odd")
work
is "$(state "$j")" completed 'a film is taken in' || diag "$(cat work.err)"
is "$(types)" 'analyze distribute ingest notify thumbnail transcode update ' 'and goes all the way'
is "$(result "$j" '.results.asset.original_filename')" "${odd##*/}" 'under its own name'
ok 'it stays where it is' test -s "$odd"
update=$(result "$j" .results.workflow.update)
is "$(result "$update" '.results.workflow | [.status, (.parts | keys[])] | join(" ")')" \
    'completed analyze thumbnail transcode' 'update tells how the parts ended'
is "$(result "$update" '.results | [(.variants | length), ([.thumbnails[] | select(.format == "webp")] | length), (.analysis | keys[])] | join(" ")')" \
    '1 2 loudness' 'and has the whole document'
is "$(jq -r .workflow.status told)" completed 'the hook of notify was told'
is "$(cat handed)" "$(jq -r .asset.id told)" 'and that of distribute; what is no program is no hook'
asset=$(cat handed)
consistent 'after a workflow'
run media-status asset "$asset"
document 'the asset is whole'
json_is '[.stages | keys[] | select(. == "transcode" or . == "thumbs" or . == "analyze")] | length' 3 'the stages are known'

# --- the same again: nothing is done twice
again=$(ingest '{}' "$odd")
work
is "$(state "$again")" completed 'the same film once more'
is "$(types)" 'analyze distribute ingest ingest notify thumbnail transcode update ' 'makes no more jobs'
is "$(result "$again" .results.workflow.update)" "$update" 'and names those that are done'
is "$(wc -l <told)" 1 'nobody is told twice'
[ -z "${MT_QUICK-}" ] || done_testing
w=$(submit workflow --asset "$asset" --parameters '{"processing_options": {"transcode": false, "generate_thumbnails": false, "analysis_types": ["silence"]}}')
work
is "$(result "$w" '.results.workflow.parts | keys[]')" analyze 'a workflow of some parts'
is "$(result "$(result "$w" .results.workflow.update)" .results.workflow.status)" completed 'which ends too'

# --- an upload: bytes in a spool file, under the name that it had
cp photo.jpg spool
sum=$(sha256sum <spool | cut -d' ' -f1)
user=4c8c2a36-6b32-4b6e-9d0f-2f8f8a3f0d11
j=$(submit ingest --parameters "{\"path\": \"$T/spool\", \"filename\": \"-صورة.jpg\", \"checksum\": \"$sum\",
    \"uploaded_by\": \"$user\", \"metadata\": {\"a\": [1]}, \"workflow\": false, \"upload_id\": \"x\", \"size\": 1}")
b=$(printf '%s/\377.jpg' "$T" | base64 -w0)
cp photo.jpg "$(printf '%s/\377.jpg' "$T")"
k=$(submit ingest --parameters "{\"file_base64\": \"$b\", \"workflow\": false}")
l=$(submit ingest --parameters "{\"path\": \"$T/spool\", \"filename\": \"b.jpg\", \"checksum\": \"${sum/[0-8]/9}\", \"uploaded_by\": \"${user/4/5}\"}")
work
is "$(result "$j" '.results.asset | [.original_filename, .uploaded_by, .metadata.user.a[0], .checksum] | join(" ")')" \
    "-صورة.jpg $user 1 $sum" 'an upload has its name and owner'
is "$(result "$j" '.results.workflow')" null 'and no workflow when none is wanted'
is "$(state "$k")" completed 'a name that is no UTF-8'
is "$(state "$l") $(result "$l" .error.code)" 'failed damaged' 'bytes that are not those that were sent'
is "$(sql "SELECT upload_status FROM media_assets WHERE uploaded_by = '${user/4/5}'")" rejected 'do not become visible'

# --- refused, and hostile parameters: failed for good, and nothing follows
before=$(sql 'SELECT count(*) FROM processing_jobs')
bad=("ingest {\"file\": \"$T/empty.mp4\"}" "ingest {\"file\": \"$T/nowhere.mp4\"}" 'ingest {}' 'ingest {"file": "clip.mp4"}'
    "ingest {\"file\": \"$T/clip.mp4\", \"uploaded_by\": \"--policy=/etc/passwd\"}"
    "ingest {\"file\": \"$T/clip.mp4\", \"metadata\": \"x\"}" "ingest {\"url\": \"file:///etc/passwd\"}"
    'ingest {"url": "http://127.0.0.1:1/x.mp4"}' 'ingest {"file_base64": "%%%"}'
    "ingest {\"file\": \"$T/spool\", \"name\": \"c.jpg\", \"processing_options\": {\"analysis_types\": 7}}"
    'transcode {"asset_id": "/etc/passwd"}' 'transcode {}' "transcode {\"asset_id\": \"$asset\", \"qualities\": [\"--output=/tmp\", \"\$(id)\"]}"
    "transcode {\"asset_id\": \"$asset\", \"output_formats\": \"/etc/passwd\"}" 'transcode {"source_url": "/etc/passwd"}'
    "analyze {\"asset_id\": \"$asset\", \"analysis_types\": \"loudness\"}" "thumbnail {\"asset_id\": \"$asset\", \"thumbnail_count\": \"2 -o /tmp\"}"
    "thumbnail {\"asset_id\": \"$asset\", \"storyboard\": \"yes\"}" 'probe {"file": "../x"}' 'update {"parts": {}}')
for b in "${bad[@]}"; do submit "${b%% *}" --parameters "${b#* }" >>bad; done
work
while read -r id; do
    b=${bad[0]} bad=("${bad[@]:1}")
    is "$(state "$id")" failed "failed: ${b//"$T"/T}"
    unlike "$(result "$id" .error.message)" 'unbound variable|syntax error' 'and says why'
done <bad
is "$(sql 'SELECT count(*) FROM processing_jobs')" $((before + 20)) 'nothing follows'

# --- a part fails: the others count, and that is told
j=$(ingest '{processing_options: {qualities: ["180p"], thumbnail_count: 1, analysis_types: ["faces", "loudness"]}}' "$odd")
MEDIA_ENGINE_PATH=$T/none work
is "$(result "$j" .status)" completed 'a workflow of which one part cannot be done'
isnt "$(result "$j" '.results.workflow.update')" "$update" 'it has an end of its own'
is "$(tail -n 1 told | jq -r '[.workflow.status, .outcome, .workflow.parts.analyze.status] | join(" ")')" 'partial degraded failed' 'and that is what is told'

# --- hooks that fail
printf '#!/bin/sh\necho $$ >>"$OUT/tries"\n[ "$(wc -l <"$OUT/tries")" -ge 3 ] || exit 5\n' >hooks/notify.d/20-later
printf '#!/bin/sh\nexit 9\n' >hooks/distribute.d/20-never
chmod +x hooks/*/20-*
j=$(ingest '{processing_options: {qualities: ["144p"], thumbnail_count: 1, analysis_types: []}}' "$odd")
until_ended() {
    for _ in $(seq 50); do
        work
        [ "$(sql "SELECT count(*) FROM processing_jobs WHERE status IN ('pending', 'processing')")" != 0 ] || return 0
        sleep 0.05
    done
    return 1
}
ok 'hooks that fail' until_ended
is "$(state "$(result "$j" .results.workflow.notify)")" completed 'one for now is tried again'
is "$(wc -l <tries)" 3 'until it works'
d=$(result "$j" .results.workflow.distribute)
is "$(state "$d") $(result "$d" .error.hint | grep -c 'media-queue retry')" 'failed 1' 'one for good fails its job, which says what to do'

# --- one job that is all of a request, and a probe
j=$(submit transcode --parameters "{\"asset_id\": \"$asset\", \"output_formats\": [{\"quality\": \"120p\", \"format\": \"mp4\"}], \"generate_thumbnails\": true, \"thumbnail_count\": 3}")
p=$(submit probe --parameters "{\"file\": \"$T/clip.mp4\"}")
work
is "$(result "$j" '.results | [([.variants[] | select(.quality == "120p")] | length), (.thumbnails | length > 0)] | join(" ")')" '1 true' 'renditions and pictures in one job'
is "$(result "$p" '.results.asset.content_type')" video 'a probe'
consistent 'in the end'

# --- a full disk is no end
if [ "$(id -u)" = 0 ] && mkdir -p small && mount -t tmpfs -o size=64k tmpfs small 2>/dev/null; then
    at_exit() { umount "$T/small" 2>/dev/null; }
    dd if=/dev/zero of=small/fill bs=1k count=60 2>/dev/null
    j=$(submit ingest --max-attempts 2 --parameters "{\"file\": \"$T/clip.mp4\", \"uploaded_by\": \"${user/4/6}\", \"workflow\": false}")
    MEDIA_STORE=file://$T/small/store until_ended
    is "$(state "$j") $(result "$j" .error.code)" 'dead no_space' 'a full disk is tried again, until there are no attempts left'
    mount -o remount,size=64m small
    media-queue retry "$j" >/dev/null 2>&1
    MEDIA_STORE=file://$T/small/store until_ended
    is "$(state "$j")" completed 'and with room it is done'
else
    skip 'no tmpfs can be mounted'
fi

# --- a result that is too long for a supervisor gets shorter, not lost
mkdir fit
jq -nc '{schema: 1, asset: {id: "a"}, analysis: {transcription: {text: ("x" * 2000000)}, loudness: {n: 1}}}' >long
TMPDIR=$T/fit bash -c '. "$MT_TOP/scripts/jobs/common.sh" <<<"{}"; fit <long' >"$out"
json_is '[.asset.id, .analysis.loudness.n, (.analysis.transcription | keys[])] | join(" ")' 'a 1 omitted' 'a long result is shortened'
done_testing
