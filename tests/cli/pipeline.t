#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pipeline.t - one film through the whole pipe, and what is then known of it.
. "$(dirname "$0")/../tap.sh"

media sample.mp4
sum=$(sha256sum <"$T/sample.mp4")
cd "$T" || exit 1

# --- the pipe
set -o pipefail
pipe() {
    media-ingest "$@" 2>"$T/err.ingest" | media-transcode -q 480p,360p 2>"$T/err.transcode" |
        media-thumbs --count 10 2>"$T/err.thumbs" | media-analyze -t loudness,scenes 2>"$T/err.analyze"
}
pipe sample.mp4 >"$T/doc"
is $? 0 'the pipe succeeds'
cat "$T"/err.* >"$err"
sanitized "$err" pipe
unlike "$(cat "$err")" 'error|failed|cannot' 'without a complaint'
cp "$T/doc" "$out"
is "$(wc -l <"$out")" 1 'one film, one line'
document 'the document is as the schema says'
is "$(sha256sum <sample.mp4)" "$sum" 'the source is as it was'

# --- the asset
id=$(json .asset.id)
json_is .asset.original_filename sample.mp4 'asset: its name'
json_is .asset.content_type video 'asset: its kind'
json_is .asset.mime_type video/mp4 'asset: its type'
json_is .asset.file_size "$(stat -c %s sample.mp4)" 'asset: its size'
json_is .asset.checksum "${sum%% *}" 'asset: its checksum'
json_is .asset.upload_status completed 'asset: is complete'
json_is .asset.duplicate false 'asset: is the first of its kind'
json_true '.error == null' 'no error'
between "$(json .asset.metadata.duration)" 11.9 12.1 'metadata: duration'
json_is '[.asset.metadata.streams[] | select(.type != "data") | .type] | join(" ")' \
    'video audio subtitle subtitle' 'metadata: streams'
json_is '.asset.metadata.streams[0] | "\(.width)x\(.height) \(.codec)"' '1280x720 h264' \
    'metadata: picture'
json_is '[.asset.metadata.streams[] | select(.type == "subtitle").language] | join(" ")' 'eng ara' \
    'metadata: languages'
json_is '[.asset.metadata.chapters[].title] | join("/")' 'The machine/The fractal/The colours' \
    'metadata: chapters'
json_is .asset.metadata.tags.title 'A sample of the media toolkit' 'metadata: tags'
json_is .asset.metadata.damage.state ok 'metadata: undamaged'

# --- renditions
json_is '[.variants[].variant_type] | join(" ")' 'low_res low_res caption caption' \
    'two renditions, and subtitles beside them'
json_is '[.variants[:2][].quality] | join(" ")' '480p 360p' 'the renditions asked for'
json_is '[.variants[:2][].resolution] | join(" ")' '854x480 640x360' 'of the right sizes'
json_true 'all(.variants[:2][]; .verified and .format == "mp4")' 'verified MP4 files'
while IFS=$'\t' read -r quality url size checksum; do
    file=$(path_of "$url")
    is "$(ffmpeg -nostdin -v error -i "$file" -f null - 2>&1)" '' "$quality decodes without a message"
    is "$(stat -c %s "$file")" "$size" "$quality: the size is true"
    is "$(sha256sum <"$file")" "$checksum  -" "$quality: the checksum is true"
    is "$(ffprobe -v error -show_entries stream=codec_type,codec_name -of csv=p=0 "$file" |
        grep -v data | tr '\n' ' ')" 'h264,video aac,audio mov_text,subtitle mov_text,subtitle ' \
        "$quality: H.264, AAC and timed text"
    between "$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$file")" 11.9 12.1 \
        "$quality: as long as the film"
    like "$(dd if="$file" bs=4096 count=1 2>/dev/null | tr -cd '[:lower:]')" moov "$quality: fast start"
done < <(json '.variants[:2][] | [.quality, .url, .file_size, .checksum] | @tsv')

# --- thumbnails
json_is '[.thumbnails[] | select(.format == "webp")] | length' 10 'ten thumbnails as WebP'
json_is '[.thumbnails[] | select(.format != "webp")] | length' 10 'and as JPEG'
json_true '[.thumbnails[].timestamp] | . == sort' 'in the order of the film'
json_true 'all(.thumbnails[]; .timestamp >= 0 and .timestamp < 12)' 'within it'
json '.thumbnails[] | [.url, "\(.width)x\(.height)"] | @tsv' >"$T/thumbs"
wrong=0
while IFS=$'\t' read -r url size; do
    file=$(path_of "$url")
    [ "$(ffprobe -v error -show_entries stream=width,height -of csv=p=0:s=x "$file")" = "$size" ] ||
        wrong=$((wrong + 1))
    # A picture that is black all over has no light above 24.
    light=$(ffmpeg -nostdin -v error -i "$file" -vf format=gray,scale=16:16 -f rawvideo - |
        od -An -v -tu1 | tr -s ' ' '\n' | sort -n | tail -n 1)
    [ "${light:-0}" -gt 24 ] || wrong=$((wrong + 1))
done <"$T/thumbs"
is $wrong 0 'each decodes, has the size that is said, and is not black'

# --- analysis
between "$(json .analysis.loudness.integrated_lufs)" -40 -5 'loudness was measured'
reference=$(ffmpeg -nostdin -hide_banner -i sample.mp4 -map 0:a -af ebur128 -f null - 2>&1 |
    awk '/I:/ { i = $2 } END { print i }')
between "$(json .analysis.loudness.integrated_lufs)" \
    "$(awk "BEGIN { print $reference - 0.2 }")" "$(awk "BEGIN { print $reference + 0.2 }")" \
    "and is what ffmpeg measures ($reference LUFS)"
json_is '[.analysis.scenes[].start | round] | join(" ")' '0 4 8' 'three scenes'
json_is '[.stages | to_entries[] | "\(.key):\(.value.status)"] | sort | join(" ")' \
    'analyze:completed ingest:completed thumbs:completed transcode:completed' 'every stage is complete'

# --- media-status knows
run media-status asset "$id"
exits 0 'media-status knows the asset'
document 'and prints its document'
json_is .asset.id "$id" 'of that id'
json_is '.variants | length' 4 'with its renditions and subtitles'
json_is '[.thumbnails[] | select(.format == "webp")] | length' 10 'and thumbnails'
between "$(json .analysis.loudness.integrated_lufs)" -40 -5 'and its loudness'
run media-status jobs
exits 0 'media-status jobs'
valid job 'each job is as the schema says'
cp "$out" "$T/jobs"
for type in ingest transcode thumbnail analyze; do
    is "$(jq -r "select(.type == \"$type\").status" "$T/jobs")" completed "a complete $type job"
done
run media-status job "$(jq -r 'select(.type == "transcode").job_id' "$T/jobs")"
exits 0 'media-status job'
valid job 'one job is as the schema says'
json_is .status completed 'it is complete'
json_is .progress 100 'at 100 %'
run media-status queue
exits 0 'media-status queue'
valid queue 'the queue is as the schema says'
consistent 'after the pipe'

# --- again: nothing is done twice
objects >"$T/objects"
inodes=$(cd "$store" && find . -type f -printf '%i %T@ %p\n' | sort)
start=$SECONDS
run pipe sample.mp4
exits 0 'the same pipe again succeeds'
document 'and prints a document'
json_is .asset.id "$id" 'of the same asset'
json_is '[.stages.transcode.status, .stages.thumbs.status] | join(" ")' 'skipped skipped' \
    'nothing is made twice'
json_true .asset.duplicate 'which it calls a duplicate'
json_is '[.variants[].quality | values] | join(" ")' '480p 360p' 'with the renditions that were there'
json_is '[.thumbnails[] | select(.format == "webp")] | length' 10 'and the thumbnails'
between $((SECONDS - start)) 0 20 'quickly'
is "$(objects)" "$(cat "$T/objects")" 'no object more or less'
is "$(cd "$store" && find . -type f -printf '%i %T@ %p\n' | sort)" "$inodes" 'and none was written again'
consistent 'after the second run'

# --- another name, the same bytes
cp sample.mp4 'another name.mp4'
run media-ingest 'another name.mp4'
exits 0 'the same bytes under another name'
json_is .asset.id "$id" 'are the same asset'
json_true .asset.duplicate 'and a duplicate'

# --- operands, documents, several at once
media tone.flac still.png clip.mp4
run media-thumbs "$id"
exits 0 'an asset id is an operand'
document 'which gives a document'
json_is .asset.id "$id" 'of that asset'
run media-ingest tone.flac still.png clip.mp4
exits 0 'three files at once'
document 'three documents'
json_is .asset.original_filename $'tone.flac\nstill.png\nclip.mp4' 'in the order given'
json_is .asset.content_type $'audio\nimage\nvideo' 'of their kinds'
cp "$out" "$T/three"
run media-transcode -q 360p <"$T/three"
exits 0 'a sound, a picture and a film through transcode'
document 'are still three documents'
json_is .asset.original_filename $'tone.flac\nstill.png\nclip.mp4' 'in that order'
json_is '.stages.transcode.status' $'completed\nnot_applicable\ncompleted' \
    'the film was to be transcoded, and the sound'
json_is '.stages.transcode.error.message // empty' 'it is an image: media-thumbs converts those' \
    'the picture was not, for what it is'
json_is '.variants[]?.resolution | values' 320x180 'and is not enlarged'
run media-thumbs --count 3 <"$T/three"
exits 0 'the three through thumbs'
json_is .stages.thumbs.status $'not_applicable\ncompleted\ncompleted' 'a sound has no picture'
jq -c '.custom = {"kept": [1, null, "ü"]}' "$T/three" | tail -n 1 >"$T/custom"
run media-thumbs --count 1 <"$T/custom"
json_is '.custom | tostring' '{"kept":[1,null,"ü"]}' 'unknown members pass through'

# --- without a database
rm -rf "$T/o" && mkdir "$T/o"
MEDIA_DB=sqlite:///nonexistent/x.db MEDIA_STORE=file:///nonexistent/s \
    run media-transcode -q 360p -o "$T/o" clip.mp4
exits 0 '-o needs neither database nor store'
document 'and prints a document'
is "$(find "$T/o" -name .media-toolkit -prune -o -type f -print | wc -l)" 1 'one file in the directory'
like "$(cd "$T/o" && ls)" '^clip.*\.mp4$' 'named after the source'
is "$(ffmpeg -nostdin -v error -i "$T/o"/*.mp4 -f null - 2>&1)" '' 'which decodes'

# --- dry run
fresh
run media-ingest --dry-run clip.mp4
exits 0 'a dry run succeeds'
document 'and tells what it would do'
not_ok 'and makes no store' test -e "$store"
not_ok 'nor a database' has_database
done_testing
