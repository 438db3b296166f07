#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tracks.t - the tracks and containers of films.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1

printf '1\n00:00:01,000 --> 00:00:02,000\nwords\n\n' >a.srt
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=128x72:r=25:d=3 \
    -f lavfi -i sine=f=300:r=48000:d=3 -f lavfi -i sine=f=600:r=44100:d=3,volume=0.3 -i a.srt \
    -filter_complex '[1:a]pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0[x]' \
    -map 0 -map '[x]' -map 2:a -map 3 -c:v libx264 -preset ultrafast -pix_fmt yuv420p \
    -c:a flac -c:s srt -metadata:s:a:0 language=ara -metadata:s:a:1 language=eng \
    -disposition:a:1 default -disposition:a:0 0 film.mkv

streams() { ffprobe -v error -show_entries stream=codec_name,channels:stream_tags=language -of csv=p=0 "$1" | tr '\n' ' '; }

for format in mp4 mov mkv; do
    run media-transcode --subtitles none -q 72p:$format -o out --preset ultrafast film.mkv
    exits 0 "a film in $format"
    document "$format"
    json_is '.variants[0].format' "$format" "$format: the document says so"
    is "$(streams out/film-72p.$format | sed 's/h264,und/h264/')" 'h264 aac,1,eng aac,2,ara ' \
        "$format: both tracks of sound, the default one first, 5.1 mixed to stereo"
    is "$(ffmpeg -nostdin -v error -i out/film-72p.$format -map 0 -f null - 2>&1)" '' \
        "$format decodes"
    is "$(ffprobe -v error -select_streams v -count_packets -show_entries stream=nb_read_packets \
        -of csv=p=0 out/film-72p.$format)" 75 "$format: every picture"
done

run media-transcode --subtitles none -q 72p:mkv:opus,60p --channels 5.1 --loudness broadcast -o out2 \
    --preset ultrafast film.mkv
exits 0 'other codecs beside each other'
is "$(streams out2/film-72p.mkv)" 'h264 opus,1,eng opus,6,ara ' 'Opus, 5.1 kept, in Matroska'
json_is '[.variants[].sound[].codec] | join(" ")' 'opus opus aac aac' 'the document lists them'
json_true '[.variants[].sound[].loudness.result.integrated_lufs] | all(. > -24 and . < -21.5)' \
    'each of -23 LUFS'

# WebM, for all who take no H.264; AV1 is no smaller than 64 lines.
run media-transcode --subtitles none -q 72p:webm,64p:webm:av1 -o web --preset ultrafast film.mkv
exits 0 'two films in WebM'
document 'WebM'
is "$(streams web/film-72p.webm)|$(streams web/film-64p.webm)" \
    'vp9 opus,1,eng opus,2,ara |av1 opus,1,eng opus,2,ara ' 'VP9 and AV1 with Opus'
for f in web/film-72p.webm web/film-64p.webm; do
    is "$(ffmpeg -nostdin -v error -i $f -map 0 -f null - 2>&1)" '' "$f decodes"
    is "$(ffprobe -v error -select_streams v -count_packets -show_entries stream=nb_read_packets \
        -of csv=p=0 $f)" 75 "$f: every picture"
    # The sound is as long as the pictures, and begins with them: 960 samples are one packet.
    between "$(ffprobe -v error -show_entries format=duration -of csv=p=0 $f)" 2.96 3.06 "$f: as long as the source"
    between "$(ffprobe -v error -select_streams a:0 -show_entries stream=start_time -of csv=p=0 $f)" -0.021 0.021 \
        "$f: the sound begins with the picture"
done
json_true '[.variants[].score.value] | all(. > 0.7)' 'both are scored'

run media-transcode --subtitles none -q 72p:mp4:vorbis -o out3 film.mkv
exits 2 'Vorbis in MP4'
stderr_like 'mp4 cannot carry vorbis' 'is refused before anything is done'

ffmpeg -nostdin -v error -y -i film.mkv -map 0:v -c copy mute.mkv
run media-transcode --subtitles none -q 72p:mkv -o out4 --preset ultrafast mute.mkv
exits 0 'a film without sound'
is "$(streams out4/mute-72p.mkv)" 'h264 ' 'stays without'
done_testing
