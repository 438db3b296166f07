#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# captions.t - what is said as files beside the renditions: formats that other programs read, Arabic
# among them, made once, with and without a database.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit

espeak-ng -v en -w said.wav 'The quick brown fox jumps over the lazy dog. Nobody speaks of money here.'
ffmpeg -nostdin -v error -y -i said.wav -af 'adelay=1000:all=1,apad=pad_dur=8' -ar 16000 speech.wav
mkdir own
cat >own/speech-two <<'SH'
#!/bin/sh
if [ "$1" = --describe ]; then
    echo '{"protocol":1,"name":"speech-two","version":"1","types":["transcription"],"needs":{"input":"audio"}}'
    exit
fi
cat <<'END'
{"type":"finding","start_s":1.2,"end_s":3,"text":"هل رأيت iPhone 15, يا صديقي? <نعم>","language":"ar"}
{"type":"finding","start_s":3.1,"end_s":4.5,"text":"Fish & chips","language":"en"}
{"type":"end"}
END
SH
chmod +x own/speech-two
export MEDIA_ENGINE_PATH=$T/own MEDIA_ENGINE=transcription=speech-two

run media-analyze -o . -t transcription --captions vtt,srt,ttml,txt speech.wav
exits 0 'captions'
document 'a document'
json_is '[.variants[] | select(.variant_type == "caption") | .format] | sort | join(",")' \
    srt,ttml,txt,vtt 'in four formats'
json_is '[.variants[].language] | unique | join(",")' ar 'the language of most of it'
json_is '.variants[0].captions' 2 'how many'
file() { path_of "$(json ".variants[] | select(.format == \"$1\") | .url")"; }
vtt=$(file vtt) srt=$(file srt) ttml=$(file ttml) txt=$(file txt)
is "$(cat "$txt")" $'هل رأيت iPhone 15, يا صديقي؟ <نعم>\nFish & chips' 'the text, with Arabic marks'
is "$(head -n 1 "$vtt")" WEBVTT 'WebVTT'
like "$(cat "$vtt")" $'\u2068iPhone 15\u2069' 'isolates Latin letters'
like "$(cat "$vtt")" '&lt;نعم&gt;' 'escapes'
for f in "$vtt" "$srt"; do
    is "$(ffprobe -v error -show_entries packet=pts_time,duration_time -of csv=p=0 "$f" | sed 's/,$//' | tr -s '\n' ' ')" \
        '1.200000,1.820000 3.100000,1.400000 ' "FFmpeg reads ${f##*.}"
done
ffmpeg -nostdin -v error -y -i "$vtt" back.srt
like "$(cat back.srt)" 'Fish & chips' 'and the text of it'
ok 'TTML is well-formed' python3 - "$ttml" <<'PY'
import sys, xml.etree.ElementTree as E
tt = E.parse(sys.argv[1]).getroot()
ns = '{http://www.w3.org/ns/ttml}'
lang = '{http://www.w3.org/XML/1998/namespace}lang'
styling = '{http://www.w3.org/ns/ttml#styling}'
assert tt.tag == ns + 'tt' and tt.get(lang) == 'ar'
one, two = tt.iter(ns + 'p')
assert one.get(styling + 'direction') == 'rtl' and one.get(lang) is None
assert two.get(lang) == 'en' and two.text == 'Fish & chips' and two.get('begin') == '00:00:03.100'
ids = [e.get('{http://www.w3.org/XML/1998/namespace}id') for e in tt.iter()]
assert len({i for i in ids if i}) == len([i for i in ids if i])
PY

run media-analyze -o . -t transcription speech.wav
json_is '.variants | length' 0 'none with -o unless they are asked for'
run media-analyze -o . -t transcription --captions vtr speech.wav
exits 2 'a format that there is not'
stderr_like 'vtt' 'the nearest is named'

# --- beside the renditions
run media-analyze -t transcription speech.wav
exits 0 'into the store'
json_is '[.variants[] | [.variant_type, .format] | join(".")] | join(" ")' caption.vtt 'WebVTT by default'
id=$(json .asset.id)
is "$(sql "SELECT count(*) FROM media_variants WHERE variant_type = 'caption'")" 1 'a row'
like "$(cat "$(file vtt)")" 'Fish &amp; chips' 'and its object'
run media-analyze -t transcription "$id"
json_is .stages.analyze.status skipped 'the second time all is there'
json_is '[.variants[].format] | join(" ")' vtt 'and shown'
run media-analyze -t transcription --captions srt,none "$id"
exits 2 'none stands alone'
run media-analyze -t transcription --captions vtt,srt "$id"
json_is .stages.analyze.status completed 'another format is made of what was heard before'
json_is '[.variants[].format] | sort | join(" ")' 'srt vtt' 'beside the first'
run media-analyze -t transcription --captions none "$id"
exits 0 'none'
consistent 'objects and rows agree'

done_testing
