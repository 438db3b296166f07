#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# teasers.t - media-thumbs --preview and --trailer, judged by ffmpeg, libvips and a little arithmetic.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit

ff() { ffmpeg -nostdin -v error -y "$@"; }
tease() { rm -rf out; run media-thumbs -o out --count 0 "$@"; }
# shows FILE FIELDS: what ffprobe says
shows() { ffprobe -v error -show_entries "$2" -of csv=p=0 "$1" | tr '\n' ' '; }
decodes() { is "$(ffmpeg -nostdin -v error -xerror -i "$1" -f null - 2>&1)" '' "$2"; }

# --- a film of 96 seconds: 16 scenes of 6 s, each with its own picture and tone, every other one a
# quarter as loud, 0.4 s of silence at the end of each, and one scene black.
black=9
scene() { # K: its picture
    case $(($1 % 3)) in
    0) echo "testsrc2=s=320x180:r=25:d=6,hue=h=$(($1 * 40))" ;;
    1) echo "mandelbrot=s=320x180:r=25:start_scale=$((1 + $1)),trim=duration=6,hue=h=$(($1 * 40))" ;;
    2) echo "smptehdbars=s=320x180:r=25:d=6,scroll=h=0.0$((1 + $1)),hue=h=$(($1 * 40))" ;;
    esac
}
pictures='' joined=''
for k in {0..15}; do
    [ "$k" = $black ] && made=color=black:s=320x180:r=25:d=6 || made=$(scene "$k")
    pictures+="$made,format=yuv420p,setsar=1[v$k];" joined+="[v$k]"
done
tones="aevalsrc='(if(mod(floor(t/6),2),0.1,0.4))*lt(mod(t,6),5.6)*sin(2*PI*(300+40*floor(t/6))*t)':s=48000:d=96"
ff -filter_complex "${pictures}${joined}concat=n=16[v];${tones}[a]" -map '[v]' -map '[a]' -c:v libx264 \
    -preset ultrafast -g 50 -c:a aac -b:a 96k film.mp4 || diag 'no film'

# --- a trailer
tease --trailer 20 --clip-format mp4,webm film.mp4
exits 0 'a trailer'
document 'its document'
json_is '[.variants[] | "\(.variant_type) \(.format) \(.verified)"] | sort | join(", ")' \
    'trailer mp4 true, trailer webm true' 'two files, verified'
json_is '[.stages.thumbs.status, (.stages.thumbs.notes // [] | length)] | join(" ")' 'completed 0' 'completed, nothing to note'
t=out/film-trailer.mp4
is "$(shows $t stream=codec_name,width,height)" 'h264,320,180 aac ' 'H.264 and AAC, never larger than the film'
is "$(shows out/film-trailer.webm stream=codec_name)" 'vp9 opus ' 'VP9 and Opus'
between "$(shows $t format=duration)" 16 20.08 'as long as was wanted, at most'
decodes $t 'MP4 decodes'
decodes out/film-trailer.webm 'WebM decodes'
jq '.variants[] | select(.format == "mp4")' "$out" >trailer.json
is "$(jq '.excerpts | length' trailer.json)" 5 'an excerpt for each four seconds'
is "$(jq '.excerpts | [range(5) as $i | .[$i].from >= 19.2 * $i - 0.001 and .[$i].to <= 19.2 * ($i + 1) + 0.001] | all' \
    trailer.json)" true 'spread over the film'
is "$(jq '.excerpts as $e | [range(1; 5) as $i | $e[$i].at - ($e[$i - 1].at + $e[$i - 1].to - $e[$i - 1].from) | fabs < 0.002] | all' \
    trailer.json)" true 'one after the other'
is "$(jq '.excerpts | all(.score == ((2 * .picture + .novelty + .motion + .sound) / 5 * (1 - .black) * 1000 | round) / 1000
    or (.score - (2 * .picture + .novelty + .motion + .sound) / 5 * (1 - .black) | fabs) < 0.002)' trailer.json)" true \
    'scores are what the manual says'
# cuts EDGE: how many of them are within two pictures of where a scene begins
cuts() { jq "[.excerpts[].$1 | . - 6 * (. / 6 | round) | fabs < 0.081] | map(select(.)) | length" trailer.json; }
between "$(($(cuts from) + $(cuts to)))" 5 10 'most excerpts begin or end where a scene changes'
is "$(jq "[.excerpts[] | (.starts_at_cut | not) or (.from - 6 * (.from / 6 | round) | fabs < 0.081)] | all" trailer.json)" \
    true '  and those of which it says so'
is "$(ffmpeg -nostdin -hide_banner -i $t -vf blackdetect=d=0.04 -an -f null - 2>&1 | grep -c black_start)" 0 'no black'
is "$(ffmpeg -nostdin -hide_banner -i film.mp4 -vf blackdetect=d=0.04 -an -f null - 2>&1 | grep -c black_start)" 1 '  though the film has some'

# Each excerpt shows what the film shows, and sounds as it does: by frequency, loudness and edges.
cat >hear.py <<'PY'
import array, json, math, re, subprocess, sys
film, clip, report = sys.argv[1:4]
excerpts = json.load(open(report))["excerpts"]
def pcm(f, *a):
    o = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", f, *a, "-ac", "1", "-ar", "48000", "-f", "s16le", "-"],
                       capture_output=True).stdout
    return array.array("h", o)
def lufs(f, at, n):
    o = subprocess.run(["ffmpeg", "-nostdin", "-hide_banner", "-i", f, "-af", f"atrim={at}:{at + n},ebur128=peak=true", "-f",
                        "null", "-"], capture_output=True, text=True).stderr
    s = o[o.rindex("Summary"):]
    return float(re.search(r"I:\s+(-?[\d.]+)", s)[1]), float(re.search(r"Peak:\s+(-?[\d.]+)", s)[1])
def ssim(at, e):
    o = subprocess.run(["ffmpeg", "-nostdin", "-hide_banner", "-ss", str(at), "-i", clip, "-ss", str(e), "-i", film,
                        "-lavfi", "[0:v][1:v]ssim", "-frames:v", "1", "-f", "null", "-"], capture_output=True, text=True).stderr
    m = re.search(r"All:([\d.]+)", o)
    return float(m[1]) if m else 0
sound, bad, levels, was = pcm(clip), [], [], []
for e in excerpts:
    n = e["to"] - e["from"]
    levels.append(lufs(clip, e["at"], n))
    was.append(lufs(film, e["from"], n)[0])
    for part in (0.3, 0.6):
        at, there = e["at"] + n * part, e["from"] + n * part
        if ssim(at, there) < 0.85:
            bad.append(f"the picture at {at:.3f} is not that of {there:.3f}: {ssim(at, there)}")
    at = e["at"] + 0.5
    piece = sound[int(at * 48000):int(at * 48000) + 9600]
    rises = sum(1 for a, b in zip(piece, piece[1:]) if a < 0 <= b) * 5
    wanted = 300 + 40 * int((e["from"] + 0.5) / 6)
    if abs(rises - wanted) > 8:
        bad.append(f"{rises} Hz at {at:.3f}, not {wanted}")
    if e["at"] > 0:
        i = int(e["at"] * 48000)
        edge = max(map(abs, sound[i - 24:i + 24]))
        if edge > 900:
            bad.append(f"{edge} at the join {e['at']}")
spread = lambda v: max(v) - min(v)
if spread([l[0] for l in levels]) > 1.5:
    bad.append(f"loudness {levels}")
if spread(was) < 8:
    bad.append(f"the film's own is even: {was}")
if max(l[1] for l in levels) > -0.9:
    bad.append(f"peaks {levels}")
print("; ".join(bad) or "ok")
PY
is "$(python3 hear.py film.mp4 $t trailer.json 2>&1 | tail -n 1)" ok 'pictures, tones, one loudness, faded joins'
between "$(jq .loudness.integrated_lufs trailer.json)" -17 -15.5 'as loud as is usual'
between "$(jq .loudness.true_peak_dbtp trailer.json)" -20 -1 'with a bound on the peaks'
run media-thumbs -o out --count 0 --trailer 20 --clip-format mp4,webm film.mp4
json_is .stages.thumbs.status skipped 'again: nothing to do'
json_is '.variants[0].excerpts | length' 5 '  and the excerpts are known'

# --- a preview, in all three formats
tease --preview 9 --clip-format mp4,webm,webp film.mp4
exits 0 'a preview'
document 'its document'
json_is '[.variants[] | "\(.variant_type) \(.format)"] | sort | join(", ")' 'preview mp4, preview webm, preview webp' 'in three formats'
for x in mp4 webm; do
    is "$(shows out/film-preview.$x stream=codec_type,width,height)" 'video,320,180 ' "$x: pictures alone"
    decodes out/film-preview.$x '  which decode'
    between "$(shows out/film-preview.$x format=duration)" 6 9.08 '  as long as was wanted, at most'
done
is "$(vipsheader -f loop out/film-preview.webp)" 0 'WebP repeats for ever'
between "$(vipsheader -f n-pages out/film-preview.webp)" 50 91 '  ten pictures a second'
between "$(vipsheader -f delay out/film-preview.webp | tr ' ' '\n' | awk '{ s += $1 } END { print s }')" 6000 9100 '  and as long'
like "$(vips avg 'out/film-preview.webp[n=-1]')" '^[0-9.]+$' '  libvips shows all of them'
json_true '[.variants[].excerpts[].black] | add == 0' 'nothing black'
[ -n "${MT_QUICK-}" ] && done_testing

# --- into the store and the database
run media-thumbs --count 0 --preview 6 film.mp4
exits 0 'into the store'
consistent 'a preview'
is "$(sql "SELECT count(*) FROM media_variants WHERE variant_type = 'preview' AND processing_status = 'completed'")" 1 'a row'
json_true '.variants[0].excerpts | length == 2' 'the document of the database has the excerpts'
run media-thumbs --count 0 --preview 6 film.mp4
json_is .stages.thumbs.status skipped 'found again by its recipe'

# --- films that are special
ff -ss 0 -t 5 -i film.mp4 -c copy short.mp4
tease --preview 30 --trailer 30 short.mp4
exits 0 'a film shorter than what is wanted'
json_true '[.variants[].whole] == [true, true] and all(.variants[]; .duration > 4.9 and .duration < 5.3)' 'is there whole'
json_true '.stages.thumbs.notes | any(contains("all of it is shown"))' '  and a note says so'
ff -i film.mp4 -t 30 -an -c copy mute.mp4
tease --trailer 8 mute.mp4
exits 0 'a film without sound'
is "$(shows out/mute-trailer.mp4 stream=codec_type)" 'video ' 'has a trailer without sound'
json_true '.stages.thumbs.notes | any(contains("no sound"))' '  and a note'
json_true '.variants[0].excerpts | all(has("sound") | not)' '  and no score of it'

# Turned, narrow pixels, irregular times: pictures of 1 s, of 0.1 s and of 3 s.
ff -i film.mp4 -t 30 -vf "scale=180:160,setsar=2,select='if(lt(t,10),not(mod(n,25)),if(lt(t,20),not(mod(n,2)),not(mod(n,75))))'" \
    -fps_mode vfr -c:v libx264 -preset ultrafast -c:a copy turned.mkv 2>/dev/null ||
    ff -i film.mp4 -t 30 -vf "scale=180:160,setsar=2,select='if(lt(t,10),not(mod(n,25)),if(lt(t,20),not(mod(n,2)),not(mod(n,75))))'" \
        -vsync vfr -c:v libx264 -preset ultrafast -c:a copy turned.mkv
tease --preview 9 turned.mkv
exits 0 'irregular times'
json_is '.variants[0].resolution' 360x160 'square pixels'
decodes out/turned-preview.mp4 '  decode'
between "$(json '.variants[0].duration')" 5 9.1 '  as long as was wanted, at most'
media portrait.mp4
tease --preview 3 portrait.mp4
json_true '.variants[0].resolution | split("x") | map(tonumber) | .[0] < .[1]' 'a phone held upright: portrait'
unlike "$(ffprobe -v error -show_streams out/portrait-preview.mp4)" rotation '  by its pixels'
if ffmpeg -hide_banner -filters 2>/dev/null | grep -q ' zscale '; then
    ff -f lavfi -i "testsrc2=s=320x180:r=25:d=8,format=yuv420p10le" -c:v libx265 -preset ultrafast -x265-params \
        log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc -color_primaries bt2020 -color_trc smpte2084 \
        -colorspace bt2020nc hdr.mp4
    tease --preview 3 --clip-format mp4,webp hdr.mp4
    is "$(shows out/hdr-preview.mp4 stream=pix_fmt,color_transfer,color_primaries)" 'yuv420p,bt709,bt709 ' 'HDR becomes SDR'
else skip 'no zscale'; fi
media interlaced.mp4
tease --preview 3 interlaced.mp4
is "$(shows out/interlaced-preview.mp4 stream=field_order)" 'progressive ' 'deinterlaced'

# Formats that cannot be sought in, or hardly; times that do not begin at 0.
ff -i film.mp4 -t 24 -an -c copy -bsf:v h264_mp4toannexb raw.h264
tease --preview 6 raw.h264
exits 0 'a bare stream without times'
between "$(json '.variants[0].duration')" 4 6.1 '  is read from its beginning'
ff -i film.mp4 -t 60 -c copy -output_ts_offset 90000 -f mpegts late.ts
tease --trailer 8 late.ts
exits 0 'MPEG-TS whose clock is at 25 hours'
between "$(json '.variants[0].duration')" 6 8.1 '  as long as was wanted'
json_true '.variants[0].excerpts | all(.from >= 0 and .to <= 60.5)' '  with times of the film'
decodes out/late-trailer.mp4 '  decodes'

# --- damage
head -c $(($(stat -c %s film.mp4) / 2)) film.mp4 >gone.mp4
tease --preview 6 gone.mp4
exits 7 'a film whose index is gone is damaged'
ff -i film.mp4 -c copy whole.mkv
python3 - <<'PY'
import random
random.seed(3)
b = bytearray(open("whole.mkv", "rb").read())
for i in range(60):
    at = random.randrange(len(b) // 10, len(b))
    b[at:at + 400] = random.randbytes(min(400, len(b) - at))
open("bad.mkv", "wb").write(b)
PY
tease --preview 9 --trailer 8 bad.mkv
exits 0 'a film with holes'
decodes out/bad-preview.mp4 '  has a preview that decodes'
decodes out/bad-trailer.mp4 '  and a trailer'
like "$(json .stages.thumbs.status)" '^(degraded|completed)$' '  and says what it met'
head -c $(($(stat -c %s whole.mkv) * 6 / 10)) whole.mkv >half.mkv
tease --preview 9 half.mkv
exits 0 'half a film'
decodes out/half-preview.mp4 '  gives what is there'
media tone.mp3 still.png
tease --preview 5 --trailer 5 tone.mp3
json_is .stages.thumbs.status not_applicable 'sound alone has no preview'
tease --preview 5 still.png
json_is .stages.thumbs.status not_applicable 'nor has a picture'
for bad in '--preview 0.5' '--trailer 301' '--preview 5 --clip-format gif' '--trailer 5 --clip-format webp' \
    '--preview 5 --preview-size 8'; do
    # shellcheck disable=SC2086
    tease $bad film.mp4
    exits 2 "$bad is refused"
done
done_testing
