#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# upload-ingest.t - an upload becomes an asset, or is refused, and its bytes go when they are not needed.
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/api.sh
. "$(dirname "$0")/../api.sh"
# shellcheck source=tests/upload.sh
. "$(dirname "$0")/../upload.sh"

media photo.jpg
cd "$T" || exit 1
at_exit() { api_stop; }
api_setup
api_start --max-size=1G || { fail 'the server starts'; done_testing; }
alice=11111111-1111-4111-8111-111111111111
bearer=$(token $alice)
work() { media-queue work --until-empty -j 2 --poll 0.1 >/dev/null 2>work.err; }
# follow ID: the progress of an upload, in $body
follow() { call GET "/upload/$1/progress"; }
nothing='{"transcode": false, "generate_thumbnails": false, "analysis_types": []}'

call POST /upload -F "file=@photo.jpg;filename=C:\\photos\\صورة.jpg" -F content_type=image \
    -F 'metadata={"title":"a photo"}' -F "processing_options=$nothing"
is "$code" 202 'a photo by a form'
one=$(jq -r .upload_id "$body")
work
create -H "Upload-Length: $(stat -c %s photo.jpg)" -H "Upload-Metadata: filename $(printf two.jpg | base64)"
send 0 photo.jpg
two=$id
head -c 5000 /dev/urandom >noise
create -H 'Upload-Length: 5000' -H "Upload-Metadata: filename $(printf noise.jpg | base64)"
send 0 noise
bad=$id
work
follow "$one"
is "$(jq -r .status "$body")" completed 'it was taken in' || diag "$(cat work.err)"
asset=$(jq -r .asset_id "$body")
run media-status asset "$asset"
json_is .asset.original_filename 'صورة.jpg' 'under its name'
json_is .asset.checksum "$(sha256sum <photo.jpg | cut -c1-64)" 'with all of its bytes'
json_is .asset.metadata.user.title 'a photo' 'with what was said of it'
is "$(sql "SELECT uploaded_by FROM media_assets WHERE id = '$asset'")" $alice 'and it is hers'
follow "$two"
is "$(jq -r '"\(.status) \(.asset_id)"' "$body")" "completed $asset" \
    'the same photo by tus is the same asset'
follow "$bad"
is "$(jq -r .status "$body")" failed 'noise is refused'
isnt "$(jq -r .error.code "$body")" null '... and it is told why'
run media-api sweep
exits 0 'a sweep'
not_ok 'what is an asset is not kept twice' test -e "$uploads/$one" -o -e "$uploads/$two"
ok 'what failed is kept, for another try' test -e "$uploads/$bad"
is "$(sql "SELECT media_asset_id FROM uploads WHERE id = '$one'")" "$asset" 'the upload knows its asset'
follow "$one"
is "$(jq -c '[.status, .progress, .asset_id]' "$body")" "[\"completed\",100,\"$asset\"]" \
    'its progress is the same afterwards'
call HEAD "/uploads/$two" "${tus[@]}"
is "$code $(field Upload-Offset)" "200 $(stat -c %s photo.jpg)" 'a late HEAD is told that all came'
call DELETE "/uploads/$bad" "${tus[@]}"
is "$code" 204 'the failed one is removed'
not_ok '... with its bytes' test -e "$uploads/$bad"

# --- the end of those that nobody goes on with
create -H 'Upload-Length: 100'
touch -d '2 days ago' "$uploads/$id" "$uploads/$id.state"
sql "UPDATE uploads SET expires_at = '2020-01-01T00:00:00.000Z' WHERE id = '$id'"
run media-api sweep
not_ok 'an old upload expires' test -e "$uploads/$id"
call HEAD "/uploads/$id" "${tus[@]}"
is "$code" 410 '... and is gone'
answers_valid 'all answers are those of the OpenAPI document'
consistent 'in the end'
done_testing
