#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# scan.t - media-ingest publishes what a scanner has found clean, and the rest as it is told.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../clamav.sh"
unset MEDIA_SCANNER

media clip.mp4 tagged.mp3
cd "$T" || exit 1
signatures "$T/db"
clamd_start "$T/d" 'AlertExceedsMax yes' || exit 1
cp clip.mp4 bad.mp4
eicar >>bad.mp4
signatures "$T/old"
touch -d '10 days ago' old/*

for url in "clamav:$T/db" "clamd:$T/d/s"; do
    name=${url%%:*}
    fresh
    run media-ingest --scanner "$url" clip.mp4
    exits 0 "$name: a clean film is taken in"
    document "$name: its document"
    json_is .asset.upload_status completed "$name: and published"
    json_true '.asset.scan | .verdict == "clean" and .bytes_scanned == .bytes_total and
        (.engine | startswith("ClamAV"))' "$name: with its verdict"
    is "$(sql "SELECT json_extract(scan, '$.verdict') FROM media_assets" 2>/dev/null ||
        sql 'SELECT * FROM media_assets' | grep -c clean)" clean "$name: which the row keeps"
    run media-ingest --scanner "$url" clip.mp4
    json_is .asset.duplicate true "$name: the same again is a duplicate"
    json_is .asset.scan.verdict clean "$name: with the verdict of the first"
    fresh
    run media-ingest --scanner "$url" bad.mp4 clip.mp4
    exits 3 "$name: an infected film is refused, the other not"
    document "$name: their documents"
    is "$(json '.error.code // .asset.upload_status' | tr '\n' ' ')" 'infected completed ' \
        "$name: each with its outcome"
    like "$(jq -r '.error.message // empty' "$out")" "'bad.mp4' is infected: Test.Eicar.Body" \
        "$name: that names the signature"
    is "$(jq -r '.asset.scan.verdict' "$out" | tr '\n' ' ')" 'infected clean ' "$name: and verdicts"
    is "$(objects | wc -l)" 1 "$name: nothing of it is kept"
    consistent "$name"
    run media-ingest --scanner "$url" bad.mp4
    exits 6 "$name: alone it ends with 6"
    eicar >eicar.mp4
    run media-ingest --scanner "$url" eicar.mp4
    exits 6 "$name: so does what is no film"
    json_is .error.code infected "$name: and being infected is the more telling reason"
    run media-ingest --dry-run --scanner "$url" bad.mp4
    exits 6 "$name: a dry run tells too"
    run media-ingest --scanner "$url" --name x.mp4 - <bad.mp4
    exits 6 "$name: from a pipe it is refused as well"
    run media-ingest --scanner "$url" --name x.mp3 - <tagged.mp3
    exits 0 "$name: a clean song from a pipe is not"
    json_is .asset.scan.verdict clean "$name: and scanned"
    consistent "$name after all"
done
clamd_stop

# incomplete OPTIONS...: a scan that cannot be complete
incomplete() {
    fresh
    run media-ingest --scanner "clamav:$T/old" "$@" clip.mp4
    json_is .asset.scan.verdict incomplete "old signatures $*: incomplete"
    like "$(json .asset.scan.reason)" '10 days' "old signatures $*: and why"
}
incomplete
exits 0 'an incomplete scan is no failure'
json_is .asset.upload_status held 'but the file is held'
stderr_like "'clip.mp4' is held.*10 days old" 'which is said'
is "$(objects | wc -l)" 1 'and stored'
consistent 'held'
document 'its document'
incomplete --on-incomplete=publish
exits 0 'or it is published'
json_is .asset.upload_status completed 'as asked for'
stderr_like 'not scanned completely' 'not without a word'
incomplete --on-incomplete=reject
exits 6 'or refused'
json_is .error.code policy 'by policy'
is "$(objects)" '' 'and not kept'

fresh
run media-ingest --scanner "clamd:$T/d/s" clip.mp4
exits 5 'a daemon that has gone is worth trying again'
json_is '[.asset.scan.verdict, .error.code, .error.retryable] | tostring' '["incomplete","busy",true]' \
    'as the document says'
stderr_like 'hint: .*--on-unreachable' 'and what else can be done'
is "$(objects)" '' 'nothing is kept'
consistent 'unreachable'
run media-ingest --scanner "clamd:$T/d/s" --on-unreachable=hold clip.mp4
json_is '[.asset.scan.verdict, .asset.upload_status] | tostring' '["incomplete","held"]' 'or it is held'
exits 0 'which is no failure'
fresh
run media-ingest --scanner "clamd:$T/d/s" --on-unreachable=publish clip.mp4
json_is .asset.upload_status completed 'or published'
stderr_like 'not scanned completely' 'with a warning'
fresh
run media-ingest --scanner "clamd:$T/d/s" --on-unreachable=reject clip.mp4
exits 6 'or refused'
run media-scan --scanner "clamd:$T/d/s" clip.mp4
exits 5 'media-scan says the same'
mkdir -p "$XDG_CONFIG_HOME/media-toolkit"
printf 'media_processing:\n  scanning:\n    scanner: clamd:%s\n    on_unreachable: hold\n' "$T/d/s" \
    >"$XDG_CONFIG_HOME/media-toolkit/media.yaml"
run media-ingest clip.mp4
json_is .asset.upload_status held 'the configuration can say so too'
fresh
STATE_DIRECTORY=$T/svc run media-ingest --scanner none: clip.mp4
json_is .asset.upload_status held 'a service holds what nobody scans'
fresh
run media-ingest --scanner none: clip.mp4
json_is '[.asset.scan.verdict, .asset.upload_status] | tostring' '["skipped","completed"]' \
    'without a scanner files are published'
stderr_empty 'and nothing is said if that was asked for'
fresh
run media-ingest --scanner none: --on-skipped=hold clip.mp4
json_is .asset.upload_status held 'or held'
fresh
run media-ingest --scanner none: --on-skipped=reject clip.mp4
exits 6 'or refused'
run media-ingest --scanner norton: clip.mp4
exits 10 'an unknown scanner is an error of the configuration'
stderr_like 'hint: .*clamd:.*clamav:.*none:' 'with those that are known'
if [ ! -S /run/clamav/clamd.ctl ] && ! compgen -G '/var/lib/clamav/*' >/dev/null; then
    fresh
    run media-ingest clip.mp4
    exits 0 'where no scanner is installed files are taken in'
    stderr_like 'warning: no virus scanner' 'with a loud warning'
else
    skip 'a scanner is installed here'
fi
done_testing
