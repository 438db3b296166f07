#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# engines.t - media-analyze with engines: what they are handed, what is missing, what fails, what
# is kept.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit
export MEDIA_ENGINE_PATH=$MT_TOP/share/examples/engines

espeak-ng -v en -w said.wav 'The quick brown fox jumps over the lazy dog. Nobody speaks of money here.'
ffmpeg -nostdin -v error -y -i said.wav -af 'adelay=2000:all=1,apad=pad_dur=3' -ar 44100 speech.wav
ffmpeg -nostdin -v error -y -f lavfi -i 'sine=440:d=12,tremolo=f=5' -f lavfi -i 'sine=554:d=12' \
    -filter_complex amix music.wav
ffmpeg -nostdin -v error -y -f lavfi -i 'anoisesrc=d=12:c=pink:a=0.3:seed=3' noise.wav
ffmpeg -nostdin -v error -y -f lavfi -i 'testsrc2=d=2:s=160x120' -pix_fmt yuv420p silent.mp4

# engine NAME TYPE INPUT [SCRIPT]: one of our own, that describes itself and then runs the script
engine() {
    mkdir -p own
    cat >"own/$1" <<SH
#!/bin/sh
if [ "\$1" = --describe ]; then
    echo '{"protocol":1,"name":"$1","version":"${VERSION_OF_ENGINE:-1}","types":["$2"],"needs":{"input":"$3"${5:-}}}'
    exit
fi
read -r task
${4:-}
SH
    chmod +x "own/$1"
}
said() { echo "echo '{\"type\":\"finding\",\"start_s\":$1,\"end_s\":$2,\"text\":\"$3\"${4:-}}'"; }
end='echo "{\"type\":\"end\"}"'

# --- the list
run media-analyze --list-engines
exits 0 'the engines are listed'
json_is '[.engines[:2][].name] | join(" ")' 'moderation-grep speech-loudness' 'the examples are there'
json_true '.engines[0].ready == false and (.engines[0].hint | length > 0)' 'one lacks its words'

# --- speech, silence, music, noise
export MEDIA_ENGINE=transcription=speech-loudness
run media-analyze -o . -t transcription speech.wav
exits 0 'speech is heard'
document 'a document'
json_true '.analysis.transcription.timestamps | length >= 1' 'something was said'
json_true '.analysis.transcription.timestamps[0].start | . > 1 and . < 2.5' \
    'after the silence at its beginning'
json_is .analysis.engines.transcription.name speech-loudness 'the engine is named'
json_true '.analysis.transcription.voice.silence_s > 3' 'what was silent is told'
for kind in music noise; do
    run media-analyze -o . -t transcription "$kind.wav"
    exits 0 "$kind"
    json_is '.analysis.transcription.text' '' 'has no words'
    json_is '.analysis.transcription.timestamps | length' 0 'none at all'
    json_true ".analysis.transcription.voice.${kind}_s > 9" "it is known for $kind"
    document 'a document'
done
run media-analyze -o . -t transcription,scenes silent.mp4
exits 0 'a film without sound'
json_is .stages.analyze.not_applicable.transcription 'no audio stream' 'says so'
json_true '.analysis.scenes | length > 0' 'and the other type is done'

# --- the engine that comes along
unset MEDIA_ENGINE_PATH MEDIA_ENGINE
run media-analyze --list-engines
json_true '[.engines[] | select(.name == "speech-pocketsphinx")][0].ready' 'it is ready'
run media-analyze -o . -t transcription --languages en speech.wav
exits 0 'pocketsphinx'
json_true '.analysis.transcription.text | length > 10' 'hears words in a synthetic voice'
json_true '[.analysis.transcription.timestamps[].words[] | .end_s > .start_s] | all' 'times of words'
json_true '.analysis.transcription.timestamps | [.[].start] == ([.[].start] | sort)' 'in order'
document 'a document'
if [ -n "${MEDIA_TEST_CORPUS:-}" ]; then
    run media-analyze -o . -t transcription --languages en "$MEDIA_TEST_CORPUS"/audio/speech-en-jfk-16khz.wav
    json_true '.analysis.transcription.text | test("what you can do for your country")' \
        'and a real one'
fi
export MEDIA_ENGINE_PATH=$MT_TOP/share/examples/engines

# --- text
printf 'fox\nmoney\n' >words
cat >media.yaml <<YAML
media_processing:
  engines:
    moderation-grep:
      words: $T/words
YAML
engine speech-fixed transcription audio "$(said 2.5 4 'The fox')
$(said 4 5 'and   money ')
$end"
export MEDIA_ENGINE_PATH=$T/own:$MT_TOP/share/examples/engines
run media-analyze --config media.yaml -o . -t moderation,transcription \
    --engine transcription=speech-fixed speech.wav
exits 0 'words are looked for in what was said'
json_is '.analysis.transcription.text' 'The fox and money' 'the text is put together'
json_is '.analysis.moderation.safe' false 'it is not safe'
json_is '[.analysis.moderation.flags[] | .label] | join(" ")' 'fox money' 'both words are flagged'
json_true '.analysis.moderation.flags[0].start == 2.5' 'where they were said'
document 'a document'
run media-analyze --config media.yaml -o . -t moderation speech.wav
exits 0 'without text'
json_true '.stages.analyze.not_applicable.moderation | test("transcription")' \
    'nothing is called safe'
json_is '.analysis.moderation' null 'indeed'

# --- frames
# shellcheck disable=SC2016 # the engine expands it
engine objects-size objects frames 'bytes=$(wc -c <&3)
w=$(printf %s "$task" | jq .input.width_px) h=$(printf %s "$task" | jq .input.height_px)
n=$(printf %s "$task" | jq ".frames | length")
[ "$bytes" = $((3 * w * h * n)) ] || { echo "got $bytes of $w x $h x $n" >&2; exit 1; }
printf %s "$task" | jq -c ".frames[] | {type: \"finding\", time_s, label: \"$w by $h\", confidence: 0.5, box: [0, 0, 1, 1]}"
'"$end" ',"side_px":64,"max_frames":10'
run media-analyze -o . -t objects silent.mp4
exits 0 'pictures are handed over'
json_true '.analysis.objects | length >= 2 and length <= 10' 'a few of them'
json_is '.analysis.objects[0].label' '64 by 48' 'of the size that was wanted'
run media-analyze -o . -t objects speech.wav
json_is .stages.analyze.not_applicable.objects 'no video stream' 'sound has no pictures'

# --- failures
engine speech-crash transcription audio 'echo "out of paper" >&2; kill -SEGV $$'
run media-analyze -o . -t transcription,loudness --engine transcription=speech-crash speech.wav
exits 1 'an engine crashes'
json_is .stages.analyze.error.code worker_crashed 'which fails the stage'
json_true '.stages.analyze.error.message | test("speech-crash")' 'by its name'
json_true '.analysis.loudness.integrated_lufs < 0' 'and loudness is measured all the same'
run media-analyze -o . -t objects,faces,loudness speech.wav
json_is .stages.analyze.failures.faces.code unavailable 'a type without an engine'
json_true '.stages.analyze.failures.faces.hint | length > 0' 'with what to install'
run media-analyze -o . -t transcription --engine transcription=speech-nobody speech.wav
exits 10 'an engine that is not there'
like "$(cat "$err")" 'speech-nobody' 'by its name'
for wrong in speech-fixed transcription= nothing=speech-fixed; do
    run media-analyze -o . -t transcription --engine "$wrong" speech.wav
    exits 2 "--engine $wrong"
done
engine speech-hangs transcription audio 'sleep 100'
run media-analyze -o . -t transcription --engine transcription=speech-hangs --engine-stall 1 speech.wav
exits 1 'an engine hangs'
json_is .stages.analyze.error.code timeout 'and is given up'

# --- what is not to be believed
engine speech-loop transcription audio "$(said 2.5 3 'thank you')
$(said 3 3.5 'thank you')
$(said 3.5 4 'thank you')
$(said 4 4.4 'thank you')
$(said 0.1 0.9 'ghost')
$(said 5 5.5 'so many words that nobody could ever say them in half a second')
$(said 5.5 6 'no no no no no no')
$end"
run media-analyze -o . -t transcription --engine transcription=speech-loop speech.wav
exits 0 'an engine invents things'
json_is '.analysis.transcription.text' 'thank you' 'a loop counts once'
json_is '[.analysis.transcription.dropped[].reason] | sort | unique | join(",")' \
    'loop,no voice,too fast' 'the rest is listed with its reason'
document 'a document'

# --- what was found before
engine speech-count transcription audio "$(said 2.5 4 'counted')
$end"
run media-analyze -t transcription --engine transcription=speech-count speech.wav
exits 0 'into the database'
id=$(json .asset.id)
run media-analyze -t transcription --engine transcription=speech-count "$id"
json_is .stages.analyze.status skipped 'the second time it is there already'
json_is .analysis.transcription.text counted 'and shown'
VERSION_OF_ENGINE=2 engine speech-count transcription audio "$(said 2.5 4 'anew')
$end"
run media-analyze -t transcription --engine transcription=speech-count "$id"
json_is .analysis.transcription.text anew 'another version of the engine is asked anew'

# --- a signal
engine speech-slow transcription audio 'echo started >&2; sleep 60'
media-analyze -o . -t transcription --engine transcription=speech-slow speech.wav >slow.out 2>&1 &
pid=$!
sleep 1.5
kill -TERM $pid
wait $pid
is $? 143 'SIGTERM ends it'
not_ok 'and the engine with it' pgrep -f "$T/own/speech-slow"

done_testing
