# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for media-transcode; made by scripts/make-completions, not by hand.

function __media_ids
    set -l words (commandline -opc)
    set -l where
    for i in (seq (count $words))
        switch $words[$i]
            case "--db=*" "--config=*"
                set -a where $words[$i]
            case --db --config
                set -a where $words[$i] $words[(math $i + 1)]
        end
    end
    timeout -k 0.1 2 media-status $argv[1] --limit 50 $where 2>/dev/null |
        sed -n 's/^{"schema":1,"\\(job_id\\|asset":{"id\\)":"\\([0-9a-f-]*\\)","[a-z_]*":"\\([^"\\\\]*\\).*/\\2\t\\3/p'
end
complete -c media-transcode -f
complete -c media-transcode -F
complete -c media-transcode -k -a '(__media_ids assets)'
complete -c media-transcode -l quality -s q -x -a '(__fish_append , auto source 2160p 1440p 1080p 720p 480p 360p 240p 144p audio)' -d 'renditions to make: 1080p,720p,480p'
complete -c media-transcode -l output-formats -r -F -d 'renditions as JSON, instead of --quality'
complete -c media-transcode -l format -x -a 'mp4 mov mkv webm m4a mp3 opus flac ogg wav mka' -d 'of the files: mp4, or mp3 and others for sound'
complete -c media-transcode -l codec -x -a 'h264 hevc vp9 av1 copy' -d 'of the picture: h264, hevc, vp9, av1 or copy'
complete -c media-transcode -l fps -x -d 'pictures a second, whatever the source has'
complete -c media-transcode -l max-fps -x -d 'pictures a second at most'
complete -c media-transcode -l vfr -x -a 'keep constant' -d 'pictures that last differently: keep or constant'
complete -c media-transcode -l allow-upscale -d 'enlarge smaller sources'
complete -c media-transcode -l remux -x -a 'auto never only' -d 'copy what is as wanted already: auto, never, only'
complete -c media-transcode -l subtitles -x -d 'all, none, or languages: ar,en'
complete -c media-transcode -l burn-in -x -d 'subtitles to draw: a language or a file'
complete -c media-transcode -l audio-codec -x -a 'aac opus mp3 flac vorbis alac pcm copy' -d 'of the sound: aac, opus, mp3 ... or copy'
complete -c media-transcode -l audio-bitrate -x -d 'of stereo sound: 128k'
complete -c media-transcode -l channels -x -a 'source mono stereo 5.1' -d 'at most mono, stereo or 5.1; or source'
complete -c media-transcode -l loudness -x -a 'off broadcast streaming podcast' -d 'EBU R 128 target: -23, broadcast, streaming ...'
complete -c media-transcode -l denoise -x -a 'off light strong' -d 'noise reduction of sound: light or strong'
complete -c media-transcode -l speech -d 'make speech easier to understand'
complete -c media-transcode -l bitrate -x -d 'average of the picture, where -q has none'
complete -c media-transcode -l crf -x -d 'constant quality, of the codec\'s scale; less is better and larger'
complete -c media-transcode -l target-quality -x -d 'find the CRF that gives this likeness: 0.98'
complete -c media-transcode -l estimate -d 'only say what sizes and time it would come to'
complete -c media-transcode -l preset -x -a 'ultrafast superfast veryfast faster fast medium slow slower veryslow' -d 'speed of the encoder: veryfast ... veryslow'
complete -c media-transcode -l jobs -s j -x -d 'segments encoded at once; 0: one for each processor'
complete -c media-transcode -l threads -x -d 'of each encoder; 0: one, more for short films'
complete -c media-transcode -l nice -x -d 'lower the priority of encoding by this much'
complete -c media-transcode -l max-load -x -d 'encode fewer segments at once above this load; 0: never'
complete -c media-transcode -l distribute -d 'give parts of the film to the workers of the queue'
complete -c media-transcode -l part-length -x -d 'of film in one such part, about; 30 s'
complete -c media-transcode -l part -x -d 'encode segments N to M only, or \'sound\'; for such jobs'
complete -c media-transcode -l sweep -d 'remove work that was given up a week ago'
complete -c media-transcode -l output -s o -x -a '(__fish_complete_directories)' -d 'write plain files into DIR, no database'
complete -c media-transcode -l force -d 'make again what is there already'
complete -c media-transcode -l timeout -x -d 'longest work on one file'
complete -c media-transcode -l max-pixels -x -d 'largest picture, width times height'
complete -c media-transcode -l max-side -x -d 'longest side of a picture'
complete -c media-transcode -l max-streams -x -d 'streams in one file'
complete -c media-transcode -l max-duration -x -d 'longest film'
complete -c media-transcode -l max-frames -x -d 'pictures in one stream'
complete -c media-transcode -l memory -x -d 'memory of one jailed process'
complete -c media-transcode -l dry-run -s n -d 'change nothing, say what would be done'
complete -c media-transcode -l help -s h -d 'show this help and exit'
complete -c media-transcode -l version -s V -d 'show versions and exit'
complete -c media-transcode -l quiet -d 'only errors on standard error'
complete -c media-transcode -l verbose -s v -d 'say more; twice: everything'
complete -c media-transcode -l config -r -F -d 'read this configuration only'
complete -c media-transcode -l db -x -d 'database: sqlite:///path or postgresql://host/name'
complete -c media-transcode -l store -x -d 'object store: file:///path'
complete -c media-transcode -l progress -x -a 'auto bar plain json none' -d 'auto, bar, plain, json or none'
complete -c media-transcode -l log-format -x -a 'text json journal' -d 'messages as text, json or journal'
complete -c media-transcode -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c media-transcode -l files-from -r -F -d 'operands from FILE too, one a line; - is stdin'
complete -c media-transcode -l null -s 0 -d 'names in --files-from end with NUL'
complete -c media-transcode -l fail-fast -d 'stop at the first failure'
complete -c media-transcode -l print-config -d 'show each setting, its value and origin'
