#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# upload.t - files come through nginx: as forms, by tus 1.0, by the IETF draft.
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/api.sh
. "$(dirname "$0")/../api.sh"
# shellcheck source=tests/upload.sh
. "$(dirname "$0")/../upload.sh"

cd "$T" || exit 1
at_exit() { api_stop; }
api_setup
api_start --max-size=20M || { fail 'the server starts'; done_testing; }
bearer=$(token carol)

head -c 300000 /dev/urandom >"$T/f"
sum=$(sha256sum <"$T/f" | cut -c1-64)
head -c 100000 "$T/f" >"$T/f1"
tail -c +100001 "$T/f" >"$T/f2"
b64() { openssl dgst "-$1" -binary "$2" | base64 -w0; }

nothing_left() {
    is "$(find "$uploads" -type f | wc -l)" "$1" "$2: nothing is stored"
    is "$(sql "SELECT count(*) FROM uploads WHERE status IN ('uploading', 'processing')")" "$3" \
        "$2: nothing waits"
}

# --- forms ---

call POST /upload -F content_type=video -F 'metadata={"title":"في"}' -F "file=@$T/f;filename=a b.mov" \
    -F 'processing_options={"qualities":["720p"]}'
is "$code" 202 'a form is accepted'
is "$(jq -r 'keys_unsorted | join(",")' "$body")" upload_id,status,progress_url,estimated_completion \
    'the answer has the members of the specification, and no others'
id=$(jq -r .upload_id "$body")
is "$(jq -r .status "$body")" uploading 'its status'
is "$(jq -r .progress_url "$body")" "/api/v1/media/upload/$id/progress" 'where it can be followed'
like "$(jq -r .estimated_completion "$body")" '^20[0-9-]+T[0-9:]{8}Z$' 'a time'
handed_on "$id" 'a form'
json_is .filename 'a b.mov' 'its name'
json_is .metadata.title 'في' 'its metadata'
json_is '.processing_options.qualities[0]' 720p 'its options, from behind the file'
call GET "/upload/$id/progress"
is "$code" 200 'its progress'
is "$(jq -c '[.upload_id, .status, .progress, .bytes_received, .bytes_total]' "$body")" \
    "[\"$id\",\"processing\",100,300000,300000]" '... says that it waits for its job'
like "$(jq -r .status_url "$body")" '^/api/v1/media/job/[0-9a-f-]{36}/status$' '... and which that is'
mine=11111111-2222-4333-8444-555555555555
call POST "/upload?upload_id=$mine" -F "file=@$T/f"
is "$(jq -r .upload_id "$body")" "$mine" 'a client may choose the id'
call POST "/upload?upload_id=$mine" -F "file=@$T/f"
is "$code" 409 '... once'

# A form that is sent again after its answer was lost is not a second upload.
again=(-H 'Idempotency-Key: form-1' -F "file=@$T/f;filename=once.mov")
call POST /upload "${again[@]}"
is "$code" 202 'a form with an Idempotency-Key'
once=$(jq -r .upload_id "$body")
call POST /upload "${again[@]}"
is "$code $(jq -r .upload_id "$body") $(field Idempotency-Replayed)" "202 $once true" '... has the same answer again'
is "$(sql "SELECT count(*) FROM uploads WHERE original_filename = 'once.mov'")" 1 '... and is one upload'
call POST /upload -H 'Idempotency-Key: form-1' -F "file=@$T/f1;filename=once.mov"
is "$code" 422 'another form with that key is refused'
is_problem 'a key that was used'
call POST /upload -H 'Idempotency-Key: form-2' -F filename=nothing
call POST /upload -H 'Idempotency-Key: form-2' -F "file=@$T/f1"
is "$code" 202 'a form that was refused may be corrected'
(printf -- '--b\r\nContent-Disposition: form-data; name="file"; filename="slow"\r\n\r\nabc'; sleep 3
    printf '\r\n--b--\r\n') | curl -sS -o "$T/slow" -H "Authorization: Bearer $bearer" -H 'Idempotency-Key: form-3' -T - -X POST \
    -H 'Content-Type: multipart/form-data; boundary=b' "$url/api/v1/media/upload" 2>"$T/slow.err" &
slow=$!
for _ in $(seq 50); do
    [ "$(sql "SELECT count(*) FROM idempotency_keys WHERE key = 'form-3'")" = 0 ] || break
    sleep 0.1
done
printf -- '--b\r\nContent-Disposition: form-data; name="file"; filename="slow"\r\n\r\nabc\r\n--b--\r\n' >"$T/form"
call POST /upload -H 'Idempotency-Key: form-3' -H 'Transfer-Encoding: chunked' \
    -H 'Content-Type: multipart/form-data; boundary=b' --data-binary "@$T/form"
is "$code $(field Retry-After)" '409 1' 'the same form while the first is on its way'
wait "$slow"
is "$(jq -r .status "$T/slow")" uploading 'which comes to its end'

before=$(find "$uploads" -type f | wc -l)
waiting=$(sql "SELECT count(*) FROM uploads WHERE status IN ('uploading', 'processing')")
refused() { # NAME CODE CURL...
    local name=$1 want=$2
    shift 2
    call POST /upload "$@"
    is "$code" "$want" "$name"
    is_problem "$name"
    nothing_left "$before" "$name" "$waiting"
}
refused 'a form without a file' 400 -F filename=a
refused 'two files' 400 -F "file=@$T/f1" -F "file=@$T/f2"
refused 'an empty file' 400 -F "file=@/dev/null;filename=a.mov"
refused 'metadata that is no JSON' 400 -F 'metadata={"a":' -F "file=@$T/f1"
refused 'metadata that is no object, behind the file' 400 -F "file=@$T/f1" -F 'metadata=[1]'
refused 'a field that nobody knows' 400 -F "file=@$T/f1" -F 'metdata={}'
refused 'a kind of content that there is not' 400 -F "file=@$T/f1" -F content_type=text
refused 'something else than a form' 415 -H 'Content-Type: application/json' -d '{}'
refused 'a form without a boundary' 400 -H 'Content-Type: multipart/form-data' -d x
refused 'an id that is none' 400 --url-query upload_id=1 -F "file=@$T/f1"
head -c 21000000 /dev/zero >"$T/large"
refused 'a file that is too large' 413 -F "file=@$T/large"
refused '... also when its length is not told' 413 -H 'Transfer-Encoding: chunked' -F "file=@$T/large"
head -c 70000 /dev/zero | tr '\0' x >"$T/field"
refused 'a field that is too large' 413 -F "metadata=<$T/field" -F "file=@$T/f1"
printf -- '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc' >"$T/cut"
refused 'a form that ends too soon' 400 -H 'Content-Type: multipart/form-data; boundary=b' \
    --data-binary "@$T/cut"

# --- tus ---

call OPTIONS /uploads
is "$code" 204 'tus: what can be done here'
is "$(field Tus-Version)" 1.0.0 'the version'
is "$(field Tus-Extension)" \
    creation,creation-with-upload,creation-defer-length,checksum,expiration,termination,concatenation \
    'the extensions'
is "$(field Tus-Checksum-Algorithm) $(field Tus-Max-Size)" 'sha1,sha256 20000000' 'and limits'

meta="filename $(printf 'фильм.mov' | base64),filetype $(printf video/quicktime | base64),empty"
create -H 'Upload-Length: 300000' -H "Upload-Metadata: $meta"
is "$code" 201 'an upload is created'
is "$(field Tus-Resumable)" 1.0.0 'every answer has the version'
like "$(field Upload-Expires)" '^[A-Z][a-z]{2}, [0-9]{2} .* GMT$' 'it is said when it expires'
offset_is 0 'it is empty'
is "$(field Upload-Metadata)" "$meta" 'its metadata is given back as it was'
is "$(field Upload-Length) $(field Cache-Control)" '300000 no-store' 'its length'
send 0 "$T/f1"
is "$code $(field Upload-Offset)" '204 100000' 'a chunk'
send 0 "$T/f1"
is "$code" 409 'the same again'
offset_is 100000 'changes nothing'
call PATCH "/uploads/$id" "${tus[@]}" -H 'Content-Type: text/plain' -H 'Upload-Offset: 100000' -d x
is "$code" 415 'bytes of another type'
call PATCH "/uploads/$id" "${octets[@]}" -H 'Upload-Offset: 100000' -H 'Tus-Resumable: 0.2.2' -d x
is "$code $(field Tus-Version)" '412 1.0.0' 'another version'
call PATCH "/uploads/$id" "${octets[@]}" "${tus[@]}" -H 'Upload-Offset: -1' -d x
is "$code" 400 'an offset that is none'
send 100000 "$T/f"
is "$code" 413 'more than the length'
offset_is 100000 'changes nothing either'
code=$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $bearer" "${tus[@]}" \
    "${octets[@]}" -H 'Upload-Offset: 100000' -H 'X-HTTP-Method-Override: PATCH' \
    --data-binary "@$T/f2" "$url/api/v1/media/uploads/$id")
is "$code" 204 'the rest, by a client that has no PATCH'
handed_on "$id" tus
json_is .filename 'фильм.mov' 'its name'
json_is .metadata.filetype video/quicktime 'its metadata'
offset_is 300000 'it is whole'
send 300000 /dev/null
is "$code" 204 'the last chunk again, when its answer was lost'

create -H 'Upload-Length: 300000' "${octets[@]}" --data-binary "@$T/f"
is "$code $(field Upload-Offset)" '201 300000' 'creation with upload'
handed_on "$id" 'creation with upload'
create -H 'Upload-Defer-Length: 1'
offset_is 0 'without a length'
is "$(field Upload-Defer-Length)$(field Upload-Length)" 1 '... it is told later'
send 0 "$T/f1" -H 'Transfer-Encoding: chunked'
is "$code $(field Upload-Offset)" '204 100000' 'a chunk of a length that is not told either'
send 100000 "$T/f2" -H 'Upload-Length: 300000'
is "$code $(field Upload-Offset)" '204 300000' 'the rest, with the length'
handed_on "$id" 'a length that comes late'
create -H 'Upload-Length: 0'
is "$code" 201 'no bytes at all'
is "$(sql "SELECT status FROM uploads WHERE id = '$id'")" processing '... are handed on at once'

for wrong in 'Upload-Defer-Length: 2' 'Upload-Length: x' 'Upload-Length: -5' 'X: y' \
    'Upload-Concat: whole' 'Upload-Concat: final;'; do
    create -H "$wrong"
    is "$code" 400 "created with '$wrong'"
    is_problem "'$wrong'"
done
create -H 'Upload-Length: 5' -H 'Upload-Metadata: filename !!!'
is "$code" 400 'metadata that is no base 64'
create -H 'Upload-Length: 5' -H 'Upload-Metadata: a YQ==,a YQ=='
is "$code" 400 'a key twice'
create -H 'Upload-Length: 5' -H 'Transfer-Encoding: chunked' -d hello
is "$code" 415 'bytes that do not say what they are'
create -H 'Upload-Length: 20000001'
is "$code" 413 'too long'
call POST /uploads -H 'Upload-Length: 5'
is "$code" 412 'without a version'

create -H 'Upload-Length: 300000'
for kind in sha1 sha256; do
    [ $kind = sha1 ] && from=0 file=$T/f1 || from=100000 file=$T/f2
    send "$from" "$file" -H "Upload-Checksum: $kind $(b64 $kind "$T/large")"
    is "$code" 460 "a wrong $kind"
    is_problem "a wrong $kind"
    offset_is "$from" 'the chunk does not count'
    send "$from" "$file" -H "Upload-Checksum: $kind $(b64 $kind "$file")"
    is "$code" 204 "the right $kind"
done
handed_on "$id" 'checksums'
create -H 'Upload-Length: 5'
send 0 "$T/f1" -H 'Upload-Checksum: md5 1B2M2Y8AsgTpgAmY7PhCfg=='
is "$code" 400 'a checksum that is not known here'
send 0 "$T/f1" -H 'Upload-Checksum: sha1 AAAA'
is "$code" 400 'one that is too short'

call DELETE "/uploads/$id" "${tus[@]}"
is "$code" 204 'termination'
not_ok 'its bytes are gone' test -e "$uploads/$id"
for method in HEAD PATCH DELETE; do
    call $method "/uploads/$id" "${tus[@]}" "${octets[@]}" -H 'Upload-Offset: 0'
    is "$code" 410 "$method afterwards"
done
call HEAD /uploads/11111111-2222-4333-8444-000000000000 "${tus[@]}"
is "$code" 404 'what never was'
call HEAD /uploads/1 "${tus[@]}"
is "$code" 404 'what cannot be'

urls=
for file in "$T/f1" "$T/f2"; do
    create -H 'Upload-Concat: partial' -H "Upload-Length: $(stat -c %s "$file")"
    send 0 "$file"
    urls+=" $url/api/v1/media/uploads/$id"
done
is "$(sql "SELECT count(*) FROM processing_jobs WHERE unique_key = 'upload:$id'")" 0 \
    'a part is not handed on'
part=$id
offset_is 200000 'a part'
is "$(field Upload-Concat)" partial '... says so'
create -H "Upload-Concat: final;${urls# }" -H "Upload-Metadata: $meta"
is "$code" 201 'joined'
handed_on "$id" 'concatenation'
offset_is 300000 'all bytes are there'
is "$(field Upload-Concat)" "final;${urls# }" 'it says of what it was made'
send 300000 "$T/f1"
is "$code" 403 'a final upload takes no bytes'
create -H "Upload-Concat: final;/api/v1/media/uploads/$part /api/v1/media/uploads/$id"
is "$code" 400 'what is no part cannot be joined'
create -H 'Upload-Concat: final;/etc/passwd'
is "$code" 400 'nor what is no upload'

# --- the draft ---

draft=(-H 'Upload-Draft-Interop-Version: 8')
partial=(-H 'Content-Type: application/partial-upload')
call POST /uploads "${draft[@]}" -H 'Upload-Complete: ?1' -H 'Content-Type: video/mp4' \
    -H "Content-Disposition: inline; filename*=UTF-8''a%20%D9%81.mp4" --data-binary "@$T/f"
is "$code $(field Upload-Complete) $(field Upload-Draft-Interop-Version)" '202 ?1 8' \
    'draft: all in one request'
id=$(field Location) id=${id##*/}
is "$(jq -r .upload_id "$body")" "$id" 'the answer is that of a form'
handed_on "$id" draft
json_is .filename 'a ف.mp4' 'its name'
call POST /uploads "${draft[@]}" -H 'Upload-Complete: ?0' -H 'Upload-Length: 300000' \
    -H 'Content-Type: video/mp4' --data-binary "@$T/f1"
is "$code $(field Upload-Complete) $(field Upload-Offset)" '201 ?0 100000' 'in pieces'
id=$(field Location) id=${id##*/}
like "$(field Upload-Limit)" '^max-size=20000000, max-age=[0-9]+$' 'limits'
append() { # OFFSET COMPLETE FILE CURL...
    local offset=$1 complete=$2 file=$3
    shift 3
    call PATCH "/uploads/$id" "${draft[@]}" "${partial[@]}" -H "Upload-Offset: $offset" \
        -H "Upload-Complete: ?$complete" --data-binary "@$file" "$@"
}
at() {
    call HEAD "/uploads/$id" "${draft[@]}"
    is "$code $(field Upload-Offset) $(field Upload-Complete) $(field Upload-Length)" "204 $1" "$2"
}
at '100000 ?0 300000' 'the offset'
is "$(field Cache-Control)" no-store '... is not to be kept'
append 5 1 "$T/f2" -H 'Upload-Length: 300000'
is "$code" 400 'lengths that contradict each other'
is "$(jq -r .type "$body")" 'https://iana.org/assignments/http-problem-types#inconsistent-upload-length' \
    'the problem has its name'
append 0 0 "$T/f1"
is "$code $(field Upload-Offset) $(field Upload-Complete)" '409 100000 ?0' 'a wrong offset'
is "$(jq -c '[.type, ."expected-offset", ."provided-offset"]' "$body")" \
    '["https://iana.org/assignments/http-problem-types#mismatching-upload-offset",100000,0]' \
    'the problem tells the right one'
call PATCH "/uploads/$id" "${draft[@]}" -H 'Upload-Complete: ?0' -H 'Content-Type: text/plain' \
    -H 'Upload-Offset: 100000' -d x
is "$code" 415 'bytes of another type'
append 100000 0 "$T/f2" -H "Content-Digest: sha-256=:$(b64 sha256 "$T/f1"):"
is "$code" 460 'a wrong digest'
at '100000 ?0 300000' 'nothing has changed'
append 100000 0 "$T/f2" -H "Content-Digest: sha-256=:$(b64 sha256 "$T/f2"):"
is "$code $(field Upload-Offset) $(field Upload-Complete)" '204 300000 ?0' 'the rest'
at '300000 ?0 300000' 'all bytes make it not complete'
append 300000 1 /dev/null
is "$code $(field Upload-Complete)" '202 ?1' 'saying so does'
handed_on "$id" 'draft, in pieces'
append 300000 1 /dev/null
is "$code" 202 'the last answer is given again'
append 300000 0 "$T/f1"
is "$code $(field Upload-Complete)" '409 ?0' 'more is refused'
at '300000 ?1 300000' 'it is complete'

call POST /uploads "${draft[@]}" -H 'Upload-Complete: ?1' \
    -H "Repr-Digest: sha-256=:$(b64 sha256 "$T/f1"):" --data-binary "@$T/f"
is "$code" 460 'a promise that was not kept'
call POST /uploads "${draft[@]}" -H 'Upload-Complete: ?0' -H 'Upload-Length: 100' -d ''
id=$(field Location) id=${id##*/}
append 0 0 "$T/f1"
is "$code" 400 'more than the length'
call HEAD "/uploads/$id" "${draft[@]}"
is "$code" 410 '... ends the upload'
call POST /uploads "${draft[@]}" -H 'Upload-Complete: yes' -d ''
is "$code" 400 'neither complete nor not'
call POST /uploads "${draft[@]}" -H 'Upload-Complete: ?0' -d ''
id=$(field Location) id=${id##*/}
call DELETE "/uploads/$id"
is "$code" 204 'cancelled'

# --- whose they are ---

alice=$(token alice) bob=$(token bob)
bearer=$alice
create -H 'Upload-Length: 300000'
send 0 "$T/f1"
is "$code" 204 "alice's upload"
hers=$id
bearer=$bob
for method in HEAD GET PATCH DELETE; do
    call $method "/uploads/$id" "${tus[@]}" "${octets[@]}" -H 'Upload-Offset: 100000'
    is "$code" 404 "$method by bob: there is none"
done
call GET "/upload/$id/progress"
is "$code" 404 'nor can he follow it'
create -H "Upload-Concat: final;/api/v1/media/uploads/$id"
is "$code" 404 'nor join it'
id=$hers
bearer=$alice
call GET "/uploads/$id"
is "$code $(jq -c '[.status, .progress, .bytes_received]' "$body")" '200 ["uploading",33,100000]' \
    'alice can'
bearer=$(token op operator)
call GET "/uploads/$id"
is "$code" 200 'and so can an operator'
bearer=$(token alice viewer)
create -H 'Upload-Length: 5'
is "$code" 403 'who may only look uploads nothing'
call GET "/uploads/$hers"
is "$code" 200 '... and looks'
bearer=
create -H 'Upload-Length: 5'
is "$code" 401 'nobody in particular neither'
answers_valid 'all answers are those of the OpenAPI document'

# --- nonsense (MEDIA_TEST_FUZZ requests of it)

api_stop
rm -f "$api_dir/api.sock"
api_start --access=open --max-size=100k || { fail 'the server starts'; done_testing; }
"$MT_TOP/tests/upload-fuzz" "$url" "${MEDIA_TEST_FUZZ:-500}" >"$T/fuzz" 2>"$err"
is "$(wc -l <"$T/fuzz")" 1 'nonsense is told what it is, and never an error of ours' ||
    diag "$(head -n 5 "$T/fuzz")"
diag "$(tail -n 1 "$T/fuzz")"
api_stop
sanitized "$api_dir/api.log" 'media-api serve'
done_testing
