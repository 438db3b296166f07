#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# speech.t - speech-openai against a strict stand-in of a server, speech-whisper-cli against one of
# whisper.cpp's program: what is asked, what is made of the answers, what is said of bad ones.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit
server_pids=
at_exit() {
    for pid in $server_pids; do kill "$pid" 2>/dev/null; done
}

# start DIR [CERT KEY]: a server of transcriptions; its port goes to DIR/port
start() {
    local i
    mkdir -p "$1"
    "$MT_TOP"/tests/transcription-server "$@" >"$1/log" 2>&1 &
    server_pids="$server_pids $!"
    for ((i = 0; i < 100; i++)); do
        [ ! -e "$1/port" ] || return 0
        sleep 0.1
    done
    diag "$(cat "$1/log")"
}

# configure MODE [LINE...]: the engine's options
configure() {
    {
        printf 'media_processing:\n  engines:\n    speech-openai:\n      url: %s\n' "$1"
        shift
        for line in "$@"; do printf '      %s\n' "$line"; done
    } >media.yaml
}
hear() {
    run media-analyze --config media.yaml -o . -t transcription \
        --engine transcription=speech-openai "$@" speech.wav
}
requests() { jq -rs "$1" server/requests; }

espeak-ng -v en -w said.wav 'The quick brown fox jumps over the lazy dog. Nobody speaks of money here.'
ffmpeg -nostdin -v error -y -i said.wav -af 'adelay=1000:all=1,apad=pad_dur=5' -ar 16000 one.wav
ffmpeg -nostdin -v error -y -i one.wav -i one.wav -filter_complex '[0][1]concat=n=2:v=0:a=1' speech.wav
printf 'open-sesame\n' >key
start server
api=http://127.0.0.1:$(cat server/port)

run media-analyze --list-engines
json_true '.engines[] | select(.name == "speech-openai") | .ready == false and (.hint | test("url"))' \
    'without an URL it is not ready'

# --- what is asked, what is answered
configure "$api/key/v1/" "key_file: $T/key" 'model: tiny' 'prompt: names'
hear --languages en
exits 0 'a server hears'
document 'a document'
json_is '.analysis.transcription.text' 'The quick fox. The quick fox.' 'both stretches'
json_true '.analysis.transcription.timestamps | .[0].start > 0.8 and .[1].start > 8' 'where they are'
json_is '[.analysis.transcription.timestamps[0].words[].text] | join("|")' 'The|quick|fox.' 'words'
json_is .analysis.transcription.language en 'the language by its code'
json_true '.analysis.transcription.confidence | . > 0.80 and . < 0.82' \
    'confidence: exp(-0.2) times 0.99'
is "$(requests '.[0].authorization')" 'Bearer open-sesame' 'the key was sent'
is "$(requests '.[0].fields | [.model[0], .response_format[0], .language[0], .prompt[0]] | join(" ")')" \
    'tiny verbose_json en names' 'with the fields'
is "$(requests '.[0].fields["timestamp_granularities[]"] | join(" ")')" 'word segment' 'both times'
is "$(requests '[.[] | select(.bad)] | length')" 0 'nothing that the server did not like'
configure "$api/ok/v1" 'length: 600'
hear --languages ar,en
is "$(requests '.[-1].fields.language')" null 'of two languages the server is to find out'
is "$(requests '.[-1].authorization')" null 'without a key none is sent'
configure "$api/ok/v1" 'auto_language: auto'
hear
is "$(requests '.[-1].fields.language[0]')" auto 'whisper.cpp is told to find out'

# --- answers of other kinds
configure "$api/json/v1" 'format: json'
hear
json_is '.analysis.transcription.timestamps[0].text' 'Only text.' 'text without times'
configure "$api/tokens/v1"
hear
json_is '[.analysis.transcription.timestamps[0].words[].text] | join("|")' 'The|quick|fox.' \
    'tokens become words'
configure "$api/arabic/v1"
hear --languages ar,en
json_is '.analysis.transcription.timestamps[0].text' 'مرحبا بكم في iPhone 15، كيف الحال؟' 'Arabic'
json_is .analysis.transcription.language ar 'is known for it'
configure "$api/foreign/v1"
hear --languages en,ar
json_is '.analysis.transcription.timestamps[0].text' 'أهلا وسهلا' \
    'a language that nobody spoke of is asked for again'
json_is .analysis.transcription.language ar 'in that of its script'
configure "$api/latin1/v1"
hear
json_is '.analysis.transcription.timestamps[0].text' 'caf� at noon' 'what is not UTF-8'
configure "$api/wild/v1"
hear
exits 0 'times that cannot be'
document 'a document'
json_true '.analysis.transcription.adjusted >= 4' 'are mended and counted'
json_true '[.analysis.transcription | .timestamps[], .dropped[]? | .end >= .start] | all' 'and in order'
configure "$api/silence/v1"
hear
json_is .analysis.transcription.text '' 'what the model itself takes for silence'
json_is '.analysis.transcription.dropped[0].reason' 'no speech' 'is listed, not believed'

# --- refusals
configure "$api/busy/v1" 'parallel: 1'
hear
exits 0 'a busy server is asked again'
is "$(requests '[.[] | select(.path | test("busy"))] | length')" 4 'after what it said'
refused() {
    local status=$1 code=$2 words=$3
    hear
    exits "$status" "$4"
    json_is .stages.analyze.error.code "$code" "$4: $code"
    json_true ".stages.analyze.error | (.message | test(\"$words\")) and (.hint | length > 0)" "$4: in words"
}
for status in 401 403 404 413; do
    configure "$api/$status/v1"
    refused 10 unavailable "speech-openai.*status $status" "status $status"
done
configure "$api/503/v1" 'retries: 1'
refused 1 busy 'status 503' 'always busy'
configure "$api/quota/v1"
refused 10 unavailable quota 'an account that is used up'
configure "$api/half/v1" 'retries: 0'
refused 1 busy JSON 'half an answer'
configure "$api/cut/v1" 'retries: 0'
refused 1 busy 'no answer' 'a connection that is cut'
configure "$api/other/v1"
refused 1 failed segments 'something else'
configure "$api/hang/v1" 'timeout: 1' 'retries: 0'
refused 1 busy 'no answer' 'a server that hangs'
configure http://127.0.0.1:1/v1 'retries: 0'
refused 1 busy 'no answer' 'no server'

# --- the key
before=$(requests '[.[] | select(.path | test("^/key"))] | length')
configure "$api/redirect/v1" "key_file: $T/key"
refused 10 unavailable localhost 'a redirect'
is "$(requests '[.[] | select(.path | test("^/key"))] | length')" "$before" 'is not followed'
configure http://192.0.2.1/v1 "key_file: $T/key"
refused 10 unavailable 'for all to read' 'the key does not go out in the clear'
configure "$api/key/v1" "key_file: $T/no-key"
refused 10 unavailable no-key 'a key file that is not there'
printf 'a b\n' >bad-key
configure "$api/key/v1" "key_file: $T/bad-key"
refused 10 unavailable bad-key 'one without a key'
unlike "$(cat "$out")" 'a b"' 'whose content is not told'
configure "$api/key/v1" 'parallel: many'
refused 10 unavailable parallel 'an option of no value'

openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.crt -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>/dev/null
start tls "$T/tls.crt" "$T/tls.key"
tls=https://localhost:$(cat tls/port)
configure "$tls/key/v1" "key_file: $T/key"
refused 10 unavailable 'trusted' 'a certificate of nobody'
is "$(cat tls/requests 2>/dev/null)" '' 'gets no request'
configure "$tls/key/v1" "key_file: $T/key" "ca_file: $T/tls.crt"
hear
exits 0 'ca_file names whom to trust'

# --- whisper-cli
cat >whisper-cli <<'SH'
#!/usr/bin/env python3
import json, os, sys, wave
args = sys.argv[1:]
take = lambda name: args[args.index(name) + 1] if name in args else None
model = open(take('-m'), 'rb').read()
if b'broken' in model:
    print('whisper_init: failed to load', file=sys.stderr)
    sys.exit(3)
assert '-ojf' in args and '-np' in args
assert os.environ.get('HTTP_PROXY') is None
for name in [args[i + 1] for i, a in enumerate(args) if a == '-f']:
    with wave.open(name) as w:
        ms = w.getnframes() // 16
    at = lambda a, b: {'timestamps': {}, 'offsets': {'from': a, 'to': b}}
    tokens = [dict(text='[_BEG_]', id=50364, p=0.9, t_dtw=-1, **at(0, 0))]
    tokens += [dict(text=t, id=1, p=0.81, t_dtw=-1, **at(i * 100, i * 100 + 100))
               for i, t in enumerate([' Hel', 'lo', ' there'])]
    doc = {'systeminfo': '', 'model': {'type': 'tiny'}, 'params': {'language': take('-l')},
           'result': {'language': 'ar' if take('-l') == 'ar' else 'en'},
           'transcription': [dict(text=' Hello there', tokens=tokens, **at(0, min(ms, 2000)))]}
    print('not for us')
    if b'half' in model:
        open(name + '.json', 'w').write('{"transcription": [')
    elif b'nothing' not in model:
        json.dump(doc, open(name + '.json', 'w'))
SH
chmod +x whisper-cli
# cli MODEL: with a file that begins like a model and says MODEL
cli() {
    { printf lmgg; head -c 44 /dev/zero; printf %s "$1"; } >"ggml-$1.bin"
    cat >media.yaml <<YAML
media_processing:
  engines:
    speech-whisper-cli:
      program: $T/whisper-cli
      model: $T/ggml-$1.bin
      threads: 2
YAML
    run media-analyze --config media.yaml -o . -t transcription \
        --engine transcription=speech-whisper-cli "${@:2}" speech.wav
}
run media-analyze --list-engines
json_true '.engines[] | select(.name == "speech-whisper-cli") | .ready == false and (.hint | test("whisper"))' \
    'without a program it is not ready'
cli good --languages ar
exits 0 'whisper-cli'
document 'a document'
json_is .analysis.transcription.text 'Hello there Hello there' 'is read'
json_is '[.analysis.transcription.timestamps[1].words[].text] | join("|")' 'Hello|there' 'its words too'
json_is .analysis.transcription.confidence 0.81 'the probability of its tokens'
json_is .analysis.transcription.language ar 'the language was handed on'
like "$(json .analysis.engines.transcription.version)" ggml-good.bin 'the model is part of the version'
for wrong in 'broken|status 3' 'half|JSON' 'nothing|wrote nothing'; do
    cli "${wrong%|*}"
    exits 1 "a program that is ${wrong%|*}"
    json_true ".stages.analyze.error | .code == \"failed\" and (.message | test(\"${wrong#*|}\"))" 'says so'
done
printf 'no model' >ggml-nothing.bin
run media-analyze --config media.yaml -o . -t transcription --engine transcription=speech-whisper-cli speech.wav
exits 10 'a model that is none'
like "$(cat "$err")" 'is no model' 'is known at once'
{ printf 'lmgg\x99\xca\0\0'; printf '\0\1\0\0%.0s' 1 2 3 4 5 6 7 8 9 10; head -c 500000 /dev/zero; } >ggml-nothing.bin
run media-analyze --config media.yaml -o . -t transcription --engine transcription=speech-whisper-cli speech.wav
exits 10 'a model that is cut off'
like "$(cat "$err")" 'has no weights' 'too'

# --- pocketsphinx
mkdir bogus
printf x | tee bogus/mdef bogus/lm bogus/dict >/dev/null
printf 'media_processing:\n  engines:\n    speech-pocketsphinx:\n      hmm: %s\n      lm: %s\n      dict: %s\n' \
    "$T/bogus" "$T/bogus/lm" "$T/bogus/dict" >media.yaml
run media-analyze --config media.yaml -o . -t transcription,loudness --engine transcription=speech-pocketsphinx one.wav
exits 10 'a model of pocketsphinx that is none'
json_true '.stages.analyze.error | .code == "unavailable" and (.message | test("no model"))' 'is told'
json_true '.analysis.loudness.integrated_lufs < 0' 'and the loudness is measured all the same'
run media-analyze --config /dev/null -o . -t transcription --languages fr one.wav
exits 10 'a language that no engine knows'
json_true '.stages.analyze.error | (.message | test("fr")) and (.hint | test("speech-"))' \
    'is told, with what would'

done_testing
