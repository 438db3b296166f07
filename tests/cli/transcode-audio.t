#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# transcode-audio.t - renditions of sound alone, from sound and from films.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1

make_sound() {
    ffmpeg -nostdin -v error -y -f lavfi -i "sine=f=440:r=44100:d=4,volume=0.3" -ac 2 \
        -metadata title=Talk -metadata comment=private "$1"
}
make_sound talk.wav

samples() { ffmpeg -nostdin -v error -i "$1" -f s16le -ac 1 - | wc -c; }

# --- a file of sound gets sound, in the format asked for
for kind in m4a:aac mp3:mp3 opus:opus flac:flac ogg:vorbis wav:pcm_s16le mka:opus; do
    format=${kind%:*} codec=${kind#*:}
    run media-transcode --format "$format" -o "out-$format" talk.wav
    exits 0 "$format is made"
    document "$format"
    is "$(jq -r '.variants[0] | "\(.variant_type) \(.format) \(.verified)"' "$out")" "audio_only $format true" "$format: the document says so"
    is "$(ffprobe -v error -show_entries stream=codec_name -of csv=p=0 "out-$format/talk-audio.$format")" "$codec" "$format holds $codec"
    is "$(ffmpeg -nostdin -v error -i "out-$format/talk-audio.$format" -f null - 2>&1)" '' "$format decodes"
done
is "$(samples out-flac/talk-audio.flac)" "$(samples talk.wav)" 'FLAC has every sample'
is "$(ffprobe -v error -show_entries format_tags=title,comment -of csv=p=0 out-mp3/talk-audio.mp3)" Talk 'the title is kept, the comment is not'

# --- qualities of pictures do not apply to it
run media-transcode -q 720p,480p -o ladder talk.wav
exits 0 'a ladder of pictures gives one rendition of sound'
is "$(jq -c '[.variants[] | [.variant_type, .format, .quality]]' "$out")" '[["audio_only","m4a","192k"]]' 'AAC in M4A'
run media-transcode -q 720p,480p -o ladder talk.wav
is "$(jq -r .stages.transcode.status "$out")" skipped 'which is not made again'

# --- several, from the document of a request
run media-transcode --output-formats - -o several talk.wav <<'END'
{"source_url": "x", "output_formats": [{"quality": "64k", "format": "opus"}, {"quality": "96k", "format": "mp3"}]}
END
exits 0 'two renditions of a request'
is "$(jq -r '[.variants[].quality] | join(" ")' "$out")" '96k 64k' 'with their rates'
run media-transcode --output-formats - -o several talk.wav <<<'[{"quality": "64k", "format": "avi"}]'
exits 2 'a format that is not made'
stderr_like "'format' does not know 'avi'" 'is named'

# --- loudness
run media-transcode -q audio:flac --loudness broadcast -o loud talk.wav
is "$(jq '.variants[0].loudness.result.integrated_lufs' "$out")" -23 '-23 LUFS'
document 'with its loudness'
run media-transcode -q audio --loudness=-90 -o loud talk.wav
exits 2 '-90 LUFS'

# --- stored and recorded
run media-transcode -q audio:opus talk.wav
exits 0 'stored'
is "$(jq -r '.variants[0].url' "$out" | sed 's/.*\/audio-[0-9a-f]*\.opus/as should be/')" 'as should be' 'by its name and recipe'
consistent 'objects and rows agree'

# --- several, from a document that asks for them itself
ffmpeg -nostdin -v error -y -i talk.wav -t 2 short.wav
asks() { media-ingest short.wav | jq -c ".output_formats = $1"; }
asks '[{"quality": "64k", "format": "opus"}, {"quality": "96k", "format": "mp3"}]' >"$T/asks"
run media-transcode -q audio:flac -n <"$T/asks"
json_is '[.stages.transcode.parameters.renditions[].format] | join(" ")' 'mp3 opus' 'as --dry-run says'
run media-transcode -q audio:flac <"$T/asks"
exits 0 'what a document asks for goes before --quality'
document 'and stays in it'
is "$(jq -r '[.variants[] | .format, .quality] | join(" ")' "$out")" 'mp3 96k opus 64k' 'with its rates'
is "$(sql "SELECT input_parameters FROM processing_jobs j JOIN media_assets a ON a.id = j.media_asset_id WHERE original_filename = 'short.wav' AND j.job_type = 'transcode'" | jq -r '.renditions[].format' | tr '\n' ' ')" \
    'mp3 opus ' 'so says the row of the job'
run media-transcode --output-formats='[{"quality": "64k", "format": "ogg"}]' <"$T/asks"
json_is '[.variants[].format] | sort | join(" ")' 'mp3 ogg opus' '--output-formats goes before both'
asks '[{"quality": "64k", "format": "avi"}]' >"$T/asks"
run media-transcode <"$T/asks"
exits 1 'what cannot be made is the document'"'"'s fault'
json_is '.stages.transcode | "\(.status) \(.error.code)"' 'failed bad_document' 'and says so'
stderr_like "output_formats\\[0\\]: 'format' does not know 'avi'" 'and where'

# --- what cannot be
run media-transcode -q audio:mp3:vorbis -o no talk.wav
exits 2 'Vorbis in MP3'
ffmpeg -nostdin -v error -y -f lavfi -i color=s=64x64 -frames:v 1 still.png
run media-transcode -q audio -o no still.png
is "$(jq -r .stages.transcode.status "$out")" not_applicable 'a still has no sound'
head -c 44 talk.wav >header.wav
run media-transcode -q audio -o no header.wav
isnt "$status" 0 'a header alone is refused'

done_testing
