#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# caption-readers.t - captions before readers that others wrote: the parser of the WebVTT standard's
# editors, imsc.js for TTML, and Chromium, which shows both; English and Arabic.
#
# MT_NPM is a directory in which node_modules has webvtt-parser and imsc, as scripts/test installs
# them.
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/api.sh
. "$(dirname "$0")/../api.sh"
for tool in node chromium chromedriver python3; do
    command -v $tool >/dev/null || skip_rest "$tool is not installed"
done
[ -d "${MT_NPM-}/node_modules/webvtt-parser" ] || skip_rest 'there is no webvtt-parser: no network, or no npm'
cd "$T" || exit

# What an engine may say: marks of other formats, a line that is too long, one language in another,
# words that look like the end of a cue or its times.
mkdir own
cat >own/speech-all <<'SH'
#!/bin/sh
if [ "$1" = --describe ]; then
    echo '{"protocol":1,"name":"speech-all","version":"1","types":["transcription"],"needs":{"input":"file"}}'
    exit
fi
cat <<'END'
{"type":"finding","start_s":0.5,"end_s":2.5,"text":"هل رأيت iPhone 15, يا صديقي?","language":"ar"}
{"type":"finding","start_s":3,"end_s":5,"text":"Fish & <b>chips</b> --> 00:01.000 NOTE {\\an8} \"quoted\" & 'so'","language":"en"}
{"type":"finding","start_s":5.2,"end_s":9,"text":"WEBVTT\n\nSTYLE and this is a long sentence, which has to be parted somewhere, because nobody can read all of it in one line","language":"en"}
{"type":"finding","start_s":9.2,"end_s":11,"text":"و قال: \u202bHello\u202c (مرحبا) 50%","language":"ar"}
{"type":"end"}
END
SH
chmod +x own/speech-all
ffmpeg -nostdin -v error -y -f lavfi -i color=c=black:s=640x360:r=10:d=12 -f lavfi -i sine=r=48000:d=12 \
    -c:v libvpx -b:v 50k -deadline realtime -c:a libopus film.webm
MEDIA_ENGINE_PATH=$T/own run media-analyze -o . -t transcription --engine transcription=speech-all \
    --captions vtt,ttml film.webm
exits 0 'captions'
cp ./*captions*.vtt said.vtt
cp ./*captions*.ttml said.ttml

# --- the parser of the standard's editors
cat >parse.cjs <<'JS'
const {WebVTTParser} = require('webvtt-parser');
const fs = require('fs');
const tree = new WebVTTParser(require('webvtt-parser/html-entities.json')).parse(fs.readFileSync(process.argv[2], 'utf8'), 'captions');
const flat = nodes => nodes.map(n => n.type === 'text' ? n.value : '<' + n.type + '>' + flat(n.children)).join('');
console.log(JSON.stringify({errors: tree.errors.map(e => e.line + ': ' + e.message),
    cues: tree.cues.map(c => [c.startTime, c.endTime, flat(c.tree.children)])}));
JS
parse() { NODE_PATH=$MT_NPM/node_modules node parse.cjs "$1" >parsed 2>&1 || cat parsed; }
parse said.vtt
is "$(jq -c .errors parsed)" '[]' 'WebVTT without errors'
is "$(jq '.cues | length' parsed)" "$(grep -c -e '^[0-9:.]* --> ' said.vtt)" 'all cues'
is "$(jq -r '.cues[1][2] | gsub("\n"; " ")' parsed)" \
    "Fish & <b>chips</b> --> 00:01.000 NOTE {\\an8} \"quoted\" & 'so'" 'what looks like marks is text'
like "$(jq -r '.cues[0][2]' parsed)" $'هل رأيت \u2068iPhone 15\u2069, يا صديقي؟' 'Arabic in logical order, Latin isolated'
sed 's/ --> / -> /' said.vtt >broken.vtt
parse broken.vtt
isnt "$(jq '.errors | length' parsed)" 0 'the parser finds errors where there are any'

# --- Chromium's track element, and imsc.js in it
cp "$MT_NPM/node_modules/imsc/dist/imsc.all.min.js" imsc.js
cat >page.html <<'HTML'
<!doctype html><meta charset="utf-8"><title>captions</title><style>body { margin: 0 } #ttml { position: absolute; left: 0; top: 0; width: 640px; height: 360px }</style>
<video id="v" width="640" height="360" muted src="film.webm"><track id="t" default kind="captions" srclang="ar" src="said.vtt"></video><div id="ttml"></div>
<script src="imsc.js"></script>
HTML
timeout 120 python3 - "$MT_TOP/tests" "$(free_port)" "$T" "$MT_NPM" <<'PY' >seen 2>browser.log || diag "$(tail -n 5 browser.log)"
import functools, http.server, json, sys, threading, time
sys.path.insert(0, sys.argv[1])
from webdriver import Browser


class Files(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, '.vtt': 'text/vtt', '.webm': 'video/webm'}

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Files, directory=sys.argv[3]))
threading.Thread(target=server.serve_forever, daemon=True).start()
browser = Browser(int(sys.argv[2]), open('chromedriver.log', 'w'), size=(800, 600))
try:
    browser.go('http://127.0.0.1:%d/page.html' % server.server_port)
    browser.wait("document.getElementById('t').readyState >= 2")
    out = {'state': browser.js("return document.getElementById('t').readyState")}
    out['cues'] = browser.js("return [...document.getElementById('t').track.cues].map(c => [c.startTime, c.endTime, c.getCueAsHTML().textContent])")

    def shown(at):
        """Where each word of the cue that is shown at that time stands, by the browser's own tree."""
        browser.js("const v = document.getElementById('v'); v.currentTime = arguments[0]; v.play()", at)
        said = browser.wait("(c => c && c.startTime <= arguments[0] && arguments[0] < c.endTime ? c.getCueAsHTML().textContent : '')"
                            "(document.getElementById('t').track.activeCues[0])", at)
        browser.js("document.getElementById('v').pause()")
        for _ in range(100):
            found = texts(browser.cdp('DOM.getDocument', depth=-1, pierce=True)['root'])
            if found and ''.join(n['nodeValue'] for n in found).split('\n')[0] == said.split('\n')[0]:
                break
            time.sleep(0.1)
        rects = []
        for node in found:
            handle = browser.cdp('DOM.resolveNode', backendNodeId=node['backendNodeId'])['object']['objectId']
            rects += browser.cdp('Runtime.callFunctionOn', objectId=handle, returnByValue=True, functionDeclaration="""function () {
                const words = [];
                for (const m of this.data.matchAll(/[\\p{L}\\p{N}&]+/gu)) {
                    const range = document.createRange();
                    range.setStart(this, m.index); range.setEnd(this, m.index + m[0].length);
                    const box = range.getBoundingClientRect();
                    words.push([m[0], Math.round(box.left), Math.round(box.top), Math.round(box.width)]);
                }
                return words;
            }""")['result']['value']
        return rects

    def texts(node, inside=False):
        inside = inside or node.get('shadowRootType') == 'user-agent'
        attributes = node.get('attributes', [])
        cue = inside and attributes[:2] == ['pseudo', 'cue']
        found = []
        for child in node.get('children', []) + node.get('shadowRoots', []):
            found += texts(child, inside) if not cue else of_cue(child)
        return found

    def of_cue(node):
        if node['nodeName'] == '#text':
            return [node]
        return [t for c in node.get('children', []) for t in of_cue(c)]

    out['arabic'], out['english'] = shown(1.5), shown(3.5)
    out['ttml'] = browser.js("""
        const errors = [], request = new XMLHttpRequest();
        request.open('GET', 'said.ttml', false); request.send();
        const report = k => m => { errors.push(k + ': ' + m); return false };
        const doc = imsc.fromXML(request.responseText, {warn: report('warning'), error: report('error'), fatal: report('fatal')});
        const at = t => {
            const box = document.getElementById('ttml');
            box.replaceChildren();
            imsc.renderHTML(imsc.generateISD(doc, t), box, null, 360, 640, false, {warn: report('warning'), error: report('error'), fatal: report('fatal')});
            return [box.innerText, [...box.querySelectorAll('*')].some(e => getComputedStyle(e).direction === 'rtl')];
        };
        return {errors, times: doc.getMediaTimeEvents(), arabic: at(1.5), english: at(3.5), none: at(0.1)};
    """)
    print(json.dumps(out))
finally:
    browser.close()
PY
see() { jq -r "$1" seen 2>&1; }
is "$(see .state)" 2 'Chromium loads the track'
is "$(see '.cues | length')" "$(grep -c -e '^[0-9:.]* --> ' said.vtt)" 'all cues of it'
is "$(see '.cues[1][2] | gsub("\n"; " ")')" "Fish & <b>chips</b> --> 00:01.000 NOTE {\\an8} \"quoted\" & 'so'" 'with their text'
isnt "$(see '.english | length')" 0 'it shows them' || diag "$(cat seen)"
# [word, left, top, width]: from right to left, but what is Latin from left to right within it
see '.arabic | map({key: .[0], value: .[1]}) | from_entries' >places
is "$(jq '."هل" > ."رأيت" and ."رأيت" > .iPhone and .iPhone > ."يا" and ."يا" > ."صديقي"' places)" true \
    'Arabic stands from right to left' || diag "$(cat places)"
is "$(jq '.iPhone < ."15"' places)" true 'and what is Latin in it from left to right'
is "$(see '.english | map(select(.[0] == "Fish" or .[0] == "chips")[1]) | .[0] < .[1]')" true 'English from left to right'
is "$(see '.ttml.errors | join("; ")')" '' 'imsc.js reads the TTML without a word'
is "$(see '.ttml.times | length > 6')" true 'with its times'
like "$(see '.ttml.arabic[0]')" 'هل رأيت' 'shows Arabic'
is "$(see '.ttml.arabic[1]')" true 'from right to left'
like "$(see '.ttml.english[0]')" 'Fish & <b>chips</b>' 'and English'
is "$(see '.ttml.english[1]')" false 'from left to right'
is "$(see '.ttml.none[0] | gsub("\\s"; "")')" '' 'and nothing where nothing is said'
done_testing
