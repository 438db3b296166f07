#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# subtitles.t - the text of a film is carried into its renditions and beside them.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1

printf '1\n00:00:01,000 --> 00:00:02,000\nمرحبا بكم\n\n2\n00:00:02,500 --> 00:00:03,000\na & b\n\n' >ar.srt
printf '1\n00:00:00,500 --> 00:00:01,500\nhello\n\n' >en.srt
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=128x72:r=25:d=4 -f lavfi -i sine=r=48000:d=4 \
    -i ar.srt -i en.srt -map 0 -map 1 -map 2 -map 3 -map 3 -c:v libx264 -preset ultrafast \
    -pix_fmt yuv420p -b:v 100k -c:a flac -c:s:0 srt -c:s:1 ass -c:s:2 dvdsub \
    -metadata:s:s:0 language=ara -metadata:s:s:0 title=words -metadata:s:s:1 language=eng \
    -disposition:s:1 forced -metadata:s:s:2 language=fre -attach en.srt \
    -metadata:s:t mimetype=text/plain film.mkv 2>/dev/null ||
    ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=128x72:r=25:d=4 -f lavfi -i sine=r=48000:d=4 \
        -i ar.srt -i en.srt -map 0 -map 1 -map 2 -map 3 -c:v libx264 -preset ultrafast \
        -pix_fmt yuv420p -b:v 100k -c:a flac -c:s:0 srt -c:s:1 ass \
        -metadata:s:s:0 language=ara -metadata:s:s:0 title=words -metadata:s:s:1 language=eng \
        -disposition:s:1 forced -attach en.srt -metadata:s:t mimetype=text/plain film.mkv
texts() { ffprobe -v error -select_streams s -show_entries \
    stream=codec_name:stream_disposition=forced:stream_tags=language -of csv=p=0 "$1" | tr '\n' ' '; }
said() { ffmpeg -nostdin -v error -i "$1" -map "0:s:$2" -f srt - | tr -d '\r' | grep -v '^$'; }

run media-transcode -q 72p:mp4:crf=30,60p:mov,48p:mkv --preset ultrafast -o out film.mkv
exits 0 'a film with text'
document 'it'
is "$(texts out/film-72p.mp4)" 'mov_text,0,ara mov_text,1,eng ' 'timed text in MP4'
is "$(texts out/film-60p.mov)" 'mov_text,0,ara mov_text,0,eng ' 'and in MOV, which has no place for what it is for'
is "$(texts out/film-48p.mkv)" 'subrip,0,ara ass,1,eng ' 'SubRip and ASS in Matroska'
for f in 72p.mp4 60p.mov 48p.mkv; do
    is "$(said out/film-$f 0 | sed -n 2,3p)" $'00:00:01,000 --> 00:00:02,000\nمرحبا بكم' \
        "$f: the words at their time"
done
is "$(cat out/film-subtitles-ar.vtt)" "$(printf 'WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nمرحبا بكم\n\n00:00:02.500 --> 00:00:03.000\na &amp; b\n')" \
    'WebVTT beside them'
json_is '[.variants[] | select(.variant_type == "caption") | [.format, .language, .captions, .forced] | @csv] | join(" ")' \
    '"vtt","ar",2, "vtt","en",1,true' 'they are variants'
json_true '.stages.transcode.subtitles[0].cues == 2' 'the stage says what there was'
json_true '[.stages.transcode.streams_left_out[].reason] | any(test("attachments"))' \
    'attachments are named'
if ffprobe -v error -show_entries stream=codec_name film.mkv | grep -q dvd_subtitle; then
    json_true '[.stages.transcode.streams_left_out[].reason] | any(test("its text is pictures"))' \
        'so is text that is pictures'
fi
run media-transcode -q 72p:mp4:crf=30,60p:mov,48p:mkv --preset ultrafast -o out film.mkv
json_is .stages.transcode.status skipped 'a rerun makes nothing'
rm out/film-subtitles-ar.vtt
run media-transcode -q 72p:mp4:crf=30,60p:mov,48p:mkv --preset ultrafast -o out film.mkv
json_is .stages.transcode.status completed 'what is gone'
is "$(grep -c مرحبا out/film-subtitles-ar.vtt)" 1 'comes again, and nothing else'

run media-transcode -q 72p:crf=30 --subtitles en --preset ultrafast -o some film.mkv
is "$(texts some/film-72p.mp4)" 'mov_text,1,eng ' '--subtitles chooses'
is "$(cd some && echo *.vtt)" film-subtitles-en-forced.vtt 'beside it as well'
run media-transcode -q 72p:crf=30 --subtitles none --preset ultrafast -o none film.mkv
is "$(texts none/film-72p.mp4)" '' 'or leaves all out'
run media-transcode -q 72p --subtitles en,,ar -o x film.mkv
exits 2 'no language'
run media-transcode -q source:copy:mp4 -o copy film.mkv
is "$(texts copy/film-72p.mp4)" 'mov_text,0,ara mov_text,1,eng ' 'copies carry text too'

# With the database.
run media-transcode -q 72p:max=2M film.mkv
exits 0 'into the store'
json_true '[.variants[] | select(.variant_type == "caption")] | length == 2' 'both files are there'
consistent 'captions and renditions'
done_testing
