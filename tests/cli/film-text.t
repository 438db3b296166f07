#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# film-text.t - what is said, by the subtitles, closed captions and teletext that films carry.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit

printf '1\n00:00:01,000 --> 00:00:02,000\nمرحبا بكم في iPhone\n\n2\n00:00:02,500 --> 00:00:03,000\n<i>نعم</i>\n\n' >ar.srt
printf '1\n00:00:00,500 --> 00:00:01,500\n- Hello\n- Hi\n\n2\n00:00:02,000 --> 00:00:02,900\nNo.\n\n3\n00:00:03,000 --> 00:00:03,200\nNo.\n\n4\n00:00:03,300 --> 00:00:03,500\nNo.\n\n' >en.srt
printf '1\n00:00:00,500 --> 00:00:01,500\nA sign\n\n' >forced.srt
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=128x72:r=25:d=4 -f lavfi -i sine=r=48000:d=4 \
    -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac plain.mp4
# with_text FILE CODEC: forced words, then English, then Arabic
with_text() {
    ffmpeg -nostdin -v error -y -i plain.mp4 -i forced.srt -i en.srt -i ar.srt -map 0 -map 1 -map 2 \
        -map 3 -c copy -c:s "$2" -metadata:s:s:0 language=eng -metadata:s:s:1 language=eng \
        -metadata:s:s:2 language=ara -disposition:s:0 forced "$1"
}
# say ARGUMENT...: the transcription by text alone
say() { run media-analyze -o . -t transcription --subtitles only "$@"; }
text() { json_is .analysis.transcription.text "$1" "$2"; }

for kind in 'film.mkv subrip' 'film.mp4 mov_text' 'film.webm webvtt' 'ass.mkv ass'; do
    file=${kind% *} codec=${kind#* }
    if [ "$file" = film.webm ]; then
        ffmpeg -nostdin -v error -y -f lavfi -i sine=r=48000:d=4 -i en.srt -i ar.srt -map 0 -map 1 -map 2 \
            -c:a libopus -c:s webvtt -metadata:s:s:0 language=eng -metadata:s:s:1 language=ara film.webm
    else
        with_text "$file" "$codec"
    fi
    say --languages en,ar "$file"
    exits 0 "$codec"
    text '- Hello - Hi No. No. No.' 'what it says, all of it'
    json_is '.analysis.transcription | [.source.kind, .source.codec, .confidence, .language] | @csv' \
        "\"subtitles\",\"$codec\",,\"en\"" 'read, not recognised'
    document 'a document'
done
json_true '.stages.analyze.texts | length == 3 and ([.[].cues] == [1, 4, 2])' 'all tracks are told'
json_is '.analysis.engines' null 'no engine is named'
json_is .stages.analyze.texts[0].role forced 'foreign words alone are not what is said'
say film.mp4
json_is '.analysis.transcription.timestamps[0] | [.start, .end] | @csv' 0.5,1.5 'times'
say --languages ar film.mkv
text 'مرحبا بكم في iPhone نعم' 'the other language'
json_is .analysis.transcription.language ar 'is named'
say --languages fr film.mkv
json_true '.stages.analyze.not_applicable.transcription | test("none of the 3")' 'a third is not in it'
json_is .analysis.transcription null 'and nothing is claimed'
ffmpeg -nostdin -v error -y -i film.mkv -map 0 -c copy -metadata:s:a language=ara spoken.mkv
say spoken.mkv
json_is .analysis.transcription.language ar 'the language of the sound comes first'

# --- what is absent, and the engine
say plain.mp4
exits 0 'a film without text'
json_true '.stages.analyze.not_applicable.transcription | test("no subtitles")' 'has none'
mkdir own
cat >own/speech-one <<'SH'
#!/bin/sh
if [ "$1" = --describe ]; then
    echo '{"protocol":1,"name":"speech-one","version":"1","types":["transcription"],"needs":{"input":"file"}}'
    exit
fi
echo '{"type":"finding","start_s":1,"end_s":2,"text":"heard","language":"en"}'
echo '{"type":"end"}'
SH
chmod +x own/speech-one
export MEDIA_ENGINE_PATH=$T/own MEDIA_ENGINE=transcription=speech-one
run media-analyze -o . -t transcription --subtitles use plain.mp4
text heard 'an engine hears a film without'
run media-analyze -o . -t transcription --subtitles use film.mkv
text '- Hello - Hi No. No. No.' 'and not one with text'
run media-analyze -o . -t transcription film.mkv
text heard 'unless nobody asked for it'
json_is .analysis.transcription.source null 'then nothing was read'
run media-analyze -o . -t transcription --subtitles user film.mkv
exits 2 'no such way'
MEDIA_ENGINE=transcription=none run media-analyze -o . -t transcription --subtitles use film.mkv
exits 0 'no engine is needed then'

# --- closed captions
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=128x72:r=25:d=6 -c:v libx264 -bf 0 -preset ultrafast \
    -pix_fmt yuv420p -f h264 plain.h264
"$MT_TOP/tests/make-captions" cea608 plain.h264 cc.h264 708
"$MT_TOP/tests/make-captions" cea608 plain.h264 no708.h264
ffmpeg -nostdin -v error -y -r 25 -i cc.h264 -c copy cc.mp4
ffmpeg -nostdin -v error -y -i cc.mp4 -c:v libx264 -bf 3 -preset veryfast -f mpegts cc.ts
ffmpeg -nostdin -v error -y -i cc.mp4 -c:v mpeg2video -bf 2 mpeg2.ts
ffmpeg -nostdin -v error -y -r 25 -i no708.h264 -c copy no708.mp4
for file in cc.mp4 cc.ts mpeg2.ts; do
    say "$file"
    exits 0 "$file"
    text 'HELLO THERE TWO LINES OF WORDS THE LAST ONE' 'pop-on captions'
    json_is '.analysis.transcription.source | [.kind, .service] | join(" ")' 'closed_captions CC1' 'CC1'
    json_is '[.stages.analyze.texts[] | .service] | join(" ")' 'CC1 CC2 CC3 1' 'the others are seen'
    json_true '.analysis.transcription.timestamps[0] | .start > 0.7 and .start < 1.7 and (.end - 2.6 | fabs) < 0.2' \
        'shown from the end of its code to its erasure'
done
document 'a document'
json_true '.stages.analyze.texts[] | select(.service == "CC3") | .cues == 3' 'roll-up: each line once'
json_true '.stages.analyze.texts[] | select(.codec == "cea_708") | .reason | test("708")' \
    'CEA-708 is told, and not read'
say no708.mp4
json_is '[.stages.analyze.texts[] | .service] | join(" ")' 'CC1 CC2 CC3' 'where there is none, none is told'

# --- teletext
"$MT_TOP/tests/make-captions" teletext page.ts
ffmpeg -nostdin -v error -y -r 25 -i plain.h264 -i page.ts -map 0 -map 1 -c copy plain.ts
ffmpeg -nostdin -v error -y -i cc.mp4 -i page.ts -map 0 -map 1 -c copy teletext.ts
say plain.ts
text 'FROM TELETEXT SAID IN TWO LINES THE END' 'teletext'
json_is '.analysis.transcription.source | [.kind, .service, .language] | join(" ")' 'teletext 888 eng' 'its page'
json_is '[.analysis.transcription.timestamps[] | (.end - .start) * 10 | round] | join(" ")' '20 10 5' \
    'a page that is sent again is one, an empty one ends it'
say teletext.ts
json_is .analysis.transcription.source.kind closed_captions 'captions come before teletext'
json_is '[.stages.analyze.texts[].kind] | unique | join(" ")' 'closed_captions teletext' 'both are told'

# --- what cannot be read
ffmpeg -nostdin -v error -y -i plain.mp4 -i en.srt -map 0:v -map 1 -c:v copy -c:s ttml ttml.mp4
say ttml.mp4
json_true '.stages.analyze.not_applicable.transcription | test("ttml.*no decoder")' 'TTML is told, not read'
head -c 20000 cc.ts >cut.ts
say cut.ts
json_true '.analysis.transcription == null or (.analysis.transcription.source.kind == "closed_captions")' \
    'a film that is cut off'

# --- into the database
run media-analyze -t transcription --subtitles use --languages en,ar --captions vtt film.mkv
exits 0 'into the store'
id=$(json .asset.id)
is "$(sql "SELECT language || ' ' || coalesce(engine, '-') || ' ' || coalesce(CAST(confidence_score AS TEXT), '-')
    FROM content_analysis WHERE analysis_type = 'transcription'")" 'en - -' 'a row with its language, no engine'
like "$(cat "$(path_of "$(json '.variants[0].url')")")" 'Hello' 'captions of it'
run media-analyze -t transcription --subtitles use --languages en,ar --captions vtt "$id"
json_is .stages.analyze.status skipped 'the second time it is known'
run media-analyze -t transcription "$id"
text heard 'an engine is asked all the same when that is wanted'
is "$(sql "SELECT language || ' ' || engine FROM content_analysis WHERE engine IS NOT NULL")" 'en speech-one' \
    'its row names it'
consistent 'objects and rows agree'
done_testing
