#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# burn-in.t - subtitles drawn into pictures, Arabic joined and from right to left.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1

ffmpeg -nostdin -v error -y -f lavfi -i color=black:s=640x360:r=10:d=7 -c:v libx264 \
    -preset ultrafast -pix_fmt yuv420p clip.mp4
cue() { printf '1\n00:00:03,000 --> 00:00:05,000\n%s\n\n' "$2" >"$1"; }
# lit FILE SECOND: how many pixels are light then
lit() {
    ffmpeg -nostdin -v error -ss "$2" -i "$1" -frames:v 1 -f rawvideo -pix_fmt gray - |
        od -An -v -tu1 -w1 | awk '$1 > 128 {n++} END {print n + 0}'
}
# columns FILE: the light pixels of the fourth second, from left to right, a number a column
columns() {
    ffmpeg -nostdin -v error -ss 4 -i "$1" -frames:v 1 -f rawvideo -pix_fmt gray - |
        od -An -v -tu1 -w1 | awk '{x = (NR - 1) % 640} $1 > 128 {c[x]++} END {for (i = 0; i < 640; i++) print c[i] + 0}'
}
# runs FILE: how many separate strokes, as far as columns tell
strokes() { columns "$1" | awk '$1 > 0 && !on {n++} {on = $1 > 0} END {print n + 0}'; }
width() { columns "$1" | awk '$1 > 0 {if (!f) f = NR; l = NR} END {print l - f + 1}'; }
burn() { # NAME TEXT
    cue "$1.srt" "$2"
    run media-transcode -q 360p --burn-in "./$1.srt" --preset ultrafast --crf 10 -o "$1" clip.mp4
}

burn latin 'hello'
exits 0 'a line of text'
document 'it'
json_is '.variants[0].copied' false 'is no copy of the source, which is of that size'
json_is '.stages.transcode.burnt_in.cues' 1 'and counted'
is "$(lit latin/clip-360p.mp4 2) $(lit latin/clip-360p.mp4 6)" '0 0' 'nothing before and after it'
above() { # NUMBER LEAST MESSAGE
    if [ "$1" -gt "$2" ]; then pass "$3"; else fail "$3"; diag "$1, not above $2"; fi
}
above "$(lit latin/clip-360p.mp4 4)" 100 'and letters in between'
is "$(strokes latin/clip-360p.mp4)" 5 'five of them'

# Four letters that join: as they stand alone they are wider, and do not touch.
burn joined 'بحثي'
exits 0 'Arabic'
burn apart $'\u0628\u200c\u062d\u200c\u062b\u200c\u064a'
is "$(strokes joined/clip-360p.mp4)" 1 'letters join'
above "$(strokes apart/clip-360p.mp4)" 2 'but where they are kept apart'
above "$(width apart/clip-360p.mp4)" "$(width joined/clip-360p.mp4)" 'and take less room'

# A full stop is at the left end of an Arabic line, at the right end of a Latin one.
# (\an3 keeps the right end of both in one place.)
burn plain '{\an3}مرحبا'
burn stop '{\an3}مرحبا.'
edge() { columns "$1" | awk '$1 > 0 {print $1; exit}'; }
above 6 "$(edge stop/clip-360p.mp4)" 'the full stop of an Arabic line is at its left'
columns plain/clip-360p.mp4 >plain.cols
columns stop/clip-360p.mp4 >stop.cols
is "$(awk '$1 > 0' stop.cols | tail -n 12)" "$(awk '$1 > 0' plain.cols | tail -n 12)" \
    'its right end is that of the line without'
# The first word is the right one: alone, it looks as the right end does.
burn two '{\an3}مرحبا بب'
is "$(columns two/clip-360p.mp4 | awk '$1 > 0' | tail -n 10)" "$(awk '$1 > 0' plain.cols | tail -n 10)" \
    'words run from right to left'

# A track of the film.
cue ar.srt 'مرحبا'
ffmpeg -nostdin -v error -y -i clip.mp4 -i ar.srt -map 0 -map 1 -map 1 -c:v copy -c:s srt \
    -metadata:s:s:0 language=ara -metadata:s:s:1 language=eng film.mkv
run media-transcode -q 360p,180p --burn-in ar --preset ultrafast --crf 10 -o track film.mkv
exits 0 'a track, in two sizes'
above "$(lit track/film-360p.mp4 4)" 60 'is in the larger'
above "$(ffmpeg -nostdin -v error -ss 4 -i track/film-180p.mp4 -frames:v 1 -f rawvideo -pix_fmt gray - | od -An -v -tu1 -w1 | awk '$1 > 100 {n++} END {print n + 0}')" 20 'and in the smaller'
is "$(cd track && echo *.vtt)" film-subtitles-en.vtt 'what is in the pictures is not beside them as well'
run media-transcode -q 360p --burn-in fr -o x film.mkv
exits 2 'no such track'
stderr_like "there are no subtitles 'fr'" 'is said'
stderr_like '1 \(ara\), 2 \(eng\)' 'with what there is'
head -c 3000 /dev/urandom >junk.srt
run media-transcode -q 360p --burn-in ./junk.srt -o x clip.mp4
exits 2 'nothing to read in a file'
run media-transcode -q 360p --burn-in ./none.srt -o x clip.mp4
exits 2 'no such file'
run media-transcode -q source:copy --burn-in ./ar.srt -o x clip.mp4
exits 2 'a copy cannot be written into'
run media-transcode -q 360p --remux only --burn-in ./ar.srt -o x clip.mp4
exits 2 'nor what is only to be copied'
is "$(ls x 2>/dev/null)" '' 'nothing was made'
done_testing
